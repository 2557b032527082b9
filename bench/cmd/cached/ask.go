package main

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// patience is every call's budget: long enough that whoever waits for the model gets it.
const patience = 200 * time.Millisecond

// sampleEvery is which of the answers that were given at once are compared with the
// model's own.
const sampleEvery = 3

// ask puts the plan's questions to the bridge at address, the kinds side by side.
func (p *plan) ask(ctx context.Context, address string, o *options, by *policy) ([]Result, error) {
	models := registry.New(registry.Embedded())
	if err := models.Reload(); err != nil {
		return nil, err
	}
	results := make([]Result, len(ipc.Kinds))
	failed := make([]error, len(ipc.Kinds))
	var kinds sync.WaitGroup
	for i, k := range ipc.Kinds {
		kinds.Go(func() {
			a := asker{result: &results[i], kind: k, model: daemon.NewHosted(k, models), interval: o.interval, by: by}
			a.result.Policy, a.result.Kind = by.name, k.String()
			failed[i] = a.play(ctx, address, p[i])
		})
	}
	kinds.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// asker asks about one kind.
type asker struct {
	result   *Result
	kind     ipc.Kind
	model    *daemon.Hosted
	interval time.Duration
	by       *policy
	body     []byte
	answer   api.Answer
	given    int // answers at once
}

// dial gives who asks.
func (a *asker) dial(ctx context.Context, address string) (p ipc.Predictor, hangUp func() error, err error) {
	if a.by.client == nil {
		c, err := ipc.Dial(ctx, address, ipc.ClientConfig{Name: "cached"})
		if err != nil {
			return nil, nil, err
		}
		return c, c.Close, nil
	}
	cfg := *a.by.client
	cfg.Path, cfg.Name = address, "cached"
	cfg.Thresholds = map[ipc.Kind]float32{a.kind: 0} // how sure the model is, is not the question here
	c := mlclient.New(cfg)
	if err := c.WaitUp(ctx); err != nil {
		_ = c.Close()
		return nil, nil, err
	}
	return c, c.Close, nil
}

func (a *asker) play(ctx context.Context, address string, intervals [][]ipc.Request) error {
	client, hangUp, err := a.dial(ctx, address)
	if err != nil {
		return err
	}
	defer func() { _ = hangUp() }()
	began := time.Now()
	for n, asked := range intervals {
		for turn := range perInterval {
			at := time.Duration(n)*a.interval + time.Duration(turn)*a.interval/perInterval
			select {
			case <-time.After(time.Until(began.Add(at))):
			case <-ctx.Done():
				return ctx.Err()
			}
			reqs := asked
			if !repeats(a.kind) {
				reqs = asked[turn*len(asked)/perInterval : (turn+1)*len(asked)/perInterval]
			}
			if turn > 0 {
				a.later(reqs, a.interval/perInterval)
			}
			if err := a.turn(ctx, client, reqs); err != nil {
				return err
			}
		}
	}
	if a.result.Sampled > 0 {
		a.result.Error /= float64(a.result.Sampled)
	}
	return nil
}

// later moves on what the passing of time itself changes in a question.
func (a *asker) later(reqs []ipc.Request, by time.Duration) {
	for _, q := range reqs {
		if f, ok := q.(*ipc.FailureRequest); ok && f.TimeSinceLastFailure != ipc.Never {
			f.TimeSinceLastFailure += uint64(by / time.Millisecond)
		}
	}
}

func (a *asker) turn(ctx context.Context, client ipc.Predictor, reqs []ipc.Request) error {
	for len(reqs) > 0 {
		n := min(len(reqs), ipc.DefaultLimits().Batch)
		replies := make([]ipc.Reply, n)
		if err := client.Predict(ctx, reqs[:n], replies, ipc.Options{Budget: patience}); err != nil {
			return err
		}
		for i := range replies {
			if err := a.count(reqs[i], &replies[i]); err != nil {
				return err
			}
		}
		reqs = reqs[n:]
	}
	return nil
}

func (a *asker) count(q ipc.Request, r *ipc.Reply) error {
	a.result.Calls++
	switch {
	case r.Source == ipc.SourceCache:
		a.result.Cached++
	case r.Source == ipc.SourceStale && r.Reason == ipc.ReasonRefreshing:
		a.result.Refreshing++
	case r.Source == ipc.SourceModel:
		a.result.Waited++
		return nil
	default:
		a.result.Other++
		return nil
	}
	if a.given++; a.given%sampleEvery != 0 {
		return nil
	}
	fresh, err := a.fresh(q)
	if err != nil {
		return err
	}
	d := apart(&r.Prediction, fresh)
	a.result.Sampled++
	a.result.Error += d
	a.result.Worst = max(a.result.Worst, d)
	return nil
}

// fresh is what the model says to q.
func (a *asker) fresh(q ipc.Request) (*ipc.Prediction, error) {
	a.body = ipc.AppendRequest(append(a.body[:0], 0x91), q) // a msgpack list of one
	out, err := a.model.Answer(a.body)
	if err != nil {
		return nil, err
	}
	if err := api.Msgpack.ParseAnswer(out, a.kind, true, 1, &a.answer); err != nil {
		return nil, err
	}
	return &a.answer.Slots[0].Prediction, nil
}

// apart is the distance of what the kind is about, over its range: a share of a cpu, a
// probability, or the page, which is right or wrong.
func apart(a, b *ipc.Prediction) float64 {
	switch a.Kind {
	case ipc.Workload:
		return math.Abs(float64(a.Workload.CPU) - float64(b.Workload.CPU))
	case ipc.Threat:
		return math.Abs(float64(a.Threat.Score) - float64(b.Threat.Score))
	case ipc.Failure:
		return math.Abs(float64(a.Failure.Probability) - float64(b.Failure.Probability))
	}
	if a.Memory.NextAddress>>12 == b.Memory.NextAddress>>12 {
		return 0
	}
	return 1
}
