package mlclient_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
)

// A scheduler asks what an agent will need next. No bridge runs where this example
// does, so the rule answers, and says so.
func ExampleClient_Predict() {
	client := mlclient.New(mlclient.Config{
		Path: filepath.Join(os.TempDir(), "no-bridge-here.sock"), // leave out to find the bridge by itself
		Name: "example-scheduler",
	})
	defer client.Close()

	question := &ipc.WorkloadRequest{
		AgentID:          42,
		HistoricalCPU:    []float32{0.30, 0.32, 0.31, 0.33}, // oldest first, ends with the current value
		HistoricalMemory: []uint64{1 << 30, 1 << 30, 1 << 30, 1 << 30},
		TimeOfDay:        0, // midnight, a value like any other
		DayOfWeek:        1, // Monday
		CurrentCPU:       0.33,
		CurrentMemory:    1 << 30,
	}
	replies := make([]ipc.Reply, 1)
	err := client.Predict(context.Background(), []ipc.Request{question}, replies, ipc.Options{Budget: time.Millisecond})
	if err != nil {
		fmt.Println(err) // the call as a whole could not be asked: a defect of the caller
		return
	}
	r := &replies[0]
	fmt.Printf("cpu %.3f, memory %d bytes, from the %v (%v): %v\n",
		r.Workload.CPU, r.Workload.Memory, r.Source, r.Model, r.Reason)
	// Output: cpu 0.315, memory 1073741824 bytes, from the rule (rule-workload@1): bridge unavailable
}

// Lookup is for places that cannot wait at all: it answers from what is here and
// asks the bridge behind the caller's back.
func ExampleClient_Lookup() {
	client := mlclient.New(mlclient.Config{Path: filepath.Join(os.TempDir(), "no-bridge-here.sock")})
	defer client.Close()

	var reply ipc.Reply
	client.Lookup(&ipc.MemoryRequest{
		AgentID:        7,
		AccessHistory:  []uint64{0x7f0000000000, 0x7f0000001000, 0x7f0000002000},
		CurrentAddress: 0x7f0000002000,
		LocalityScore:  1,
	}, &reply)
	fmt.Printf("next page %#x, from the %v\n", reply.Memory.NextAddress, reply.Source)
	// Output: next page 0x7f0000003000, from the rule
}

// What really happened goes back under the prediction's id, so that the model can
// be scored against the rule.
func ExampleClient_Outcomes() {
	client := mlclient.New(mlclient.Config{Path: filepath.Join(os.TempDir(), "no-bridge-here.sock")})
	defer client.Close()

	question := &ipc.FailureRequest{
		Component: "memory", HealthScore: 0.2, Trend: ipc.TrendCritical, TimeSinceLastFailure: ipc.Never,
	}
	var reply ipc.Reply
	client.Lookup(question, &reply)

	outcome := ipc.Outcome{
		PredictionID: reply.PredictionID, // 0 here: the client's own rule answered, which nobody scores
		Subject:      question.Subject(),
		Ago:          10 * time.Millisecond,
		Actual:       ipc.Prediction{Kind: ipc.Failure},
	}
	outcome.Actual.Failure.Probability = 1 // it did fail
	err := client.Outcomes(context.Background(), []ipc.Outcome{outcome})
	fmt.Println(reply.Source, err != nil)
	// Output: rule true
}
