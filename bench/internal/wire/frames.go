package wire

import (
	"github.com/mlbridge/mlbridge/bench/internal/payload"
	"github.com/mlbridge/mlbridge/ipc"
)

// Hot asks one question for ever: after the first answer a bridge's cache has it.
func Hot() Frame {
	q := payload.New(ipc.Workload)
	payload.Fill(q, payload.Hot)
	return func(b []byte, _ uint64, id, budget uint32) []byte {
		return payload.AppendPredict(b, id, budget, q)
	}
}

// New asks a new question every time.
func New() Frame {
	q := payload.New(ipc.Workload)
	return func(b []byte, n uint64, id, budget uint32) []byte {
		payload.Fill(q, int(n%(payload.Agents*payload.Rounds)))
		return payload.AppendPredict(b, id, budget, q)
	}
}

// Agents asks the hot question on behalf of agent(n).
func Agents(agent func(n uint64) uint64) Frame {
	q := payload.New(ipc.Workload).(*ipc.WorkloadRequest)
	payload.Fill(q, payload.Hot)
	return func(b []byte, n uint64, id, budget uint32) []byte {
		q.AgentID = agent(n)
		return payload.AppendPredict(b, id, budget, q)
	}
}
