package curve

import "encoding/json"

// Point is one measurement: the element of the JSON file. A figure that was not measured
// or makes no sense on its curve is null.
type Point struct {
	Curve string  `json:"curve"` // name of the curve
	X     float64 `json:"x"`     // how much work: the curve's x axis says what

	PerSecond Figure `json:"per_second"` // questions answered a second
	P50       Figure `json:"p50_us"`     // latency of a call: of a batch on the batch curve,
	P99       Figure `json:"p99_us"`     // from the intended start on the load curves, of all
	P999      Figure `json:"p999_us"`    // that were offered, in µs, per Lookup on the client's curve
	ServerCPU Figure `json:"server_cpu_us_per_op"`
	ClientCPU Figure `json:"client_cpu_us_per_op"` // of the process that asks

	// Memory: growth since before the first one, divided by x. Of few it says nothing
	// and is null.
	ResidentEach Figure `json:"resident_bytes_each"`            // as the kernel counts it (VmRSS)
	AfterGCEach  Figure `json:"resident_bytes_each_after_gc"`   // the same after a collection
	LiveEach     Figure `json:"live_heap_bytes_each"`           // what the collector keeps
	Hits         Figure `json:"answers_from_cache"`             // share, 0 to 1
	InBudget     Figure `json:"model_answers_in_budget"`        // share of the offered calls, 0 to 1
	Kept         Figure `json:"model_answers_in_budget_median"` // the same in the median 20 ms
	Model        Figure `json:"model"`                          // shares of the offered calls,
	Cache        Figure `json:"cache"`                          // 0 to 1, by who
	Stale        Figure `json:"stale"`                          // answered …
	Rule         Figure `json:"rule"`                           //
	Refused      Figure `json:"refused"`                        // … or that nobody did in time,
	Dropped      Figure `json:"dropped"`                        // or that could not be started
	Lateness     Figure `json:"generator_p99_us"`               // how late the generator itself was

	Void bool   `json:"void"` // the generator was late: the point says nothing about the bridge
	Knee bool   `json:"knee"` // this x is the curve's knee
	Note string `json:"note,omitempty"`
}

// NewPoint gives a point of a curve with every figure missing.
func NewPoint(curve string, x float64) Point {
	p := Point{Curve: curve, X: x}
	for _, f := range p.figures() {
		*f = Missing
	}
	return p
}

func (p *Point) figures() []*Figure {
	return []*Figure{
		&p.PerSecond, &p.P50, &p.P99, &p.P999, &p.ServerCPU, &p.ClientCPU,
		&p.ResidentEach, &p.AfterGCEach, &p.LiveEach, &p.Hits, &p.InBudget, &p.Kept,
		&p.Model, &p.Cache, &p.Stale, &p.Rule, &p.Refused, &p.Dropped, &p.Lateness,
	}
}

// JSON gives the file's bytes: all points of all curves in one array.
func JSON(curves []Curve) ([]byte, error) {
	all := []Point{}
	for i := range curves {
		all = append(all, curves[i].Points...)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	return append(b, '\n'), err
}
