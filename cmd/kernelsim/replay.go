package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/ipc/record"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/replay"
	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// replayCommand plays a recording of ml-bridge --record.
type replayCommand struct {
	File        string        `arg:"" help:"Recording made by ml-bridge --record." type:"existingfile"`
	Socket      string        `help:"Socket of the bridge to ask (default: where ml-bridge puts it)." env:"MLBRIDGE_SOCKET" placeholder:"PATH"`
	Against     string        `help:"Socket of a second bridge, which is asked the same afterwards and compared with the first." placeholder:"PATH"`
	Speed       float64       `help:"Multiple of the recorded speed." default:"1"`
	Budget      time.Duration `help:"Budget of every call (default: each call's own)."`
	Connections int           `help:"Connections to each bridge; recorded ones are dealt out over them." default:"2"`
	Callers     int           `help:"Calls that can be under way at a time." default:"256"`
	Client      string        `help:"Ask straight over the wire, or through the kernel side's client, with its cache and rules (${enum})." enum:"wire,ml" default:"wire"`
	Out         string        `help:"Write replay.json and replay.txt into this folder." type:"path" placeholder:"DIR"`
	Quiet       bool          `help:"No live progress." short:"q"`
	NoColor     bool          `help:"No colours (also with NO_COLOR set)." env:"NO_COLOR"`
	RequireSame bool          `help:"Exit with 3 unless both sides, the two bridges or the bridge and the recording, gave the same values wherever both asked the model or both the rule."`
}

// Help is called by kong.
func (*replayCommand) Help() string {
	return "The answers are compared with the recorded ones, and with those of the second bridge if there is one. " +
		"SIGINT ends it early, with a report on what was played. " +
		"Exit status: 0 it was played, 3 with --require-same and other values, 2 wrong command line, 1 a failure, or calls that were not sent."
}

// Validate is called by kong.
func (r *replayCommand) Validate() error {
	switch {
	case !(r.Speed >= replay.MinSpeed && r.Speed <= replay.MaxSpeed):
		return fmt.Errorf("--speed %v is not in %v-%v", r.Speed, replay.MinSpeed, float64(replay.MaxSpeed))
	case r.Budget < 0 || r.Budget > load.MaxBudget:
		return fmt.Errorf("--budget %v is not in 0-%v", r.Budget, load.MaxBudget)
	case r.Connections < 1 || r.Connections > maxConnections:
		return fmt.Errorf("--connections %d is not in 1-%d", r.Connections, maxConnections)
	case r.Callers < 1 || r.Callers > maxCallers:
		return fmt.Errorf("--callers %d is not in 1-%d", r.Callers, maxCallers)
	}
	return nil
}

// Run is called by kong.
func (r *replayCommand) Run(c *console) error {
	if err := prepare(r.Out); err != nil {
		return err
	}
	rec, err := loadRecording(r.File)
	if err != nil {
		return err
	}
	rep := replay.NewReport(rec, r.Speed)
	rep.AddRecorded(rec.Calls)
	recorded := replay.Recorded(rec.Calls)
	first, err := r.play(c, r.Socket, "bridge", rec, rep)
	if err != nil {
		return err
	}
	notSent := first.NotSent
	verdict := replay.Compare("recorded", recorded, "bridge", first.Replies, rec.Calls)
	rep.Comparisons = append(rep.Comparisons, verdict)
	if r.Against != "" && c.ctx.Err() == nil {
		second, err := r.play(c, r.Against, "against", rec, rep)
		if err != nil {
			return err
		}
		notSent += second.NotSent
		verdict = replay.Compare("bridge", first.Replies, "against", second.Replies, rec.Calls)
		rep.Comparisons = append(rep.Comparisons, verdict)
	}
	if err := c.publishReplay(rep, r.Out); err != nil {
		return err
	}
	if notSent > 0 || c.ctx.Err() != nil {
		return verdictError{load.Void.String()} // the report says why
	}
	if r.RequireSame && verdict.Differs() {
		return verdictError{"fail"}
	}
	return nil
}

func loadRecording(path string) (*record.Recording, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := record.Load(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rec.Calls) == 0 {
		return nil, fmt.Errorf("%s: no call in it", path)
	}
	return rec, nil
}

// play asks one bridge and adds its side to the report.
func (r *replayCommand) play(c *console, socket, name string, rec *record.Recording, rep *replay.Report) (*replay.Played, error) {
	b, err := reach(c.ctx, socket)
	if err != nil {
		return nil, err
	}
	defer b.close()
	predictors, err := b.open(c.ctx, r.Client, r.Connections)
	if err != nil {
		return nil, err
	}
	c.say(r.Quiet, "%s: %d calls for %s (%s)", name, len(rec.Calls), b.path, b.name)
	unwatch := func() {}
	p, err := replay.Play(c.ctx, replay.Config{
		Calls: rec.Calls, Predictors: predictors, Speed: r.Speed, Budget: r.Budget, Default: load.DefaultBudget, Callers: r.Callers,
		Started: func(run load.Run) {
			unwatch = c.watch(r.Quiet, r.NoColor, func() report.Status { return report.StatusOf(run.Snapshot(), drive.Sources) })
		},
	})
	unwatch()
	if err != nil {
		return nil, err
	}
	rep.Add(name, p)
	return p, nil
}

func (c *console) publishReplay(rep *replay.Report, dir string) error {
	if err := rep.Text(c.out); err != nil || dir == "" {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	name := filepath.Join(dir, "replay")
	if c.ctx.Err() != nil { // part of a replay does not take a whole one's place
		name += "-partial"
	}
	if err := writeFile(name+".json", rep.JSON); err != nil {
		return err
	}
	return writeFile(name+".txt", rep.Text)
}
