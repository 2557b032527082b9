package recordings

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/train/ordinary"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

const windowStep = 50 // calls between the ends of two windows of a trace

// Trace is the calls of one thread. Kind 0 is harmless; an attack was made several times,
// and threads of one Instance belong together.
type Trace struct {
	Name     string
	Kind     int
	Instance int
	Calls    []syscalls.Group
}

// ThreatSets are the recordings of system calls.
var ThreatSets = []Set{{Name: "benign"}, {Name: "adfa", Research: true}}

// ReadTraces gives the traces of a set.
func ReadTraces(s *Set, data, part string) ([]Trace, error) {
	if s.Research {
		return readTraces(filepath.Join(data, "threat", "adfa_"+part+".csv.gz"), 1)
	}
	return readTraces(filepath.Join(data, "threat", "benign_x86_"+part+".csv.gz"), -1)
}

// OrdinaryTraces gives the harmless programs of package ordinary, for training only.
func OrdinaryTraces() ([]Trace, error) {
	in, err := gzip.NewReader(bytes.NewReader(ordinary.Programs))
	if err != nil {
		return nil, err
	}
	var all []Trace
	err = eachRowOf(in, "ordinary programs", addTrace(&all, -1))
	return all, err
}

// readTraces reads the columns name, from column kind on (-1: none) kind and instance, and,
// as the last, calls.
func readTraces(path string, kind int) ([]Trace, error) {
	var all []Trace
	err := eachRow(path, addTrace(&all, kind))
	return all, err
}

func addTrace(all *[]Trace, kind int) func(r *record) error {
	return func(r *record) error {
		t := Trace{Name: r.text(0)}
		if kind >= 0 {
			t.Kind, t.Instance = r.int(kind), r.int(kind+1)
		}
		for _, word := range strings.Fields(r.fields[len(r.fields)-1]) {
			nr, err := strconv.Atoi(word)
			if err != nil {
				return fmt.Errorf("system call %q", word)
			}
			if nr == 340 {
				nr = -1 // the recording's number for "unknown"
			}
			t.Calls = append(t.Calls, syscalls.I386(nr))
		}
		*all = append(*all, t)
		return nil
	}
}

// HalvesByProgram splits by program, alternating in order of appearance.
func HalvesByProgram(traces []Trace) (halves [2][]Trace) {
	half := map[string]int{}
	for _, t := range traces {
		if _, ok := half[t.Name]; !ok {
			half[t.Name] = len(half) % 2
		}
		halves[half[t.Name]] = append(halves[half[t.Name]], t)
	}
	return halves
}

// Window is a stretch of a trace to ask about, and what the agent did before it.
type Window struct{ Before, Calls []syscalls.Group }

// Windows are 100 calls each, 50 apart; a shorter trace is one window.
func Windows(calls []syscalls.Group) []Window {
	if len(calls) <= syscalls.WindowCalls {
		return []Window{{Calls: calls}}
	}
	var out []Window
	for end := syscalls.WindowCalls; end <= len(calls); end += windowStep {
		begin := end - syscalls.WindowCalls
		out = append(out, Window{calls[:begin], calls[begin:end]})
	}
	return out
}

// Request asks about the window, scored by a table of ordinary calls: the metrics are
// of the window, as of a client that reports every hundred calls.
func (w Window) Request(table *syscalls.Novelty) *ipc.ThreatRequest {
	var s syscalls.Stream
	q := &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}
	for _, g := range w.Before {
		s.Add(g, 0)
	}
	s.Report(q, table, 0)
	for _, g := range w.Calls {
		s.Add(g, 0)
	}
	s.Report(q, table, 0)
	return q
}
