package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/kernelsim/trace"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// drain reads a stream to its end, checking each instant.
func drain[T any](t *testing.T, s source.Stream[T], err error, check func([]T)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		batch, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 {
			t.Fatal("an instant without samples")
		}
		check(batch)
	}
}

func TestReplayFaultsOfFivePrograms(t *testing.T) {
	s, err := source.ReplayFaults(traces.FS)
	n, agents := 0, map[uint64]time.Duration{}
	drain(t, s, err, func(faults []source.Fault) {
		seen := map[uint64]bool{}
		for _, f := range faults {
			if seen[f.Agent] {
				t.Fatal("an agent faults twice at an instant")
			}
			seen[f.Agent] = true
			if f.At < agents[f.Agent] || f.Type > ipc.AccessExecute {
				t.Fatalf("fault %+v: times run back, or no type", f)
			}
			agents[f.Agent] = f.At
			n++
		}
	})
	if n != 40_000 || len(agents) != 5 {
		t.Errorf("%d faults of %d agents, want 40,000 of 5", n, len(agents))
	}
}

func TestReplayUsageMakesSharesOfTwoRows(t *testing.T) {
	s, err := source.ReplayUsage(traces.FS)
	n, last := map[string]int{}, map[uint64]time.Time{}
	drain(t, s, err, func(us []source.Usage) {
		for _, u := range us {
			if before, known := last[u.Agent]; known && u.At.Sub(before) != u.Over {
				t.Fatalf("%+v, want an interval since %v", u, before)
			}
			last[u.Agent] = u.At
			if !(u.CPU >= 0 && u.CPU <= 1) || u.Over <= 0 || u.At.Year() != 2026 || u.At.Location() != time.UTC {
				t.Fatalf("%+v", u)
			}
			n[u.Name]++
		}
	})
	if len(n) != 5 || n["workload-gcc"] != 359 {
		t.Errorf("samples %v, want 359 of 360 rows of each of five programs", n)
	}
}

func TestReplayReadingsByInstant(t *testing.T) {
	s, err := source.ReplayReadings(traces.FS)
	instants, incidents := 0, 0
	drain(t, s, err, func(rs []source.Reading) {
		instants++
		if len(rs) != 5 || rs[0].Component != "memory" || !rs[0].At.Equal(rs[4].At) {
			t.Fatalf("instant %d: %+v", instants, rs)
		}
		for _, r := range rs {
			if r.Incident {
				incidents++
			}
			if r.Component != "memory" && r.Flag != r.Incident {
				t.Fatalf("%+v: flag and incident differ", r)
			}
		}
	})
	if instants != 600 || incidents == 0 {
		t.Errorf("%d instants with %d incidents, want 600 with some", instants, incidents)
	}
}

func TestReplayCallsKnowsTheTruth(t *testing.T) {
	s, err := source.ReplayCalls(traces.FS)
	truths, n := map[int]uint8{}, 0
	drain(t, s, err, func(cs []source.Call) {
		for _, c := range cs {
			truths[c.Stream] = c.Truth
			n++
		}
	})
	hostile := 0
	for _, k := range truths {
		if k != ipc.ThreatNone {
			hostile++
		}
	}
	if len(truths) != 13 || hostile != 4 || n < 40_000 {
		t.Errorf("%d calls of %d streams, %d hostile; want over 40,000 of 13, 4 hostile", n, len(truths), hostile)
	}
}

func TestReplayEndsWithItsContext(t *testing.T) {
	s, err := source.ReplayFaults(traces.FS)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v, want the context's error", err)
	}
}

// countingFS counts how often its files are closed.
type countingFS struct {
	fs.FS
	closed map[string]int
}

func (c countingFS) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	return countingFile{f, func() { c.closed[name]++ }}, err
}

func (c countingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(c.FS, name) }

type countingFile struct {
	fs.File
	count func()
}

func (f countingFile) Close() error {
	f.count()
	return f.File.Close()
}

// recording is a trace of a set, of the given columns and rows.
func recording(t *testing.T, set, header string, rows ...string) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	fmt.Fprintf(zip, "# mlbridge-trace: 1\n# set: %s\n# name: n\n# program: p\n# label: l\n# kind: 0\n# rows: %d\n# recorded-on: 2026-03-01T10:00+02:00\n%s\n%s\n",
		set, len(rows), header, strings.Join(rows, "\n"))
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

// TestReplayClosesEveryRecordingOnce: one that ends in the turn in which another fails, the
// one that fails, and those that it keeps from going on.
func TestReplayClosesEveryRecordingOnce(t *testing.T) {
	const header, row = "at_ns,agent,addr,type,major", "1,1,4096,r,0"
	files := fstest.MapFS{
		"memory-a.csv.gz": recording(t, "memory", header, row),
		"memory-b.csv.gz": recording(t, "memory", header, row, row, row),
		"memory-c.csv.gz": recording(t, "memory", header, row, "broken"),
		"memory-d.csv.gz": recording(t, "memory", header, row, row, row),
	}
	counted := countingFS{files, map[string]int{}}
	s, err := source.ReplayFaults(counted)
	if err != nil {
		t.Fatal(err)
	}
	if batch, err := s.Next(t.Context()); err != nil || len(batch) != len(files) {
		t.Fatalf("first turn: %d samples, %v; want %d", len(batch), err, len(files))
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, trace.ErrFormat) {
		t.Errorf("Next = %v, want the broken row", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	for name := range files {
		if n := counted.closed[name]; n != 1 {
			t.Errorf("%s was closed %d times, want once", name, n)
		}
	}
}

func TestReplayOfNothingIsAnError(t *testing.T) {
	if _, err := source.ReplayFaults(fstest.MapFS{}); err == nil {
		t.Error("no recordings were played")
	}
	broken := fstest.MapFS{"memory-x.csv.gz": {Data: []byte("no gzip")}}
	if _, err := source.ReplayFaults(broken); err == nil {
		t.Error("a broken recording was opened")
	}
}

func take[T any](t *testing.T, s source.Stream[T], n int) (out []T) {
	t.Helper()
	for range n {
		batch, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, batch...)
	}
	return out
}

func TestSyntheticRepeatsBySeed(t *testing.T) {
	if d := cmp.Diff(take(t, source.SyntheticUsage(5), 50), take(t, source.SyntheticUsage(5), 50)); d != "" {
		t.Errorf("the same seed differs:\n%s", d)
	}
	if cmp.Equal(take(t, source.SyntheticUsage(5), 50), take(t, source.SyntheticUsage(6), 50)) {
		t.Error("different seeds are the same")
	}
}

func TestSyntheticStreamsAreInRangeAndChange(t *testing.T) {
	for _, u := range take(t, source.SyntheticUsage(1), 500) {
		if !(u.CPU >= 0 && u.CPU <= 1) || u.Over <= 0 {
			t.Fatalf("%+v", u)
		}
	}
	failed := map[string]int{}
	for _, r := range take(t, source.SyntheticReadings(1), 2000) {
		if !(r.Health >= 0 && r.Health <= 1) {
			t.Fatalf("%+v", r)
		}
		if r.Incident {
			failed[r.Component]++
		}
	}
	if len(failed) != 4 {
		t.Errorf("failures %v, want some of each component", failed)
	}
	pages := map[uint64]bool{}
	for _, f := range take(t, source.SyntheticFaults(1), 500) {
		pages[f.Addr] = true
	}
	if len(pages) < 500 {
		t.Errorf("%d different addresses of 3000 faults", len(pages))
	}
	truths := map[uint8]bool{}
	for _, c := range take(t, source.SyntheticCalls(1), 20) {
		truths[c.Truth] = true
	}
	if len(truths) != 2 {
		t.Errorf("truths %v, want harmless and hostile tasks", truths)
	}
}

func TestParseOrigins(t *testing.T) {
	got, err := source.ParseOrigins("live, trace")
	if err != nil || !cmp.Equal(got, []source.Origin{source.Live, source.Trace}) {
		t.Errorf("ParseOrigins = %v, %v", got, err)
	}
	if got, err := source.ParseOrigins("none"); err != nil || len(got) != 0 {
		t.Errorf("none = %v, %v", got, err)
	}
	for list, want := range map[string]string{
		"live,tape":        `"tape": want live, trace, synthetic, shift or none`,
		"live,":            `"": want live`,
		"live,trace, live": `"live,trace, live": live is given twice`,
		"none,live":        `"none,live": none goes with no other`,
		"live,none":        `"live,none": none goes with no other`,
	} {
		if got, err := source.ParseOrigins(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v, want %s", list, got, err, want)
		}
	}
}

// TestShiftEndsAndChanges: both halves are as long, repeat by seed, and differ as said.
func TestShiftEndsAndChanges(t *testing.T) {
	stream := source.ShiftUsage(3)
	usage := take(t, stream, 2*source.ShiftInstants)
	if _, err := stream.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after both halves: %v", err)
	}
	per := len(usage) / (2 * source.ShiftInstants)
	if len(usage) != 2*source.ShiftInstants*per || per == 0 {
		t.Fatalf("%d samples", len(usage))
	}
	if d := cmp.Diff(usage[:100], take(t, source.ShiftUsage(3), 100)[:100]); d != "" {
		t.Error(d)
	}
	// How much of a step comes back with the next one: nothing of a drift, half of noise.
	back := func(list []source.Usage) float64 {
		var product, square float64
		for i := 2 * per; i < len(list); i++ {
			a, b := list[i-per].CPU-list[i-2*per].CPU, list[i].CPU-list[i-per].CPU
			product += a * b
			square += a * a
		}
		return -product / square
	}
	first, second := back(usage[:len(usage)/2]), back(usage[len(usage)/2:])
	if math.Abs(first) > 0.05 || math.Abs(second-0.5) > 0.05 {
		t.Errorf("steps come back by %.2f and %.2f, want 0 and 0.5", first, second)
	}
	faults := take(t, source.ShiftFaults(3), 2*source.ShiftInstants)
	count := map[int64]int{}
	last := map[uint64]uint64{}
	for i, f := range faults {
		if i == len(faults)/2 {
			if count[3] < 9*len(faults)/20 || count[1] != 0 {
				t.Errorf("steps of the first half: %d of 3 pages, %d of 1", count[3], count[1])
			}
			clear(count)
		}
		count[int64(f.Addr-last[f.Agent])/4096]++
		last[f.Agent] = f.Addr
	}
	if count[1] < 9*len(faults)/20 || count[3] != 0 {
		t.Errorf("steps of the second half: %d of 3 pages, %d of 1", count[3], count[1])
	}
}

// TestReplayUsageRows: time is UTC, a sample needs time to have passed, and is of the second
// row's memory; a program on several cores counts as one.
func TestReplayUsageRows(t *testing.T) {
	files := fstest.MapFS{"workload-x.csv.gz": recording(t, "workload", "at_ns,agent,cpu_ns,rss_bytes",
		"0,1,0,10", "1000,1,250,20", "1000,1,900,30", "2000,1,950,40", "3000,1,5000,50")}
	s, err := source.ReplayUsage(files)
	var got []source.Usage
	drain(t, s, err, func(us []source.Usage) { got = append(got, us...) })
	began := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var want []source.Usage
	for _, w := range []struct {
		at     time.Duration
		cpu    float64
		memory uint64
	}{{1000, 0.25, 20}, {2000, 0.05, 40}, {3000, 1, 50}} {
		want = append(want, source.Usage{At: began.Add(w.at), Over: 1000, Agent: 1<<62 | 1<<32 | 1, Name: "n", CPU: w.cpu, Memory: w.memory})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("samples (-want +got):\n%s", d)
	}
	for _, u := range got {
		if u.At.Location() != time.UTC {
			t.Errorf("%v is not in UTC", u.At)
		}
	}
}

// TestReplayReadingsRows: a value is the share of the capacity, and memory's flag says that
// its count of events has grown, incident or not.
func TestReplayReadingsRows(t *testing.T) {
	var rows []string
	for i, events := range []int{0, 2, 2, 3} {
		for _, component := range trace.Components() {
			incident := 0
			if i == 2 {
				incident = 1
			}
			rows = append(rows, fmt.Sprintf("%d,%s,0,0,25,100,%d,%d", i, component, events, incident))
		}
	}
	s, err := source.ReplayReadings(fstest.MapFS{"failure-x.csv.gz": recording(t, "failure",
		"at_ns,component,some_us,full_us,value,capacity,events,incident", rows...)})
	i := 0
	drain(t, s, err, func(rs []source.Reading) {
		for _, r := range rs {
			flag := i == 2
			if r.Component == "memory" {
				flag = i == 1 || i == 3
			}
			if at := time.Date(2026, 3, 1, 8, 0, 0, i, time.UTC); !r.At.Equal(at) || r.At.Location() != time.UTC {
				t.Errorf("instant %d is at %v, want %v", i, r.At, at)
			}
			if r.Value != 0.25 || r.Health != 0.75 || r.Incident != (i == 2) || r.Flag != flag {
				t.Errorf("instant %d: %+v", i, r)
			}
		}
		i++
	})
	if i != 4 {
		t.Errorf("%d instants, want 4", i)
	}
}

// TestReplayFaultsRows: all that a fault says is kept.
func TestReplayFaultsRows(t *testing.T) {
	s, err := source.ReplayFaults(fstest.MapFS{"memory-x.csv.gz": recording(t, "memory", "at_ns,agent,addr,type,major", "5,1,4096,w,0", "7,1,18446744073709551615,x,1")})
	var got []source.Fault
	drain(t, s, err, func(fs []source.Fault) { got = append(got, fs...) })
	const agent = 1<<62 | 1<<32 | 1
	want := []source.Fault{{At: 5, Agent: agent, Addr: 4096, Type: trace.Write}, {At: 7, Agent: agent, Addr: math.MaxUint64, Type: trace.Execute}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("faults (-want +got):\n%s", d)
	}
}

// TestReplayedAgentsAreApart: of two recordings and of the live ones, whatever their numbers;
// what a call says is kept to the bit.
func TestReplayedAgentsAreApart(t *testing.T) {
	const header, row = "at_ns,agent,nr,bytes,rss_bytes", "5,18446744073709551615,42,18446744073709551615,0"
	s, err := source.ReplayCalls(fstest.MapFS{
		"threat-a.csv.gz": recording(t, "threat", header, row),
		"threat-b.csv.gz": recording(t, "threat", header, row),
	})
	var got []source.Call
	drain(t, s, err, func(cs []source.Call) { got = append(got, cs...) })
	want := source.Call{At: 5, Nr: 42, Bytes: math.MaxUint64}
	for i := range got {
		if agent := uint64(1)<<62 | uint64(i+1)<<32 | math.MaxUint32; got[i].Agent != agent || got[i].Stream != i {
			t.Errorf("call %d is of agent %#x of stream %d, want %#x", i, got[i].Agent, got[i].Stream, agent)
		}
		if got[i].Agent, got[i].Stream = 0, 0; got[i] != want {
			t.Errorf("call %d: %+v, want %+v", i, got[i], want)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d calls, want 2", len(got))
	}
}

// TestReplayClosesWhatItOpened: when a later recording cannot be opened.
func TestReplayClosesWhatItOpened(t *testing.T) {
	counted := countingFS{fstest.MapFS{
		"memory-a.csv.gz": recording(t, "memory", "at_ns,agent,addr,type,major", "1,1,4096,r,0"),
		"memory-b.csv.gz": {Data: []byte("no gzip")},
	}, map[string]int{}}
	if _, err := source.ReplayFaults(counted); err == nil {
		t.Error("a broken recording was opened")
	}
	if a, b := counted.closed["memory-a.csv.gz"], counted.closed["memory-b.csv.gz"]; a != 1 || b != 1 {
		t.Errorf("closed %d and %d times, want once each", a, b)
	}
}

// TestSyntheticInstants: times go on by the step, and what an instant holds does not grow.
func TestSyntheticInstants(t *testing.T) {
	usage, readings := source.SyntheticUsage(1), source.SyntheticReadings(1)
	faults, calls := source.SyntheticFaults(1), source.SyntheticCalls(1)
	for i := range 3 {
		at := time.Date(2024, 1, 1, 0, 0, 0, i*250_000_000, time.UTC)
		us, rs := take(t, usage, 1), take(t, readings, 1)
		fs, cs := take(t, faults, 1), take(t, calls, 1)
		if len(us) != 8 || len(rs) != 4 || len(fs) != 6 || len(cs) != 300 {
			t.Fatalf("instant %d holds %d, %d, %d and %d samples", i, len(us), len(rs), len(fs), len(cs))
		}
		if !us[7].At.Equal(at) || !rs[3].At.Equal(at) || fs[5].At != time.Duration(i)*time.Microsecond || cs[0].At != time.Duration(i)*time.Millisecond {
			t.Errorf("instant %d is at %v, %v, %v, %v", i, us[7].At, rs[3].At, fs[5].At, cs[0].At)
		}
	}
}

// TestSyntheticHostilityIsInTheCalls: a harmless task makes none of the calls that tell a
// hostile one, which makes them now and then.
func TestSyntheticHostilityIsInTheCalls(t *testing.T) {
	harmless := map[uint16]bool{0: true, 1: true, 3: true, 5: true, 8: true, 9: true, 257: true, 262: true}
	all, odd := map[uint8]int{}, map[uint8]int{}
	for _, c := range take(t, source.SyntheticCalls(1), 20) {
		if (c.Stream%3 == 2) != (c.Truth != ipc.ThreatNone) {
			t.Fatalf("stream %d is of type %d", c.Stream, c.Truth)
		}
		all[c.Truth]++
		if !harmless[c.Nr] {
			odd[c.Truth]++
		}
	}
	if n := odd[4] * 10; odd[0] != 0 || n < 2*all[4] || n > 5*all[4] {
		t.Errorf("telling calls %v of %v, want none of the harmless, and about a third", odd, all)
	}
}
