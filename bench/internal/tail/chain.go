package tail

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/ipc/timeslice"
)

// Env is what the measurements are made with.
type Env struct {
	Starter *process.Starter
	Bin     string // folder of ml-bridge, mld, floor, pace and this program as tails
	Models  string // folder of the toy models; a copy, as a disturbance replaces them
	Temp    string // for sockets
	sockets int
}

func (e *Env) program(name string) string { return filepath.Join(e.Bin, name) }

func (e *Env) socket(name string) string {
	e.sockets++
	return filepath.Join(e.Temp, name+strconv.Itoa(e.sockets)+".sock")
}

// chain is mld on a Unix socket and ml-bridge before it. One goroutine restarts the
// bridge; others may ask for addresses only before.
type chain struct {
	env        *Env
	gogc       string // of both; "" for the default
	short      bool   // both take short turns on the processor
	cached     bool   // answers stay fresh for an hour
	socket     string // of ml-bridge
	bridgePage string // host:port of its HTTP side
	daemonPage string
	upstream   string

	bridge, daemon *process.Server
	restarts       int
}

func (e *Env) startChain(ctx context.Context, cached bool, cond *Condition) (*chain, error) {
	c := &chain{env: e, gogc: cond.GOGC, short: cond.Short, cached: cached, socket: e.socket("bridge"), upstream: e.socket("mld")}
	v, err := c.serve(ctx, "mld", "--listen", "127.0.0.1:0", "--listen", "unix:"+c.upstream, "--models", e.Models)
	if err != nil {
		return nil, err
	}
	c.daemon = v
	var ready struct{ Listen []string }
	if err := json.Unmarshal([]byte(v.Ready), &ready); err != nil || len(ready.Listen) == 0 {
		c.stop()
		return nil, fmt.Errorf("tail: mld said %q", v.Ready)
	}
	c.daemonPage = ready.Listen[0]
	if err := c.startBridge(ctx, "127.0.0.1:0"); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

func (c *chain) startBridge(ctx context.Context, page string) error {
	args := []string{"--socket", c.socket, "--http", page, "--upstream", "unix:" + c.upstream}
	if c.cached {
		args = append(args, "--ttl", "1h")
	}
	v, err := c.serve(ctx, "ml-bridge", args...)
	if err != nil {
		return err
	}
	var ready struct{ HTTP string }
	if err := json.Unmarshal([]byte(v.Ready), &ready); err != nil || ready.HTTP == "" {
		v.Stop()
		return fmt.Errorf("tail: ml-bridge said %q", v.Ready)
	}
	c.bridge, c.bridgePage = v, ready.HTTP
	return nil
}

// serve starts a daemon through env(1), which sets GOGC and becomes the daemon.
func (c *chain) serve(ctx context.Context, name string, args ...string) (*process.Server, error) {
	args = append([]string{c.env.program(name), "--log-format", "json"}, args...)
	if c.short {
		args = append(args, "--time-slice", timeslice.Short.String())
	}
	if c.gogc != "" {
		args = append([]string{"GOGC=" + c.gogc}, args...)
	}
	return c.env.Starter.Serve(ctx, false, "env", args...)
}

// restartBridge ends ml-bridge as an upgrade would, by SIGTERM, and starts it again on
// the same socket.
func (c *chain) restartBridge(ctx context.Context) error {
	page := c.bridgePage
	if err := syscall.Kill(c.bridge.PID, syscall.SIGTERM); err != nil {
		return err
	}
	if err := c.bridge.Wait(ctx); err != nil {
		return err
	}
	return c.startBridge(ctx, page)
}

// reload makes mld read its models again.
func (c *chain) reload() error { return syscall.Kill(c.daemon.PID, syscall.SIGHUP) }

func (c *chain) stop() {
	for _, v := range []*process.Server{c.bridge, c.daemon} {
		if v != nil {
			v.Stop()
		}
	}
}
