package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

const windowStep = 50 // calls between the ends of two windows of a trace

// trace is the calls of one thread. kind 0 is harmless.
type trace struct {
	name  string
	kind  int
	calls []syscalls.Group
}

func extractThreat(j *job) error {
	harmless := map[string][]trace{}
	for _, part := range parts {
		t, err := readTraces(filepath.Join(j.data, "threat", "benign_x86_"+part+".csv.gz"), 0, -1)
		if err != nil {
			return err
		}
		harmless[part] = t
	}
	ordinary, crosswise := learnNovelty(harmless["train"])
	if err := os.WriteFile(filepath.Join(j.out, "novelty.bin"), ordinary.Bytes(), 0o644); err != nil {
		return err
	}
	for _, part := range parts {
		if err := writeBenign(j, part, harmless[part], ordinary, crosswise); err != nil {
			return err
		}
		if j.free && part == "train" {
			continue // labels of attacks teach the research build only
		}
		attacks, err := readTraces(filepath.Join(j.data, "threat", "adfa_"+part+".csv.gz"), 0, 1)
		if err != nil {
			return err
		}
		if err := writeADFA(j, part, attacks, ordinary); err != nil {
			return err
		}
	}
	return nil
}

// learnNovelty makes the table that ships, of all traces, and for each half of
// the programs one of the other half. What is usual is measured with the latter.
func learnNovelty(traces []trace) (ordinary *syscalls.Novelty, crosswise [2]*syscalls.Novelty) {
	ordinary = syscalls.LearnNovelty(streams(traces))
	halves := halvesByProgram(traces)
	var scored []syscalls.Scored
	for i := range halves {
		crosswise[i] = syscalls.LearnNovelty(streams(halves[1-i]))
		place := map[string]int{}
		for _, t := range halves[i] {
			if _, ok := place[t.name]; !ok {
				place[t.name] = len(scored)
				scored = append(scored, syscalls.Scored{By: crosswise[i]})
			}
			s := &scored[place[t.name]]
			s.Windows = append(s.Windows, windows(t.calls)...)
		}
	}
	usual := syscalls.Usual(scored)
	fmt.Fprintf(os.Stderr, "extract: usual novelty %.3f\n", usual)
	for _, n := range [...]*syscalls.Novelty{ordinary, crosswise[0], crosswise[1]} {
		n.SetUsual(usual)
	}
	return ordinary, crosswise
}

// readTraces reads the columns name, kind (-1: none) and, as the last, calls.
func readTraces(path string, name, kind int) ([]trace, error) {
	var all []trace
	err := eachRow(path, func(r *record) error {
		t := trace{name: r.text(name)}
		if kind >= 0 {
			t.kind = r.int(kind)
		}
		for _, word := range strings.Fields(r.fields[len(r.fields)-1]) {
			nr, err := strconv.Atoi(word)
			if err != nil {
				return fmt.Errorf("system call %q", word)
			}
			if nr == 340 {
				nr = -1 // the recording's number for "unknown"
			}
			t.calls = append(t.calls, syscalls.I386(nr))
		}
		all = append(all, t)
		return nil
	})
	return all, err
}

func streams(traces []trace) [][]syscalls.Group {
	var out [][]syscalls.Group
	for _, t := range traces {
		out = append(out, t.calls)
	}
	return out
}

// writeBenign writes the windows of ordinary programs (label 0) and beside each
// a corrupted copy (label 1). Training windows are scored by a table learnt from
// the other half of the programs: scored by its own, a model would learn that
// "seen before" means harmless.
func writeBenign(j *job, part string, traces []trace, ordinary *syscalls.Novelty, crosswise [2]*syscalls.Novelty) error {
	t, err := createTable(j.out, "threat_benign_"+part, &features.Threat, threatColumns...)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(20261123, uint64(len(traces))))
	for half, list := range halvesByProgram(traces) {
		table := ordinary
		if part == "train" {
			table = crosswise[half]
		}
		for _, tr := range list {
			id := t.entity(tr.name)
			for _, w := range windows(tr.calls) {
				if err := addWindow(t, id, w, 0, table); err != nil {
					return err
				}
				bad, how := corrupt(random, w)
				if err := addWindow(t, id, bad, 1+how, table); err != nil {
					return err
				}
			}
		}
	}
	return t.close()
}

func writeADFA(j *job, part string, traces []trace, ordinary *syscalls.Novelty) error {
	t, err := createTable(j.out, "threat_adfa_"+part, &features.Threat, threatColumns...)
	if err != nil {
		return err
	}
	for _, tr := range traces {
		id := t.entity(tr.name)
		for _, w := range windows(tr.calls) {
			if err := addWindow(t, id, w, tr.kind, ordinary); err != nil {
				return err
			}
		}
	}
	return t.close()
}

// halvesByProgram splits by program, alternating in order of appearance.
func halvesByProgram(traces []trace) (halves [2][]trace) {
	half := map[string]int{}
	for _, t := range traces {
		if _, ok := half[t.name]; !ok {
			half[t.name] = len(half) % 2
		}
		halves[half[t.name]] = append(halves[half[t.name]], t)
	}
	return halves
}

// windows are 100 calls each, 50 apart; a shorter trace is one window.
func windows(calls []syscalls.Group) [][]syscalls.Group {
	if len(calls) <= syscalls.WindowCalls {
		return [][]syscalls.Group{calls}
	}
	var out [][]syscalls.Group
	for end := syscalls.WindowCalls; end <= len(calls); end += windowStep {
		out = append(out, calls[end-syscalls.WindowCalls:end])
	}
	return out
}

var threatColumns = []string{"entity", "kind", "asked", "rule", "rule_confidence"}

// The ways a window is asked, in the column "asked".
const (
	askedFull     = iota // with the stream's vector and the novelty detector's findings
	askedVector          // without the findings
	askedCounters        // the four counters only
	ways
)

func addWindow(t *table, id float64, calls []syscalls.Group, kind int, table *syscalls.Novelty) error {
	var s syscalls.Stream
	for _, g := range calls {
		s.Add(g, 0)
	}
	q := &ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}
	s.Report(q, table, 0)
	var row [256]float32
	for asked := range ways {
		if asked >= askedVector {
			q.Anomalies = nil
		}
		if asked == askedCounters {
			q.SyscallFeatures = nil
		}
		if err := q.Validate(); err != nil {
			return err
		}
		var rule ipc.ThreatPrediction
		rules.Threat(q, &rule)
		features.ThreatRow(q, row[:features.Threat.Width()])
		t.witness(q)
		err := t.add(row[:], id, float64(kind), float64(asked), float64(rule.Score), float64(rule.Confidence))
		if err != nil {
			return err
		}
	}
	return nil
}
