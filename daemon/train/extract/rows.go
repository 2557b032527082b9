package main

import (
	"fmt"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/daemon/train/recordings"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// Entity starts the rows of an entity.
func (t *table) Entity(name string) { t.entities = append(t.entities, name) }

// Ask writes the question's row, or rows.
func (t *table) Ask(q *recordings.Question) error { return t.write(t, q) }

// memoryStride is how many windows there are to each one written, by part.
// Neighbouring windows share 19 of 20 faults; all of them would be 10 million
// rows of train.
var memoryStride = map[string]int{"train": 5, "val": 2, "test": 2}

func extractWorkload(j *job) error {
	for i := range recordings.WorkloadSets {
		s := &recordings.WorkloadSets[i]
		err := j.each(s, "workload_"+s.Name, func(name string, o recordings.Options) error {
			t, err := createTable(j.out, name, &features.Workload, workloadRow, "entity", "unit", "current", "next", "whole")
			if err != nil {
				return err
			}
			return t.end(recordings.ReadWorkload(s, o, t))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func extractFailure(j *job) error {
	for i := range recordings.FailureSets {
		s := &recordings.FailureSets[i]
		err := j.each(s, "failure_"+s.Name, func(name string, o recordings.Options) error {
			t, err := createTable(j.out, name, &features.Failure, failureRow, "entity", "label", "left", "keep")
			if err != nil {
				return err
			}
			if err := t.withSteps(j, failureStepsWidth); err != nil {
				return err
			}
			o.Thin = o.Part == "train"
			return t.end(recordings.ReadFailure(s, o, t))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func extractMemory(j *job) error {
	// "alone" asks from the request alone, "tables" adds the candidates of a
	// client that follows its agents (ipc/mlclient/pages).
	for _, given := range []string{"alone", "tables"} {
		err := j.each(&recordings.Set{}, "memory_"+given, func(name string, o recordings.Options) error {
			t, err := createTable(j.out, name, &features.Memory, memoryRows, "entity", "ask", "hit", "ahead")
			if err != nil {
				return err
			}
			if err := t.withSteps(j, memoryStepsWidth); err != nil {
				return err
			}
			o.Stride, o.Tables = memoryStride[o.Part], given == "tables"
			return t.end(recordings.ReadMemory(o, t))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each calls write for every part of a set that this build may read.
func (j *job) each(s *recordings.Set, name string, write func(name string, o recordings.Options) error) error {
	for _, part := range recordings.Parts {
		if s.Research && j.free || s.Derived && part != "train" {
			continue
		}
		if err := write(name+"_"+part, recordings.Options{Data: j.data, Part: part}); err != nil {
			return err
		}
	}
	return nil
}

// workloadRow: what a prediction in units of the window is a change from, in shares.
func workloadRow(t *table, q *recordings.Question) error {
	r := q.Request.(*ipc.WorkloadRequest)
	units, _ := features.WorkloadRows(r, t.row)
	t.witness(r)
	return t.add(t.row[q.Signal*features.Workload.Width():], float64(q.Entity), units[q.Signal]/q.Span, q.Current, q.Next, float64(b2i(q.Whole)))
}

func failureRow(t *table, q *recordings.Question) error {
	r := q.Request.(*ipc.FailureRequest)
	var rule ipc.FailurePrediction
	rules.Failure(r, &rule)
	features.FailureRow(r, rule.Type, t.row)
	t.witness(r)
	if err := t.addSteps(func(w []float32) { failureSteps(r, w) }); err != nil {
		return err
	}
	return t.add(t.row, float64(q.Entity), float64(b2i(q.Failed)), float64(q.Left), q.Keep)
}

// memoryRows writes all candidates of a window as rows that share "ask", the window once.
func memoryRows(t *table, q *recordings.Question) error {
	r := q.Request.(*ipc.MemoryRequest)
	p := &t.pages
	p.Read(r)
	width := features.Memory.Width()
	p.Rows(r, t.row)
	t.witness(r)
	if err := t.addSteps(func(w []float32) { memorySteps(r, w) }); err != nil {
		return err
	}
	for c := range p.Len() {
		hit := float64(b2i(p.Address(c) == q.NextAddress))
		ahead := float64(1 + slices.Index(q.Coming, p.Address(c))) // in faults, 1 for the next; 0 for later
		if err := t.add(t.row[c*width:(c+1)*width], float64(q.Entity), float64(t.asked-1), hit, ahead); err != nil {
			return fmt.Errorf("ask %d: %w", t.asked, err)
		}
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
