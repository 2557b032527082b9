package payload

import "github.com/mlbridge/mlbridge/ipc"

// Request is the workload question with the names of the HTTP API.
type Request struct {
	AgentID          uint64    `json:"agent_id"`
	HistoricalCPU    []float32 `json:"historical_cpu"`
	HistoricalMemory []uint64  `json:"historical_memory"`
	HistoricalGPU    []float32 `json:"historical_gpu"`
	TimeOfDay        uint8     `json:"time_of_day"`
	DayOfWeek        uint8     `json:"day_of_week"`
	CurrentCPU       float32   `json:"current_cpu"`
	CurrentMemory    uint64    `json:"current_memory"`
	CurrentGPU       *float32  `json:"current_gpu"`
}

// Reply is the answer to it.
type Reply struct {
	Success    bool        `json:"success"`
	Error      string      `json:"error,omitempty"`
	Prediction *Prediction `json:"prediction,omitempty"`
}

// Prediction is a workload prediction with its origin.
type Prediction struct {
	PredictionID    uint64   `json:"prediction_id"`
	Source          string   `json:"source"`
	AgeNs           uint64   `json:"age_ns"`
	Model           string   `json:"model"`
	PredictedCPU    float32  `json:"predicted_cpu"`
	PredictedMemory uint64   `json:"predicted_memory"`
	PredictedGPU    *float32 `json:"predicted_gpu"`
	Confidence      float32  `json:"confidence"`
}

// ToJSON points r at q's values.
func ToJSON(q *ipc.WorkloadRequest, r *Request) {
	*r = Request{
		AgentID: q.AgentID, HistoricalCPU: q.HistoricalCPU, HistoricalMemory: q.HistoricalMemory,
		HistoricalGPU: q.HistoricalGPU, TimeOfDay: q.TimeOfDay, DayOfWeek: q.DayOfWeek,
		CurrentCPU: q.CurrentCPU, CurrentMemory: q.CurrentMemory, CurrentGPU: &q.CurrentGPU.Value,
	}
}
