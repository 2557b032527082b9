package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/timeslice"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/source"
)

// exitCodes is part of every help text of a command that ends with a verdict.
const exitCodes = "0 the answers came inside the budget, 3 they did not, 2 wrong command line, " +
	"1 a failure or a void run (one that says nothing about the bridge: the load generator itself was too late, or a single call decides), " +
	"or one that was interrupted: SIGINT and SIGTERM end it early, with a report on what was measured and no verdict."

// Help is called by kong.
func (runCommand) Help() string { return "Exit status: " + exitCodes }

// Help is called by kong.
func (loadCommand) Help() string { return "Exit status: " + exitCodes }

// where says how the bridge is reached and what the subsystems see.
type where struct {
	Socket    string        `help:"The bridge's Unix socket (default: where ml-bridge puts it)." env:"MLBRIDGE_SOCKET" placeholder:"PATH" group:"whom"`
	Budget    time.Duration `help:"Time that an answer may take in the load phase; the verdict is about it." default:"1ms" group:"judge"`
	TimeSlice time.Duration `help:"Turns on a processor that others want, too, e.g. 100us: the shorter, the sooner they come (Linux 6.12 and later). For kernelsim, ml-bridge and mld alike, or they cost each other; 0 for the kernel's own." default:"0s" group:"whom"`
	Seed      uint64        `help:"Seed of everything random." default:"1" group:"sees"`
	Out       string        `help:"Write report.html, report.json and report.txt into this folder (report-partial.* for a run that is interrupted)." type:"path" placeholder:"DIR" group:"report"`
	Quiet     bool          `help:"No live progress." short:"q" group:"report"`
	NoColor   bool          `help:"No colours (also with NO_COLOR set)." env:"NO_COLOR" group:"report"`

	Workload string `help:"Sources of the scheduler: live, trace, synthetic, shift (changes its ways half-way), none; several with commas." default:"live,trace" placeholder:"LIST" group:"sees"`
	Failure  string `help:"Sources of the healing subsystem, likewise." default:"live,trace" placeholder:"LIST" group:"sees"`
	Memory   string `help:"Sources of the memory manager: trace, synthetic, shift, none." default:"trace" placeholder:"LIST" group:"sees"`
	Threat   string `help:"Sources of the security subsystem: trace, synthetic, none." default:"trace" placeholder:"LIST" group:"sees"`
	Proc     string `help:"Where procfs is mounted." default:"/proc" placeholder:"DIR" group:"sees"`
}

// pace says what the load phase does.
type pace struct {
	Duration    *time.Duration `help:"Length of the measured load (default: that of a schedule, else 10s). A schedule is cut off, or goes on with its last rate." placeholder:"DURATION" group:"load"`
	Warmup      time.Duration  `help:"Load before it that is not measured, of a schedule at its first rate." default:"1s" group:"load"`
	Rate        string         `help:"Calls a second, or a schedule, which has a length of its own: steps:1000x5s,4000x5s or ramp:100-5000x10s." default:"1000" group:"load"`
	Arrivals    string         `help:"How calls arrive at a constant rate: evenly spaced or at random (${enum})." enum:"constant,poisson" default:"poisson" group:"load"`
	Mix         string         `help:"What is asked, as weights, e.g. workload=2,memory=1 (default: all that have a source, equally)." placeholder:"MIX" group:"load"`
	Connections int            `help:"Connections to the bridge." default:"2" group:"load"`
	Callers     int            `help:"Calls that can be under way at a time." default:"256" group:"load"`
	Client      string         `help:"Ask through the kernel side's client, with its cache and rules, or straight over the wire (${enum})." enum:"ml,wire" default:"ml" group:"load"`
	ClosedLoop  *int           `help:"Instead of --rate, --arrivals and --callers: so many callers that each wait for their answer. Finds the most that can be had; its latencies leave waiting out." placeholder:"N" group:"load"`
}

// Bounds of the numbers on the command line.
const (
	maxConnections = 1000
	maxCallers     = 65536
	maxWorkers     = 4096
	maxDuration    = 24 * time.Hour
)

// defaultDuration is how long is measured where neither --duration nor a schedule says it.
const defaultDuration = 10 * time.Second

// check looks at the numbers' bounds, and at what is asked by what there is to ask.
func (p *pace) check(w *where) error {
	switch {
	case p.Duration != nil && (*p.Duration <= 0 || *p.Duration > maxDuration):
		return fmt.Errorf("--duration %v is not in (0, %v]", *p.Duration, maxDuration)
	case p.Warmup < 0 || p.Warmup > maxDuration:
		return fmt.Errorf("--warmup %v is not in [0, %v]", p.Warmup, maxDuration)
	case p.Connections < 1 || p.Connections > maxConnections:
		return fmt.Errorf("--connections %d is not in 1-%d", p.Connections, maxConnections)
	case p.Callers < 1 || p.Callers > maxCallers:
		return fmt.Errorf("--callers %d is not in 1-%d", p.Callers, maxCallers)
	case p.ClosedLoop != nil && (*p.ClosedLoop < 1 || *p.ClosedLoop > maxWorkers):
		return fmt.Errorf("--closed-loop %d is not in 1-%d", *p.ClosedLoop, maxWorkers)
	}
	if _, err := p.mix(w); err != nil {
		return inFlag("mix", err)
	}
	pacer, err := load.ParsePacer(p.schedule(), 0)
	if err == nil && load.Length(pacer) > maxDuration {
		err = fmt.Errorf("a schedule of %v is not in (0, %v]", load.Length(pacer), maxDuration)
	}
	if err != nil {
		return inFlag("rate", err)
	}
	return nil
}

// alone refuses what was typed beside a closed loop and has no meaning there.
func (p *pace) alone(typed *kong.Context) error {
	for _, at := range typed.Path {
		if p.ClosedLoop != nil && at.Flag != nil && slices.Contains([]string{"rate", "arrivals", "callers"}, at.Flag.Name) {
			return fmt.Errorf("--%s and --closed-loop do not go together", at.Flag.Name)
		}
	}
	return nil
}

// Validate is called by kong.
func (r *runCommand) Validate(typed *kong.Context) error {
	switch {
	case r.Observe <= 0 || r.Observe > maxDuration:
		return fmt.Errorf("--observe %v is not in (0, %v]", r.Observe, maxDuration)
	case r.DecisionBudget <= 0 || r.DecisionBudget > load.MaxBudget:
		return fmt.Errorf("--decision-budget %v is not in (0, %v]", r.DecisionBudget, load.MaxBudget)
	}
	return errors.Join(r.where.check(), r.pace.check(&r.where), r.pace.alone(typed))
}

// Validate is called by kong.
func (l *loadCommand) Validate(typed *kong.Context) error {
	return errors.Join(l.where.check(), l.pace.check(&l.where), l.pace.alone(typed))
}

// mix is what is asked: the kinds that have a source, equally, where nothing else is wanted.
func (p *pace) mix(w *where) (*drive.Mix, error) {
	origins, err := w.origins()
	if err != nil {
		return drive.ParseMix(p.Mix) // what is wrong with the sources is said elsewhere
	}
	text := p.Mix
	if strings.TrimSpace(text) == "" {
		var with []string
		for _, k := range ipc.Kinds {
			if len(origins[k]) > 0 {
				with = append(with, k.String())
			}
		}
		if len(with) == 0 {
			return nil, errors.New("there is nothing to ask: no kind has a source")
		}
		text = strings.Join(with, ",")
	}
	m, err := drive.ParseMix(text)
	if err != nil {
		return nil, err
	}
	for _, k := range m.Kinds() {
		if len(origins[k]) == 0 {
			return nil, fmt.Errorf("%s has no source: give --%s one", k, k)
		}
	}
	return m, nil
}

// workers is how many callers a closed loop has, 0 where it is none.
func (p *pace) workers() int {
	if p.ClosedLoop == nil {
		return 0
	}
	return *p.ClosedLoop
}

// schedule joins rate and arrivals into what load.ParsePacer reads.
func (p *pace) schedule() string {
	if strings.Contains(p.Rate, ":") {
		return p.Rate
	}
	return p.Arrivals + ":" + p.Rate
}

// what names the load for people.
func (p *pace) what() string {
	if n := p.workers(); n > 0 {
		return fmt.Sprintf("%d callers, each waiting for its answer,", n)
	}
	return p.schedule()
}

// lasts is how long is measured.
func (p *pace) lasts() time.Duration {
	if p.Duration != nil {
		return *p.Duration
	}
	if pacer, err := load.ParsePacer(p.schedule(), 0); err == nil && p.ClosedLoop == nil && load.Length(pacer) > 0 {
		return load.Length(pacer)
	}
	return defaultDuration
}

// check looks at the budget and the sources.
func (w *where) check() error {
	if w.Budget <= 0 || w.Budget > load.MaxBudget {
		return fmt.Errorf("--budget %v is not in (0, %v]", w.Budget, load.MaxBudget)
	}
	_, err := w.origins()
	return errors.Join(cli.CheckTimeSlice(w.TimeSlice), err)
}

// takeSlice gives this process the turns that were asked for.
func (w *where) takeSlice(c *console) {
	if w.TimeSlice == 0 {
		return
	}
	if err := timeslice.Set(w.TimeSlice); err != nil {
		c.say(false, "the kernel's own time slices: %v", err)
	}
}

// origins reads the four source flags.
func (w *where) origins() (map[ipc.Kind][]source.Origin, error) {
	out := map[ipc.Kind][]source.Origin{}
	for kind, list := range map[ipc.Kind]string{
		ipc.Workload: w.Workload, ipc.Failure: w.Failure, ipc.Memory: w.Memory, ipc.Threat: w.Threat,
	} {
		origins, err := source.ParseOrigins(list)
		if err != nil {
			return nil, inFlag(kind.String(), err)
		}
		for _, o := range origins {
			if o == source.Live && (kind == ipc.Memory || kind == ipc.Threat) {
				return nil, inFlag(kind.String(), source.ErrNoLive)
			}
			if o == source.Shift && (kind == ipc.Failure || kind == ipc.Threat) {
				return nil, inFlag(kind.String(), source.ErrNoShift)
			}
		}
		out[kind] = origins
	}
	return out, nil
}

// smallHost says that the load generator, the bridge and the daemon have to share
// so few processors that they will be in each other's way.
func smallHost() bool { return runtime.NumCPU() <= 2 }

// inFlag is an error about a flag's value, without the packages that it came through: who
// typed the flag knows none of them.
func inFlag(name string, err error) error {
	text := err.Error()
	for {
		first, rest, found := strings.Cut(text, ": ")
		if !found || !slices.Contains([]string{"drive", "ipc", "load", "mix", "source"}, first) {
			return fmt.Errorf("--%s: %s", name, text)
		}
		text = rest
	}
}
