package wire

import (
	"path/filepath"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// bridge is the real server with a backend that answers from the rung of its choice.
type bridge struct {
	source func(q *ipc.WorkloadRequest) ipc.Source // SourceNone refuses
	agents map[uint64]int                          // calls by agent; read it after stop
	budget []ipc.Instant                           // what each call had left, in the order of arrival
	path   string
	stop   func() // ends the server; its figures belong to the test from then on
}

func (b *bridge) Round(calls []*ipc.Call) {
	for _, c := range calls {
		q := c.Request.(*ipc.WorkloadRequest)
		b.agents[q.AgentID]++
		b.budget = append(b.budget, c.Deadline-c.Arrived)
		source := b.source(q)
		if source == ipc.SourceNone {
			c.Fail(ipc.StatusOverloaded, "as the test wants it")
			continue
		}
		c.Reply = ipc.Reply{PredictionID: 1 << 60, Source: source, Model: "test@1", Prediction: ipc.Prediction{
			Kind: ipc.Workload, Workload: ipc.WorkloadPrediction{Confidence: 1},
		}}
		c.Finish()
	}
}

func (b *bridge) Observe([]ipc.Outcome) {}

func serve(t *testing.T, source func(*ipc.WorkloadRequest) ipc.Source) *bridge {
	t.Helper()
	b := &bridge{source: source, agents: map[uint64]int{}, path: filepath.Join(t.TempDir(), "s")}
	ln, err := ipc.Listen(b.path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	loop, err := eventloop.New(func() int64 { return int64(ipc.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	server, err := ipc.NewServer(loop, b, ipc.ServerConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(ln); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- loop.Run() }()
	stopped := false
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		server.Shutdown(0)
		loop.Close()
		<-ended
	}
	t.Cleanup(b.stop)
	return b
}

// always answers every question from one rung.
func always(s ipc.Source) func(*ipc.WorkloadRequest) ipc.Source {
	return func(*ipc.WorkloadRequest) ipc.Source { return s }
}
