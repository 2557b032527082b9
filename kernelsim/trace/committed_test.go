package trace_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/kernelsim/trace"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// each opens every committed trace of a set with open and hands it to check.
func each[T any](t *testing.T, set trace.Set, atLeast int,
	open func(string) (*trace.Reader[T], error), check func(t *testing.T, m trace.Meta, all []T),
) {
	t.Helper()
	names, err := trace.List(traces.FS, set)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < atLeast {
		t.Fatalf("%d traces of set %s, want %d at least", len(names), set, atLeast)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			m := r.Meta()
			var all []T
			// The reader itself refuses times that run backwards and a row count
			// that is not the promised one.
			for record, err := range r.All() {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, record)
			}
			if len(all) != m.Rows {
				t.Errorf("%d rows, preamble says %d", len(all), m.Rows)
			}
			if m.Name+".csv.gz" != name {
				t.Errorf("trace in %s is named %q", name, m.Name)
			}
			private(t, m)
			check(t, m, all)
		})
	}
}

// private fails if a preamble tells anything about the recording machine
// beyond its kernel version.
func private(t *testing.T, m trace.Meta) {
	t.Helper()
	path := regexp.MustCompile(`/(root|home|tmp|work|usr|var|Users)\b`)
	for key, value := range m.Keys {
		if path.MatchString(value) {
			t.Errorf("%s names a path: %q", key, value)
		}
	}
}

func TestCommittedFaults(t *testing.T) {
	types := map[uint8]int{}
	each(t, trace.SetMemory, 4, func(n string) (*trace.Reader[trace.Fault], error) { return trace.OpenFaults(traces.FS, n) },
		func(t *testing.T, m trace.Meta, all []trace.Fault) {
			majors := 0
			for i, f := range all {
				if f.Addr == 0 || f.Addr >= 1<<47 {
					t.Fatalf("row %d: %#x is no user address", i, f.Addr)
				}
				if f.Major {
					majors++
				}
				types[f.Type]++
			}
			if len(all) < 5000 || majors < len(all)/10 || m.Kind != 0 {
				t.Errorf("%d faults, %d major, kind %d: not a stream under memory pressure", len(all), majors, m.Kind)
			}
		})
	if types[trace.Read] == 0 || types[trace.Write] == 0 {
		t.Errorf("faults by type %v: reads and writes must both occur", types)
	}
}

func TestCommittedSyscalls(t *testing.T) {
	kinds := map[uint8]int{}
	each(t, trace.SetThreat, 8, func(n string) (*trace.Reader[trace.Syscall], error) { return trace.OpenSyscalls(traces.FS, n) },
		func(t *testing.T, m trace.Meta, all []trace.Syscall) {
			kinds[m.Kind]++
			agents, network := map[uint64]bool{}, uint64(0)
			for _, s := range all {
				agents[s.Agent] = true
				network += s.Bytes
			}
			if len(all) < 2000 {
				t.Errorf("%d calls, want 2000 at least", len(all))
			}
			if (m.Kind != 0) != strings.Contains(m.Label, "(simulated)") {
				t.Errorf("kind %d is labelled %q: hostile streams are simulations and say so", m.Kind, m.Label)
			}
			if m.Kind != 0 && network == 0 {
				t.Error("a simulated attack over the network moved no bytes")
			}
			for a := range uint64(len(agents)) {
				if !agents[a+1] {
					t.Errorf("%d agents, but none numbered %d", len(agents), a+1)
				}
			}
		})
	for _, kind := range []uint8{0, 1, 2, 4, 5} {
		if kinds[kind] == 0 {
			t.Errorf("no stream of kind %d", kind)
		}
	}
}

func TestCommittedUsages(t *testing.T) {
	each(t, trace.SetWorkload, 5, func(n string) (*trace.Reader[trace.Usage], error) { return trace.OpenUsages(traces.FS, n) },
		func(t *testing.T, _ trace.Meta, all []trace.Usage) {
			var shares []float64
			for i := 1; i < len(all); i++ {
				if all[i].CPU < all[i-1].CPU || all[i].RSS == 0 {
					t.Fatalf("row %d: %+v after %+v", i, all[i], all[i-1])
				}
				shares = append(shares, trace.CPUShare(all[i-1], all[i]))
			}
			if spread := slices.Max(shares) - slices.Min(shares); spread < 0.05 || slices.Max(shares) > 4 {
				t.Errorf("cpu share from %v to %v: not a varying load", slices.Min(shares), slices.Max(shares))
			}
		})
}

func TestCommittedPressures(t *testing.T) {
	each(t, trace.SetFailure, 1, func(n string) (*trace.Reader[trace.Pressure], error) { return trace.OpenPressures(traces.FS, n) },
		func(t *testing.T, _ trace.Meta, all []trace.Pressure) {
			last, began := map[string]trace.Pressure{}, map[string]int{}
			for i, p := range all {
				q, seen := last[p.Component]
				if seen && (p.Some < q.Some || p.Full < q.Full || p.Events < q.Events) {
					t.Fatalf("row %d: %+v after %+v", i, p, q)
				}
				if seen && p.Incident && !q.Incident {
					began[p.Component]++
				}
				last[p.Component] = p
			}
			for _, c := range trace.Components() {
				if began[c] < 3 {
					t.Errorf("component %s: %d incidents begin, want 3 at least", c, began[c])
				}
			}
		})
}

// Reading allocates per file, not per row.
func TestNextDoesNotAllocate(t *testing.T) {
	names, err := trace.List(traces.FS, trace.SetFailure)
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	r, err := trace.OpenPressures(traces.FS, names[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// AllocsPerRun averages and rounds down; inflating a block allocates its
	// tables now and then, a row never does.
	if n := testing.AllocsPerRun(2000, func() {
		if _, err := r.Next(); err != nil && err != io.EOF {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Next allocates %v times a row", n)
	}
}

// The checksum list names every trace and nothing else.
func TestChecksums(t *testing.T) {
	list, err := os.ReadFile("../../testdata/traces/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(list)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !ok {
			t.Fatalf("SHA256SUMS: line %q", line)
		}
		listed[name] = sum
	}
	files, err := fs.Glob(traces.FS, "*")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range files {
		data, err := traces.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
		if sum := sha256.Sum256(data); listed[name] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: listed as %q, is %x", name, listed[name], sum)
		}
	}
	if len(files) != len(listed) {
		t.Errorf("%d files, %d listed", len(files), len(listed))
	}
	// They travel in every kernelsim binary.
	if total > 1_500_000 {
		t.Errorf("traces take %d bytes, want 1.5 MB at most", total)
	}
}
