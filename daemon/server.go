package daemon

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mlbridge/mlbridge/daemon/httploop"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

const (
	// headerBytes bounds the request line and headers together.
	headerBytes = 8 << 10
	// closeTick is how often draining looks at the connections.
	closeTick = 5 * time.Millisecond
	// backlogTime bounds how long connections that were waiting to be accepted are
	// still accepted when draining begins; it takes microseconds each.
	backlogTime = 20 * time.Millisecond

	serverName = "mld" // in every answer
)

// Server serves the HTTP API. Make one with New.
type Server struct {
	opts     Options
	registry *registry.Registry
	http     *fasthttp.Server
	routes   map[string]route
	hosts    map[string]bool
	lane     map[string]laneRoute
	started  time.Time

	pools  [len(ipc.Kinds) + 1]sync.Pool // of *work
	tally  [len(ipc.Kinds) + 1]*tally
	counts *requestCounts

	unknown  atomic.Uint64 // fields that were ignored
	rejected atomic.Uint64 // connections over the limit
	panics   atomic.Uint64

	draining atomic.Bool
	stop     chan struct{} // closed when draining begins
	serving  sync.WaitGroup

	mu        sync.Mutex
	closed    bool // guarded by mu, as are the sets below: admit refuses
	conns     map[*conn]struct{}
	lanes     *httploop.Lanes // nil before the first Serve, or when there are none
	onLane    int             // connections there, or on their way
	listeners map[net.Listener]struct{}
}

// New makes a server of the registry's models. It does not listen: see Serve.
func New(opts Options) (*Server, error) {
	if opts.Registry == nil {
		return nil, errors.New("daemon: no registry")
	}
	s := &Server{
		opts:      opts.withDefaults(),
		registry:  opts.Registry,
		started:   time.Now(),
		stop:      make(chan struct{}),
		conns:     make(map[*conn]struct{}),
		listeners: make(map[net.Listener]struct{}),
		hosts:     allowedHosts(opts.AllowHosts),
	}
	for _, k := range ipc.Kinds {
		s.tally[k] = newTally(k)
		s.pools[k].New = func() any { return newWork(k) }
	}
	s.routes = s.makeRoutes()
	s.lane = s.makeLaneRoutes()
	s.counts = newRequestCounts(s.routes)
	s.http = &fasthttp.Server{
		Handler:                      s.handle,
		ErrorHandler:                 s.refuseRequest,
		Name:                         serverName,
		Concurrency:                  s.opts.MaxConns + 1, // admit counts; this never triggers
		ReadBufferSize:               headerBytes,
		ReadTimeout:                  s.opts.ReadTimeout,
		WriteTimeout:                 s.opts.WriteTimeout,
		IdleTimeout:                  s.opts.IdleTimeout,
		StreamRequestBody:            true, // or the announced length would be allocated unseen
		HeaderReceived:               unreadIfTooLarge,
		DisablePreParseMultipartForm: true,
		LazyRequestTime:              true,
		ConnState:                    state,
		Logger:                       silent{}, // peers' mistakes are counted, not logged
	}
	return s, nil
}

// silent is a logger that says nothing.
type silent struct{}

func (silent) Printf(string, ...any) {}

func (s *Server) track(ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining.Load() {
		return ErrClosed
	}
	if err := s.startLanes(); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	s.listeners[ln] = struct{}{}
	return nil
}

func (s *Server) untrack(ln net.Listener) {
	ln.Close()
	s.mu.Lock()
	delete(s.listeners, ln)
	s.mu.Unlock()
}

// Draining reports whether Shutdown or Close has begun.
func (s *Server) Draining() bool { return s.draining.Load() }
