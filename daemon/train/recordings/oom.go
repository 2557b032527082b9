package recordings

import (
	"bytes"
	"compress/gzip"
	"path/filepath"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/train/exhaustion"
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
	runs := oomRuns{to: to, entity: -1}
	return eachRow(filepath.Join(dir, "oom_runs_"+o.Part+".csv.gz"), func(r *record) error {
		end, ok := killed[r.raw(0)]
		return runs.sample(r.raw(0), r.int(2), end, ok, r.num(3)/r.num(4), r.int(6))
	})
}

// readExhaustion asks the same of the programs that this project recorded beside
// the data. They are for training only.
func readExhaustion(to Sink) error {
	in, err := gzip.NewReader(bytes.NewReader(exhaustion.Runs))
	if err != nil {
		return err
	}
	runs := oomRuns{to: to, entity: -1}
	return eachRowOf(in, "exhaustion", func(r *record) error {
		return runs.sample(r.raw(0), r.int(5), r.int(3), r.raw(2) == "oom", r.num(6)/r.num(4), r.int(7))
	})
}

// oomRuns asks about runs, sample by sample.
type oomRuns struct {
	to     Sink
	entity int
	name   string
	hits   int // of the limit so far
	probe  *probe
}

// sample adds the sample of a run at a time in ms, of which the share used is of
// the limit, and asks. end is when the run was killed, if it was.
func (s *oomRuns) sample(run string, at, end int, killed bool, used float64, hits int) error {
	if s.probe == nil || run != s.name {
		s.name, s.hits = strings.Clone(run), 0
		s.to.Entity(s.name)
		s.entity++
		s.probe = &probe{component: "memory"}
	}
	s.probe.sample(1-used, used, hits > s.hits)
	s.hits = hits
	left := -1
	if killed && end >= at {
		left = (end-at)/oomInterval + 1
	}
	if len(s.probe.health) < oomYoung {
		return nil
	}
	return s.probe.ask(s.to, s.entity, ipc.Never, left, oomHorizon, 1)
}
