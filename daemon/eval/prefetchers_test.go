package main

import (
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestPrefetchers(t *testing.T) {
	at := func(pages ...uint64) *ipc.MemoryRequest {
		r := &ipc.MemoryRequest{}
		for _, p := range pages {
			r.AccessHistory = append(r.AccessHistory, p<<12)
		}
		r.CurrentAddress = r.AccessHistory[len(pages)-1]
		return r
	}
	for _, c := range []struct {
		name string
		r    *ipc.MemoryRequest
		want []uint64
	}{
		{"next page", at(1, 3, 5, 6), []uint64{7}},
		{"last step", at(9, 7, 5), []uint64{3}},
		{"last step", at(9, 5, 5), nil},
		{"next four pages", at(1, 3), []uint64{4, 5, 6, 7}},
		{"four majority steps", at(20, 18, 16, 17), []uint64{15, 13, 11, 9}},
	} {
		var got []uint64
		for _, p := range prefetchers {
			if p.name != c.name {
				continue
			}
			f := fault{n: 3} // of the one before
			f.steps(c.r.CurrentAddress, p.step(c.r), p.pages)
			for _, page := range f.pages[:f.n] {
				got = append(got, page>>12)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s after %v: %v, want %v", c.name, c.r.AccessHistory, got, c.want)
		}
	}
}

// Prefetching stands beside the rule, the last step again and the best of the simple guesses,
// on the same draws: pages in a row are the next page's, and the rule's from the third on.
func TestPrefetchingHasOpponents(t *testing.T) {
	a := &pageAnswers{}
	for g := range int32(4) {
		for i := range uint64(30) {
			at := (uint64(g)*1000 + i) << 12
			f := fault{next: at + 4096, segment: int(g), group: g}
			a.faults, a.ruled = append(a.faults, f), append(a.ruled, f)
			for k, p := range prefetchers {
				if p.name == "next page" || p.name == "next four pages" {
					f.steps(at, 4096, p.pages)
				} else {
					f.n = 0
				}
				a.simple[k] = append(a.simple[k], f)
			}
		}
	}
	s := &sample{group: make([]int32, 120), groups: 4, by: "blocks"}
	rows := a.fetching(s, func(metric string, v float64) row { return plain("memory", "tables", "test", metric, v, 0) }, "", &fetchBounds{}, 1<<30)
	for i, want := range []string{"next page", "next page"} {
		r := rows[i]
		if r.Model != 0 || r.Rule != 0 || r.LastValue != 0 || r.BestSimple != 1 || r.BestSimpleName != want || r.GainLow != -1 || r.GainHigh != -1 || r.N != 120 {
			t.Errorf("%s: %+v", r.Metric, r)
		}
	}
}
