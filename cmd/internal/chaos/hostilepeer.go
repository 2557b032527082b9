package chaos

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Mode is a way to be hostile.
type Mode struct {
	Name, What string
	live       func(ctx context.Context, socket string) error
	// home does the same with so many tasks and no socket but its own, where that can be
	// done; live has tasks of them.
	home  func(ctx context.Context, tasks int) error
	tasks int
}

// Modes are all of them.
var Modes = []Mode{
	{Name: "floods", What: "a process with 4 connections that asks as fast as it can, 64 calls at a time on each", live: flood},
	{Name: "never reads", What: "a process with 64 connections that ask and never read the answers", live: neverRead},
	{
		Name: "dribbles", What: "a process with 256 connections that send a byte of a question each millisecond",
		live: dribbleAll, home: dribbleAtHome, tasks: dribblers,
	},
	{Name: "comes and goes", What: "a process that connects, says hello and hangs up, as fast as it can, 4 at a time", live: churn},
	{Name: "holds connections", What: "a process that opens 2,000 connections and says nothing", live: hold},
	{Name: "announces much", What: "a process with 64 connections that announce frames of 1 MiB and send most of them", live: announce},
	{Name: "sends garbage", What: "a process that sends random bytes on 4 connections at a time, as fast as it can", live: garbage},
}

// Nobody is no hostile peer, but a process that computes a little and stays away from the
// socket: what the comparison finds where there is nothing to find.
var Nobody = Mode{Name: "nobody", What: "no peer: a process with 4 tasks that compute for 50 µs and sleep for a millisecond", live: idle}

// hands runs n copies of do, each again and again until ctx ends. A bridge that turns a
// hostile peer away is right to; the peer comes back.
func hands(ctx context.Context, n int, do func() error) error {
	var tasks sync.WaitGroup
	for range n {
		tasks.Go(func() {
			for ctx.Err() == nil {
				if do() != nil {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	tasks.Wait()
	return nil
}

// anyQuestion is a question that nobody else asks.
func anyQuestion(n uint64) ipc.Request {
	return &ipc.WorkloadRequest{AgentID: 1<<40 + n, HistoricalCPU: []float32{0.1, 0.2, 0.3}, CurrentCPU: 0.3, CurrentMemory: 1 << 30}
}

func flood(ctx context.Context, socket string) error {
	return hands(ctx, 4, func() error {
		dialing, cancel := context.WithTimeout(ctx, 5*time.Second)
		c, err := ipc.Dial(dialing, socket, ipc.ClientConfig{Name: "hostile"})
		cancel()
		if err != nil {
			return err
		}
		defer c.Close()
		return hands(ctx, 64, func() error {
			replies := make([]ipc.Reply, 1)
			return c.Predict(context.Background(), []ipc.Request{anyQuestion(uint64(time.Now().UnixNano()))}, replies, ipc.Options{Budget: 50 * time.Millisecond})
		})
	})
}

func neverRead(ctx context.Context, socket string) error {
	return hands(ctx, 64, func() error {
		p, err := dialPeer(socket)
		if err != nil {
			return err
		}
		defer p.Close()
		if _, err := p.Write(hello()); err != nil {
			return err
		}
		for id := uint64(1); ctx.Err() == nil; id++ {
			_ = p.SetDeadline(time.Now().Add(time.Second))
			if _, err := p.Write(ask(id, time.Second, anyQuestion(id))); err != nil {
				return err
			}
		}
		return nil
	})
}

const dribblers = 256

func dribbleAll(ctx context.Context, socket string) error {
	return hands(ctx, dribblers, func() error {
		p, err := dialPeer(socket)
		if err != nil {
			return err
		}
		defer p.Close()
		return dribble(ctx, p)
	})
}

// dribbleAtHome has connections to this process, which reads as little as a bridge for which
// it is not the peer's turn.
func dribbleAtHome(ctx context.Context, n int) error {
	return hands(ctx, n, func() error {
		here, there, err := pair()
		if err != nil {
			return err
		}
		defer there.Close()
		defer here.Close()
		return dribble(ctx, here)
	})
}

func dribble(ctx context.Context, to io.Writer) error {
	for _, b := range append(hello(), ask(1, time.Second, anyQuestion(1))...) {
		if _, err := to.Write([]byte{b}); err != nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func churn(ctx context.Context, socket string) error {
	return hands(ctx, 4, func() error {
		p, err := dialPeer(socket)
		if err != nil {
			return err
		}
		defer p.Close()
		_, err = p.Write(hello())
		return err
	})
}

func hold(ctx context.Context, socket string) error {
	var held []*peer
	for range 2000 {
		if p, err := dialPeer(socket); err == nil {
			held = append(held, p)
		}
	}
	<-ctx.Done()
	for _, p := range held {
		p.Close()
	}
	return nil
}

func announce(ctx context.Context, socket string) error {
	filler := make([]byte, 1<<19)
	return hands(ctx, 64, func() error {
		p, err := dialPeer(socket)
		if err != nil {
			return err
		}
		defer p.Close()
		if _, err := p.Write(append(hello(), 0, 0x0f, 0xff, 0xff)); err != nil {
			return err
		}
		if _, err := p.Write(filler); err != nil {
			return err
		}
		_, _ = p.receive() // the hello
		_, err = p.receive()
		return err
	})
}

func garbage(ctx context.Context, socket string) error {
	return hands(ctx, 4, func() error {
		p, err := dialPeer(socket)
		if err != nil {
			return err
		}
		defer p.Close()
		b := make([]byte, 4096)
		n := uint64(time.Now().UnixNano())
		for i := range b {
			n = n*6364136223846793005 + 1442695040888963407
			b[i] = byte(n >> 56)
		}
		_, err = p.Write(append(hello(), b...))
		return err
	})
}

func idle(ctx context.Context, _ string) error {
	return hands(ctx, 4, func() error {
		for end := monotonic() + int64(50*time.Microsecond); monotonic() < end; {
		}
		time.Sleep(time.Millisecond)
		return nil
	})
}
