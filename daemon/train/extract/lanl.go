package main

import (
	"path/filepath"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

const (
	dayMinutes  = 24 * 60
	lanlHorizon = 7 // days
	// lanlStride thins train's quiet node-days (no failure in the next week, none
	// in the last twenty days); the column "keep" weighs them back up.
	lanlStride = 6
)

// outage is one failure of a node, in minutes since 1996.
type outage struct{ start, down int }

type lanlSystem struct {
	name        string
	nodes       int
	first, last int
	outages     map[int][]outage
}

func readLANL(j *job, part string) ([]*lanlSystem, error) {
	var all []*lanlSystem
	byName := map[string]*lanlSystem{}
	dir := filepath.Join(j.data, "failure")
	err := eachRow(filepath.Join(dir, "lanl_systems_"+part+".csv"), func(r *record) error {
		s := &lanlSystem{name: r.text(0), nodes: r.int(1), first: r.int(3), last: r.int(4), outages: map[int][]outage{}}
		all, byName[s.name] = append(all, s), s
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, eachRow(filepath.Join(dir, "lanl_failures_"+part+".csv.gz"), func(r *record) error {
		s := byName[r.fields[0]]
		node := r.int(1)
		s.outages[node] = append(s.outages[node], outage{r.int(2), max(0, r.int(3))})
		return nil
	})
}

// nodeNames are the nodes of a system: those that failed, filled up to its
// number of nodes with nodes that never did.
func (s *lanlSystem) nodeNames() []int {
	var names []int
	for n := range s.outages {
		names = append(names, n)
	}
	for n := 0; len(names) < s.nodes; n++ {
		if _, failed := s.outages[n]; !failed {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func writeLANL(j *job, part string) error {
	all, err := readLANL(j, part)
	if err != nil {
		return err
	}
	t, err := createTable(j.out, "failure_lanl_"+part, &features.Failure, failureColumns...)
	if err != nil {
		return err
	}
	for _, s := range all {
		for _, node := range s.nodeNames() {
			id := t.entity(s.name + "/" + itoa(node))
			if err := s.writeNode(t, id, node, part == "train"); err != nil {
				return err
			}
		}
	}
	return t.close()
}

// writeNode asks at the end of every day on which the node was up for a while,
// the last week aside, whose future is not recorded.
func (s *lanlSystem) writeNode(t *table, id float64, node int, thin bool) error {
	out := s.outages[node]
	slices.SortFunc(out, func(a, b outage) int { return a.start - b.start })
	p := probe{component: "node-" + s.name + "-" + itoa(node)}
	days := (s.last - s.first) / dayMinutes
	next := 0          // first outage after the day
	lastEnd := s.first // until when the node was down, from earlier outages
	for day := range days {
		begin, end := s.first+day*dayMinutes, s.first+(day+1)*dayMinutes
		down := overlap(s.first, lastEnd, begin, end)
		failed := false
		for ; next < len(out) && out[next].start < end; next++ {
			o := out[next]
			failed = failed || o.start >= begin
			from := max(o.start, lastEnd) // overlapping records count once
			down += overlap(from, o.start+o.down, begin, end)
			lastEnd = max(lastEnd, o.start+o.down)
		}
		p.sample(1-float64(min(down, dayMinutes))/dayMinutes, float64(min(down, dayMinutes))/dayMinutes, failed)
		if down >= dayMinutes || day >= days-lanlHorizon {
			continue
		}
		since := ipc.Never
		if next > 0 {
			since = uint64(max(0, end-out[next-1].start)) * 60_000
		}
		left := -1
		if next < len(out) {
			left = 1 + (out[next].start-end)/dayMinutes
		}
		keep := 1.0
		if quiet := since > 20*dayMinutes*60_000 && (left < 0 || left > lanlHorizon); thin && quiet {
			if keep = lanlStride; (day+node)%lanlStride != 0 {
				continue
			}
		}
		if err := p.ask(t, id, since, left, lanlHorizon, keep); err != nil {
			return err
		}
	}
	return nil
}

// overlap is the length of [a, b) inside [begin, end).
func overlap(a, b, begin, end int) int { return max(0, min(b, end)-max(a, begin)) }
