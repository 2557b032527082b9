package translate

import (
	"reflect"
	"testing"

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
	for _, s := range []sample{without, with} {
		accompany(s.object, field)
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

// accompany sets what has to be there for a field to be written: the optional elements
// before it, or what it is about.
func accompany(object any, field string) {
	switch q := object.(type) {
	case *ipc.WorkloadRequest:
		if field == "MemoryPast" || field == "GPUPast" {
			q.CPUPast = []float32{1}
		}
		if field == "GPUPast" {
			q.MemoryPast = []float32{1}
		}
	case *ipc.ThreatRequest:
		if field == "SyscallCounts" {
			q.SyscallFeatures = []float32{1}
		}
	case *ipc.MemoryRequest:
		if field == "CandidateChances" {
			q.Candidates = []uint64{4096}
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
