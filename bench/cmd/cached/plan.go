package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/healing"
	"github.com/mlbridge/mlbridge/kernelsim/memory"
	"github.com/mlbridge/mlbridge/kernelsim/scheduler"
	"github.com/mlbridge/mlbridge/kernelsim/security"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// plan is what is asked, by kind and sampling interval. For memory and threat each
// interval holds the questions of all its twenty turns, one after the other.
type plan [len(ipc.Kinds)][][]ipc.Request

// copies is how many times each recording is played at once, each copy from its own
// place and about subjects of its own: else a handful of programs would stand for all.
const copies = 8

// maxSubjects bounds the questions of one turn.
const maxSubjects = 64

func newPlan(ctx context.Context, o *options) (*plan, error) {
	p := new(plan)
	for i, k := range ipc.Kinds {
		var err error
		if repeats(k) {
			p[i], err = again(ctx, k, o.intervals)
		} else {
			p[i], err = anew(ctx, k, o.intervals)
		}
		if err != nil {
			return nil, fmt.Errorf("questions about %v: %w", k, err)
		}
		if len(p[i]) == 0 {
			return nil, fmt.Errorf("the recordings of %v are too short", k)
		}
	}
	return p, nil
}

// again gives an interval what the subsystem asks in one step, for every copy.
func again(ctx context.Context, k ipc.Kind, intervals int) (all [][]ipc.Request, err error) {
	steps, err := collect(ctx, k, copies*intervals)
	chunk := len(steps) / copies
	for n := range min(intervals, chunk) {
		var asked []ipc.Request
		for c := range copies {
			for _, q := range steps[c*chunk+n] {
				asked = append(asked, another(q, c))
			}
		}
		all = append(all, asked[:min(len(asked), maxSubjects)])
	}
	return all, err
}

// anew shares all questions out among the turns of the intervals, in their order.
func anew(ctx context.Context, k ipc.Kind, intervals int) (all [][]ipc.Request, err error) {
	steps, err := collect(ctx, k, maxSubjects*perInterval*intervals)
	asked := slices.Concat(steps...)
	turns := perInterval * intervals
	n := min(len(asked)/turns, maxSubjects) * perInterval
	for range intervals {
		all, asked = append(all, asked[:n]), asked[n:]
	}
	if n == 0 {
		return nil, err
	}
	return all, err
}

// repeats reports whether a subject is asked about more than once between samples.
func repeats(k ipc.Kind) bool { return k == ipc.Workload || k == ipc.Failure }

// another gives the same question about another subject.
func another(q ipc.Request, n int) ipc.Request {
	q = q.Copy()
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		q.AgentID ^= uint64(n+1) << 56
	case *ipc.ThreatRequest:
		q.AgentID ^= uint64(n+1) << 56
	case *ipc.MemoryRequest:
		q.AgentID ^= uint64(n+1) << 56
	case *ipc.FailureRequest:
		q.Component = fmt.Sprintf("%s-%d", q.Component, n)
	}
	return q
}

// collect has the subsystem of kind k play its recordings and keeps what it asks, at
// most so many steps.
func collect(ctx context.Context, k ipc.Kind, most int) ([][]ipc.Request, error) {
	r := new(recorder)
	advisor := advice.New(advice.Config{Kind: k, Predictor: r})
	switch k {
	case ipc.Workload:
		s, err := source.ReplayUsage(traces.FS)
		return play(ctx, r, s, err, scheduler.New("", advisor).Step, most)
	case ipc.Failure:
		s, err := source.ReplayReadings(traces.FS)
		return play(ctx, r, s, err, healing.New("", advisor).Step, most)
	case ipc.Memory:
		s, err := source.ReplayFaults(traces.FS)
		return play(ctx, r, s, err, memory.New("", advisor).Step, most)
	}
	s, err := source.ReplayCalls(traces.FS)
	return play(ctx, r, s, err, security.New("", advisor).Step, most)
}

func play[T any](ctx context.Context, r *recorder, s source.Stream[T], err error, step func(context.Context, []T) error, most int) ([][]ipc.Request, error) {
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var steps [][]ipc.Request
	for len(steps) < most {
		samples, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := step(ctx, samples); err != nil {
			return nil, err
		}
		if len(r.asked) > 0 {
			steps, r.asked = append(steps, r.asked), nil
		}
	}
	return steps, nil
}

// recorder is a bridge without models that keeps what it is asked.
type recorder struct{ asked []ipc.Request }

func (r *recorder) Predict(_ context.Context, reqs []ipc.Request, replies []ipc.Reply, _ ipc.Options) error {
	for i, q := range reqs {
		r.asked = append(r.asked, q.Copy())
		replies[i] = ipc.Reply{Status: ipc.StatusUnavailable}
	}
	return nil
}

func (r *recorder) Outcomes(context.Context, []ipc.Outcome) error { return nil }
