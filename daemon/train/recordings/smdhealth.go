package recordings

import (
	"path/filepath"

	"github.com/mlbridge/mlbridge/ipc"
)

const smdHorizon = 10 // minutes

// smdComponents are the components asked and their columns. Memory is left to
// the OOM recordings, whose horizon is a second: one name, one meaning.
var smdComponents = []struct {
	name   string
	column int
}{{"cpu", 3}, {"io", 4}, {"network", 5}}

// readSMDHealthSet asks each minute outside an incident whether one begins within
// ten minutes. (Asked during one, the flags would give the label away.)
func readSMDHealthSet(o Options, to Sink) error {
	path := filepath.Join(o.Data, "failure", "smd_health_"+o.Part+".csv.gz")
	type host struct {
		health [3][]float64
		failed []bool
	}
	hosts, order := map[string]*host{}, []string(nil)
	err := eachRow(path, func(r *record) error {
		h := hosts[r.raw(0)]
		if h == nil {
			h = &host{}
			name := r.text(0)
			hosts[name], order = h, append(order, name)
		}
		for i, c := range smdComponents {
			h.health[i] = append(h.health[i], r.num(c.column)/1000)
		}
		h.failed = append(h.failed, r.int(6) == 1)
		return nil
	})
	if err != nil {
		return err
	}
	for entity, name := range order {
		h := hosts[name]
		left := untilIncident(h.failed)
		to.Entity(name)
		for i, c := range smdComponents {
			p := probe{component: c.name}
			last := -1 // last minute of the latest incident
			for m, failed := range h.failed {
				p.sample(h.health[i][m], 1-h.health[i][m], failed)
				if failed {
					last = m
					continue
				}
				since := ipc.Never
				if last >= 0 {
					since = uint64(m-last) * 60_000
				}
				if err := p.ask(to, entity, since, left[m], smdHorizon, 1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// untilIncident gives for each minute the minutes until the next one in an
// incident, -1 where none follows.
func untilIncident(failed []bool) []int {
	left := make([]int, len(failed))
	next := -1
	for m := len(failed) - 1; m >= 0; m-- {
		left[m] = -1
		if next >= 0 {
			left[m] = next - m
		}
		if failed[m] {
			next = m
		}
	}
	return left
}
