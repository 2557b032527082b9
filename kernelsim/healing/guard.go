package healing

import (
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// alarmAt is the probability from which a procedure is started: the verdict that
// the prediction's confidence speaks of.
const alarmAt = 0.5

// guard starts recovery procedures for one component, on the advice of one side:
// model first, or the rule alone.
type guard struct {
	alarms []alarm // whose horizon is not over, oldest first
	until  int     // reading up to which a procedure is running

	raised, right, wrong int
	caught               int
	leads                []time.Duration // from the first alarm in the horizon to the failure
	runs                 [len(procedures)]int
}

type alarm struct {
	number int // of the reading
	at     time.Time
	caught bool
}

// maxLeads bounds what is kept for the median.
const maxLeads = 1 << 12

// advise starts a procedure when the probability is high enough and none runs.
func (g *guard) advise(p *ipc.FailurePrediction, number int, at time.Time) {
	if p.Probability < alarmAt || number < g.until {
		return
	}
	g.until = number + ProcedureFor(p.Type).Readings
	g.raised++
	g.runs[min(int(p.Type), len(g.runs)-1)]++
	g.alarms = append(g.alarms, alarm{number: number, at: at})
}

// failure is told that the component begins to fail with reading number. Alarms
// of the horizon before it were right. It reports whether there were any: the failure was caught early.
func (g *guard) failure(number, horizon int, at time.Time) (early bool) {
	for i := range g.alarms {
		a := &g.alarms[i]
		if number-a.number > horizon || a.number >= number {
			continue
		}
		if !early && len(g.leads) < maxLeads {
			g.leads = append(g.leads, at.Sub(a.at))
		}
		early, a.caught = true, true
	}
	if early {
		g.caught++
	}
	return early
}

// expire judges the alarms whose horizon ended before reading number, and returns
// how many they were and how many of them were false.
func (g *guard) expire(number, horizon int) (judged, wrong int) {
	k := 0
	for ; k < len(g.alarms) && number-g.alarms[k].number > horizon; k++ {
		if g.alarms[k].caught {
			g.right++
		} else {
			wrong++
		}
	}
	g.wrong += wrong
	g.alarms = append(g.alarms[:0], g.alarms[k:]...)
	return k, wrong
}

// median of the leads, 0 without any.
func median(leads []time.Duration) time.Duration {
	if len(leads) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(leads))
	return sorted[len(sorted)/2]
}
