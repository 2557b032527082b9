package translate

import (
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// docs/fields.md claims, for every field, a name or a place in each form. Here the
// field is set, everything is encoded with and without, and the member that the
// table names must be the one that changed.

// sample is a document that has one object of the section in it.
type sample struct {
	object any   // pointer to the struct whose fields the section lists
	whole  any   // request or prediction that contains it; object itself mostly
	names  []any // way from the whole's JSON to the object's, e.g. "anomalies", 0
	places []int // the same in msgpack
}

var sections = map[string]func() sample{
	"workload request": func() sample { return top(new(ipc.WorkloadRequest)) },
	"threat request":   func() sample { return top(&ipc.ThreatRequest{TimeSinceLastThreat: ipc.Never}) },
	"failure request":  func() sample { return top(&ipc.FailureRequest{TimeSinceLastFailure: ipc.Never}) },
	"memory request":   func() sample { return top(new(ipc.MemoryRequest)) },
	"threat metrics": func() sample {
		q := new(ipc.ThreatRequest)
		return sample{&q.Metrics, q, []any{"metrics"}, []int{1}}
	},
	"anomaly": func() sample {
		q := &ipc.ThreatRequest{Anomalies: make([]ipc.Anomaly, 1)}
		return sample{&q.Anomalies[0], q, []any{"anomalies", 0}, []int{2, 0}}
	},
	"workload prediction": func() sample {
		p := &ipc.Prediction{Kind: ipc.Workload}
		return sample{object: &p.Workload, whole: p}
	},
	"threat prediction": func() sample {
		p := &ipc.Prediction{Kind: ipc.Threat}
		return sample{object: &p.Threat, whole: p}
	},
	"failure prediction": func() sample {
		p := &ipc.Prediction{Kind: ipc.Failure}
		return sample{object: &p.Failure, whole: p}
	},
	"memory prediction": func() sample {
		p := &ipc.Prediction{Kind: ipc.Memory}
		return sample{object: &p.Memory, whole: p}
	},
	"further address": func() sample {
		p := &ipc.Prediction{Kind: ipc.Memory, Memory: ipc.MemoryPrediction{MoreLen: 1}}
		return sample{&p.Memory.More[0], p, []any{"more", 0}, []int{4, 0}}
	},
}

func top(q ipc.Request) sample { return sample{object: q, whole: q} }

func TestFieldsTable(t *testing.T) {
	doc := readFieldsTable(t)
	for name, fresh := range sections {
		rows, ok := doc[name]
		if !ok {
			t.Errorf("docs/fields.md has no section %q", name)
			continue
		}
		fields := reflect.TypeOf(fresh().object).Elem()
		for i := range fields.NumField() {
			// MoreLen says how many of More are set; it is not a field of its own.
			if f := fields.Field(i).Name; rows[f] == nil && f != "MoreLen" {
				t.Errorf("%s: docs/fields.md lacks %s", name, f)
			}
		}
		for field, row := range rows {
			if _, ok := fields.FieldByName(field); !ok {
				t.Errorf("%s: docs/fields.md has %s, which does not exist", name, field)
				continue
			}
			if len(row) != 7 {
				t.Errorf("%s, %s: %d columns, want 7", name, field, len(row))
				continue
			}
			checkRow(t, name+", "+field, fresh, field, row)
		}
	}
}

// checkRow compares the encodings with and without the field.
func checkRow(t *testing.T, what string, fresh func() sample, field string, row []string) {
	t.Helper()
	without, with := fresh(), fresh()
	set(reflect.ValueOf(with.object).Elem().FieldByName(field))
	if p, ok := with.object.(*ipc.MemoryPrediction); ok && field == "More" {
		p.MoreLen = 1
	}
	if q, ok := with.object.(*ipc.MemoryRequest); ok && field == "CandidateChances" {
		q.Candidates = []uint64{4096} // chances are of candidates
		without.object.(*ipc.MemoryRequest).Candidates = q.Candidates
	}
	if q, ok := with.object.(*ipc.ThreatRequest); ok && field == "SyscallCounts" {
		q.SyscallFeatures = []float32{1} // what comes before it is there, empty or not
		without.object.(*ipc.ThreatRequest).SyscallFeatures = q.SyscallFeatures
	}
	if q, ok := with.object.(*ipc.WorkloadRequest); ok && strings.HasSuffix(field, "Past") {
		for _, filled := range []*ipc.WorkloadRequest{q, without.object.(*ipc.WorkloadRequest)} {
			if field != "CPUPast" {
				filled.CPUPast = []float32{1}
			}
			if field == "GPUPast" {
				filled.MemoryPast = []float32{1}
			}
		}
	}
	place := leadingNumber(row[2])
	for _, c := range []struct {
		form      string
		claimed   any
		old, with any
	}{
		{"kernel JSON", firstCode(row[1]), kernelJSON(t, without), kernelJSON(t, with)},
		{"mld JSON", firstCode(row[3]), daemonJSON(t, without), daemonJSON(t, with)},
		{"wire", place, wire(t, without), wire(t, with)},
		{"mld msgpack", leadingNumber(row[4]), daemonMsgpack(t, without), daemonMsgpack(t, with)},
	} {
		if got := changed(c.old, c.with); !reflect.DeepEqual(got, []any{c.claimed}) {
			t.Errorf("%s, %s: docs/fields.md says %v, the code changes %v", what, c.form, c.claimed, got)
		}
	}
}

// set gives a field some value that no field has by default.
func set(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			set(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		set(v.Index(0))
	case reflect.Array:
		set(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32:
		v.SetFloat(0.5)
	case reflect.Int8:
		v.SetInt(1)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		v.SetUint(5_000_000) // 5 ms in ns, so that it survives that conversion
	}
}

// changed gives the names or places that differ between two objects.
func changed(old, with any) []any {
	var out []any
	switch with := with.(type) {
	case map[string]any:
		for name, v := range with {
			if was, ok := old.(map[string]any)[name]; !ok || !reflect.DeepEqual(was, v) {
				out = append(out, name)
			}
		}
	case []any:
		old := old.([]any)
		for i, v := range with {
			if i >= len(old) || !reflect.DeepEqual(old[i], v) {
				out = append(out, i)
			}
		}
	}
	return out
}

func kernelJSON(t *testing.T, s sample) any {
	var text []byte
	var err error
	switch whole := s.whole.(type) {
	case ipc.Request:
		text, err = AppendRequest(nil, whole, Form{})
	case *ipc.Prediction:
		text, err = AppendReply(nil, &ipc.Reply{Prediction: *whole}, Form{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return walk(t, text, s.names)
}

func daemonJSON(t *testing.T, s sample) any {
	switch whole := s.whole.(type) {
	case ipc.Request:
		return walk(t, api.JSON.AppendCall(nil, whole.Kind(), []ipc.Request{whole}, false), s.names)
	case *ipc.Prediction:
		a := &api.Answer{Slots: []api.Slot{{Prediction: *whole}}}
		return walk(t, api.JSON.AppendAnswer(nil, a, false), append([]any{"prediction"}, s.names...))
	}
	return nil
}

func wire(t *testing.T, s sample) any {
	switch whole := s.whole.(type) {
	case ipc.Request:
		return walkArrays(t, ipc.AppendRequest(nil, whole), s.places)
	case *ipc.Prediction:
		return walkArrays(t, ipc.AppendPrediction(nil, whole), s.places)
	}
	return nil
}

func daemonMsgpack(t *testing.T, s sample) any {
	switch whole := s.whole.(type) {
	case ipc.Request:
		return walkArrays(t, api.Msgpack.AppendCall(nil, whole.Kind(), []ipc.Request{whole}, false), s.places)
	case *ipc.Prediction:
		a := &api.Answer{Slots: []api.Slot{{Prediction: *whole}}}
		// answer [model, latency_ns, slot], slot [status, prediction]
		return walkArrays(t, api.Msgpack.AppendAnswer(nil, a, false), append([]int{2, 1}, s.places...))
	}
	return nil
}

// walk follows names and indices into a JSON text.
func walk(t *testing.T, text []byte, way []any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, step := range way {
		switch step := step.(type) {
		case string:
			v = v.(map[string]any)[step]
		case int:
			v = v.([]any)[step]
		}
	}
	return v
}

func walkArrays(t *testing.T, text []byte, way []int) any {
	t.Helper()
	var v any
	if err := msgpack.Unmarshal(text, &v); err != nil {
		t.Fatalf("% x: %v", text, err)
	}
	for _, step := range way {
		v = v.([]any)[step]
	}
	return v
}

// The reply's and the outcome's own members have no place in the daemon's API.
func TestFieldsTableOfEnvelopes(t *testing.T) {
	doc := readFieldsTable(t)
	reply, err := AppendReply(nil, &ipc.Reply{Prediction: ipc.Prediction{Kind: ipc.Workload}}, Form{})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := AppendOutcome(nil, &ipc.Outcome{Actual: ipc.Prediction{Kind: ipc.Threat}}, Form{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind  reflect.Type
		text  []byte
		apart map[string]bool // members and fields that other tables list
	}{
		"reply": {reflect.TypeFor[ipc.Reply](), reply, map[string]bool{
			"Status": true, "Error": true, "Prediction": true, // in the text below the table
			"predicted_cpu": true, "predicted_memory": true, "predicted_gpu": true, "confidence": true,
		}},
		"outcome": {reflect.TypeFor[ipc.Outcome](), outcome, map[string]bool{"kind": true, "Unobserved": true}},
	} {
		members := walk(t, c.text, nil).(map[string]any)
		rows := doc[name]
		for i := range c.kind.NumField() {
			if f := c.kind.Field(i).Name; rows[f] == nil && !c.apart[f] {
				t.Errorf("%s: docs/fields.md lacks %s", name, f)
			}
		}
		for field, row := range rows {
			if _, ok := c.kind.FieldByName(field); !ok {
				t.Errorf("%s: docs/fields.md has %s, which does not exist", name, field)
			}
			if _, ok := members[firstCode(row[1])]; !ok {
				t.Errorf("%s, %s: docs/fields.md says %s, which is not written", name, field, row[1])
			}
			delete(members, firstCode(row[1]))
		}
		for member := range members {
			if !c.apart[member] {
				t.Errorf("%s: %s is written, docs/fields.md lacks it", name, member)
			}
		}
	}
}

var code = regexp.MustCompile("`([^`]*)`")

func firstCode(cell string) string {
	if m := code.FindStringSubmatch(cell); m != nil {
		return m[1]
	}
	return ""
}

var number = regexp.MustCompile(`^\d+`)

func leadingNumber(cell string) int {
	n, err := strconv.Atoi(number.FindString(cell))
	if err != nil {
		return -1
	}
	return n
}

// readFieldsTable gives, per section, the cells of each row by its Go field.
func readFieldsTable(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := make(map[string]map[string][]string)
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
			doc[section] = make(map[string][]string)
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		doc[section][firstCode(cells[0])] = cells
	}
	return doc
}
