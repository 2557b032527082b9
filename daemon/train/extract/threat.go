package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

func extractThreat(j *job) error {
	benign, adfa := &recordings.ThreatSets[0], &recordings.ThreatSets[1]
	train, err := recordings.ReadTraces(benign, j.data, "train")
	if err != nil {
		return err
	}
	ordinary, crosswise := learnNovelty(train)
	if err := os.WriteFile(filepath.Join(j.out, "novelty.bin"), ordinary.Bytes(), 0o644); err != nil {
		return err
	}
	if !j.free {
		t, err := threatTable(j, "threat_ordinary_train")
		if err != nil {
			return err
		}
		traces, err := recordings.OrdinaryTraces()
		if err != nil {
			return err
		}
		if err := t.end(writeRecorded(t, traces, ordinary)); err != nil {
			return err
		}
	}
	for _, set := range []*recordings.Set{benign, adfa} {
		err := j.each(set, "threat_"+set.Name, func(name string, o recordings.Options) error {
			traces, err := recordings.ReadTraces(set, j.data, o.Part)
			if err != nil {
				return err
			}
			t, err := threatTable(j, name)
			if err != nil {
				return err
			}
			if set.Research {
				return t.end(writeRecorded(t, traces, ordinary))
			}
			tables := [2]*syscalls.Novelty{ordinary, ordinary}
			if o.Part == "train" {
				tables = crosswise
			}
			return t.end(writeOrdinary(t, traces, tables))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func threatTable(j *job, name string) (*table, error) {
	t, err := createTable(j.out, name, &features.Threat, nil, "entity", "kind", "asked", "instance")
	if err != nil {
		return nil, err
	}
	return t, t.withSteps(j, threatStepsWidth)
}

// learnNovelty makes the table that ships, of all traces, and for each half of
// the programs one of the other half. What is usual is measured with the latter.
func learnNovelty(traces []recordings.Trace) (ordinary *syscalls.Novelty, crosswise [2]*syscalls.Novelty) {
	ordinary = syscalls.LearnNovelty(streams(traces))
	halves := recordings.HalvesByProgram(traces)
	var scored []syscalls.Scored
	for i := range halves {
		crosswise[i] = syscalls.LearnNovelty(streams(halves[1-i]))
		place := map[string]int{}
		for _, t := range halves[i] {
			if _, ok := place[t.Name]; !ok {
				place[t.Name] = len(scored)
				scored = append(scored, syscalls.Scored{By: crosswise[i]})
			}
			s := &scored[place[t.Name]]
			for _, w := range recordings.Windows(t.Calls) {
				s.Windows = append(s.Windows, w.Calls)
			}
		}
	}
	usual := syscalls.Usual(scored)
	fmt.Fprintf(os.Stderr, "extract: usual novelty %.3f\n", usual)
	for _, n := range [...]*syscalls.Novelty{ordinary, crosswise[0], crosswise[1]} {
		n.SetUsual(usual)
	}
	return ordinary, crosswise
}

func streams(traces []recordings.Trace) [][]syscalls.Group {
	var out [][]syscalls.Group
	for _, t := range traces {
		out = append(out, t.Calls)
	}
	return out
}

// writeOrdinary writes the windows of ordinary programs (kind 0) and beside each
// a corrupted copy. Training windows are scored by a table learnt from the other
// half of the programs: scored by its own, a model would learn that "seen before"
// means harmless.
func writeOrdinary(t *table, traces []recordings.Trace, tables [2]*syscalls.Novelty) error {
	random := rand.New(rand.NewPCG(20261123, uint64(len(traces))))
	for half, list := range recordings.HalvesByProgram(traces) {
		for _, tr := range list {
			t.Entity(tr.Name)
			for _, w := range recordings.Windows(tr.Calls) {
				if err := t.addWindow(w, 0, 0, tables[half]); err != nil {
					return err
				}
				bad, how := recordings.Corrupt(random, w.Calls)
				if err := t.addWindow(recordings.Window{Before: w.Before, Calls: bad}, 1+how, 0, tables[half]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeRecorded writes the windows as they are.
func writeRecorded(t *table, traces []recordings.Trace, ordinary *syscalls.Novelty) error {
	for _, tr := range traces {
		t.Entity(tr.Name)
		for _, w := range recordings.Windows(tr.Calls) {
			if err := t.addWindow(w, tr.Kind, tr.Instance, ordinary); err != nil {
				return err
			}
		}
	}
	return nil
}

// The ways a window is asked, in the column "asked".
const (
	askedFull     = iota // with the stream's vector and the novelty detector's findings
	askedVector          // without the findings
	askedCounters        // the four counters only
	ways
)

func (t *table) addWindow(w recordings.Window, kind, instance int, by *syscalls.Novelty) error {
	q := w.Request(by)
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
		features.ThreatRow(q, t.row)
		t.witness(q)
		if err := t.addSteps(func(steps []float32) { threatSteps(w.Calls, steps) }); err != nil {
			return err
		}
		if err := t.add(t.row, float64(len(t.entities)-1), float64(kind), float64(asked), float64(instance)); err != nil {
			return err
		}
	}
	return nil
}
