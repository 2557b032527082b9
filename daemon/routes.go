package daemon

import (
	"runtime/debug"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// route is what is served under one path.
type route struct {
	id    int // its place in the counters
	name  string
	post  bool // POST, else GET and HEAD
	serve func(*fasthttp.RequestCtx)
}

// noRoute counts requests for paths that are not there.
const noRoute = 0

func (s *Server) makeRoutes() map[string]route {
	m := make(map[string]route)
	add := func(path string, post bool, serve func(*fasthttp.RequestCtx)) {
		m[path] = route{name: path, post: post, serve: serve}
	}
	for _, k := range ipc.Kinds {
		add(api.PredictPath(k, false), true, func(ctx *fasthttp.RequestCtx) { s.predict(ctx, k, false) })
		add(api.PredictPath(k, true), true, func(ctx *fasthttp.RequestCtx) { s.predict(ctx, k, true) })
		add(api.PathMetricsJSON+"/"+k.String(), false, func(ctx *fasthttp.RequestCtx) { s.metricsOf(ctx, k) })
	}
	add(api.PathMetricsJSON, false, s.metricsJSON)
	add(api.PathMetricsReset, true, sameSite(s.metricsReset))
	add(api.PathCacheStats, false, s.cacheStats)
	add(api.PathCacheClear, true, sameSite(s.cacheClear))
	add(api.PathHealth, false, s.health)
	add(api.PathLive, false, s.live)
	add(api.PathReady, false, s.ready)
	add(api.PathPrometheus, false, s.prometheusHandler())
	add(PathOpenAPI, false, s.openapi)

	// Numbers in the order of the paths, so that the counters' order is stable.
	paths := make([]string, 0, len(m))
	for p := range m {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for i, p := range paths {
		r := m[p]
		r.id = noRoute + 1 + i
		m[p] = r
	}
	return m
}

// handle serves one request: fasthttp calls it once for each.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	r, found := s.routes[string(ctx.Path())]
	func() {
		defer s.recoverFrom(ctx)
		s.dispatch(ctx, r, found)
	}()
	c, _ := ctx.Conn().(*conn)
	if s.draining.Load() && (c == nil || !c.mayHaveMore(ctx)) {
		ctx.SetConnectionClose()
	}
	status := ctx.Response.StatusCode()
	if status >= 400 && bodyLeft(ctx) {
		ctx.SetConnectionClose()
		lingerOn(ctx)
	}
	s.counts.add(r.id, status)
}

func (s *Server) dispatch(ctx *fasthttp.RequestCtx, r route, found bool) {
	c, _ := ctx.Conn().(*conn)
	switch {
	case c != nil && c.guard && !s.hostAllowed(ctx.Host()):
		sendError(ctx, fasthttp.StatusForbidden, "this Host is not allowed on a loopback address (see --allow-host)")
	case !found:
		sendError(ctx, fasthttp.StatusNotFound, "no such route, see /openapi.json")
	case r.post && !ctx.IsPost():
		refuseMethod(ctx, "POST")
	case !r.post && !ctx.IsGet() && !ctx.IsHead():
		refuseMethod(ctx, "GET, HEAD")
	default:
		r.serve(ctx)
	}
}

func refuseMethod(ctx *fasthttp.RequestCtx, allow string) {
	sendError(ctx, fasthttp.StatusMethodNotAllowed, "method not allowed, want "+allow)
	ctx.Response.Header.Set("Allow", allow)
}

// recoverFrom answers a panic with 500. The call's storage is not reused: it is
// in a state that nobody knows.
func (s *Server) recoverFrom(ctx *fasthttp.RequestCtx) {
	if v := recover(); v != nil {
		s.panics.Add(1)
		s.opts.OnPanic(v, debug.Stack())
		sendError(ctx, fasthttp.StatusInternalServerError, internalError)
	}
}

const internalError = "internal error"

// maxLeft is how much of an unread body is worth reading to keep the connection.
const maxLeft = 64 << 10

// bodyLeft reports whether a refused request may have more body than that.
func bodyLeft(ctx *fasthttp.RequestCtx) bool {
	n := ctx.Request.Header.ContentLength()
	return n > maxLeft || n == -1
}
