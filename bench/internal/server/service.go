package server

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc"

	"github.com/mlbridge/mlbridge/bench/proto"
)

// The names of the one method, as protoc's generators for gRPC and ttrpc would give
// them. The tables below are what they would generate.
const (
	Service    = "mlbridge.bench.Predictor"
	Method     = "Workload"
	FullMethod = "/" + Service + "/" + Method
)

var lastID atomic.Uint64

func answer(q *proto.WorkloadRequest) *proto.WorkloadReply {
	return &proto.WorkloadReply{
		PredictionId: 1<<60 + lastID.Add(1), Source: 2, AgeNs: 1 << 30, Model: model,
		PredictedCpu: q.CurrentCpu, PredictedMemory: q.CurrentMemory, PredictedGpu: q.CurrentGpu, Confidence: 0.75,
	}
}

func serveTTRPC(ln net.Listener) error {
	s, err := ttrpc.NewServer()
	if err != nil {
		return err
	}
	s.RegisterService(Service, &ttrpc.ServiceDesc{Methods: map[string]ttrpc.Method{
		Method: func(_ context.Context, unmarshal func(any) error) (any, error) {
			q := new(proto.WorkloadRequest)
			if err := unmarshal(q); err != nil {
				return nil, err
			}
			return answer(q), nil
		},
	}})
	return s.Serve(context.Background(), ln)
}

func serveGRPC(ln net.Listener) error {
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: Service,
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: Method,
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				q := new(proto.WorkloadRequest)
				if err := decode(q); err != nil {
					return nil, err
				}
				return answer(q), nil
			},
		}},
	}, struct{}{})
	return s.Serve(ln)
}
