package predict

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine"
	"github.com/mlbridge/mlbridge/daemon/engine/onnxfile"
	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

// expectNone asks the model, which has no number for the output, "" for a good answer.
func expectNone(t *testing.T, p *Predictor, q ipc.Request, output string) {
	t.Helper()
	out := []ipc.Prediction{{Kind: 99}}
	err := p.Predict([]ipc.Request{q}, out)
	none, _ := errors.AsType[*InvalidError](err)
	switch f := none.Of(0); {
	case output == "" && (err != nil || out[0].Validate() != nil):
		t.Errorf("%+v, %v, want an answer", out[0], err)
	case output != "" && (f == nil || f.Output != output || f.Value-f.Value == 0 || len(none.Faults) != 1):
		t.Errorf("%v, want a fault of %s", err, output)
	case output != "" && out[0] != (ipc.Prediction{}):
		t.Errorf("%s: the answer is %+v, want none", output, out[0])
	}
}

// TestWhatIsNoNumberIsNoAnswer: whichever of the numbers that an answer is made of it is,
// and whichever kind of none.
func TestWhatIsNoNumberIsNoAnswer(t *testing.T) {
	classes := func(prefix string, n int) (list []string) {
		for i := range n {
			list = append(list, prefix+string(rune('0'+i)))
		}
		return list
	}
	full := map[ipc.Kind][]string{
		ipc.Workload: workloadOutputs,
		ipc.Threat:   append([]string{"threat_score", "confidence"}, classes("threat_type_", 6)...),
		ipc.Failure:  append([]string{"failure_probability", "confidence", "predicted_time"}, classes("failure_type_", 6)...),
		ipc.Memory:   append([]string{"next_page", "access_probability"}, classes("access_type_", 3)...),
	}
	for _, none := range []struct {
		through   string
		bad, good float32
	}{{"Sqrt", -1, 0.25}, {"Log", 0, 1.5}, {"Exp", 1000, -1}} { // NaN, -Inf, +Inf
		for k, outputs := range full {
			s := saying{kind: k, outputs: append(slices.Clone(outputs), "-"), through: none.through, add: map[string]float32{"-": none.bad}}
			for _, name := range outputs {
				s.add[name] = none.good
			}
			ask := func(q ipc.Request, output string) {
				t.Helper()
				p, err := s.load(t)
				if err != nil {
					t.Fatal(err)
				}
				expectNone(t, p, q, output)
			}
			q := sample(k, 1)
			if w, ok := q.(*ipc.WorkloadRequest); ok {
				w.CurrentGPU = ipc.Some(float32(1))
			}
			ask(q, "") // what is passed over may be anything
			for _, name := range outputs {
				s.add[name] = none.bad
				ask(q, name)
				if name == "predicted_gpu" {
					ask(sample(k, 1), "") // an agent without one
				}
				s.add[name] = none.good
			}
		}
	}
}

// TestWhatIsNoNumberIsNoAnswerOfOurs is the same of models on this program's features.
func TestWhatIsNoNumberIsNoAnswerOfOurs(t *testing.T) {
	type outputs map[string]float32 // -1 is none
	called := func(k ipc.Kind) ipc.Request {
		_, full := vectors(t, k)
		return full[0]
	}
	for _, c := range []struct {
		layout *features.Layout
		q      ipc.Request
		says   outputs
		none   string
	}{
		{&features.Workload, sample(ipc.Workload, 1), outputs{"delta": 0.5, "confidence": 0.5}, ""},
		{&features.Workload, sample(ipc.Workload, 1), outputs{"delta": -1, "confidence": 0.5}, "delta"},
		{&features.Workload, sample(ipc.Workload, 1), outputs{"delta": 0.5, "confidence": -1}, "confidence"},
		{&features.Failure, sample(ipc.Failure, 1), outputs{"probability": -1, "log2_intervals": 1}, "probability"},
		{&features.Failure, sample(ipc.Failure, 1), outputs{"probability": 0.5, "log2_intervals": -1}, "log2_intervals"},
		{&features.Failure, sample(ipc.Failure, 1), outputs{"probability": 0.01, "log2_intervals": -1}, ""}, // no time is told
		{&features.Threat, called(ipc.Threat), outputs{"probability": 0.5, "type_odds": 0.5}, ""},
		{&features.Threat, called(ipc.Threat), outputs{"probability": -1, "type_odds": 0.5}, "probability"},
		{&features.Threat, called(ipc.Threat), outputs{"probability": 0.5, "type_odds": -1}, "type_odds"},
		{&features.Threat, called(ipc.Threat), outputs{"probability": 0.001, "type_odds": -1}, ""}, // no type is told
		{&features.Memory, sample(ipc.Memory, 1), outputs{"probability": 0.5, "soon": 0.5}, ""},
		{&features.Memory, sample(ipc.Memory, 1), outputs{"probability": -1, "soon": 0.5}, "probability"},
		{&features.Memory, sample(ipc.Memory, 1), outputs{"probability": 0.5, "soon": -1}, "soon"},
	} {
		g := onnxfile.Graph{Metadata: map[string]string{
			"predictor": c.layout.Predictor, "features": c.layout.Version, "name": "broken", "version": "1",
			"interval_ms": "50,50,50,50", "counters_percent": "75",
		}}
		g.Input("x", c.layout.Width())
		for name, v := range c.says {
			width := 1
			if name == "type_odds" {
				width = int(ipc.ThreatWebShell)
			}
			g.Tensor("w"+name, make([]float32, c.layout.Width()*width), c.layout.Width(), width)
			g.Tensor("b"+name, slices.Repeat([]float32{v}, width), width)
			g.Node("Gemm", "h"+name, []string{"x", "w" + name, "b" + name})
			g.Node("Sqrt", name, []string{"h" + name})
			g.Output(name, width)
		}
		m, err := engine.Load(g.Bytes(), engine.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := New(c.q.Kind(), m, nil)
		if err != nil {
			t.Fatal(err)
		}
		expectNone(t, p, c.q, c.none)
	}
}

// TestOthersOfTheCallHaveTheirAnswers, also in what the engine runs later.
func TestOthersOfTheCallHaveTheirAnswers(t *testing.T) {
	s := saying{
		kind: ipc.Workload, outputs: workloadOutputs, through: "Sqrt",
		from: map[string]string{"predicted_cpu": "current_cpu"},
		add:  map[string]float32{"predicted_cpu": -0.5, "confidence": 0.25},
	}
	p, err := s.load(t)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2*maxSlots + 9
	reqs, out := make([]ipc.Request, n), make([]ipc.Prediction, n)
	for i := range reqs {
		reqs[i] = &ipc.WorkloadRequest{CurrentCPU: [...]float32{0.75, 0.25, 1}[i%3]}
	}
	none, _ := errors.AsType[*InvalidError](p.Predict(reqs, out))
	for i := range reqs {
		f := none.Of(i)
		if bad := i%3 == 1; bad != (f != nil) || bad && (f.Question != i || out[i].Kind != 0) {
			t.Fatalf("question %d: %v, %+v", i, f, out[i])
		}
		want := float32(math.Sqrt([...]float64{0.25, 0, 0.5}[i%3]))
		if f == nil && (out[i].Workload.CPU != want || out[i].Workload.Confidence != 0.5) {
			t.Fatalf("question %d: %+v, want cpu %v", i, out[i].Workload, want)
		}
	}
	// The worker that read them is asked next.
	if err := p.Predict(reqs[:1], out[:1]); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWhatIsOutOfRangeIsCut(t *testing.T) {
	nan := float32(math.NaN())
	for in, want := range map[float32]float32{-3: 0, 0: 0, 0.25: 0.25, 1: 1, math.MaxFloat32: 1} {
		if got := unit(in); got != want {
			t.Errorf("unit(%v) = %v, want %v", in, got, want)
		}
	}
	if got := unit(nan); !math.IsNaN(float64(got)) {
		t.Errorf("unit(NaN) = %v", got)
	}
}
