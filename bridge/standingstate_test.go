package bridge

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
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

// What is damaged changes nothing at all.
func TestStandingsDamaged(t *testing.T) {
	whole := judgedBoard().save()
	next := new(scoreboard) // for all that is refused, which leaves it as it is
	refused := func(what string, b []byte) {
		t.Helper()
		if n, err := next.restore(b); n != 0 || err == nil || len(next.all()) > 0 || next.off.Load() {
			t.Errorf("%s: %d models, %v, %d standings; want none and an error", what, n, err, len(next.all()))
		}
	}
	bent := func(at int, v byte) []byte {
		b := append([]byte(nil), whole...)
		b[at] = v
		return b
	}
	refused("another version", bent(0, 1))
	refused("a later version", bent(0, standingStateVersion+1))
	refused("an earlier one's length", bent(0, withoutStale))
	refused("the length of one before that", bent(0, withSharedRecords))
	refused("no switch", bent(1, 2))
	refused("no kind", bent(2, 9))
	entry := 2 + 1 // the first entry's label: u8 length, "old@1", then flags
	target := entry + 7
	refused("a name of another length", bent(entry, 0))
	refused("a name that is no text", bent(entry+1, 0xff))
	refused("a flag that is none", bent(entry+6, 8))
	refused("a target's flag that is none", bent(target, wasDoubled*(maxDoubled+1)))
	for at, field := range numbersOf(target) {
		impossible := []uint64{math.Float64bits(math.NaN()), math.Float64bits(math.Inf(1)), math.Float64bits(1e300), math.Float64bits(-1e300)}
		if field == 'u' {
			impossible = []uint64{math.MaxUint64, 1<<60 + 1}
		}
		for _, v := range impossible {
			b := append([]byte(nil), whole...)
			binary.LittleEndian.PutUint64(b[at:], v)
			refused(fmt.Sprintf("%#x at byte %d", v, at-target), b)
		}
	}
	openDifferences, openOutcomes := target+105, target+106+8*windowBlocks+16+8+3*32+8
	refused("more differences than a block has", bent(openDifferences, blockPairs))
	longer := bent(openDifferences, blockPairs)
	longer[target] |= wasDoubled
	refused("more blocks than its cases make", longer)
	binary.LittleEndian.PutUint64(longer[openDifferences-16:], 1) // of its blocks
	if n, err := new(scoreboard).restore(longer); n != 3 || err != nil {
		t.Errorf("as many as a block has that is twice as long: %d models, %v", n, err)
	}
	longer[target] |= wasDoubled * (maxDoubled + 1)
	refused("a block that is longer than any", longer)
	refused("more outcomes than a block has", bent(openOutcomes, blockPairs))
	if n, err := new(scoreboard).restore(bent(openOutcomes, blockPairs-1)); n != 3 || err != nil {
		t.Errorf("as many as a block can have open: %d models, %v", n, err)
	}
	refused("two that serve", bent(entry+6, wasServing))
	refused("the same twice", append(append([]byte(nil), whole...), whole[2:]...))
	ends := map[int]int{2: 0} // of entries: the models up to there
	workload := targetsOf(ipc.Workload)
	size := (len(whole) - 2 - 3*2 - len("old@1new@2sick@1") - 3) / (2*workload + targetsOf(ipc.Failure)) // of a target
	for i, at := range []int{2 + 8 + workload*size, 2 + 2*(8+workload*size)} {
		ends[at] = i + 1
	}
	crowd := append([]byte(nil), whole...)
	for n := range byte(maxStandings - 1) { // with the two that there are, one more than are told apart
		at := len(crowd) + 2
		crowd = append(crowd, whole[2:2+8+workload*size]...)
		crowd[at] += n + 1
	}
	refused("more models than are told apart", crowd)
	if n, err := new(scoreboard).restore(crowd[:len(crowd)-8-workload*size]); n != maxStandings+1 || err != nil {
		t.Errorf("as many as are told apart, and another kind's: %d models, %v", n, err)
	}
	for n := range 2 + 2*(8+workload*size) + 9 + 2*size { // what follows is more of the same
		if at := (n - 2) % (8 + workload*size); at > 8+2*size && at < 8+(workload-1)*size {
			continue // targets are alike
		}
		got, err := next.restore(whole[:n])
		if want, ok := ends[n]; ok != (err == nil) || got != want {
			t.Fatalf("%d models from %d bytes, %v; want %d", got, n, err, want)
		}
		if err == nil {
			next = new(scoreboard)
		}
	}
}

// numbersOf gives where the numbers of a target are that begins at byte at, and whether
// they are floats (f) or counts (u).
func numbersOf(at int) iter.Seq2[int, rune] {
	layout := "b uuuu fffff uf uf b" + strings.Repeat("f", windowBlocks) + "ff u" + strings.Repeat("ffuf", 3) + "u b ffffff"
	return func(yield func(int, rune) bool) {
		for _, field := range layout {
			switch field {
			case 'b':
				at++
			case 'f', 'u':
				if !yield(at, field) {
					return
				}
				at += 8
			}
		}
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
