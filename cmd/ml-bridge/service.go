package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/handover"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
	"github.com/mlbridge/mlbridge/ipc"
)

// What the sockets of the service's units are called (FileDescriptorName=).
const (
	passedBridge = "bridge"
	passedHTTP   = "http"
	passedAdmin  = "admin"
)

const (
	// selfBudget is the budget of the questions a bridge asks itself.
	selfBudget = 100 * time.Millisecond
	// startPatience is how long a bridge may take to answer its first one.
	startPatience = 10 * time.Second
	// statusPeriod is how often the status line is written anew.
	statusPeriod = 5 * time.Second
	// handoverAtMost bounds a hand-over: whoever asks meanwhile waits. In its first
	// quarter the daemon may still answer.
	handoverAtMost = time.Second
	// storePatience is how long the service manager may take to read its mail.
	storePatience = 5 * time.Second
)

// passedSocket gives the bridge's socket as passed by the service manager, nil where
// there is none, with its path and whether its mode lets others than its owner in.
func passedSocket(passed *systemd.Passed) (ln *ipc.Listener, path string, open bool, err error) {
	files := passed.Take(passedBridge)
	if len(files) == 0 {
		return nil, "", false, nil
	}
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	if len(files) > 1 {
		return nil, "", false, fmt.Errorf("%d sockets are called %q, want one", len(files), passedBridge)
	}
	fd, err := unix.FcntlInt(files[0].Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, "", false, err
	}
	if ln, err = ipc.ListenerFromFD(fd); err != nil {
		unix.Close(fd)
		return nil, "", false, err
	}
	address, err := unix.Getsockname(fd)
	if named, ok := address.(*unix.SockaddrUnix); ok && err == nil {
		path = named.Name
	}
	info, err := os.Stat(path)
	if err != nil {
		ln.Close()
		return nil, "", false, fmt.Errorf("the passed socket's file: %w", err)
	}
	return ln, path, info.Mode().Perm()&0o077 != 0, nil
}

// takeOver begins where the process before left off, if it left anything.
func (p *process) takeOver(passed *systemd.Passed) {
	files := passed.Take(handover.Name)
	for _, f := range files {
		h, err := handover.Unpack(f)
		if err != nil {
			p.log.Error().Err(err).Msg("what the process before left could not be taken over: its clients connect anew")
			continue
		}
		n, err := p.bridge.TakeOver(h)
		if err != nil {
			p.log.Warn().Err(err).Int("connections_left", len(h.Conns)).Msg("not all that the process before left could be taken over")
		}
		p.log.Info().Int("connections", n.Conns).Int("answers", n.Answers).Int("standings", n.Standings).Msg("taken over")
		if p.bridge.ModelsOff() {
			p.log.Warn().Msg("models are off, as the operator of the process before had it")
		}
	}
	if len(files) > 0 {
		p.systemd.Forget(handover.Name)
	}
}

// announce tells the service manager READY when the bridge has answered a question that
// came through its socket, and from then on how it is doing; and feeds the watchdog with
// such questions.
func (p *process) announce(ctx context.Context) error {
	if !p.systemd.Listens() {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := p.self.ask(asking); err != nil {
		return fmt.Errorf("the bridge does not answer on its own socket: %w", err)
	}
	p.systemd.Ready(p.statusLine())
	if interval := systemd.WatchdogInterval(); interval > 0 {
		go p.systemd.Feed(ctx, interval, p.self.ask, func(err error) {
			p.log.Error().Err(err).Msg("no answer on the own socket: the watchdog is not fed")
		})
	} else {
		p.self.close()
	}
	go p.tell(ctx)
	return nil
}

func (p *process) tell(ctx context.Context) {
	tick := time.NewTicker(statusPeriod)
	defer tick.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if line := p.statusLine(); line != said && !p.draining.Load() {
			p.systemd.Status(line)
			said = line
		}
	}
}

// statusLine is how the bridge is doing, in a line.
func (p *process) statusLine() string {
	up, what := p.bridge.Upstream(), "models answer"
	switch failing := reasons(up.Failing()); {
	case up.State == bridge.UpstreamDown:
		what = "the daemon does not answer, stale answers and rules serve: " + up.Reason
	case len(failing) > 0:
		what = "rules serve where models fail: " + failing[0]
	}
	s := p.bridge.ServerStats()
	return fmt.Sprintf("%d connections, %d questions so far; %s", s.Connections, s.Slots, what)
}

// handOver leaves the connections and the cache to the next process. Requests over
// HTTP are finished; their connections end, and new ones wait at the socket.
func (p *process) handOver(f *flags, stop <-chan os.Signal) error {
	p.draining.Store(true)
	p.systemd.Stopping("handing over to the next process")
	begun, end := time.Now(), time.Now().Add(min(f.Drain, handoverAtMost))
	enough := time.AfterFunc(time.Until(end)/4, p.bridge.Settle)
	defer enough.Stop()
	p.self.close()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		defer cancel()
		var err error
		if p.http != nil {
			err = p.http.Shutdown(ctx)
		}
		left, cut := p.bridge.HandOver(max(time.Until(end), 0))
		if cut > 0 {
			err = errors.Join(err, fmt.Errorf("%d connections did not finish within %v", cut, time.Since(begun).Round(time.Millisecond)))
		}
		n := len(left.Conns)
		err = errors.Join(err, p.leave(left), <-p.ran)
		if err == nil {
			p.log.Info().Int("connections", n).Dur("took_ms", time.Since(begun)).Msg("handed over")
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-stop:
		return cli.ErrForced
	}
}

// leave gives h to the service manager.
func (p *process) leave(h bridge.Handover) error {
	queue, err := handover.Pack(h)
	if err != nil {
		return err
	}
	defer queue.Close()
	if err := p.systemd.Store(handover.Name, queue); err != nil {
		return err
	}
	return p.systemd.Barrier(storePatience)
}
