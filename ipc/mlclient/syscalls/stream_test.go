package syscalls

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestReportCountsSinceTheLastOne(t *testing.T) {
	var s Stream
	var q ipc.ThreatRequest
	s.Report(&q, Ordinary(), 1)
	if q.Metrics.SyscallCount != 0 || q.SyscallFeatures != nil || len(q.Anomalies) != 0 {
		t.Fatalf("report of an empty stream: %+v", q)
	}
	s.Add(Named("read"), 4096)
	s.Add(Named("mmap"), 1<<20)
	s.Add(Named("sendto"), 100)
	s.Add(Named("sendto"), math.MaxUint64)
	s.Add(Named("no_such_call"), 0)
	s.Report(&q, Ordinary(), 7)
	want := ipc.ThreatMetrics{OperationCount: 3, SyscallCount: 5, MemoryUsage: 1 << 20, NetworkActivity: math.MaxUint64}
	if q.Metrics != want {
		t.Errorf("metrics %+v, want %+v", q.Metrics, want)
	}
	if len(q.SyscallFeatures) != Width || len(q.SyscallCounts) != Groups || len(q.Anomalies) != findings || q.Anomalies[0].Timestamp != 7 {
		t.Errorf("%d features, anomalies %+v", len(q.SyscallFeatures), q.Anomalies)
	}
	if err := q.Validate(); err != nil {
		t.Error(err)
	}
	s.Report(&q, Ordinary(), 8)
	if q.Metrics != (ipc.ThreatMetrics{}) || len(q.SyscallFeatures) != Width {
		t.Errorf("second report: metrics %+v, %d features; want none, and the window kept", q.Metrics, len(q.SyscallFeatures))
	}
}

func TestFeaturesAreSharesOfTheLastHundredCalls(t *testing.T) {
	var s Stream
	for range 70 {
		s.Add(Named("futex"), 0)
	}
	for range WindowCalls / 2 {
		s.Add(Named("read"), 0)
		s.Add(Named("write"), 0)
	}
	var q ipc.ThreatRequest
	s.Report(&q, Ordinary(), 0)
	f := q.SyscallFeatures
	if f[Named("read")] != 0.5 || f[Named("write")] != 0.5 || f[Named("futex")] != 0 {
		t.Errorf("read %v, write %v, futex %v", f[Named("read")], f[Named("write")], f[Named("futex")])
	}
	// entropy of two equal shares, no call like the one before, all pairs file-file
	if f[Groups+2] != 1 || f[Groups+4] != 0 || f[Groups+statistics] != 1 {
		t.Errorf("entropy %v, repeats %v, file-file %v", f[Groups+2], f[Groups+4], f[Groups+statistics])
	}
	var shares, pairs float32
	for _, v := range f[:Groups] {
		shares += v
	}
	for _, v := range f[Groups+statistics : windowWidth] {
		pairs += v
	}
	if math.Abs(float64(shares-1)) > 1e-5 || math.Abs(float64(pairs-1)) > 1e-5 {
		t.Errorf("shares sum to %v, pairs to %v", shares, pairs)
	}
}

// The memory holds what the window has forgotten, and forgets in its turn.
func TestMemoryOutlastsTheWindow(t *testing.T) {
	var s Stream
	add := func(n int, names ...string) []float32 {
		for i := range n {
			s.Add(Named(names[i%len(names)]), 0)
		}
		var q ipc.ThreatRequest
		s.Report(&q, Ordinary(), 0)
		return q.SyscallFeatures[windowWidth:]
	}
	equal := func(what string, got []float32, want ...float32) {
		t.Helper()
		for i, v := range want {
			if math.Abs(float64(got[i]-v)) > 1e-6 {
				t.Errorf("%s: number %d is %v, want %v", what, i, got[i], v)
			}
		}
	}
	//                                 file memory process identity network wait other | calls groups entropy top
	equal("one group", add(100, "read"), 1, 0, 0, 0, 0, 0, 0, 0.1, 1./63, 0, 1)
	equal("another since", add(300, "setuid"), 0.25, 0, 0, 0.75, 0, 0, 0, 0.4, 2./63, 0.811278, 0.75)
	// 2,000 calls: 100, 300 and 1,600 are halved to 50, 150 and 800.
	equal("halved", add(1600, "sendto"), 0.05, 0, 0, 0.15, 0.8, 0, 0, 1, 3./63)
	for range 7 { // 50 halved until nothing is left
		add(2000, "futex")
	}
	if got := add(1, "futex"); got[0] != 0 || got[5] < 0.99 {
		t.Errorf("14,000 calls later the memory says %v", got)
	}
}

// A stream the table was learnt from surprises less than one it never saw.
func TestReportWithoutATableHasNoAnomalies(t *testing.T) {
	var s Stream
	for _, name := range []string{"open", "read", "execve"} {
		s.Add(Named(name), 0)
	}
	q := ipc.ThreatRequest{Anomalies: []ipc.Anomaly{{Type: AnomalyAbove4}}}
	s.Report(&q, nil, 1)
	if len(q.Anomalies) != 0 || len(q.SyscallFeatures) != Width {
		t.Errorf("%d anomalies and %d features, want none and %d", len(q.Anomalies), len(q.SyscallFeatures), Width)
	}
}

func TestNoveltyTellsNewFromKnown(t *testing.T) {
	loop := func(names ...string) (s []Group) {
		for i := range 300 {
			s = append(s, Named(names[i%len(names)]))
		}
		return s
	}
	known, foreign := loop("open", "read", "close", "write"), loop("ptrace", "setuid", "socket", "kill")
	n := LearnNovelty([][]Group{known})
	n.SetUsual(Usual([]Scored{{By: n, Windows: [][]Group{known[:100]}}}))
	n, err := ParseNovelty(n.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	report := func(calls []Group) []ipc.Anomaly {
		var s Stream
		var q ipc.ThreatRequest
		for _, g := range calls {
			s.Add(g, 0)
		}
		s.Report(&q, n, 0)
		return q.Anomalies
	}
	old, strange := report(known), report(foreign)
	for i := range old {
		if old[i].Severity > 0.5+1e-6 || strange[i].Severity < 0.9 || strange[i].Severity > 1 {
			t.Errorf("type %d: known %v, foreign %v", old[i].Type, old[i].Severity, strange[i].Severity)
		}
	}
}

func TestParseNoveltyRefusesOtherFiles(t *testing.T) {
	good := Ordinary().Bytes()
	if _, err := ParseNovelty(good); err != nil {
		t.Fatal(err)
	}
	if _, err := ParseNovelty(good[1:]); err == nil {
		t.Error("a file too short passed")
	}
	copy(good[len(good)-4:], []byte{0, 0, 0xc0, 0x7f}) // NaN
	if _, err := ParseNovelty(good); err == nil {
		t.Error("a scale that is no number passed")
	}
}

func TestStreamAllocatesNothing(t *testing.T) {
	var s Stream
	q := ipc.ThreatRequest{}
	for i := range 300 {
		s.Add(X8664(i), 1)
	}
	s.Report(&q, Ordinary(), 0)
	if n := testing.AllocsPerRun(100, func() {
		s.Add(X8664(257), 1)
		s.Report(&q, Ordinary(), 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
