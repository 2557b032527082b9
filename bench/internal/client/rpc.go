package client

import (
	"context"
	"errors"
	"net"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/bench/internal/server"
	"github.com/mlbridge/mlbridge/bench/proto"
	"github.com/mlbridge/mlbridge/ipc"
)

// invoke is a unary call, of gRPC or ttrpc.
type invoke func(ctx context.Context, q *proto.WorkloadRequest, r *proto.WorkloadReply) error

// rpcCaller asks through either of them.
type rpcCaller struct {
	invoke invoke
	hot    bool
	from   ipc.WorkloadRequest
	req    *proto.WorkloadRequest
	reply  proto.WorkloadReply
}

var errEmpty = errors.New("an answer without a model")

func newRPCCallers(s *Spec, f invoke) []load.Caller {
	callers := make([]load.Caller, s.InFlight)
	for i := range callers {
		c := &rpcCaller{invoke: f, hot: s.Hot, req: new(proto.WorkloadRequest)}
		c.from = *payload.New(ipc.Workload).(*ipc.WorkloadRequest)
		payload.Fill(&c.from, payload.Hot)
		callers[i] = c
	}
	return callers
}

func (c *rpcCaller) Call(i int) (unexpected int, err error) {
	if !c.hot {
		payload.Fill(&c.from, i)
	}
	payload.ToProto(&c.from, c.req)
	c.reply.Reset()
	if err := c.invoke(context.Background(), c.req, &c.reply); err != nil {
		return 0, err
	}
	if c.reply.Model == "" {
		return 0, errEmpty
	}
	return 0, nil
}

func dialTTRPC(ctx context.Context, s *Spec) ([]load.Caller, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", s.Address)
	if err != nil {
		return nil, err
	}
	c := ttrpc.NewClient(conn)
	return newRPCCallers(s, func(ctx context.Context, q *proto.WorkloadRequest, r *proto.WorkloadReply) error {
		return c.Call(ctx, server.Service, server.Method, q, r)
	}), nil
}

func dialGRPC(_ context.Context, s *Spec) ([]load.Caller, error) {
	c, err := grpc.NewClient("unix:"+s.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return newRPCCallers(s, func(ctx context.Context, q *proto.WorkloadRequest, r *proto.WorkloadReply) error {
		return c.Invoke(ctx, server.FullMethod, q, r)
	}), nil
}
