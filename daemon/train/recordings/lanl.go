package recordings

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

const (
	dayMinutes  = 24 * 60
	lanlHorizon = 7 // days
	// lanlStride thins train's quiet node-days (no failure in the next week, none
	// in the last twenty days); the column "keep" weighs them back up.
	lanlStride = 6

	// What more would be is a mistake, and would be held in memory.
	maxLANLNodes  = 1 << 17
	maxLANLMinute = 100 * 366 * dayMinutes
)

// outage is one failure of a node, in minutes since 1996.
type outage struct{ start, down int }

type lanlSystem struct {
	name        string
	nodes       int
	first, last int
	outages     map[int][]outage
}

func readLANL(data, part string) ([]*lanlSystem, error) {
	var all []*lanlSystem
	byName := map[string]*lanlSystem{}
	dir := filepath.Join(data, "failure")
	err := eachRow(filepath.Join(dir, "lanl_systems_"+part+".csv"), func(r *record) error {
		s := &lanlSystem{name: r.text(0), nodes: r.int(1), first: r.int(3), last: r.int(4), outages: map[int][]outage{}}
		all, byName[s.name] = append(all, s), s
		if s.nodes < 0 || s.nodes > maxLANLNodes || s.first < 0 || s.last < s.first || s.last > maxLANLMinute {
			r.fail("%d nodes from minute %d to %d: at most %d, in order, up to %d", s.nodes, s.first, s.last, maxLANLNodes, maxLANLMinute)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, eachRow(filepath.Join(dir, "lanl_failures_"+part+".csv.gz"), func(r *record) error {
		s := byName[r.raw(0)]
		if s == nil {
			return fmt.Errorf("system %q is not among the systems", r.raw(0))
		}
		node := r.int(1)
		if node < 0 || node >= maxLANLNodes {
			r.fail("node %d is not 0 to %d", node, maxLANLNodes-1)
		}
		s.outages[node] = append(s.outages[node], outage{r.int(2), max(0, r.int(3))})
		return nil
	})
}

// nodeNames are the nodes of a system: those that failed, filled up to its
// number of nodes with nodes that never did, or, numbers, up to the largest number.
func (s *lanlSystem) nodeNames(numbers bool) []int {
	var names []int
	count := s.nodes
	for n := range s.outages {
		names = append(names, n)
		if numbers {
			count = max(count, n+1)
		}
	}
	for n := 0; len(names) < count; n++ {
		if _, failed := s.outages[n]; !failed {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func readLANLSet(o Options, to Sink) error {
	all, err := readLANL(o.Data, o.Part)
	if err != nil {
		return err
	}
	entity := 0
	for _, s := range all {
		peers := s.byDay(-1)
		for _, node := range s.nodeNames(o.Numbers) {
			to.Entity(s.name + "/" + strconv.Itoa(node))
			if err := s.askNode(to, entity, node, o.Thin, peers); err != nil {
				return err
			}
			entity++
		}
	}
	return nil
}

// askNode asks at the end of every day on which the node was up for a while,
// the last week aside, whose future is not recorded.
func (s *lanlSystem) askNode(to Sink, entity, node int, thin bool, all dayCounts) error {
	out := s.outages[node]
	slices.SortFunc(out, func(a, b outage) int { return a.start - b.start })
	own := s.byDay(node)
	p := probe{component: "node-" + s.name + "-" + strconv.Itoa(node)}
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
		p.rates = s.rates(day, own, all)
		if err := p.ask(to, entity, since, left, lanlHorizon, keep); err != nil {
			return err
		}
	}
	return nil
}

// dayCounts[d] is the number of failures before the end of day d-1.
type dayCounts []int

// byDay counts the failures of one node, of all nodes where node is negative.
func (s *lanlSystem) byDay(node int) dayCounts {
	c := make(dayCounts, (s.last-s.first)/dayMinutes+1)
	for n, out := range s.outages {
		for _, o := range out {
			if day := (o.start - s.first) / dayMinutes; (n == node || node < 0) && o.start >= s.first && day < len(c)-1 {
				c[day+1]++
			}
		}
	}
	for d := 1; d < len(c); d++ {
		c[d] += c[d-1]
	}
	return c
}

// last is the number of failures in the last n days up to the end of day.
func (c dayCounts) last(day, n int) float32 { return float32(c[day+1] - c[max(0, day+1-n)]) }

// rates are the counts that failure_rates carries, at the end of day.
func (s *lanlSystem) rates(day int, own, all dayCounts) []float32 {
	peers, watched := float32(max(1, s.nodes-1)), float32(day+1)
	peer := func(n int) float32 { return (all.last(day, n) - own.last(day, n)) / peers }
	return []float32{
		ipc.RateMonth: own.last(day, 30), ipc.RateQuarter: own.last(day, 90), ipc.RateYear: own.last(day, 365),
		ipc.RateEver: own.last(day, day+1), ipc.RateWatched: watched,
		ipc.RatePeerDay: peer(1), ipc.RatePeerWeek: peer(7), ipc.RatePeerMonth: peer(30),
		ipc.RatePeerDaily: peer(day+1) / watched,
	}
}

// overlap is the length of [a, b) inside [begin, end).
func overlap(a, b, begin, end int) int { return max(0, min(b, end)-max(a, begin)) }
