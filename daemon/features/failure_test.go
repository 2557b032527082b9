package features

import (
	"math"
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// How long health lasts at the rates at which it fell: halves, then a tenth.
func TestFailureRowsTellTheTimeLeft(t *testing.T) {
	q := &ipc.FailureRequest{Component: "memory", HealthScore: 0.4, HistoricalHealth: []float32{1, 0.5, 0.5, 0.5, 0.4}}
	row := make([]float32, Failure.Width())
	FailureRow(q, ipc.FailureMemory, row)
	weighted := func(a float64) float64 { return (0.5*a*a*a + 0.1) / (a*a*a + a*a + a + 1) }
	for name, fall := range map[string]float64{
		"left1": 0.1, "left_worst": 0.5, "left_least": 0.15, "left_middle": 0.15, "left3": 0.1 / 3,
		"left_recent": weighted(0.7), "left_steady": weighted(0.9), "left_used": weighted(0.7), "left_using": weighted(0.85),
	} {
		got, want := float64(row[slices.Index(Failure.Names, name)]), math.Log2(1+0.4/fall)
		if math.Abs(got-want) > 1e-5 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// What health wins back counts for the mean step, and not for the mean loss.
func TestFailureRowsTellLossesFromChanges(t *testing.T) {
	row := make([]float32, Failure.Width())
	FailureRow(&ipc.FailureRequest{Component: "memory", HealthScore: 0.5, HistoricalHealth: []float32{0.5, 0.3, 0.5}}, ipc.FailureMemory, row)
	column := func(name string) float32 { return row[slices.Index(Failure.Names, name)] }
	if column("left_recent") != farLeft || column("left_used") > 4 {
		t.Errorf("left_recent %v, left_used %v", column("left_recent"), column("left_used"))
	}
	if column("losing") != 0.5 || column("losing5") != 0.5 {
		t.Errorf("losing %v, losing5 %v of two steps, one of which lost", column("losing"), column("losing5"))
	}
}

func TestFamily(t *testing.T) {
	for _, c := range []struct {
		kind  uint8
		since uint64
		want  int
	}{
		{ipc.FailureMemory, 5, FamilyMemory},
		{ipc.FailureCPU, ipc.Never, FamilyResource},
		{ipc.FailureNetwork, BriefSpan, FamilyResource},
		{ipc.FailureIO, BriefSpan - 1, FamilyBrief},
		{ipc.FailureService, 0, FamilyBrief},
		{ipc.FailureService, BriefSpan, FamilyNode},
		{ipc.FailureKernel, 0, FamilyNode},
	} {
		if got := Family(c.kind, c.since); got != c.want {
			t.Errorf("Family(%d, %d) = %d, want %d", c.kind, c.since, got, c.want)
		}
	}
}

// Logarithms of counts are of nodes with counts alone.
func TestFailureRowsTakeLogarithms(t *testing.T) {
	q := &ipc.FailureRequest{
		Component: "node-7", TimeSinceLastFailure: 3 * 3600 * 1000,
		FailureRates: []float32{ipc.RateMonth: 1.5, ipc.RateEver: 3.5, ipc.RateWatched: 70, ipc.RatePeerDaily: 0.05},
	}
	row := make([]float32, Failure.Width())
	FailureRow(q, ipc.FailureKernel, row)
	for name, want := range map[string]float64{
		"is_counted": 1, "log_since": 2, "log_month": 1, "log_own_daily": math.Log2(0.05 + 1e-4),
		"log_shrunk": math.Log2(6.5/130 + 1e-4), "log_share": 0,
	} {
		if got := float64(row[slices.Index(Failure.Names, name)]); math.Abs(got-want) > 1e-5 {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	q.FailureRates = nil
	FailureRow(q, ipc.FailureKernel, row)
	for i, v := range row[failureLogs:] {
		if v != 0 {
			t.Errorf("%s = %v without counts", Failure.Names[failureLogs+i], v)
		}
	}
}
