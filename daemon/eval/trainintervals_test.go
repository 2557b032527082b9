package main

import (
	"encoding/json"
	"math"
	"os/exec"
	"strings"
	"testing"
)

// Training draws what it measured itself by the same groups, and its intervals are as wide.
// (Python's random numbers are others.)
func TestTrainingDrawsAlike(t *testing.T) {
	if err := exec.Command("python3", "-c", "import numpy").Run(); err != nil {
		t.Skip("no python3 with numpy: training's intervals are not compared")
	}
	for _, each := range [][]int{{300, 40, 2500}, repeated(19, 30), repeated(20, 7), {9000}, {60, 60}, {3}} {
		var entity []int32
		var values []float64
		for e, n := range each {
			for range n {
				values = append(values, math.Sin(float64(len(entity)))+float64(e%5))
				entity = append(entity, int32(e))
			}
		}
		asked, err := json.Marshal(map[string]any{"entity": entity, "values": values})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("python3", "-B", "-c", `import json, sys
sys.path.insert(0, "../train")
import intervals, numpy as np
q = json.load(sys.stdin)
s = intervals.Sample(q["entity"])
sums, n = s.sums(q["values"]), s.sums(np.ones(len(q["values"])))
print(json.dumps(s.bounds(lambda times: times @ sums / (times @ n)) | {"group": s.group.tolist()}))`)
		cmd.Stdin = strings.NewReader(string(asked))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err, out)
		}
		got := struct {
			Group  []int32 `json:"group"`
			By     string  `json:"by"`
			Groups int     `json:"groups"`
			Low    number  `json:"ci_low"`
			High   number  `json:"ci_high"`
		}{Low: missing, High: missing}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		s := newSample(entity)
		mean := s.mean(values)
		want := s.bounded(plain("workload", "smd_cpu", "test", "left_out_mae", mean(nil), len(values)), func(_ int, times []float64) float64 { return mean(times) })
		if got.By != want.By || got.Groups != want.Groups || got.Low.known() != want.CILow.known() {
			t.Errorf("%v: %+v, want %+v", each, got, want)
		}
		for i, g := range s.group {
			if got.Group[i] != g {
				t.Fatalf("%v: question %d is of group %d, want %d", each, i, got.Group[i], g)
			}
		}
		wide := float64(want.CIHigh - want.CILow)
		if math.Abs(float64(got.Low-want.CILow)) > 0.3*wide || math.Abs(float64(got.High-want.CIHigh)) > 0.3*wide {
			t.Errorf("%v: %v to %v, want about %v to %v", each, got.Low, got.High, want.CILow, want.CIHigh)
		}
	}
}

func repeated(n, each int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = each
	}
	return list
}
