package recordings

import (
	"path/filepath"

	"github.com/mlbridge/mlbridge/ipc"
)

const (
	oomInterval = 50 // ms
	oomHorizon  = 20 // intervals, 1 s
	oomYoung    = 5  // samples before the first question
)

// readOOMSet asks at each sample of each run from the fifth on. Health is the
// share of the limit that is free; a flag says that the limit was hit in the
// interval. The run's age is in no field but the history's length, which the
// memory ensemble may not read.
func readOOMSet(o Options, to Sink) error {
	dir := filepath.Join(o.Data, "failure")
	killed := map[string]int{} // run → t_ms of the kill
	err := eachRow(filepath.Join(dir, "oom_ends_"+o.Part+".csv.gz"), func(r *record) error {
		if r.raw(2) == "oom" {
			killed[r.text(0)] = r.int(3)
		}
		return nil
	})
	if err != nil {
		return err
	}
	run, hits := "", 0
	var p *probe
	entity := -1
	return eachRow(filepath.Join(dir, "oom_runs_"+o.Part+".csv.gz"), func(r *record) error {
		if r.raw(0) != run {
			run, hits = r.text(0), 0
			to.Entity(run)
			entity++
			p = &probe{component: "memory"}
		}
		at, used := r.int(2), r.num(3)/r.num(4)
		p.sample(1-used, used, r.int(6) > hits)
		hits = r.int(6)
		left := -1
		if end, ok := killed[run]; ok && end >= at {
			left = (end-at)/oomInterval + 1
		}
		if len(p.health) < oomYoung {
			return nil
		}
		return p.ask(to, entity, ipc.Never, left, oomHorizon, 1)
	})
}
