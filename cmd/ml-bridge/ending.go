package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/handover"
	"github.com/mlbridge/mlbridge/cmd/internal/systemd"
)

const (
	// handoverAtMost bounds a hand-over: whoever asks meanwhile waits. In its first
	// quarter the daemon may still answer.
	handoverAtMost = time.Second
	// storePatience is how long the service manager may take to read its mail.
	storePatience = 5 * time.Second
)

// end stops taking calls, lets HTTP finish, for the bridge answers its requests, and then
// finish do the same for the socket, all within a time. After the part of it that is
// called settle the daemon is no longer waited for: whatever it does, both sides are
// answered before the time is over. A second signal ends it at once.
func (p *process) end(why string, within, settle time.Duration, stop <-chan os.Signal, finish func(left time.Duration) error) error {
	p.draining.Store(true)
	p.systemd.Stopping(why)
	p.rest() // else it would ask on, and call a socket that takes nobody in any more dead
	p.self.close()
	end := time.Now().Add(within)
	enough := time.AfterFunc(settle, p.bridge.Settle)
	defer enough.Stop()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), end)
		defer cancel()
		var err error
		if p.http != nil {
			err = p.http.Shutdown(ctx)
		}
		err = errors.Join(err, finish(max(time.Until(end), 0)))
		done <- errors.Join(err, <-p.ran)
	}()
	return cli.Await(done, stop)
}

// drain tells peers to go away and finishes what is in flight.
func (p *process) drain(f *flags, stop <-chan os.Signal) error {
	err := p.end("draining", f.Drain, f.Drain/2, stop, func(left time.Duration) error {
		if cut := p.bridge.Shutdown(left); cut > 0 {
			return fmt.Errorf("%d connections did not finish within %v", cut, f.Drain)
		}
		return nil
	})
	if err == nil {
		p.log.Info().Msg("drained")
	}
	return err
}

// handOver leaves the connections and the cache to the next process. Requests over HTTP
// are finished; their connections end, and new ones wait at the socket.
func (p *process) handOver(f *flags, stop <-chan os.Signal) error {
	within, begun, conns := min(f.Drain, handoverAtMost), time.Now(), 0
	err := p.end("handing over to the next process", within, within/4, stop, func(left time.Duration) error {
		h, cut := p.bridge.HandOver(left)
		conns = len(h.Conns)
		var err error
		if cut > 0 {
			err = fmt.Errorf("%d connections did not finish within %v", cut, within)
		}
		return errors.Join(err, p.leave(h))
	})
	if err == nil {
		p.log.Info().Int("connections", conns).Dur("took_ms", time.Since(begun)).Msg("handed over")
	}
	return err
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
