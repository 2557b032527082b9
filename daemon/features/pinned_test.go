package features

import (
	commandline "flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

const pinnedFile = "testdata/columns.txt"

var record = commandline.Bool("record", false, "write "+pinnedFile+" anew: only with a new version of a layout")

// pinner hashes the bits of each column over all rows of a layout.
type pinner struct {
	layout *Layout
	dst    []float32
	sums   []uint64 // per column; the last one is of what a request has beside its rows
}

func newPinner(l *Layout) *pinner {
	p := &pinner{layout: l, dst: make([]float32, MaxPages*l.Width()), sums: make([]uint64, l.Width()+1)}
	for i := range p.sums {
		p.sums[i] = 14695981039346656037 // where FNV starts
	}
	return p
}

// fold is one step of FNV-1a over whole numbers.
func (p *pinner) fold(column int, bits uint64) {
	p.sums[column] = (p.sums[column] ^ bits) * 1099511628211
}

func (p *pinner) rows(n int) {
	w := p.layout.Width()
	for i, v := range p.dst[:n*w] {
		p.fold(i%w, uint64(math.Float32bits(v)))
	}
}

func (p *pinner) beside(bits uint64) { p.fold(p.layout.Width(), bits) }

func (p *pinner) String() string {
	var b strings.Builder
	for i, sum := range p.sums {
		name := "(beside)"
		if i < p.layout.Width() {
			name = p.layout.Names[i]
		}
		fmt.Fprintf(&b, "%s %s %016x\n", p.layout.Version, name, sum)
	}
	return b.String()
}

// TestColumnsKeepTheirBits: the models were fitted on these very numbers, so no
// faster way to a column may change its last bit, on any machine. The sums are
// those of the code that made the training tables.
func TestColumnsKeepTheirBits(t *testing.T) {
	const requests = 4000
	r, gpu, past := rand.New(rand.NewPCG(20, 26)), rand.New(rand.NewPCG(20, 27)), rand.New(rand.NewPCG(20, 28))
	workload, failure, threat, memory := newPinner(&Workload), newPinner(&Failure), newPinner(&Threat), newPinner(&Memory)
	for range requests {
		w := &ipc.WorkloadRequest{CurrentGPU: ipc.Some(float32(0))}
		w.HistoricalCPU, w.CurrentCPU = drawShares(r)
		w.HistoricalMemory, w.CurrentMemory = drawBytes(r)
		w.HistoricalGPU, w.CurrentGPU.Value = drawShares(gpu)
		drawPasts(past, w)
		units, rows := WorkloadRows(w, workload.dst)
		workload.rows(rows)
		for _, unit := range units {
			workload.beside(math.Float64bits(unit))
		}

		q, kind := drawFailure(r)
		FailureRow(q, kind, failure.dst)
		failure.rows(1)

		ThreatRow(drawThreat(r), threat.dst)
		threat.rows(1)

		var p Pages
		m := drawMemory(r)
		p.Read(m)
		p.Rows(m, memory.dst)
		memory.rows(p.Len())
		for i := range p.Len() {
			memory.beside(p.Address(i))
		}
	}
	got := workload.String() + failure.String() + threat.String() + memory.String()
	if *record {
		if err := os.WriteFile(pinnedFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(pinnedFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		want[line] = true
	}
	for line := range strings.Lines(got) {
		if !want[line] {
			t.Errorf("changed, or not recorded: %s", line)
		}
	}
}
