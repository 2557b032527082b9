package registry

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/registry/recorded"
	"github.com/mlbridge/mlbridge/ipc"
)

// FuzzQuestions: whatever is read as a question is one that can be written again as the
// same, that every layout makes finite numbers of, and that the shipped model answers.
func FuzzQuestions(f *testing.F) {
	var shipped [len(ipc.Kinds) + 1]Predictor
	for _, k := range ipc.Kinds {
		p, _, err := Embedded().Look().Load(k)
		if err != nil {
			f.Fatal(err)
		}
		shipped[k] = p
		list, err := recorded.Requests(k)
		if err != nil {
			f.Fatal(err)
		}
		for _, q := range append(trialRequests(k), list[0], list[len(list)/2]) {
			f.Add(uint8(k), ipc.AppendRequest(nil, q))
		}
	}
	// The threat layout's older forms, without the agent's memory and without its counts, and
	// counts that no sum can hold.
	for _, q := range []ipc.ThreatRequest{
		{SyscallFeatures: make([]float32, 117)},
		{SyscallFeatures: slices.Repeat([]float32{math.MaxFloat32}, 117)},
		{SyscallFeatures: slices.Repeat([]float32{math.MaxFloat32}, 128)},
		{SyscallFeatures: make([]float32, 128), SyscallCounts: slices.Repeat([]uint64{math.MaxUint64}, 63)},
	} {
		q.TimeSinceLastThreat = ipc.Never
		f.Add(uint8(ipc.Threat), ipc.AppendRequest(nil, &q))
	}
	// What is known of the longer past, from nothing to what no sum can hold, and of one alone.
	for _, q := range []ipc.WorkloadRequest{
		{CPUPast: make([]float32, ipc.MaxWorkloadPast)},
		{GPUPast: slices.Repeat([]float32{-1}, ipc.MaxWorkloadPast-1)},
		{
			CPUPast: slices.Repeat([]float32{math.MaxFloat32}, ipc.MaxWorkloadPast), MemoryPast: slices.Repeat([]float32{-math.MaxFloat32}, ipc.MaxWorkloadPast),
			GPUPast: []float32{math.SmallestNonzeroFloat32},
		},
	} {
		f.Add(uint8(ipc.Workload), ipc.AppendRequest(nil, &q))
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		k := ipc.Kinds[int(kind)%len(ipc.Kinds)]
		list, err := recorded.Parse(k, text)
		if err != nil {
			if list != nil {
				t.Fatalf("%d questions and %v", len(list), err)
			}
			return
		}
		for _, q := range list {
			again, err := recorded.Parse(k, ipc.AppendRequest(nil, q))
			if err != nil || len(again) != 1 {
				t.Fatalf("written again: %d questions, %v", len(again), err)
			}
			if diff := cmp.Diff(q, again[0]); diff != "" {
				t.Fatalf("written again it is another (-first +second):\n%s", diff)
			}
			checkRows(t, q)
			out := make([]ipc.Prediction, 1)
			if err := shipped[k].Predict([]ipc.Request{q}, out); err != nil {
				t.Fatal(err)
			}
			out[0].Kind = k
			if err := out[0].Validate(); err != nil {
				t.Fatalf("%+v is answered with %+v: %v", q, out[0], err)
			}
		}
	})
}

// checkRows looks for numbers that are none, also where another question's were before.
func checkRows(t *testing.T, q ipc.Request) {
	t.Helper()
	for _, l := range []struct {
		*features.Layout
		fill func(dst []float32)
	}{
		{&features.Threat, func(dst []float32) { fillIf(q, dst, features.ThreatRow) }},
		{&features.ThreatFields, func(dst []float32) { fillIf(q, dst, features.ThreatFieldsRow) }},
		{&features.MemoryFields, func(dst []float32) { fillIf(q, dst, features.MemoryFieldsRow) }},
		{&features.WorkloadFields, func(dst []float32) {
			fillIf(q, dst, func(q *ipc.WorkloadRequest, dst []float32) { features.WorkloadFieldsRow(q, 1, dst) })
		}},
		{&features.FailureFields, func(dst []float32) {
			fillIf(q, dst, func(q *ipc.FailureRequest, dst []float32) { features.FailureFieldsRow(q, ipc.FailureMemory, dst) })
		}},
	} {
		if l.Predictor != q.Kind().String() {
			continue
		}
		row, used := make([]float32, l.Width()), make([]float32, l.Width())
		for i := range used {
			used[i] = float32(math.NaN())
		}
		l.fill(row)
		l.fill(used)
		for i, v := range row {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) || v != used[i] {
				t.Fatalf("%s: %s is %v, and %v in a row that was used before: %+v", l.Version, l.Names[i], v, used[i], q)
			}
		}
	}
}

func fillIf[Q ipc.Request](q ipc.Request, dst []float32, row func(Q, []float32)) {
	if q, ok := q.(Q); ok {
		row(q, dst)
	}
}

// FuzzFolder: whatever manifest and state say, every decision can be taken on it, and what
// is kept afterwards is read as it was.
func FuzzFolder(f *testing.F) {
	manifest, err := os.ReadFile(filepath.Join("..", "models", "manifest.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(manifest, []byte(`{"kinds":{"workload":{"history":["a@1","b@2"],"rejected":["c@3"],"roles":{"d@4":{"role":"share","share":0.25}}},"threat":null}}`))
	f.Add([]byte(`{"predictor":"memory","file":"../m.onnx","name":"m","version":"1","role":"share","share":0.5,"inputs":["a"],"confidence":0.5}`), []byte(`{}`))
	f.Add([]byte(`[{"predictor":"failure","file":"f","name":"f","version":"1","format":"tfjs","role":"off","memory_unit":4096}]`), []byte(`null`))
	f.Fuzz(func(t *testing.T, manifest, kept []byte) {
		entries, err := models.ParseManifest(manifest)
		if err != nil && entries != nil {
			t.Fatalf("%d entries and %v", len(entries), err)
		}
		s, err := parseState(kept)
		if err != nil {
			return
		}
		for i := range entries {
			e := &entries[i]
			k, err := e.Kind()
			if err != nil {
				t.Fatal(err)
			}
			st := s.of(k)
			if r := st.roleOf(e); models.CheckRole(r.Role, r.Share) != nil {
				t.Fatalf("%s has the role %+v", e.Label(), r)
			}
			st.served(e.Label())
			if st.serves() != e.Label() {
				t.Fatalf("%s serves: %+v", e.Label(), st)
			}
			st.reject(e.Label())
			st.give(e.Label(), role{Role: models.RoleOff})
			if r := st.roleOf(e); r.Role != models.RoleOff {
				t.Fatalf("%s was stopped and has the role %+v", e.Label(), r)
			}
		}
		text, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseState(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if second, err := json.Marshal(&again); err != nil || string(second) != string(text) {
			t.Fatalf("%s becomes %s, %v", text, second, err)
		}
	})
}
