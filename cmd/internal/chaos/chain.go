package chaos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// Env is what every fault is tried with.
type Env struct {
	Bin    string // folder of ml-bridge and mld; replaced in place by upgrades
	Self   string // this program, for its other roles
	Oracle *Oracle
	Rate   float64       // calls a second
	For    time.Duration // length of a fault's load
	Clock  bool          // the machine's clock may be set
	Peer   string        // terms of ml-bridge's --peer in the proofs of hostile peers; "" for none
}

// Chain is ml-bridge with mld, or a liar in its place, behind it.
type Chain struct {
	env    *Env
	dir    string
	socket string // of ml-bridge
	wire   string // of whoever answers the bridge
	page   string // ml-bridge's HTTP side, host:port
	extra  []string

	mld, bridge *Process
	liar        *liar
	manager     *managed // nil for a bridge that is its own
}

// newChain starts it. args are further ones for ml-bridge; lie has the bridge ask a liar.
func (e *Env) newChain(lie bool, args ...string) (_ *Chain, err error) {
	dir, err := os.MkdirTemp("", "mlbridge-chaos-")
	if err != nil {
		return nil, err
	}
	c := &Chain{env: e, dir: dir, socket: filepath.Join(dir, "bridge.sock"), wire: filepath.Join(dir, "mld.sock"), page: "127.0.0.1:0", extra: args}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	if lie {
		if c.liar, err = newLiar(c.wire); err != nil {
			return nil, err
		}
	} else if err = c.startMld(); err != nil {
		return nil, err
	}
	return c, c.startBridge()
}

func (c *Chain) startMld() (err error) {
	c.mld, err = spawn(nil, filepath.Join(c.env.Bin, "mld"), "--log-format", "json", "--admin", "off", "--listen", "unix:"+c.wire, "--listen", "127.0.0.1:0")
	return err
}

func (c *Chain) startBridge() (err error) {
	defer recovered(&err) // from the manager's
	var prepare func(*exec.Cmd)
	if c.manager != nil {
		prepare = c.manager.Prepare
	}
	args := append([]string{"--log-format", "json", "--admin", "off", "--socket", c.socket, "--http", c.page, "--upstream", "unix:" + c.wire}, c.extra...)
	p, err := spawn(prepare, filepath.Join(c.env.Bin, "ml-bridge"), args...)
	if err != nil {
		return err
	}
	c.bridge, c.page = p, p.Ready.HTTP
	return nil
}

// restartMld and restartBridge end one by SIGTERM, as an upgrade does, and start it again.
func (c *Chain) restartMld() error {
	if err := c.mld.Drain(); err != nil {
		return err
	}
	return c.startMld()
}

func (c *Chain) restartBridge() error {
	if err := c.bridge.Drain(); err != nil {
		return err
	}
	return c.startBridge()
}

// replace puts a new file in the place of a program's, as a package manager does.
func (c *Chain) replace(name string) error {
	path := filepath.Join(c.env.Bin, name)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", data, 0o755); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Stop ends all and removes what they left.
func (c *Chain) Stop() {
	for _, p := range []*Process{c.bridge, c.mld} {
		if p != nil {
			p.Kill()
		}
	}
	if c.liar != nil {
		c.liar.close()
	}
	os.RemoveAll(c.dir)
}

// usage is what the bridge holds.
type usage struct {
	goroutines, descriptors int
	rss                     float64 // MB
}

// anything is more than a bridge holds.
var anything = usage{goroutines: 1 << 30, descriptors: 1 << 30}

// and is u with so many more goroutines and descriptors.
func (u usage) and(n int) usage {
	u.goroutines, u.descriptors = u.goroutines+n, u.descriptors+n
	return u
}

var scraper = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

func (c *Chain) usage() (u usage, err error) {
	resp, err := scraper.Get("http://" + c.page + "/metrics")
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if v, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			u.goroutines, err = strconv.Atoi(v)
		}
	}
	u.descriptors, u.rss = c.bridge.descriptors(), c.bridge.resident()
	if u.goroutines == 0 && err == nil {
		err = errors.New("no go_goroutines on the bridge's page")
	}
	return u, err
}

// settled waits until what the bridge holds does not change any more, and is not above
// most, and gives it; after half a minute, what it is then.
func (c *Chain) settled(most usage) (u usage, err error) {
	var last usage
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if u, err = c.usage(); time.Now().After(end) {
			return u, err
		}
		calm := err == nil && u.goroutines == last.goroutines && u.descriptors == last.descriptors
		if calm && u.goroutines <= most.goroutines && u.descriptors <= most.descriptors {
			return u, nil
		}
		last = u
	}
}

// recover asks until the model answers, and gives how long that took.
func (c *Chain) recover(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := newClient(ctx, c.socket, "chaos-recovery")
	if err != nil {
		return 0, fmt.Errorf("no connection any more: %w", err)
	}
	defer client.Close()
	replies := make([]ipc.Reply, 1)
	for n := uint64(0); ; n++ {
		_, q := c.env.Oracle.Question(n)
		err := client.Predict(ctx, []ipc.Request{q}, replies, ipc.Options{Budget: time.Second})
		switch {
		case err == nil && replies[0].Source == ipc.SourceModel:
			return time.Since(began), nil
		case ctx.Err() != nil:
			return 0, fmt.Errorf("the model does not answer any more; the last answer was %+v", replies[0])
		}
	}
}
