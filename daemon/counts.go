package daemon

import "sync/atomic"

// requestCounts counts answers by route and class of status. Both are closed sets,
// so nothing that a peer sends can make a new time series.
type requestCounts struct {
	names []string // by route id; the first is for paths that are not there
	n     [][statusClasses]atomic.Uint64
}

// statusClasses are 1xx to 5xx.
const statusClasses = 5

func newRequestCounts(routes map[string]route) *requestCounts {
	c := &requestCounts{
		names: make([]string, len(routes)+1),
		n:     make([][statusClasses]atomic.Uint64, len(routes)+1),
	}
	c.names[noRoute] = "other"
	for _, r := range routes {
		c.names[r.id] = r.name
	}
	return c
}

func (c *requestCounts) add(route, status int) {
	c.n[route][min(max(status/100, 1), statusClasses)-1].Add(1)
}

// each calls f for every count that is not zero; class is "2xx" and so on.
func (c *requestCounts) each(f func(route, class string, n uint64)) {
	for i := range c.n {
		for j := range c.n[i] {
			if n := c.n[i][j].Load(); n > 0 {
				f(c.names[i], string(rune('1'+j))+"xx", n)
			}
		}
	}
}
