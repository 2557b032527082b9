package loads_test

import (
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/loads"
)

// Every 15th interval an agent collects its work, after a little of it: its last ten
// readings do not show what comes, its past does.
func ExampleTracker() {
	plan := [15]float32{0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.4}
	var agent loads.Tracker
	for i := range 60 {
		agent.Add(loads.Reading{CPU: plan[i%15], Memory: 1 << 30})
	}
	question := &ipc.WorkloadRequest{AgentID: 42}
	agent.Report(question)
	const nearest = 6 // what followed the moment most like the last three readings
	fmt.Printf("%.1f now, %.1f next if it does as before\n", question.CurrentCPU, question.CurrentCPU+question.CPUPast[nearest])
	// Output: 0.4 now, 0.9 next if it does as before
}
