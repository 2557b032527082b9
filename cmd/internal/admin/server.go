package admin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"
)

// Server answers a daemon's operator.
type Server struct {
	mux    *http.ServeMux
	routes []route // in the order they were added, for the list
	http   http.Server
}

type route struct{ pattern, help string }

// A request's head is read within this time; there is no bound on the whole, for a
// profile of the processor takes as long as was asked.
const headTimeout = 5 * time.Second

// New makes a server that lists its routes at / and has the profiles of net/http/pprof
// under /debug/pprof/.
func New() *Server {
	s := &Server{mux: http.NewServeMux()}
	s.http = http.Server{Handler: guard(s.mux), ReadHeaderTimeout: headTimeout, MaxHeaderBytes: 16 << 10}
	s.Handle("GET /{$}", "this list", http.HandlerFunc(s.list))
	s.Handle("GET /debug/pprof/", "profiles, for go tool pprof", http.HandlerFunc(pprof.Index))
	s.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	s.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	s.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	s.mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	return s
}

// Handle adds a route, before Serve: a pattern of net/http with its method, such as
// "POST /drain", and a phrase for the list that says what it does. What changes
// something must not be a GET.
func (s *Server) Handle(pattern, help string, h http.Handler) {
	s.mux.Handle(pattern, h)
	s.routes = append(s.routes, route{pattern, help})
}

// Accept answers 202, and returns when that is on its way: what was asked for may end the
// process, and a client that is not answered does not know whether it was heard.
func Accept(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "0") // else the end of the answer would follow later
	w.WriteHeader(http.StatusAccepted)
	_ = http.NewResponseController(w).Flush() // who has gone is owed nothing
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	routes := slices.Clone(s.routes)
	slices.SortStableFunc(routes, func(a, b route) int { return strings.Compare(a.path(), b.path()) })
	for _, r := range routes {
		fmt.Fprintf(w, "%-32s %s\n", strings.TrimSuffix(r.pattern, "{$}"), r.help)
	}
}

func (r route) path() string {
	_, path, _ := strings.Cut(r.pattern, " ")
	return path
}

// Action is something that changes the daemon: a POST without a body.
type Action struct{ Path, Help string }

// Actions lists what may be done, in the order it was added.
func (s *Server) Actions() (list []Action) {
	for _, r := range s.routes {
		if method, path, _ := strings.Cut(r.pattern, " "); method == http.MethodPost {
			list = append(list, Action{path, r.help})
		}
	}
	return list
}

// Serve answers on ln, which is of a Unix socket, until Close, and returns nil then.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.http.Serve(owners{ln}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Close ends Serve at once.
func (s *Server) Close() error { return s.http.Close() }
