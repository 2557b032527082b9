package score

import (
	"fmt"
	"math"

	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// Worst follows an effect of the model-first way and of the rule alone as it adds up,
// and keeps the moment at which the first was worst off: since the start, and, where
// the input changed its behaviour (Turn), since then alone. The zero value is empty. A
// run gains or costs, not both.
type Worst struct{ start, turn extreme }

// extreme is the worst moment since something.
type extreme struct {
	on       bool // of turn: there was one
	ml, rule float64
	n        int
	worst    float64 // share of the rule's; above 0 is worse than the rule
	at       int     // outcomes by then
}

// worstFrom is how many outcomes have to be in before moments count: the first few say
// nothing but chance.
const worstFrom = 500

// Cost adds what an outcome cost either way: smaller is better.
func (w *Worst) Cost(ml, rule float64) { w.add(ml, rule, 1) }

// Gain adds what an outcome gained either way: larger is better.
func (w *Worst) Gain(ml, rule float64) { w.add(ml, rule, -1) }

// Turn says that the input behaves otherwise from now on.
func (w *Worst) Turn() { w.turn = extreme{on: true} }

func (w *Worst) add(ml, rule, sign float64) {
	w.start.add(ml, rule, sign)
	if w.turn.on {
		w.turn.add(ml, rule, sign)
	}
}

func (x *extreme) add(ml, rule, sign float64) {
	x.ml, x.rule = x.ml+ml, x.rule+rule
	if x.n++; x.n < worstFrom || x.rule <= 0 {
		return
	}
	if by := sign * (x.ml - x.rule) / x.rule; x.at == 0 || by > x.worst {
		x.worst, x.at = by, x.n
	}
}

// Effects makes the report's rows about what was followed: by how much of what the rule
// alone came to, in percent, the model-first way was worse at its worst moment, below 0
// where it never was; no value where no moment counts.
func (w *Worst) Effects(subsystem, what string) []report.Effect {
	rows := []report.Effect{w.start.effect(subsystem, what, "the start")}
	if w.turn.on {
		rows = append(rows, w.turn.effect(subsystem, what, "its change"))
	}
	return rows
}

func (x *extreme) effect(subsystem, what, since string) report.Effect {
	e := report.Effect{Subsystem: subsystem, Name: what + ": worst moment, worse than the rule alone by", Unit: "%"}
	if x.at == 0 {
		e.Value = math.NaN()
		e.Note = fmt.Sprintf("since %s; fewer than %d outcomes, or nothing of the rule to compare with", since, worstFrom)
		return e
	}
	e.Value = 100 * x.worst
	e.Note = fmt.Sprintf("since %s, after %s outcomes; below 0: better even then", since, report.Count(x.at))
	return e
}
