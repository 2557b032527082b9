package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// Of two signals each row is told what the other one's row says of its window.
func TestRowsAreToldOfTheOtherSignal(t *testing.T) {
	r, dst := rand.New(rand.NewPCG(5, 6)), make([]float32, 3*Workload.Width())
	for range 50 {
		_, rows := WorkloadRows(drawWorkload(r), dst)
		row := func(i int) []float32 { return dst[i*Workload.Width() : (i+1)*Workload.Width()] }
		for at, other := range []int{1, 0, 1}[:rows] {
			for i, name := range Workload.Names[workloadOther:workloadPast] {
				from := slices.Index(Workload.Names, strings.TrimPrefix(name, "other_"))
				if got, want := row(at)[workloadOther+i], row(other)[from]; got != want {
					t.Fatalf("row %d: %s = %v, want %v", at, name, got, want)
				}
			}
		}
	}
}

// What is known of the past is told in units of the window, and only where all of it is
// there; the last columns say what a row is of.
func TestPastIsToldInUnitsOfTheWindow(t *testing.T) {
	q := &ipc.WorkloadRequest{
		HistoricalCPU: []float32{0.25, 0.5}, CurrentCPU: 0.5, HistoricalMemory: []uint64{100, 104}, CurrentMemory: 104,
		HistoricalGPU: []float32{0.5, 0.5}, CurrentGPU: ipc.Some(float32(0.5)),
	}
	past := make([]float32, loads.Width)
	for i := range past {
		past[i] = float32(i + 1)
	}
	q.CPUPast, q.MemoryPast, q.GPUPast = past, past, past
	dst := make([]float32, 3*Workload.Width())
	at := func(row int, name string) float32 {
		return dst[row*Workload.Width()+slices.Index(Workload.Names, name)]
	}
	check := func(row int, name string, want float32) {
		t.Helper()
		if got := at(row, name); math.Abs(float64(got-want)) > 1e-5 {
			t.Errorf("row %d: %s = %v, want %v", row, name, got, want)
		}
	}
	WorkloadRows(q, dst)
	for row, unit := range []float32{0.25, 4} {
		check(row, "past_unit", float32(math.Log2(float64(1/unit))))
		check(row, "past_mean", 2/unit)
		check(row, "past_err_mean", 4)
		check(row, "past_autocorrelation", 6)
		check(row, "values3_nearest", min(32, 7/unit))
		check(row, "values5_distance", min(32, 24/unit))
		check(row, "past_err_values5", 28)
		check(row, "past", 1)
		check(row, [...]string{"cpu_row", "memory_row"}[row], 1)
		check(row, "gpu_row", 0)
	}
	check(2, "gpu_row", -1) // a window without steps has no unit to tell it in
	check(2, "past", -1)
	check(2, "past_mean", 0)
	q.CPUPast = past[:loads.Width-1] // another sender's idea of a past
	WorkloadRows(q, dst)
	check(0, "cpu_row", -1)
	check(0, "values3_nearest", 0)
	check(1, "memory_row", 1)
}

func TestWorkloadRowsAreScaleFree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		shares, bytes := make([]float32, 10), make([]uint64, 10)
		for i := range shares {
			v := r.IntN(1 << 12)
			// 2^-14 steps are exact in float32; the level moves along.
			shares[i], bytes[i] = float32(v)/(1<<14), uint64(v)<<30
		}
		var a, b Window
		a.CPU(shares, shares[9])
		b.Bytes(bytes, bytes[9])
		x, y := make([]float32, Workload.Width()), make([]float32, Workload.Width())
		ua, ub := a.Row(x), b.Row(y)
		if got := ub / ua; math.Abs(got/math.Ldexp(1, 44)-1) > 1e-9 {
			t.Fatalf("units %v and %v: factor %v, want 2^44", ua, ub, got)
		}
		for i := range workloadSignal { // what follows says which signal it is
			if math.Abs(float64(x[i]-y[i])) > 1e-5 {
				t.Fatalf("column %s: %v as shares, %v as bytes", Workload.Names[i], x[i], y[i])
			}
		}
	}
}

// A step of one byte at 2^53 is a step: a float of the value would not see it.
func TestBytesAreSubtractedAsIntegers(t *testing.T) {
	var w Window
	w.Bytes([]uint64{1 << 53, 1<<53 + 1}, 1<<53+1)
	if unit := w.Row(make([]float32, Workload.Width())); unit != 1 {
		t.Errorf("unit %v, want 1 byte", unit)
	}
}
