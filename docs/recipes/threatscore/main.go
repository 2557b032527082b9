// Command threatscore follows the system calls of processes and asks the bridge how
// much they look like an attack. It reads them as strace writes them with numbers,
//
//	strace -f -n -o '|go run ./docs/recipes/threatscore' COMMAND
//
// or one "pid number" a line (x86-64), as bpftrace gives them for the whole machine:
//
//	bpftrace -e 'tracepoint:raw_syscalls:sys_enter { printf("%d %d\n", pid, args.id) }' |
//	    go run ./docs/recipes/threatscore
//
// It reports; what to do about a verdict is for who runs it to decide. The shipped
// model's worth, and where it is wrong, is in daemon/models/EVAL.md.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "threatscore:", err)
		os.Exit(1)
	}
}

// process is one that is watched.
type process struct {
	calls    syscalls.Stream
	unscored int // calls since the last question
	request  ipc.ThreatRequest
	threat   time.Time // when it last looked like one; zero for never
}

var (
	kinds   = [...]string{"none", "privilege escalation", "password guessing", "remote execution", "remote payload", "web shell"}
	actions = [...]string{"none", "monitor", "throttle", "isolate", "terminate"}
)

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	f := flag.NewFlagSet("threatscore", flag.ExitOnError)
	socket := f.String("socket", "", "the bridge's socket; found by itself when empty")
	calls := f.Int("calls", 100, "calls of a process between two questions about it")
	above := f.Float64("above", 0.5, "report scores above this; -1 reports all")
	wait := f.Duration("wait", time.Second, "wait this long for the bridge before the first question: a trace is read sooner than a connection is made")
	if err := f.Parse(args); err != nil {
		return err
	}
	client := mlclient.New(mlclient.Config{Path: *socket, Name: "threatscore"})
	defer client.Close()
	if *wait > 0 {
		up, cancel := context.WithTimeout(ctx, *wait)
		defer cancel()
		_ = client.WaitUp(up) // the rules answer without
	}
	watched := make(map[uint64]*process)
	asked, reported := 0, 0
	lines := bufio.NewScanner(in)
	for lines.Scan() && ctx.Err() == nil {
		pid, number, ok := parse(lines.Text())
		if !ok {
			continue // a signal, an exit, the second half of a call
		}
		p := watched[pid]
		if p == nil {
			p = &process{request: ipc.ThreatRequest{AgentID: pid}}
			watched[pid] = p
		}
		p.calls.Add(syscalls.X8664(number), 0)
		if p.unscored++; p.unscored < *calls {
			continue
		}
		p.unscored = 0
		r, err := p.ask(ctx, client, time.Now())
		if err != nil {
			return err
		}
		asked++
		if t := r.Threat; float64(t.Score) > *above {
			reported++
			from := r.Source.String() + " " + r.Model
			if r.Reason != ipc.ReasonNone {
				from += ", " + r.Reason.String()
			}
			fmt.Fprintf(out, "pid %d: %.2f %s, advice: %s (%s)\n", pid, t.Score, kinds[t.Type], actions[t.Action], from)
		}
	}
	fmt.Fprintf(out, "%d processes, %d questions, %d above %v\n", len(watched), asked, reported, *above)
	return lines.Err()
}

// ask puts the question about the last calls. What was answered before goes along.
func (p *process) ask(ctx context.Context, client ipc.Predictor, now time.Time) (*ipc.Reply, error) {
	q := &p.request
	p.calls.Report(q, syscalls.Ordinary(), uint64(now.UnixNano()))
	q.TimeSinceLastThreat = ipc.Never
	if !p.threat.IsZero() {
		q.TimeSinceLastThreat = uint64(now.Sub(p.threat) / time.Millisecond)
	}
	var replies [1]ipc.Reply
	if err := client.Predict(ctx, []ipc.Request{q}, replies[:], ipc.Options{Budget: time.Millisecond}); err != nil {
		return nil, err
	}
	r := &replies[0]
	q.HistoricalThreats = append(q.HistoricalThreats, r.Threat.Score)
	q.HistoricalThreats = q.HistoricalThreats[max(0, len(q.HistoricalThreats)-ipc.MaxThreatHistory):]
	if r.Threat.Score > 0.5 {
		p.threat = now
	}
	return r, nil
}
