package main

import (
	"context"

	"github.com/mlbridge/mlbridge/ipc"
)

// agent is a process and its last accesses, oldest first.
type agent struct {
	id        uint64
	addresses []uint64
	types     []uint8
	times     []uint64
	asked     uint64 // id of the prediction about the access that comes now
}

// report tells the bridge where the agent really went, and what for.
func (a *agent) report(ctx context.Context, client ipc.Predictor, address uint64, kind uint8) {
	if a.asked == 0 {
		return
	}
	o := ipc.Outcome{PredictionID: a.asked, Subject: ipc.Subject{Agent: a.id}, Actual: ipc.Prediction{Kind: ipc.Memory}}
	o.Actual.Memory.NextAddress, o.Actual.Memory.Type = address, kind
	_ = client.Outcomes(ctx, []ipc.Outcome{o}) // lost when the bridge is away
	a.asked = 0
}

// question adds the access and asks for the next.
func (a *agent) question(address uint64, kind uint8, now uint64) *ipc.MemoryRequest {
	a.addresses = push(a.addresses, address)
	a.types = push(a.types, kind)
	a.times = push(a.times, now)
	return &ipc.MemoryRequest{
		AgentID: a.id, AccessHistory: a.addresses, AccessTypes: a.types, AccessTimestamps: a.times,
		CurrentAddress: address, LocalityScore: locality(a.addresses),
	}
}

// locality is the share of steps of at most 16 pages.
func locality(addresses []uint64) float32 {
	if len(addresses) < 2 {
		return 0
	}
	near := 0
	for i, b := range addresses[1:] {
		if a := addresses[i]; max(page(a), page(b))-min(page(a), page(b)) <= 16 {
			near++
		}
	}
	return float32(near) / float32(len(addresses)-1)
}

func push[T any](s []T, v T) []T {
	s = append(s, v)
	return s[max(0, len(s)-ipc.MaxAccessHistory):]
}
