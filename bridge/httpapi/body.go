package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/mlbridge/mlbridge/ipc"
)

// smallBody is what a request may buffer without asking: the number of connections
// bounds the sum. It holds any single question several times over, so that large
// batches can never keep single questions out.
const smallBody = 64 << 10

// budget is a number of bytes that requests share.
type budget struct{ left atomic.Int64 }

// take reserves n bytes, or reports that there are not as many.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }

// refusal is an error with the HTTP status that says it best.
type refusal struct {
	code int
	text string
}

func (e *refusal) Error() string { return e.text }

// withBody reads the request's body and hands it to use. The memory it takes
// counts against the budget until use returns.
func (x *exchange) withBody(use func(body []byte)) {
	if err := checkMediaType(x.r.Header); err != nil {
		x.refuse(err)
		return
	}
	limit := x.cfg.Limits.Body
	if x.r.ContentLength > limit {
		x.refuse(tooLarge(limit)) // said before a byte of it was read
		return
	}
	// A length that is not announced may turn out to be anything up to the limit.
	size := x.r.ContentLength
	if size < 0 {
		size = limit
	}
	if size > smallBody {
		if !x.bodies.take(size) {
			x.failStatus(ipc.StatusOverloaded, "too many large bodies at once")
			return
		}
		defer x.bodies.give(size)
	}
	body, err := x.readBody(limit)
	if err != nil {
		x.refuse(err)
		return
	}
	use(body)
}

func (x *exchange) readBody(limit int64) ([]byte, error) {
	in := http.MaxBytesReader(x.w, x.r.Body, limit)
	var body []byte
	var err error
	if n := x.r.ContentLength; n >= 0 {
		// One allocation of the right size, made as large as was announced only
		// after the budget agreed.
		body = make([]byte, n)
		_, err = io.ReadFull(in, body)
	} else {
		body, err = io.ReadAll(in)
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(limit)
	case err != nil && isTimeout(err):
		return nil, &refusal{http.StatusRequestTimeout, "the body did not arrive in time"}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "the body ended early"}
	}
	return body, nil
}

func tooLarge(limit int64) error {
	return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("body over %d bytes", limit)}
}

func (x *exchange) refuse(err error) {
	var r *refusal
	if errors.As(err, &r) {
		if r.code == http.StatusRequestEntityTooLarge || r.code == http.StatusRequestTimeout {
			// The rest of the body is still on its way: nothing can follow it.
			x.w.Header().Set("Connection", "close")
		}
		x.fail(r.code, r.text)
		return
	}
	x.failError(err)
}

// checkMediaType wants application/json in UTF-8, and wants it said: a form or
// plain text is what a page of another site can send without being asked.
func checkMediaType(h http.Header) error {
	refuse := func(format string, args ...any) error {
		return &refusal{http.StatusUnsupportedMediaType, fmt.Sprintf(format, args...)}
	}
	if v := strings.Join(h.Values("Content-Encoding"), ", "); v != "" && !strings.EqualFold(v, "identity") {
		return refuse("content encoding %q, want none", clip(v))
	}
	if n := len(h.Values("Content-Type")); n > 1 {
		return refuse("content type given %d times, want application/json", n)
	}
	v := h.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(v)
	if err != nil || kind != "application/json" {
		return refuse("content type %q, want application/json", clip(v))
	}
	if charset, ok := params["charset"]; ok && !strings.EqualFold(charset, "utf-8") {
		return refuse("charset %q, want utf-8", clip(charset))
	}
	return nil
}
