package report

import (
	"fmt"
	"strings"
)

// unsaid stands for the answers of a lower source that came without a reason, alone for
// those of the first source, the model, which need none.
const (
	unsaid = "no reason given"
	alone  = "by itself"
)

// because is why a source answered a prediction in place of a better one.
type because struct {
	Prediction, Source string
	Share              string // of the prediction's answers
	Why                string // the reasons with their shares of the same
}

// becauses explains, for each prediction and in total, the sources that gave a
// reason. A model's own answers have none, and are not here, but for those that are
// partly the rule's.
func (r *Report) becauses() []because {
	var out []because
	for _, p := range r.rows() {
		for i, s := range p.Sources {
			if len(s.Reasons) == 0 {
				continue
			}
			var parts []string
			rest := s.Count
			for _, why := range s.Reasons {
				rest -= min(why.Count, rest)
				parts = append(parts, why.Name+" "+percentOf(why.Count, p.Answered))
			}
			if rest > 0 {
				why := unsaid
				if i == 0 {
					why = alone
				}
				parts = append(parts, why+" "+percentOf(rest, p.Answered))
			}
			out = append(out, because{p.Name, s.Name, percentOf(s.Count, p.Answered), strings.Join(parts, ", ")})
		}
	}
	return out
}

// within names the budget where answers inside it are counted: one figure may be
// about a decision's 10 ms, the next about the load's 1 ms.
func within(us float64) string {
	if us <= 0 {
		return "in budget"
	}
	return fmt.Sprintf("within %s", usUnit(us))
}
