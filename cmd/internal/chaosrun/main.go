// Command chaosrun breaks ml-bridge and mld while they are asked (`make chaos`), or asks
// them for an hour and watches what they hold (`make soak`). Package chaos says how.
//
//	chaosrun chaos [flags] BIN    BIN is the folder of ml-bridge and mld
//	chaosrun soak [flags] BIN
//	chaosrun page FILE...         the page for the docs, from several chaos.json or a soak.json
//
// Exit status: 0 when nothing failed, 3 when an answer was wrong or lost, something was
// left behind or a figure was missed, 2 for a wrong command line, 1 for a failure of its own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/cmd/internal/chaos"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/ipc/timeslice"
)

// exitFailed is the status of a run in which something should not have been.
const exitFailed = 3

var (
	errUsage  = errors.New("usage: chaosrun chaos|soak [flags] BIN, or chaosrun page FILE")
	errFailed = errors.New("something failed: see above")
)

func main() {
	// A thread sleeps in system calls until a call is due. Go lets such a thread keep its
	// processor for up to 10 ms, and the goroutines that make the calls would wait for it:
	// they get processors of their own.
	runtime.GOMAXPROCS(runtime.NumCPU() + 2)
	// As an agent on a busy host does. What is started inherits it: the daemons, as they
	// should, and the hostile, since whoever means harm would ask for it, too.
	_ = timeslice.Set(timeslice.Short)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaosrun:", err)
	}
	switch {
	case err == nil:
	case errors.Is(err, errFailed):
		os.Exit(exitFailed)
	case errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		os.Exit(cli.ExitUsage)
	default:
		os.Exit(cli.ExitFailure)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	switch verb, args := args[0], args[1:]; verb {
	case "chaos":
		return runChaos(ctx, args)
	case "soak":
		return runSoak(ctx, args)
	case "page":
		return page(args)
	case "helper": // a process of the other two
		return chaos.Help(ctx, args[0])
	}
	return errUsage
}

func runChaos(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	quick := f.Bool("quick", false, "everything in under two minutes")
	only := f.String("only", "", "regular expression for the names of the faults and proofs to try")
	clock := f.Bool("clock", false, "also set the clock of this machine, an hour forward and back")
	rate := f.Float64("rate", 1000, "calls a second")
	lasts := f.Duration("for", 0, "load of a fault; 0 for 5s, or 600ms with -quick")
	rounds := f.Int("rounds", 0, "rounds of a hostile peer; 0 for 20, or 1 with -quick")
	turn := f.Duration("turn", 0, "length of its turns; 0 for 1s, or 300ms with -quick")
	peer := f.String("peer", "", "ml-bridge's --peer in the proofs of hostile peers")
	out := f.String("out", "out", "folder for chaos.json and chaos.md")
	docs := f.String("docs", "", "file for the page, besides")
	if err := f.Parse(args); err != nil {
		return errUsage
	}
	expr, err := regexp.Compile(*only)
	if f.NArg() != 1 || err != nil || *rate <= 0 {
		return errors.Join(errUsage, err)
	}
	plan := chaos.Plan{
		Only:        expr,
		Frozen:      chaos.FrozenPlan{Run: 5 * time.Second, Calls: 100_000, Most: 32},
		HostileTurn: time.Second, HostileRounds: 20,
	}
	if *quick {
		plan.Frozen.Run, plan.Frozen.Calls, plan.Frozen.Most = 2*time.Second, 10_000, 4
		plan.HostileTurn, plan.HostileRounds = 300*time.Millisecond, 1
	}
	if *lasts == 0 {
		*lasts = 5 * time.Second
		if *quick {
			*lasts = 600 * time.Millisecond
		}
	}
	if *rounds > 0 {
		plan.HostileRounds = *rounds
	}
	if *turn > 0 {
		plan.HostileTurn = *turn
	}
	e, done, err := prepare(f.Arg(0), 64)
	if err != nil {
		return err
	}
	defer done()
	e.Rate, e.For, e.Clock, e.Peer = *rate, *lasts, *clock, *peer
	began := time.Now()
	rows, err := e.Suite(ctx, plan, os.Stdout)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("no fault's name matches %q", *only)
	}
	page := func(w io.Writer) error { return chaos.WriteMarkdown(w, rows, machine()) }
	err = errors.Join(
		write(filepath.Join(*out, "chaos.json"), func(w io.Writer) error { return chaos.WriteJSON(w, rows) }),
		write(filepath.Join(*out, "chaos.md"), page),
	)
	if *docs != "" {
		err = errors.Join(err, write(*docs, page))
	}
	failed := 0
	for i := range rows {
		if rows[i].Failed != "" {
			failed++
		}
	}
	fmt.Printf("%d faults and proofs in %v, %d failed; %s written\n", len(rows), time.Since(began).Round(time.Second), failed, filepath.Join(*out, "chaos.json"))
	if failed > 0 {
		return errors.Join(errFailed, err)
	}
	return err
}

// page joins the rows of several runs, such as those of a machine that is only quiet for
// a minute at a time, and prints their page. A fault that is in several files counts
// once, as the last of them has it.
func page(files []string) error {
	var all []chaos.Row
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(data, []byte("{")) {
			var s chaos.Soak
			if err := json.Unmarshal(data, &s); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return s.Markdown(os.Stdout)
		}
		var rows []chaos.Row
		if err := json.Unmarshal(data, &rows); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range rows {
			if i := slices.IndexFunc(all, func(old chaos.Row) bool { return old.Fault == r.Fault && quota(old) == quota(r) }); i >= 0 {
				all[i] = r
				continue
			}
			all = append(all, r)
		}
	}
	return chaos.WriteMarkdown(os.Stdout, all, machine())
}

// quota is that of a hostile peer's proof.
func quota(r chaos.Row) string {
	if r.Hostile == nil {
		return ""
	}
	return r.Hostile.Quota
}

// prepare copies the programs: an upgrade replaces them, and a process of another user
// must be able to read them. The oracle asks about so many subjects of each kind.
func prepare(bin string, subjects int) (*chaos.Env, func(), error) {
	dir, err := os.MkdirTemp("", "mlbridge-chaos-bin-")
	if err != nil {
		return nil, nil, err
	}
	done := func() { os.RemoveAll(dir) }
	self, err := os.Executable()
	for _, program := range []string{filepath.Join(bin, "ml-bridge"), filepath.Join(bin, "mld"), self} {
		if err == nil {
			err = copyProgram(program, dir)
		}
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	oracle, err := chaos.NewOracle(1, subjects)
	if err != nil {
		done()
		return nil, nil, err
	}
	return &chaos.Env{Bin: dir, Self: filepath.Join(dir, filepath.Base(self)), Oracle: oracle}, done, nil
}

func copyProgram(path, dir string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o755)
}

// write replaces a file.
func write(path string, text func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(text(f), f.Close())
}

// machine says in a phrase where this runs.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u) // cannot fail
	return fmt.Sprintf("%d cores, Linux %s, %s", runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version())
}
