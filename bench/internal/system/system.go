// Package system starts what a row of the benchmark asks: ml-bridge with mld behind it,
// the floor, a peer, the origin. Every measurement gets fresh processes, so that no row
// profits or suffers from the one before.
package system

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// Env is what all systems are made from.
type Env struct {
	Starter *process.Starter
	Bin     string // folder of ml-bridge, mld, floor and this program as chain
	Toy     string // folder of the toy model
	Origin  string // folder of the origin with its node_modules; "" when it cannot run
	Temp    string // for sockets
	Pinned  bool   // all processes on one core

	sockets int
}

// System is running servers.
type System struct {
	Address string // whom clients ask: a socket's path, or host:port
	HTTP    string // where ml-bridge's pages are, host:port; "" for other systems
	PIDs    []int  // ml-bridge's is the last one of a chain

	servers []*process.Server
	counts  []func() (uint64, error) // of allocations, per server that can tell
}

// Start makes a system run.
type Start func(ctx context.Context, e *Env) (*System, error)

// Stop ends all servers.
func (s *System) Stop() {
	for _, v := range s.servers {
		v.Stop()
	}
	s.servers = nil
}

// Mallocs sums the servers' allocations so far. ok is false when one cannot tell.
func (s *System) Mallocs() (n uint64, ok bool) {
	for _, f := range s.counts {
		v, err := f()
		if err != nil {
			return 0, false
		}
		n += v
	}
	return n, len(s.counts) == len(s.servers)
}

// add takes a server into the system. count may be nil.
func (s *System) add(v *process.Server, count func() (uint64, error)) {
	s.servers = append(s.servers, v)
	s.PIDs = append(s.PIDs, v.PID)
	if count != nil {
		s.counts = append(s.counts, count)
	}
}

func (e *Env) socket(name string) string {
	e.sockets++
	return filepath.Join(e.Temp, name+strconv.Itoa(e.sockets)+".sock")
}

func (e *Env) serve(ctx context.Context, program string, args ...string) (*process.Server, error) {
	return e.Starter.Serve(ctx, e.Pinned, filepath.Join(e.Bin, program), args...)
}

// StartFloor starts the C server.
func StartFloor(ctx context.Context, e *Env) (*System, error) {
	path := e.socket("floor")
	v, err := e.serve(ctx, "floor", "serve", path, strconv.Itoa(payload.ReplyBytes))
	if err != nil {
		return nil, err
	}
	s := &System{Address: path}
	s.add(v, func() (uint64, error) { return 0, nil }) // it allocates nothing
	return s, nil
}

// StartPeer starts one of the peers on a Unix socket or on TCP.
func StartPeer(protocol string, tcp bool) Start {
	return func(ctx context.Context, e *Env) (*System, error) {
		address, path := "127.0.0.1:0", ""
		if !tcp {
			path = e.socket("peer")
			address = "unix:" + path
		}
		v, err := e.serve(ctx, "chain", "-serve", protocol, address)
		if err != nil {
			return nil, err
		}
		s := &System{Address: path}
		if tcp {
			s.Address = strings.TrimPrefix(v.Ready, "READY ")
		}
		s.add(v, func() (uint64, error) {
			line, err := v.Ask("mallocs")
			if err != nil {
				return 0, err
			}
			return strconv.ParseUint(line, 10, 64)
		})
		return s, nil
	}
}

// Chain says how ml-bridge and mld are put together.
type Chain struct {
	TCP      bool     // mld on TCP instead of a Unix socket
	Shipped  bool     // the built-in models instead of the toy
	Embedded bool     // no mld: ml-bridge hosts the engine itself
	Cached   bool     // answers stay fresh for an hour
	Subjects int      // subjects that ml-bridge remembers; 0 for its default
	Flags    []string // further ones of ml-bridge
}

// ready is what both commands say when they are up.
type ready struct {
	Listen []string // mld
	HTTP   string   // ml-bridge
}

func parseReady(line string) (r ready, err error) {
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		return r, fmt.Errorf("READY line %q: %w", line, err)
	}
	return r, nil
}

// StartChain starts mld, unless the engine is embedded, and ml-bridge before it.
func StartChain(c Chain) Start {
	return func(ctx context.Context, e *Env) (*System, error) {
		s := new(System)
		upstream := ""
		if !c.Embedded {
			var err error
			if upstream, err = s.startDaemon(ctx, e, c); err != nil {
				return nil, err
			}
		}
		if err := s.startBridge(ctx, e, c, upstream); err != nil {
			s.Stop()
			return nil, err
		}
		return s, nil
	}
}

// startDaemon gives the address for ml-bridge's --upstream. On a Unix socket mld also
// listens on TCP, for its counters.
func (s *System) startDaemon(ctx context.Context, e *Env, c Chain) (upstream string, err error) {
	args := []string{"--log-format", "json", "--listen", "127.0.0.1:0"}
	path := ""
	if !c.TCP {
		path = e.socket("mld")
		args = append(args, "--listen", "unix:"+path)
	}
	if !c.Shipped {
		args = append(args, "--models", e.Toy)
	}
	v, err := e.serve(ctx, "mld", args...)
	if err != nil {
		return "", err
	}
	r, err := parseReady(v.Ready)
	if err == nil && len(r.Listen) == 0 {
		err = fmt.Errorf("mld says no address: %s", v.Ready)
	}
	if err != nil {
		v.Stop()
		return "", err
	}
	s.add(v, func() (uint64, error) { return scrapeMallocs(r.Listen[0]) })
	if c.TCP {
		return "http://" + r.Listen[0], nil
	}
	return "unix:" + path, nil
}

// StartBridge starts ml-bridge before a daemon that runs already.
func StartBridge(ctx context.Context, e *Env, upstream string, flags ...string) (*System, error) {
	s := new(System)
	if err := s.startBridge(ctx, e, Chain{Flags: flags}, upstream); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *System) startBridge(ctx context.Context, e *Env, c Chain, upstream string) error {
	s.Address = e.socket("bridge")
	args := []string{"--log-format", "json", "--socket", s.Address, "--http", "127.0.0.1:0"}
	if c.Embedded {
		args = append(args, "--models", e.Toy)
	} else {
		args = append(args, "--upstream", upstream)
	}
	if c.Cached {
		args = append(args, "--ttl", "1h")
	}
	if c.Subjects > 0 {
		// All of them fit: a quarter of the cache's memory is a kind's.
		args = append(args, "--subjects", strconv.Itoa(c.Subjects), "--cache-mib", strconv.Itoa(64+c.Subjects/256))
	}
	v, err := e.serve(ctx, "ml-bridge", append(args, c.Flags...)...)
	if err != nil {
		return err
	}
	r, err := parseReady(v.Ready)
	if err != nil {
		v.Stop()
		return err
	}
	s.HTTP = r.HTTP
	s.add(v, func() (uint64, error) { return scrapeMallocs(r.HTTP) })
	return nil
}

// StartOrigin starts the origin's two express servers.
func StartOrigin(ctx context.Context, e *Env) (*System, error) {
	node := func(args ...string) (*process.Server, error) {
		args[0] = filepath.Join(e.Origin, args[0])
		return e.Starter.Serve(ctx, e.Pinned, "node", args...)
	}
	s := new(System)
	d, err := node("daemon.js")
	if err != nil {
		return nil, err
	}
	s.add(d, nil)
	b, err := node("bridge.js", strings.TrimPrefix(d.Ready, "READY "))
	if err != nil {
		s.Stop()
		return nil, err
	}
	s.add(b, nil)
	s.Address = strings.TrimPrefix(b.Ready, "READY ")
	return s, nil
}

// HostsEngine reports whether this ml-bridge can host the engine itself.
func HostsEngine(ctx context.Context, e *Env) bool {
	help, err := e.Starter.Output(ctx, false, filepath.Join(e.Bin, "ml-bridge"), "--help")
	return err == nil && strings.Contains(string(help), "--models")
}

// OriginFiles are the origin's own, beside what npm installs.
var OriginFiles = []string{"package.json", "bridge.js", "daemon.js"}

// Exists reports whether there is such a file.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
