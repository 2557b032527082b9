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
	if len(q.SyscallFeatures) != Width || len(q.Anomalies) != findings || q.Anomalies[0].Timestamp != 7 {
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
	for _, v := range f[Groups+statistics:] {
		pairs += v
	}
	if math.Abs(float64(shares-1)) > 1e-5 || math.Abs(float64(pairs-1)) > 1e-5 {
		t.Errorf("shares sum to %v, pairs to %v", shares, pairs)
	}
}

// A stream the table was learnt from surprises less than one it never saw.
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
