package pages

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

const page = 1 << pageShift

// feed adds faults on pages and gives the request about the next one.
func feed(t *Tracker, pages ...uint64) *ipc.MemoryRequest {
	for _, p := range pages {
		t.Add(p*page, ipc.AccessRead, p)
	}
	q := new(ipc.MemoryRequest)
	t.Report(q)
	return q
}

func TestReportIsValidFromTheStart(t *testing.T) {
	var tr Tracker
	if q := feed(&tr); q.Validate() != nil || len(q.AccessHistory)+len(q.Candidates) != 0 {
		t.Errorf("without a fault: %+v, %v", q, q.Validate())
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 2000 {
		q := feed(&tr, r.Uint64()>>(12+r.IntN(52)))
		if err := q.Validate(); err != nil {
			t.Fatalf("fault %d: %v", i, err)
		}
		n := len(q.AccessHistory)
		if n != min(i+1, ipc.MaxAccessHistory) || q.AccessHistory[n-1] != q.CurrentAddress {
			t.Fatalf("fault %d: %d addresses, the last %x, current %x", i, n, q.AccessHistory[n-1], q.CurrentAddress)
		}
		if len(q.Candidates) != len(q.CandidateChances) {
			t.Fatalf("fault %d: %d candidates, %d chances", i, len(q.Candidates), len(q.CandidateChances))
		}
		sorted := slices.Clone(q.Candidates)
		slices.Sort(sorted)
		if len(slices.Compact(sorted)) != len(q.Candidates) {
			t.Fatalf("fault %d: a candidate twice in %x", i, q.Candidates)
		}
		if !slices.IsSortedFunc(q.CandidateChances, func(a, b float32) int { return int(1e6 * (b - a)) }) {
			t.Fatalf("fault %d: chances not best first: %v", i, q.CandidateChances)
		}
	}
}

// Three walks taken in turn: no step repeats the one before, but the slots do.
func TestInterleavedWalksAreFound(t *testing.T) {
	var tr Tracker
	walk := [3]uint64{1 << 20, 2 << 20, 3 << 20}
	right := 0
	const rounds = 300
	for i := range rounds {
		if i > 60 {
			if q := feed(&tr); q.Candidates[0] == (walk[i%3]+1)*page {
				right++
			}
		}
		walk[i%3]++
		feed(&tr, walk[i%3])
	}
	if asked := rounds - 61; right < asked*9/10 {
		t.Errorf("%d of %d pages of interleaved walks named first", right, asked)
	}
}

// A page that faulted lately is resident: the walk goes on behind it.
func TestAWalkSkipsWhatFaultedLately(t *testing.T) {
	var tr Tracker
	feed(&tr, 105, 106, 900, 800)
	q := feed(&tr, 100, 101, 102, 103, 104)
	if !slices.Contains(q.Candidates, 107*page) {
		t.Errorf("candidates %x lack page 107", q.Candidates)
	}
}

// The next page may not be known before it comes.
func TestCandidatesKnowThePastOnly(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var a, b Tracker
	for range 500 {
		p := r.Uint64() >> 30
		qa := feed(&a, p)
		b.Add(p*page, ipc.AccessRead, p)
		var qb ipc.MemoryRequest
		b.Report(&qb)
		if !slices.Equal(qa.Candidates, qb.Candidates) {
			t.Fatal("asking changed what is known")
		}
		for range 3 {
			b.Report(&qb)
		}
	}
}

func TestStepsKeepTheirSign(t *testing.T) {
	for _, step := range []int64{0, 1, -1, 1<<39 - 1, -1 << 39} {
		e := entryOf(mix(7), uint64(step))
		if got, ok := e.get(mix(7)); int64(got) != step || !ok {
			t.Errorf("step %d comes back as %d, %v", step, int64(got), ok)
		}
		if _, ok := e.get(mix(8)); ok {
			t.Errorf("step %d is found under another key", step)
		}
	}
}

func TestAddAndReportAllocateNothing(t *testing.T) {
	tr, q, at := new(Tracker), new(ipc.MemoryRequest), uint64(0)
	fault := func() {
		at += 1 + at%3
		tr.Add(at*page, ipc.AccessWrite, at)
		tr.Report(q)
	}
	for range 2 * ipc.MaxAccessHistory { // the request's lists grow to their length
		fault()
	}
	if n := testing.AllocsPerRun(200, fault); n > 0 {
		t.Errorf("%v allocations a fault", n)
	}
}

func BenchmarkFault(b *testing.B) {
	tr, q, r := new(Tracker), new(ipc.MemoryRequest), rand.New(rand.NewPCG(5, 6))
	at := [4]uint64{1 << 20, 2 << 20, 3 << 20, 4 << 20}
	b.ReportAllocs()
	for b.Loop() {
		w := &at[r.IntN(4)]
		*w += uint64(r.IntN(3))
		tr.Add(*w*page, 0, 0)
		tr.Report(q)
	}
}
