package daemon

import (
	"errors"
	"net"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/valyala/fasthttp"
)

// sendError answers with the API's error body.
func sendError(ctx *fasthttp.RequestCtx, status int, text string) {
	ctx.Response.ResetBody()
	sendJSON(ctx, status, api.AppendError(nil, text))
}

func sendJSON(ctx *fasthttp.RequestCtx, status int, body []byte) {
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(body)
}

// sendFault answers a call that failed as a whole with err's status.
func sendFault(ctx *fasthttp.RequestCtx, err error) {
	sendError(ctx, api.HTTPStatus(api.ErrorStatus(err)), api.ErrorText(err))
}

// refuseRequest answers what fasthttp could not read as a request. The connection
// closes afterwards.
func (s *Server) refuseRequest(ctx *fasthttp.RequestCtx, err error) {
	status, text := fasthttp.StatusBadRequest, "malformed HTTP request"
	var small *fasthttp.ErrSmallBuffer
	var ne net.Error
	switch {
	case errors.As(err, &small):
		status, text = fasthttp.StatusRequestHeaderFieldsTooLarge, "headers over 8 KiB"
	case errors.As(err, &ne) && ne.Timeout():
		status, text = fasthttp.StatusRequestTimeout, "the request did not arrive in time"
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		status, text = fasthttp.StatusRequestEntityTooLarge, errBodyTooLarge.Error()
	}
	sendError(ctx, status, text)
	lingerOn(ctx)
	s.counts.add(noRoute, status)
}

// lingerOn makes the connection wait for its peer to read the answer.
func lingerOn(ctx *fasthttp.RequestCtx) {
	if c, ok := ctx.Conn().(*conn); ok {
		c.unread = true
	}
}
