package httpapi

import (
	"math"
	"strconv"
	"time"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// plain is what the page says without scripts: the moment it was made.
type plain struct {
	Health
	Host     string
	Status   string // as the pill says it
	Measured bool   // whether there is more than health to tell
	Budget   string // of a call that names none
	Window   string // what P99 looks back over
	Rows     []plainRow
}

// plainRow is one kind of prediction. The errors are over about the last 1,000 cases.
type plainRow struct {
	Kind, Model, State           string
	Answers, Late                uint64
	P99                          string
	Measure, ModelError, RuleErr string
}

// plainOf makes it of health and status; the latter may be nil.
func plainOf(h Health, status func(since int64) status.Document) plain {
	p := plain{Health: h, Status: h.Status()}
	for _, k := range ipc.Kinds {
		p.Rows = append(p.Rows, plainRow{Kind: k.String(), Model: h.Models[k]})
	}
	if status == nil {
		return p
	}
	d := status(math.MaxInt64) // without the history
	p.Host, p.Measured, p.Budget, p.Window = d.Host, true, time.Duration(d.Budget).String(), time.Duration(d.Window).String()
	for i := range min(len(d.Kinds), len(p.Rows)) {
		k, r := &d.Kinds[i], &p.Rows[i]
		for _, n := range k.Answers {
			r.Answers += n
		}
		r.State, r.Late = k.Model.State, k.Late
		if k.Latency.N > 0 {
			r.P99 = time.Duration(k.Latency.P99).Round(time.Microsecond).String()
		}
		r.Measure, r.ModelError, r.RuleErr = k.Score.Measure, meanText(k.Score.RecentModel), meanText(k.Score.RecentRule)
	}
	return p
}

// meanText writes an error in three digits, a dash where nothing was judged.
func meanText(v *float64) string {
	if v == nil {
		return "–"
	}
	return strconv.FormatFloat(*v, 'g', 3, 64)
}
