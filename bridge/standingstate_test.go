package bridge

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

// judgedBoard is a scoreboard on which models were trusted, demoted and tried.
func judgedBoard() *scoreboard {
	s := new(scoreboard)
	s.init(func(Standing) {})
	judge := func(k ipc.Kind, label string, n int, model, rule float64) {
		st := &s.of(k).standing
		for i := range n {
			for target := range targetsOf(k) {
				st.judge(st.of(label), target, pairCase{model + float64(i%3)/100, rule, 1, i%7 == 0})
			}
		}
	}
	s.serve(ipc.Workload, "old@1")
	judge(ipc.Workload, "old@1", 900, 0.1, 0.5)
	s.serve(ipc.Workload, "new@2")
	judge(ipc.Workload, "new@2", 300, 0.9, 0.5)
	s.serve(ipc.Failure, "sick@1")
	judge(ipc.Failure, "sick@1", 5, 0.9, 0.5) // not enough to be sure of anything
	return s
}

// ruled reports whether the rule answers all of kind k.
func (s *scoreboard) ruled(k ipc.Kind) bool {
	return s.useless(k, all(k), s.of(k).standing.serving.label)
}

// all are the kind's targets.
func all(k ipc.Kind) targetSet { return 1<<targetsOf(k) - 1 }

// models is how many are known.
func (s *scoreboard) models() (n int) {
	for _, st := range s.all() {
		if st.Target == targetNames[st.Kind-1][0] && st.With == "" && !st.Stale {
			n++
		}
	}
	return n
}

func (s *scoreboard) all() (list []Standing) {
	for _, k := range ipc.Kinds {
		list = append(list, s.of(k).standing.snapshot(k)...)
	}
	return list
}

// A successor knows which models are demoted and on what grounds, and goes on judging
// them where the one before left off.
func TestStandingsGoAlong(t *testing.T) {
	old := judgedBoard()
	if !old.ruled(ipc.Workload) || old.ruled(ipc.Failure) {
		t.Fatal("the test's models stand elsewhere than it means")
	}
	next := new(scoreboard)
	next.init(func(Standing) {})
	if n, err := next.restore(old.save()); n != 3 || err != nil {
		t.Fatalf("restore() = %d, %v; want 3 models", n, err)
	}
	same := cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if diff := cmp.Diff(old.all(), next.all(), same); diff != "" {
		t.Error(diff)
	}
	if !next.ruled(ipc.Workload) || next.ruled(ipc.Failure) || next.useless(ipc.Workload, all(ipc.Workload), "old@1") {
		t.Error("who answers is another after the hand-over")
	}
	// The same cases turn both at the same moment.
	for i := range 2000 {
		n := targetsOf(ipc.Workload)
		turned := make([]bool, 0, 2*n)
		for _, s := range []*scoreboard{old, next} {
			st := &s.of(ipc.Workload).standing
			for target := range n {
				turned = append(turned, st.judge(st.of("new@2"), target, pairCase{0.1, 0.5, 1, true}))
			}
		}
		if !slices.Equal(turned[:n], turned[n:]) {
			t.Fatalf("case %d turned the one and not the other", i)
		}
	}
	if next.ruled(ipc.Workload) {
		t.Error("the model never came back")
	}
}

// A model that is doubted is doubted by the successor, on the same grounds.
func TestDoubtGoesAlong(t *testing.T) {
	old := new(scoreboard)
	old.init(func(Standing) {})
	old.serve(ipc.Workload, "m@1")
	st := &old.of(ipc.Workload).standing
	m := &st.serving.targets[0]
	for i := range 1000 {
		st.judge(st.serving, 0, pairCase{float64(i%3) / 100, 0.5, 1, false})
	}
	for n := 0; !m.betting.doubting; n++ {
		if st.judge(st.serving, 0, pairCase{0.6, 0.5, 1, false}) || n == 1000 {
			t.Fatalf("after %d bad cases it is demoted, or not even doubted", n)
		}
	}
	next := new(scoreboard)
	next.init(func(Standing) {})
	if _, err := next.restore(old.save()); err != nil {
		t.Fatal(err)
	}
	if got := next.of(ipc.Workload).standing.serving.targets[0].betting; got != m.betting {
		t.Errorf("%+v, want what was known: %+v", got, m.betting)
	}
}

// The kill switch stays where the operator put it.
func TestKillSwitchGoesAlong(t *testing.T) {
	old := judgedBoard()
	old.off.Store(true)
	next := new(scoreboard)
	next.init(func(Standing) {})
	if _, err := next.restore(old.save()); err != nil || !next.ruled(ipc.Failure) {
		t.Errorf("restore: %v; models off = %v", err, next.off.Load())
	}
}

// Whatever was restored, what is made of it stays within what can be saved, and told.
func FuzzStandingState(f *testing.F) {
	f.Add(judgedBoard().save())
	f.Add([]byte{standingStateVersion, 1})
	f.Add(savedBy(f, withSharedRecords))
	f.Add(savedBy(f, withoutStale))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &scoreboard{told: func(Standing) {}}
		n, err := s.restore(b)
		if got := s.models(); got != n || err != nil && n > 0 {
			t.Fatalf("restore() = %d, %v with %d models known", n, err, got)
		}
		if err == nil {
			again := &scoreboard{told: func(Standing) {}}
			if m, err := again.restore(s.save()); m != n || err != nil {
				t.Fatalf("saved again: %d, %v; want %d", m, err, n)
			}
		}
		for _, k := range ipc.Kinds { // and what is known can be gone on with
			st := &s.of(k).standing
			for i := range st.models {
				if m := &st.models[i]; m.id != 0 {
					for n := range 2 * blockPairs {
						st.judge(m, 0, pairCase{float64(n % 2), 1, 1, false})
					}
				}
			}
			st.judge(st.of("x@1"), 0, pairCase{0, 1, 1, false})
		}
		again := &scoreboard{told: func(Standing) {}}
		if _, err := again.restore(s.save()); err != nil {
			t.Fatalf("saved after further cases: %v", err)
		}
	})
}
