package main

// clientTables is what a client that sees every fault of an agent can keep
// about it: the last two successors of each page, and the step that followed
// the last step and the last two steps. Their four pages are the request's
// candidates, in this order, those without an entry left out.
type clientTables struct {
	after     map[uint64][2]uint64 // address → successors, latest first
	afterStep map[uint64]uint64    // step → step
	afterPair map[[2]uint64]uint64
}

// learn notes the newest address of the stream, in time O(1).
func (c *clientTables) learn(a []uint64) {
	if c.after == nil {
		c.after, c.afterStep, c.afterPair = map[uint64][2]uint64{}, map[uint64]uint64{}, map[[2]uint64]uint64{}
	}
	n := len(a)
	if n >= 2 {
		if s := c.after[a[n-2]]; s[0] != a[n-1] {
			c.after[a[n-2]] = [2]uint64{a[n-1], s[0]}
		}
	}
	if n >= 3 {
		c.afterStep[a[n-2]-a[n-3]] = a[n-1] - a[n-2]
	}
	if n >= 4 {
		c.afterPair[[2]uint64{a[n-2] - a[n-3], a[n-3] - a[n-4]}] = a[n-1] - a[n-2]
	}
}

func (c *clientTables) candidates(a []uint64) []uint64 {
	n := len(a)
	last := a[n-1]
	var out []uint64
	s := c.after[last]
	for _, p := range s {
		if p != 0 {
			out = append(out, p)
		}
	}
	if step, ok := c.afterStep[last-a[n-2]]; ok {
		out = append(out, last+step)
	}
	if step, ok := c.afterPair[[2]uint64{last - a[n-2], a[n-2] - a[n-3]}]; ok {
		out = append(out, last+step)
	}
	return out
}
