package daemon

import (
	"errors"
	"io"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/valyala/fasthttp"
)

const (
	// bodyStep is what a body's storage begins with; it doubles as bytes arrive.
	bodyStep = 8 << 10
	// bodyKeep is how much of it stays for the next call.
	bodyKeep = 64 << 10
)

var (
	errBodyTooLarge = errors.New("body over 4 MiB")
	errBodyCut      = errors.New("the body ends before its announced length")
)

// unreadIfTooLarge keeps fasthttp from waiting for the first 8 KiB of a body that is refused
// for its announced length: it takes a byte of it, the least that it can be told to.
func unreadIfTooLarge(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	if h.ContentLength() > api.MaxBodyBytes {
		c.MaxRequestBodySize = 1
	}
	return c
}

// readBody reads a request's body into dst's storage. The length that the peer
// announced decides only about refusing: memory is spent on bytes that arrived.
func readBody(ctx *fasthttp.RequestCtx, dst []byte) ([]byte, error) {
	r := ctx.RequestBodyStream()
	if r == nil {
		return append(dst[:0], ctx.Request.Body()...), nil
	}
	announced := ctx.Request.Header.ContentLength() // -1 when chunked
	if announced > api.MaxBodyBytes {
		return dst[:0], errBodyTooLarge
	}
	if cap(dst) == 0 {
		dst = make([]byte, 0, bodyStep)
	}
	dst = dst[:0]
	for {
		if len(dst) > api.MaxBodyBytes {
			return dst, errBodyTooLarge
		}
		if len(dst) == cap(dst) {
			grown := make([]byte, len(dst), 2*cap(dst))
			copy(grown, dst)
			dst = grown
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case errors.Is(err, io.EOF):
			if announced >= 0 && len(dst) != announced {
				return dst, errBodyCut
			}
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}
