package daemon

import (
	"net"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/valyala/fasthttp"
)

// TestHandlerAllocations counts what a msgpack call allocates in our handler, with
// the built-in models where there are any: nothing.
func TestHandlerAllocations(t *testing.T) {
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

// fasthttpAllocations is what fasthttp allocates for a call: the io.LimitedReader
// with which it makes sure that a streamed body was read to its end, 24 bytes.
const fasthttpAllocations = 1

// TestConnectionAllocations counts over a real connection, fasthttp included.
func TestConnectionAllocations(t *testing.T) {
	r := start(t, nil, Options{})
	for _, k := range ipc.Kinds {
		c := r.dial(t)
		body := api.Msgpack.AppendCall(nil, k, []ipc.Request{question(k, 1<<53+1)}, false)
		raw := append([]byte("POST "+api.PredictPath(k, false)+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: "+
			string(fasthttp.AppendUint(nil, len(body)))+"\r\n\r\n"), body...)
		answer := make([]byte, 4096)
		size := exchange(t, c, raw, answer)
		got := testing.AllocsPerRun(200, func() {
			if n := exchange(t, c, raw, answer); n < size-8 { // the latency's length varies
				t.Errorf("an answer of %d bytes, want about %d", n, size)
			}
		})
		if got > fasthttpAllocations {
			t.Errorf("%v: %v allocations a call, want %d", k, got, fasthttpAllocations)
		}
		c.Close()
	}
}

// exchange sends one call and reads its answer, which fits into one segment.
func exchange(t *testing.T, c net.Conn, raw, answer []byte) int {
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
