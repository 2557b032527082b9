package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// handler is the API: a configuration and the memory that bodies may use.
type handler struct {
	cfg    Config
	bodies budget
	now    func() time.Time
}

// route is one row of the API. The OpenAPI document has exactly these.
type route struct {
	method string
	path   string
	serve  func(*exchange)
}

// exchange is one request on its way through.
type exchange struct {
	*handler
	w     http.ResponseWriter
	r     *http.Request
	start time.Time
	slots int
	code  int
}

// New makes the handler. It panics when Predictor or Health is missing or an origin
// is no origin: these are mistakes of the program, not of its users.
func New(cfg Config) http.Handler {
	if cfg.Predictor == nil || cfg.Health == nil {
		panic("httpapi: Predictor and Health are required")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	h := &handler{cfg: cfg, now: time.Now}
	h.bodies.left.Store(cfg.Limits.Bodies)
	mux := http.NewServeMux()
	for path, methods := range byPath(h.routes()) {
		mux.Handle(path, h.methods(path, methods))
	}
	// The pattern "/" would take every unknown path; "/{$}" is the page alone.
	mux.Handle("/", h.exchange("", func(x *exchange) {
		x.fail(http.StatusNotFound, noSuchRoute(x.r.URL.Path))
	}))
	return h.guard(mux)
}

// routes lists the API.
func (h *handler) routes() []route {
	list := []route{
		{http.MethodGet, "/{$}", (*exchange).page},
		{http.MethodGet, "/health", (*exchange).health},
		{http.MethodGet, "/livez", (*exchange).livez},
		{http.MethodGet, "/readyz", (*exchange).readyz},
		{http.MethodGet, "/metrics", (*exchange).metrics},
		{http.MethodGet, "/openapi.json", (*exchange).openapi},
		{http.MethodGet, "/api/ml/status", (*exchange).status},
		{http.MethodPost, "/api/ml/outcome", (*exchange).outcome},
		{http.MethodPost, "/api/ml/predict/batch", func(x *exchange) { x.batch(0) }},
	}
	for _, k := range ipc.Kinds {
		path := "/api/ml/predict/" + k.String()
		list = append(list,
			route{http.MethodPost, path, func(x *exchange) { x.single(k) }},
			route{http.MethodPost, path + "/batch", func(x *exchange) { x.batch(k) }},
		)
	}
	return list
}

func byPath(routes []route) map[string][]route {
	m := make(map[string][]route)
	for _, r := range routes {
		m[r.path] = append(m[r.path], r)
	}
	return m
}

// methods picks the route by method. ServeMux could, but would answer a wrong
// method in plain text; everything under /api answers in JSON.
func (h *handler) methods(path string, routes []route) http.Handler {
	var allow []string
	for _, r := range routes {
		allow = append(allow, r.method)
		if r.method == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	return h.exchange(path, func(x *exchange) {
		method := x.r.Method
		if method == http.MethodHead {
			method = http.MethodGet // net/http drops the body
		}
		i := slices.IndexFunc(routes, func(r route) bool { return r.method == method })
		if i < 0 {
			x.w.Header().Set("Allow", strings.Join(allow, ", "))
			x.fail(http.StatusMethodNotAllowed, fmt.Sprintf("method %s is not allowed here, only %s", clip(x.r.Method), strings.Join(allow, ", ")))
			return
		}
		routes[i].serve(x)
	})
}

// exchange wraps serve with what every request gets: a start time, a report, and
// an answer even when the code behind it has a defect.
func (h *handler) exchange(pattern string, serve func(*exchange)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{handler: h, w: w, r: r, start: h.now()}
		defer func() {
			if p := recover(); p != nil {
				x.recovered(p)
			}
			if h.cfg.Observe != nil {
				h.cfg.Observe(Event{Route: pattern, Method: r.Method, Code: x.code, Slots: x.slots, Elapsed: h.now().Sub(x.start)})
			}
		}()
		serve(x)
	})
}

func (x *exchange) recovered(p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	x.log("handler panicked", fmt.Errorf("httpapi: %s %s: %v", x.r.Method, x.r.URL.Path, p))
	if x.code == 0 { // otherwise the answer is on its way and the log has to do
		x.fail(http.StatusInternalServerError, "internal")
	}
}

func (h *handler) log(msg string, err error) {
	if h.cfg.Log != nil {
		h.cfg.Log(msg, err)
	}
}

// noSuchRoute says what there is instead, where the path shows what was meant.
func noSuchRoute(path string) string {
	if name, ok := strings.CutPrefix(path, "/api/ml/predict/"); ok {
		name, _, _ = strings.Cut(name, "/")
		if _, err := ipc.ParseKind(name); err == nil {
			return fmt.Sprintf("no such path %q, want /api/ml/predict/%s or /api/ml/predict/%s/batch", clip(path), name, name)
		}
		return fmt.Sprintf("no prediction %q, want workload, threat, failure, memory or batch", clip(name))
	}
	return fmt.Sprintf("no such path %q, see /openapi.json", clip(path))
}

// clip bounds how much of a caller's text an error repeats.
func clip(text string) string { return excerpt.Of(text, 64) }

// statusOf sorts an error of a Predictor into a status and a text for the caller.
func statusOf(err error) (ipc.Status, string) {
	var status *ipc.StatusError
	var conn *ipc.ConnError
	switch {
	case errors.As(err, &status):
		return status.Status, status.Text
	case errors.Is(err, ipc.ErrDraining), errors.Is(err, ipc.ErrClosed):
		return ipc.StatusUnavailable, "shutting down"
	case errors.As(err, &conn):
		return ipc.StatusUnavailable, conn.Error()
	case isTimeout(err):
		return ipc.StatusDeadlineExceeded, "deadline exceeded"
	}
	return ipc.StatusInternal, "internal"
}
