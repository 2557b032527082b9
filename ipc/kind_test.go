package ipc

import "testing"

// TestSubjectHash has the vectors of RFC 9923: what a share of a model's candidates is has
// to survive a release.
func TestSubjectHash(t *testing.T) {
	for _, c := range []struct {
		s    Subject
		want uint64
	}{
		{Subject{}, 0},
		{Subject{Agent: 1<<64 - 1}, 1<<64 - 1},
		{Subject{Component: "a"}, 0xaf63dc4c8601ec8c},
		{Subject{Component: "foobar"}, 0x85944171f73967e8},
		{Subject{Agent: 7, Component: "foobar"}, 0x85944171f73967e8},
	} {
		if got := c.s.Hash(); got != c.want {
			t.Errorf("Hash of %+v = %#x, want %#x", c.s, got, c.want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = Subject{Component: "nic0"}.Hash() }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
