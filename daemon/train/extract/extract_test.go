package main

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// about reads back the columns of a closed table.
func about(t *testing.T, tb *table) (columns map[string][]float64) {
	t.Helper()
	data, err := os.ReadFile(tb.path + ".about.npy")
	if err != nil {
		t.Fatal(err)
	}
	head, values := string(data[:npyHeader]), data[npyHeader:]
	if !strings.HasPrefix(head, "\x93NUMPY\x01\x00") || head[npyHeader-1] != '\n' || !strings.Contains(head, "'<f8'") {
		t.Fatalf("header %q", head)
	}
	columns = map[string][]float64{}
	for i := 0; i < len(values)/8; i++ {
		name := tb.columns[i%len(tb.columns)]
		columns[name] = append(columns[name], math.Float64frombits(binary.LittleEndian.Uint64(values[8*i:])))
	}
	return columns
}

// A node that fails on day 10 of 30 and is down for one and a half days: asked
// on days it was up, labelled in the week before, remembering since when.
func TestLANLAsksBeforeTheFailure(t *testing.T) {
	tb, err := createTable(t.TempDir(), "lanl", &features.Failure, failureColumns...)
	if err != nil {
		t.Fatal(err)
	}
	s := &lanlSystem{name: "1", nodes: 1, first: 0, last: 30 * dayMinutes, outages: map[int][]outage{
		0: {{start: 10*dayMinutes + 720, down: 36 * 60}},
	}}
	if err := s.writeNode(tb, tb.entity("1/0"), 0, false); err != nil {
		t.Fatal(err)
	}
	if err := tb.close(); err != nil {
		t.Fatal(err)
	}
	c := about(t, tb)
	// Days 0-22 less day 11, on which the node was down throughout.
	if n := len(c["label"]); n != 22 {
		t.Fatalf("%d questions, want 22", n)
	}
	want := []float64{0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0} // days 0-10, 12
	if got := c["label"][:12]; !slices.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
	}
	if got := c["left"][3:10]; !slices.Equal(got, []float64{7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("days left %v", got)
	}
	if got := c["since"][9:12]; !math.IsInf(got[0], 1) || got[1] != 720*60e3 || got[2] != (720+2*dayMinutes)*60e3 {
		t.Errorf("ms since the failure %v", got)
	}
	if got := c["health"][9:11]; got[0] != 1 || got[1] != 0.5 {
		t.Errorf("health of days 9 and 10: %v", got)
	}
}

func TestUntilIncident(t *testing.T) {
	got := untilIncident([]bool{false, false, true, true, false, true, false})
	if want := []int{2, 1, 1, 2, 1, -1, -1}; !slices.Equal(got, want) {
		t.Errorf("minutes left %v, want %v", got, want)
	}
}

// What a client's tables propose may only come from the past.
func TestClientTablesKnowThePastOnly(t *testing.T) {
	stream := []uint64{1, 2, 9, 1, 3, 1}
	var c clientTables
	for i := 1; i < len(stream); i++ {
		c.learn(stream[:i])
	}
	// 3 has been seen last, its successor has not: it may not be known yet.
	if got := c.candidates(stream[:5]); slices.Contains(got, 1) {
		t.Errorf("candidates after 3: %v hold the page that comes", got)
	}
	c.learn(stream)
	if got := c.candidates(stream)[:2]; !slices.Equal(got, []uint64{3, 2}) {
		t.Errorf("successors of 1: %v, want the latest, 3, then 2", got)
	}
}

func TestWindowsOfATrace(t *testing.T) {
	for calls, want := range map[int]int{1: 1, 100: 1, 149: 1, 150: 2, 250: 4} {
		if got := len(windows(make([]syscalls.Group, calls))); got != want {
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
