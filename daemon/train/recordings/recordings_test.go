package recordings

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// noted keeps the questions it is asked.
type noted struct{ asked []Question }

func (*noted) Entity(string) {}

func (n *noted) Ask(q *Question) error { n.asked = append(n.asked, *q); return nil }

// A node that fails on day 10 of 30 and is down for one and a half days: asked
// on days it was up, labelled in the week before, remembering since when.
func TestLANLAsksBeforeTheFailure(t *testing.T) {
	s := &lanlSystem{name: "1", nodes: 1, first: 0, last: 30 * dayMinutes, outages: map[int][]outage{
		0: {{start: 10*dayMinutes + 720, down: 36 * 60}},
	}}
	var n noted
	if err := s.askNode(&n, 0, 0, false, s.byDay(-1)); err != nil {
		t.Fatal(err)
	}
	// Days 0-22 less day 11, on which the node was down throughout.
	if len(n.asked) != 22 {
		t.Fatalf("%d questions, want 22", len(n.asked))
	}
	for day, want := range []bool{false, false, false, true, true, true, true, true, true, true, false} {
		if q := n.asked[day]; q.Failed != want || want && q.Left != 10-day {
			t.Errorf("day %d: failed %v, %d days left", day, q.Failed, q.Left)
		}
	}
	if q := n.asked[9]; !math.IsInf(q.Since, 1) {
		t.Errorf("before the failure it is %v ms ago", q.Since)
	}
	if a, b := n.asked[10].Since, n.asked[11].Since; a != 720*60e3 || b != (720+2*dayMinutes)*60e3 {
		t.Errorf("ms since the failure %v, %v", a, b)
	}
	request := n.asked[10].Request.(*ipc.FailureRequest)
	if request.HealthScore != 0.5 {
		t.Errorf("health of day 10: %v", request.HealthScore)
	}
	if got, want := request.FailureRates[:5], []float32{1, 1, 1, 1, 11}; !slices.Equal(got, want) {
		t.Errorf("failure rates of day 10 start with %v, want %v", got, want)
	}
}

func TestUntilIncident(t *testing.T) {
	got := untilIncident([]bool{false, false, true, true, false, true, false})
	if want := []int{2, 1, 1, 2, 1, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("minutes left %v, want %v", got, want)
	}
}

// Programs that run out of memory, and a strained host, of this repository.
func TestOwnRecordings(t *testing.T) {
	for _, c := range []struct {
		set     string
		least   int
		horizon int
	}{{"exhaustion", 40_000, oomHorizon}, {"stress", 9_000, stressHorizon}} {
		var n noted
		if err := ReadFailure(&Set{Name: c.set}, Options{}, &n); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for i := range n.asked {
			q := &n.asked[i]
			if q.Failed != (q.Left > 0 && q.Left <= c.horizon) {
				t.Fatalf("%s: question %d has %d intervals left, failed %v", c.set, i, q.Left, q.Failed)
			}
			failed += b2i(q.Failed)
		}
		if len(n.asked) < c.least || failed < len(n.asked)/50 || failed > len(n.asked)/2 {
			t.Errorf("%s: %d questions, %d before a failure", c.set, len(n.asked), failed)
		}
	}
}

// A component that fails in samples 2 and 3 and again in 6, asked as kernelsim asks.
func TestStressAsksOutsideIncidents(t *testing.T) {
	var n noted
	bad := make([]bool, 9+stressHorizon)
	bad[2], bad[3], bad[6] = true, true, true
	if err := askStress(&n, 0, "io", make([]float64, len(bad)), bad); err != nil {
		t.Fatal(err)
	}
	var since, left []int
	for _, q := range n.asked {
		s := -1
		if !math.IsInf(q.Since, 1) {
			s = int(q.Since)
		}
		since, left = append(since, s), append(left, q.Left)
	}
	if want := []int{-1, -1, 400, 600, 200, 400}; !slices.Equal(since, want) {
		t.Errorf("ms since the failure %v, want %v", since, want)
	}
	if want := []int{2, 1, 2, 1, 0, 0}; !slices.Equal(left, want) {
		t.Errorf("samples left %v, want %v", left, want)
	}
}

func TestWorkloadQuestionKeepsTheOrder(t *testing.T) {
	s := &series{has: [3]bool{true, true, false}, span: 100}
	for _, v := range []float64{0.9, 0.1, 0.3, 0.5} {
		s.samples = append(s.samples, sample{cpu: v, mem: uint64(100 * v)})
	}
	q := s.question(3, 3, SignalCPU)
	if q.Current != 0.3 || q.Next != 0.5 || q.Median != 0.3 || math.Abs(q.Mean-1.3/3) > 1e-12 {
		t.Errorf("current %v, next %v, median %v, mean %v", q.Current, q.Next, q.Median, q.Mean)
	}
	if q = s.question(2, 2, SignalMemory); q.Current != 0.1 || q.Next != 0.3 || q.Span != 100 {
		t.Errorf("memory: current %v, next %v of %v bytes", q.Current, q.Next, q.Span)
	}
}

func TestIntervalsTakenTogether(t *testing.T) {
	x := []sample{{cpu: 0.1, mem: 10}, {cpu: 0.3, mem: 20}, {cpu: 1, mem: 5}, {cpu: 0.5, mem: 8, gap: true}, {cpu: 0.7, mem: 9}, {cpu: 1, mem: 1}}
	got := together(x, 2)
	want := []sample{{cpu: 0.2, mem: 15}, {cpu: 0.6, mem: 8, gap: true}} // a half before the gap and one at the end are dropped
	if !slices.Equal(got, want) {
		t.Errorf("together: %v, want %v", got, want)
	}
}

// Made-up series are shares, the same each time, and none stands still throughout.
func TestSyntheticSeries(t *testing.T) {
	first, err := readSynthetic("")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := readSynthetic("")
	if len(first) != syntheticSeries*len(behaviours) {
		t.Fatalf("%d series", len(first))
	}
	for i, s := range first {
		if !slices.Equal(s.samples, again[i].samples) {
			t.Fatalf("series %d differs from run to run", i)
		}
		moves := false
		for k, v := range s.samples {
			if !(v.cpu >= 0 && v.cpu <= 1) {
				t.Fatalf("series %d: share %v", i, v.cpu)
			}
			moves = moves || k > 0 && v.cpu != s.samples[k-1].cpu
		}
		if !moves {
			t.Errorf("series %d of behaviour %d stands still", i, i/syntheticSeries)
		}
	}
}

func TestWindowsOfATrace(t *testing.T) {
	for calls, want := range map[int]int{1: 1, 100: 1, 149: 1, 150: 2, 250: 4} {
		if got := len(Windows(make([]syscalls.Group, calls))); got != want {
			t.Errorf("%d calls give %d windows, want %d", calls, got, want)
		}
	}
}

func TestRecordsNameTheLineOfABadNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(path, []byte("a,b\n1,2\n3,x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := eachRow(path, func(r *record) error { _ = r.int(1); return nil })
	if err == nil || !strings.Contains(err.Error(), "x.csv:3:") {
		t.Errorf("error %v, want the file and line 3", err)
	}
}

// The repository's programs stay apart from those that are judged.
func TestOrdinaryPrograms(t *testing.T) {
	traces, err := OrdinaryTraces()
	if err != nil {
		t.Fatal(err)
	}
	judged := []string{"find", "zstd", "grep", "git", "node", "memcached", "gawk", "cp_rm", "sed"}
	programs := map[string]int{}
	for _, tr := range traces {
		programs[tr.Name]++
		if n := len(tr.Calls); n < 10 || n > 4000 || tr.Kind != 0 {
			t.Errorf("a thread of %s has %d calls and kind %d, want 10 to 4000 and 0", tr.Name, n, tr.Kind)
		}
		for _, name := range judged {
			if strings.HasPrefix(tr.Name, name) {
				t.Errorf("%s is among the judged programs", tr.Name)
			}
		}
	}
	for name, threads := range programs {
		if threads > 40 {
			t.Errorf("%d threads of %s, want at most 40", threads, name)
		}
	}
	if len(programs) != 33 {
		t.Errorf("%d programs, the README of daemon/train says 33", len(programs))
	}
}

// A record that names a node beyond the system's number of nodes takes the place of
// one that never failed, unless every number is asked for.
func TestLANLNodesThatNeverFailed(t *testing.T) {
	s := &lanlSystem{nodes: 3, outages: map[int][]outage{0: {{start: 1}}, 5: {{start: 2}}}}
	if got := s.nodeNames(false); !slices.Equal(got, []int{0, 1, 5}) {
		t.Errorf("nodes %v", got)
	}
	if got := s.nodeNames(true); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("every number: %v", got)
	}
}
