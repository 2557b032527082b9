package upstream

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// Exchange is one call and its answer. It is reused: everything in it is valid
// from Do until the end of Done.
type Exchange struct {
	Method      string        // "" is POST; GET sends no body
	Path        string        // absolute path, e.g. "/api/ml/predict/workload/batch"
	ContentType string        // of Body
	Body        []byte        // sent with POST
	Traceparent string        // header of that name; "" for none
	Timeout     time.Duration // for the whole exchange, connecting included; > 0

	Status     int    // HTTP status of the answer, 0 when Err is set
	Answer     []byte // its body, at most MaxAnswer bytes; valid during Done
	AnswerType string // its Content-Type
	Err        error  // *Error when there is no answer

	// Done runs on the loop when the exchange is over, exactly once.
	Done func(*Exchange)
}

// Error says why an exchange has no answer.
type Error struct {
	Op   string // "dial", "write", "read", "timeout", "answer" (not one that can be used), "close"
	Sent bool   // whether the daemon may have seen the call
	Err  error
}

// Error is for people: a page and a log have it.
func (e *Error) Error() string {
	if e.Op == "timeout" { // whatever error of whose deadline it is
		return "upstream: no answer in time"
	}
	return "upstream: " + e.Op + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Limits on what a daemon may answer.
const (
	MaxHead   = 16 << 10 // status line and headers, bytes
	MaxAnswer = 4 << 20  // body, bytes
)

// Conn is one keep-alive connection. All its methods run on the loop.
type Conn interface {
	// Do starts x, connecting first where needed. One exchange at a time: calling Do
	// before the last one's Done has run is a defect and panics.
	Do(x *Exchange)
	// Close hangs up. An exchange under way ends with an error.
	Close()
}

// Target is where a daemon is.
type Target struct {
	URL     string // as given
	network string // "tcp" or "unix"
	address string // host:port or socket path
	host    string // Host header
	tls     bool
}

// UnixPath gives the path of a target on a Unix socket.
func (t Target) UnixPath() (path string, ok bool) { return t.address, t.network == "unix" }

// ParseTarget reads "http://host:port", "https://host:port" or "unix:/path".
func ParseTarget(s string) (Target, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if !strings.HasPrefix(path, "/") {
			return Target{}, fmt.Errorf("upstream: %q: a unix socket needs an absolute path", s)
		}
		return Target{URL: s, network: "unix", address: path, host: "localhost"}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return Target{}, fmt.Errorf("upstream: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return Target{}, fmt.Errorf("upstream: %q: want http://host:port, https://host:port or unix:/path", s)
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return Target{}, fmt.Errorf("upstream: %q: only scheme, host and port are used", s)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Target{}, fmt.Errorf("upstream: %q: port %q is outside 1-65535", s, port)
	}
	return Target{
		URL: s, network: "tcp", host: u.Host, tls: u.Scheme == "https",
		address: net.JoinHostPort(u.Hostname(), port),
	}, nil
}

// String gives the target as it was given.
func (t Target) String() string { return t.URL }

// Dial makes a connection to t that belongs to loop; nothing is sent before the
// first Do. library selects net/http, which https needs in any case.
func Dial(loop *eventloop.Loop, t Target, library bool) Conn {
	if library || t.tls {
		return newLibraryConn(loop, t)
	}
	return newLoopConn(loop, t)
}
