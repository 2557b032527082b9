//go:build !race

// Under the race detector sync.Pool drops some of what it is given, on purpose, and
// the counts here would be its.

package daemon

import (
	"net"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// TestHandlerAllocations counts what a msgpack call allocates in our handler, with
// the built-in models where there are any: nothing.
func TestHandlerAllocations(t *testing.T) {
	holdGC(t)
	reg := registry.New(registry.Embedded(), &source{model: &fake{version: "1", answer: echo}})
	if err := reg.Reload(); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range ipc.Kinds {
		for _, n := range []int{1, 64} {
			reqs := make([]ipc.Request, n)
			for i := range reqs {
				reqs[i] = question(k, uint64(i))
			}
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.SetMethod("POST")
			ctx.Request.SetRequestURI(api.PredictPath(k, n > 1))
			ctx.Request.Header.SetContentType(api.Msgpack.ContentType())
			ctx.Request.SetBody(api.Msgpack.AppendCall(nil, k, reqs, n > 1))
			got := testing.AllocsPerRun(200, func() {
				ctx.Response.Reset()
				s.handle(&ctx)
			})
			if code := ctx.Response.StatusCode(); code != 200 {
				t.Fatalf("%v: %d %s", k, code, ctx.Response.Body())
			}
			if got != 0 {
				t.Errorf("%v of %d: %v allocations, want 0", k, n, got)
			}
		}
	}
}

// TestHostedAllocations counts what a call costs an engine that another process hosts:
// nothing.
func TestHostedAllocations(t *testing.T) {
	holdGC(t)
	reg := registry.New(registry.Embedded(), &source{model: &fake{version: "1", answer: echo}})
	if err := reg.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, k := range ipc.Kinds {
		h := NewHosted(k, reg)
		for _, n := range []int{1, 64} {
			reqs := make([]ipc.Request, n)
			for i := range reqs {
				reqs[i] = question(k, uint64(i))
			}
			body := api.Msgpack.AppendCall(nil, k, reqs, true)
			got := testing.AllocsPerRun(200, func() {
				if _, err := h.Answer(body); err != nil {
					t.Fatal(err)
				}
			})
			if got != 0 {
				t.Errorf("%v of %d: %v allocations, want 0", k, n, got)
			}
		}
	}
}

// holdGC keeps the collector from emptying the pools between two calls.
func holdGC(t *testing.T) {
	old := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(old) })
}

// fasthttpAllocations is what fasthttp allocates for a call: the io.LimitedReader
// with which it makes sure that a streamed body was read to its end, 24 bytes.
const fasthttpAllocations = 1

// TestConnectionAllocations counts over a real connection.
func TestConnectionAllocations(t *testing.T) {
	holdGC(t)
	r := start(t, nil, Options{})
	for _, k := range ipc.Kinds {
		c := r.dial(t)
		raw := rawCall(api.Msgpack, k)
		answer := make([]byte, 4096)
		size := exchange(t, c, raw, answer)
		got := allocations(200, func() {
			if n := exchange(t, c, raw, answer); n < size-8 { // the latency's length varies
				t.Errorf("an answer of %d bytes, want about %d", n, size)
			}
		})
		want := 0.0
		if loops < 0 {
			want = fasthttpAllocations
		}
		if got > want {
			t.Errorf("%v: %v allocations a call, want %v", k, got, want)
		}
		c.Close()
	}
}

// allocations is testing.AllocsPerRun for a loop and its client in one process: that
// leaves one processor, of which a loop waits 10 ms to be deprived.
func allocations(runs int, f func()) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / uint64(runs)) // what the runtime allocates meanwhile is less than one a call
}

// exchange sends one call and reads its answer, which fits into one segment.
func exchange(t testing.TB, c net.Conn, raw, answer []byte) int {
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// BenchmarkConnection is one call after the other on one connection, in both formats
// and of each kind, with the built-in models where there are any.
func BenchmarkConnection(b *testing.B) {
	reg := registry.New(registry.Embedded(), &source{model: &fake{version: "1", answer: echo}})
	if err := reg.Reload(); err != nil {
		b.Fatal(err)
	}
	s, err := New(Options{Registry: reg, Loops: loops})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "s")
	ln, err := Listen(b.Context(), "unix:"+path)
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	defer func() { s.Close(); <-served }()
	server := "loop"
	if loops < 0 {
		server = "library"
	}
	for _, f := range []api.Format{api.Msgpack, api.JSON} {
		for _, k := range ipc.Kinds {
			b.Run(server+"/"+f.String()+"/"+k.String(), func(b *testing.B) {
				c, err := net.Dial("unix", path)
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				raw := rawCall(f, k)
				answer := make([]byte, 4096)
				b.ReportAllocs()
				for b.Loop() {
					exchange(b, c, raw, answer)
				}
			})
		}
	}
}
