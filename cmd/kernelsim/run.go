package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

// runCommand is the whole: subsystems, then load.
type runCommand struct {
	where
	pace
	Observe        time.Duration `help:"How long the subsystems run before the load." default:"10s" group:"sees"`
	DecisionBudget time.Duration `help:"Time that a subsystem waits for a decision." default:"10ms" group:"sees"`
}

// loadCommand measures the load alone.
type loadCommand struct {
	where
	pace
}

// collectFor is how long questions are collected when nobody watches the subsystems.
const collectFor = 1500 * time.Millisecond

// Run is called by kong.
func (r *runCommand) Run(c *console) error {
	r.takeSlice(c)
	b, err := reach(c.ctx, r.Socket)
	if err != nil {
		return err
	}
	defer b.close()
	if err := prepare(r.Out); err != nil {
		return err
	}
	predictors, err := b.open(c.ctx, "ml", 1)
	if err != nil {
		return err
	}
	pool := advice.NewPool(scenario.PoolSize, r.Seed)
	c.say(r.Quiet, "subsystems: asking %s (%s) for %v", b.path, b.name, r.Observe)
	began := time.Now()
	o, err := r.observe(c, predictors[0], pool, r.Observe, r.DecisionBudget)
	if err != nil {
		return err
	}
	ran := "at most " + r.Observe.String()
	if c.ctx.Err() != nil {
		ran = fmt.Sprintf("%v of %v, then interrupted", time.Since(began).Round(100*time.Millisecond), r.Observe)
	}
	rep := report.New("kernelsim: four kernel subsystems against ml-bridge")
	rep.Run.Settings = map[string]string{"subsystems ran": ran + ", decisions within " + r.DecisionBudget.String()}
	o.AddTo(rep)
	rep.Notes = append(rep.Notes, r.notes()...)
	return r.measure(c, &r.where, b, pool, rep)
}

// Run is called by kong.
func (l *loadCommand) Run(c *console) error {
	l.takeSlice(c)
	b, err := reach(c.ctx, l.Socket)
	if err != nil {
		return err
	}
	defer b.close()
	if err := prepare(l.Out); err != nil {
		return err
	}
	pool := advice.NewPool(scenario.PoolSize, l.Seed)
	c.say(l.Quiet, "collecting questions for %v", collectFor)
	if _, err := l.observe(c, nil, pool, collectFor, 0); err != nil {
		return err
	}
	rep := report.New("kernelsim: load on ml-bridge")
	rep.Run.Settings = map[string]string{}
	return l.measure(c, &l.where, b, pool, rep)
}

// observe runs the first phase.
func (w *where) observe(c *console, p ipc.Predictor, pool *advice.Pool, lasts, budget time.Duration) (*scenario.Observation, error) {
	origins, err := w.origins()
	if err != nil {
		return nil, usagef("%w", err)
	}
	o, err := scenario.NewObservation(scenario.Config{
		Predictor: p, Traces: traces.FS, Proc: w.Proc, Origins: origins, For: lasts, Budget: budget, Seed: w.Seed, Pool: pool,
	})
	if err != nil {
		return nil, err
	}
	if p == nil {
		return o, o.Run(c.ctx)
	}
	stop := c.watch(w.Quiet, w.NoColor, o.Status)
	defer stop()
	return o, o.Run(c.ctx)
}

// measure runs the load phase and publishes the report.
func (p *pace) measure(c *console, w *where, b *bridge, pool *advice.Pool, rep *report.Report) error {
	mix, err := p.mix(w)
	if err != nil {
		return usagef("%w", err)
	}
	// A run that was stopped early has connections to open all the same: its report
	// says that nothing was measured.
	predictors, err := b.open(context.WithoutCancel(c.ctx), p.Client, p.Connections)
	if err != nil {
		return errors.Join(c.publishWithout(rep, w, "the bridge cannot be asked any more"), err)
	}
	run, err := scenario.StartLoad(c.ctx, scenario.LoadConfig{
		Predictors: predictors, Mix: mix, Schedule: p.schedule(), Seed: w.Seed, Workers: p.workers(),
		Duration: p.lasts(), Warmup: p.Warmup, Budget: w.Budget, Callers: p.Callers,
	}, pool)
	if err != nil {
		return errors.Join(c.publishWithout(rep, w, err.Error()), err)
	}
	if c.ctx.Err() == nil {
		c.say(w.Quiet, "load: %s for %v after %v of warm-up", p.what(), p.lasts(), p.Warmup)
	}
	before, known := hostTime(w.Proc)
	stopped := quotaStops(w.Proc, "/sys")
	stop := c.watch(w.Quiet, w.NoColor, func() report.Status { return report.StatusOf(run.Snapshot(), drive.Sources) })
	result := run.Wait()
	stop()

	rep.AddLoad(result, load.RequiredShare)
	for name, value := range map[string]string{
		"socket": b.path, "bridge": b.name, "mix": mix.String(), "seed": fmt.Sprint(w.Seed),
		"connections": fmt.Sprintf("%d, client %s", p.Connections, p.Client),
	} {
		rep.Run.Settings[name] = value
	}
	rep.Notes = append(rep.Notes, p.notes()...)
	if after, ok := hostTime(w.Proc); known && ok {
		if told := tellSteal(before, after); told != "" {
			rep.Notes = append(rep.Notes, told)
		}
	}
	if told := tellStops(stopped, quotaStops(w.Proc, "/sys")); told != "" {
		rep.Notes = append(rep.Notes, told)
	}
	if err := c.publish(rep, w.Out, w.NoColor); err != nil {
		return err
	}
	if rep.Run.Interrupted {
		return errInterrupted
	}
	if rep.Verdict.State != load.Pass.String() {
		return verdictError{rep.Verdict.State}
	}
	return nil
}

// publishWithout publishes what the subsystems saw, if they did, of a run whose load cannot
// be measured: the bridge was there when they began, and that may be an hour ago; or one saw
// nothing that it could ask about.
func (c *console) publishWithout(rep *report.Report, w *where, why string) error {
	if len(rep.Effects) == 0 {
		return nil
	}
	rep.Verdict.Reason = "no load was measured: " + why
	return c.publish(rep, w.Out, w.NoColor)
}
