package main

import (
	"net/http"
	"time"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/cmd/internal/modeldesk"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// hostedConn is an engine in this process in the place of a connection to mld. It
// saves the second hop; mld stays the default shape, and the only one when models
// need another machine or isolation.
type hostedConn struct {
	loop   *eventloop.Loop
	engine *daemon.Hosted
}

// What is answered on the loop itself: a few questions, tens of microseconds. Anything larger,
// or to a slow model, would keep other callers waiting, so it goes to a goroutine, whose
// wake-up it can afford.
const (
	inlineBody = 1 << 10
	inlineTime = 100 * time.Microsecond
)

// hostEngine gives the bridge its connections to the desk's models.
func hostEngine(desk *modeldesk.Desk) func(*eventloop.Loop, ipc.Kind) upstream.Conn {
	return func(loop *eventloop.Loop, k ipc.Kind) upstream.Conn {
		return &hostedConn{loop: loop, engine: daemon.NewHosted(k, desk.Registry())}
	}
}

// Do answers the exchange. A lane has one under way, so the engine has one user.
func (c *hostedConn) Do(x *upstream.Exchange) {
	if len(x.Body) <= inlineBody && c.engine.Takes(questions(x.Body)) <= inlineTime {
		c.answer(x)
		x.Done(x)
		return
	}
	go func() {
		c.answer(x)
		c.loop.Post(func() { x.Done(x) })
	}()
}

// questions is how many there are in a batch, a msgpack array.
func questions(batch []byte) int {
	switch {
	case len(batch) >= 3 && batch[0] == 0xdc:
		return int(batch[1])<<8 | int(batch[2])
	case len(batch) > 0:
		return int(batch[0] & 0x0f)
	}
	return 0
}

func (c *hostedConn) answer(x *upstream.Exchange) {
	var err error
	x.Err, x.Status, x.AnswerType = nil, http.StatusOK, api.Msgpack.ContentType()
	if x.Answer, err = c.engine.Answer(x.Body); err != nil {
		x.Status, x.Answer = api.HTTPStatus(api.ErrorStatus(err)), []byte(api.ErrorText(err))
	}
}

// Close has nothing to hang up.
func (c *hostedConn) Close() {}
