package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// httpStatus gives the HTTP status of an answer with status s. The table is the
// daemon's: the two APIs never differ in what a code means.
func httpStatus(s ipc.Status) int { return api.HTTPStatus(s) }

// retryAfter is what a caller who was told to come back is advised to wait, in
// seconds, the smallest that the header can say.
const retryAfter = "1"

// fail answers with an error.
func (x *exchange) fail(code int, text string) {
	if len(text) > ipc.MaxErrorBytes {
		text = text[:ipc.MaxErrorBytes]
	}
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", retryAfter)
	}
	body := append([]byte(`{"success":false,"error":`), quote(text)...)
	x.json(code, append(body, '}'))
}

// failStatus answers with the HTTP status that belongs to s.
func (x *exchange) failStatus(s ipc.Status, text string) {
	if s == ipc.StatusOK { // an error that calls itself ok is a defect
		s = ipc.StatusInternal
	}
	x.fail(httpStatus(s), text)
}

func (x *exchange) failError(err error) {
	status, text := statusOf(err)
	if status == ipc.StatusInternal {
		x.log("request failed", err)
	}
	x.failStatus(status, text)
}

// json answers with a finished document.
func (x *exchange) json(code int, body []byte) { x.send(code, "application/json", append(body, '\n')) }

func (x *exchange) send(code int, contentType string, body []byte) {
	h := x.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	x.code = code
	x.w.WriteHeader(code)
	// An error here means that the caller is gone: there is nobody to tell.
	_, _ = x.w.Write(body)
}

// quote gives text as a JSON string; bytes that are not UTF-8 are replaced.
func quote(text string) []byte {
	b, err := json.Marshal(text)
	if err != nil {
		return []byte(`""`) // cannot happen: every string has a JSON form
	}
	return b
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, os.ErrDeadlineExceeded)
}
