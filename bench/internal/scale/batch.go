package scale

import (
	"context"

	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/curve"
)

// batches asks new questions, more and more in one call: latency with one batch in
// flight, throughput with batchesInFlight.
func batches(ctx context.Context, s *Spec) ([]curve.Point, error) {
	ask := client.Spec{Protocol: "bridge", Address: s.Address, Warm: s.Warm, Run: s.Run, PIDs: s.Servers}
	if _, err := client.Run(ctx, ask.Primer()); err != nil {
		return nil, err
	}
	var points []curve.Point
	for _, x := range s.Xs {
		p := curve.NewPoint(s.Curve, x)
		ask.Batch, ask.InFlight = int(x), 1
		single, err := client.Run(ctx, ask)
		if err != nil {
			return nil, err
		}
		latencies(&p, &single)
		ask.InFlight = batchesInFlight
		many, err := client.Run(ctx, ask)
		if err != nil {
			return nil, err
		}
		p.PerSecond = curve.Figure(many.PerSecond)
		p.ServerCPU, p.ClientCPU = curve.Figure(many.CPU-many.OwnCPU), curve.Figure(many.OwnCPU)
		p.Model = share(single.Questions-single.Unexpected+many.Questions-many.Unexpected, single.Questions+many.Questions)
		points = append(points, p)
	}
	return points, nil
}

// batchesInFlight is enough to keep the bridge busy while the daemon computes.
const batchesInFlight = 4
