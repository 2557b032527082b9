package main

import (
	"net/http"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/daemon/registry"
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

// inlineBody is the largest batch that is answered on the loop itself: a few
// questions, tens of microseconds. A larger one would keep other callers waiting,
// so it goes to a goroutine, whose wake-up it can afford.
const inlineBody = 1 << 10

// hostEngine loads the models, from dir or the built-in ones, and gives the bridge
// its connections to them.
func hostEngine(dir string, log zerolog.Logger) func(*eventloop.Loop, ipc.Kind) upstream.Conn {
	reg := registry.New(registry.Embedded())
	if dir != builtIn {
		reg = registry.New(registry.Dir(dir), registry.Embedded())
	}
	// The snapshot has the joined error kind by kind.
	_ = reg.Reload()
	for _, k := range ipc.Kinds {
		if m, problem := reg.Snapshot().Model(k), reg.Snapshot().Problem(k); m == nil || problem != nil {
			log.Warn().Stringer("kind", k).AnErr("reason", problem).Msg("model not loaded")
		}
	}
	return func(loop *eventloop.Loop, k ipc.Kind) upstream.Conn {
		return &hostedConn{loop: loop, engine: daemon.NewHosted(k, reg)}
	}
}

// Do answers the exchange. A lane has one under way, so the engine has one user.
func (c *hostedConn) Do(x *upstream.Exchange) {
	if len(x.Body) <= inlineBody {
		c.answer(x)
		x.Done(x)
		return
	}
	go func() {
		c.answer(x)
		c.loop.Post(func() { x.Done(x) })
	}()
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
