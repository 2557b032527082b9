package api

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mlbridge/mlbridge/ipc"
)

// bodies of each kind with every required field and no other.
var minimal = map[ipc.Kind]string{
	ipc.Workload: `{"agentId":"agent-1","timeOfDay":0,"dayOfWeek":0,"currentCpu":0.0,"currentMemory":0}`,
	ipc.Threat:   `{"agentId":1,"metrics":{"operationCount":0,"syscallCount":0,"memoryUsage":0,"networkActivity":0}}`,
	ipc.Failure:  `{"component":"x","healthScore":0,"currentValue":0.0,"baseline":0,"trend":0}`,
	ipc.Memory:   `{"agentId":"1","currentAddress":0,"localityScore":0}`,
}

// with puts a member in front of the others of a body.
func with(k ipc.Kind, member string) string { return "{" + member + "," + minimal[k][1:] }

// TestAbsent: what may be absent is none, and zeros that are there are values.
func TestAbsent(t *testing.T) {
	for _, k := range ipc.Kinds {
		want := bareRequest(k)
		switch q := want.(type) {
		case *ipc.WorkloadRequest:
			q.AgentID = 1
		case *ipc.ThreatRequest:
			q.AgentID = 1
		case *ipc.MemoryRequest:
			q.AgentID = 1
		}
		c := Call{Kind: k}
		if err := JSON.ParseCall([]byte(minimal[k]), &c); err != nil {
			t.Errorf("%v: %v", k, err)
			continue
		}
		if diff := cmp.Diff(want, c.Requests[0], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", k, diff)
		}
	}
}

// TestRequired removes each member of the minimal bodies in turn, and makes it null.
func TestRequired(t *testing.T) {
	names := map[ipc.Kind][]string{
		ipc.Workload: {"agentId", "timeOfDay", "dayOfWeek", "currentCpu", "currentMemory"},
		ipc.Threat:   {"agentId", "metrics", "metrics.operationCount", "metrics.syscallCount", "metrics.memoryUsage", "metrics.networkActivity"},
		ipc.Failure:  {"component", "healthScore", "currentValue", "baseline", "trend"},
		ipc.Memory:   {"agentId", "currentAddress", "localityScore"},
	}
	for k, members := range names {
		for _, place := range members {
			name := place[strings.LastIndex(place, ".")+1:]
			for _, other := range []string{`"ignored"`, `"` + name + `":null,"ignored"`} {
				body := strings.Replace(minimal[k], `"`+name+`"`, other, 1)
				err := JSON.ParseCall([]byte(body), &Call{Kind: k})
				if ErrorStatus(err) != ipc.StatusInvalidArgument || ErrorText(err) != place+": missing" {
					t.Errorf("%v ParseCall(%s) = %v, want %s: missing", k, body, err, place)
				}
			}
		}
	}
}

// TestAccepted lists forms that mean the same as another.
func TestAccepted(t *testing.T) {
	for _, c := range []struct {
		kind ipc.Kind
		body string
		same string
	}{
		{ipc.Workload, strings.Replace(minimal[ipc.Workload], `"agent-1"`, `1`, 1), minimal[ipc.Workload]},
		{ipc.Workload, strings.Replace(minimal[ipc.Workload], `"agent-1"`, `"1"`, 1), minimal[ipc.Workload]},
		{ipc.Workload, strings.Replace(minimal[ipc.Workload], `"agentId"`, `"\u0061gentId"`, 1), minimal[ipc.Workload]},
		{ipc.Workload, with(ipc.Workload, `"historicalMemory":["18446744073709551615",3]`), with(ipc.Workload, `"historicalMemory":[18446744073709551615,3]`)},
		{ipc.Workload, with(ipc.Workload, `"currentGpu":null,"historicalGpu":null`), minimal[ipc.Workload]},
		{ipc.Workload, with(ipc.Workload, `"cpuPast":null,"memoryPast":[],"gpuPast":null`), minimal[ipc.Workload]},
		{ipc.Workload, with(ipc.Workload, `"historicalCpu":[1e-1, 1.0E0 ,0]`), with(ipc.Workload, `"historicalCpu":[0.1,1,0e5]`)},
		{ipc.Threat, with(ipc.Threat, `"timeSinceLastThreat":-1`), minimal[ipc.Threat]},
		{ipc.Threat, with(ipc.Threat, `"timeSinceLastThreat":null`), minimal[ipc.Threat]},
		{ipc.Threat, with(ipc.Threat, `"timeSinceLastThreat":18446744073709551615`), minimal[ipc.Threat]},
		{ipc.Failure, with(ipc.Failure, `"timeSinceLastFailure":-1`), minimal[ipc.Failure]},
		{ipc.Failure, strings.Replace(minimal[ipc.Failure], `"x"`, `"\u0078"`, 1), minimal[ipc.Failure]},
		{ipc.Failure, strings.Replace(minimal[ipc.Failure], `"x"`, `"\ud83d\ude00\ufffd"`, 1), strings.Replace(minimal[ipc.Failure], `"x"`, `"😀�"`, 1)},
		{ipc.Failure, with(ipc.Failure, `"ignored":"\ud800"`), minimal[ipc.Failure]},
		{ipc.Memory, with(ipc.Memory, `"addressForm":"u64"`), minimal[ipc.Memory]},
		{ipc.Memory, " \t\r\n" + minimal[ipc.Memory] + "\n", minimal[ipc.Memory]},
	} {
		got, want := Call{Kind: c.kind}, Call{Kind: c.kind}
		if err := JSON.ParseCall([]byte(c.body), &got); err != nil {
			t.Errorf("%s: %v", c.body, err)
			continue
		}
		if err := JSON.ParseCall([]byte(c.same), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Requests, got.Requests, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.body, diff)
		}
	}
}

// TestRefused lists what is wrong with a body and the words that say so.
func TestRefused(t *testing.T) {
	w, th, f, m := ipc.Workload, ipc.Threat, ipc.Failure, ipc.Memory
	for _, c := range []struct {
		kind ipc.Kind
		body string
		want string
	}{
		{w, ``, "empty body"},
		{w, ` `, "ends at position 1"},
		{w, `{`, "ends at position 1"},
		{w, `{"agentId":"agent-1",}`, "position 21: want a name"},
		{w, `{"agentId" 1}`, "position 11: want a colon"},
		{w, `{agentId:1}`, "position 1: want a name"},
		{w, `{"agentId":01}`, "position 12: want a comma"},
		{w, `{"agentId":+1}`, "position 11: want a value"},
		{w, `{"a":.5}`, "want a value"},
		{w, `{"a":1.}`, "want a digit"},
		{w, `{"a":1e}`, "want a digit"},
		{w, `{"a":NaN}`, "want a value"},
		{w, `{"a":Infinity}`, "want a value"},
		{w, `{"a":nul}`, "want a value"},
		{w, `{"a":'x'}`, "want a value"},
		{w, "{\"a\":\"\x01\"}", "control character"},
		{w, `{"a":"\x"}`, "want an escape"},
		{w, `{"a":"\u12g4"}`, "want an escape"},
		{w, `{"a":[1,]}`, "want a value"},
		{w, `{"a":[1 2]}`, "a comma or ]"},
		{w, `{} {}`, "the end of the body"},
		{w, minimal[w] + "x", "the end of the body"},
		{w, strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40), "nested deeper than 32"},
		{w, strings.Repeat(`[`, 1_000_000), "nested deeper than 32"},
		{w, `[1]`, "want an object, got an array"},
		{w, `null`, "want an object, got null"},
		{w, with(w, `"agentId":2`), "agentId: given twice"},
		{w, with(w, `"currentGpu":null,"currentGpu":0.5`), "currentGpu: given twice"},
		{w, with(w, `"currentGpu":0.5,"currentGpu":null`), "currentGpu: given twice"},
		{w, with(w, `"currentGpu":null,"currentGpu":null`), "currentGpu: given twice"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `"agent-"`, 1), "agentId:"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `"agent-01"`, 1), "agentId:"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `"Agent-1"`, 1), "agentId:"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `-1`, 1), `agentId: -1 is not an integer in 0-18446744073709551615`},
		{w, strings.Replace(minimal[w], `"agent-1"`, `1.0`, 1), "agentId: 1.0 is not an integer in 0-18446744073709551615: no fraction, no exponent"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `1e3`, 1), "agentId: 1e3 is not an integer in 0-18446744073709551615: no fraction, no exponent"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `18446744073709551616`, 1), "agentId:"},
		{w, strings.Replace(minimal[w], `"agent-1"`, `"agent-18446744073709551616"`, 1), `is neither "agent-<u64>" nor a u64, an integer in 0-18446744073709551615`},
		{w, strings.Replace(minimal[w], `"timeOfDay":0`, `"timeOfDay":-1`, 1), `timeOfDay: -1 is not an integer in 0-23`},
		{w, strings.Replace(minimal[w], `"agent-1"`, `"`+strings.Repeat("x", 39)+`éx"`, 1), `agentId: "` + strings.Repeat("x", 39) + `…" is`},
		{w, strings.Replace(minimal[w], `"timeOfDay":0`, `"timeOfDay":24`, 1), "timeOfDay: 24 is outside 0-23"},
		{w, strings.Replace(minimal[w], `"dayOfWeek":0`, `"dayOfWeek":7`, 1), "dayOfWeek: 7 is outside 0-6"},
		{w, strings.Replace(minimal[w], `0.0`, `"0.5"`, 1), "currentCpu: want a number, got a string"},
		{w, strings.Replace(minimal[w], `0.0`, `1.5`, 1), "currentCpu: 1.5 is outside [0, 1]"},
		{w, strings.Replace(minimal[w], `0.0`, `1e39`, 1), "currentCpu: 1e39 does not fit a 32-bit float, at most 3.4028234663852886e+38"},
		{w, strings.Replace(minimal[w], `0.0`, `true`, 1), "currentCpu: want a number, got a boolean"},
		{w, with(w, `"historicalCpu":0.5`), "historicalCpu: want an array, got a number"},
		{w, with(w, `"historicalCpu":[0.5,null]`), "historicalCpu[1]: want a number, got null"},
		{w, with(w, `"historicalCpu":[0,0,0,0,0,0,0,0,0,0,0]`), "historicalCpu: more than 10"},
		{w, with(w, `"historicalMemory":[0,1.5]`), "historicalMemory[1]: 1.5 is not"},
		{w, with(w, `"historicalMemory":["x"]`), `historicalMemory[0]: "x" is not`},
		{w, with(w, `"cpuPast":[`+strings.Repeat("0,", 32)+`0]`), "cpuPast: more than 32"},
		{w, with(w, `"memoryPast":[`+strings.Repeat("0,", 32)+`0]`), "memoryPast: more than 32"},
		{w, with(w, `"gpuPast":[`+strings.Repeat("0,", 32)+`0]`), "gpuPast: more than 32"},
		{w, with(w, `"memoryPast":[1e39]`), "memoryPast[0]: 1e39 does not fit"},
		{w, with(w, `"gpuPast":0.5`), "gpuPast: want an array, got a number"},
		{th, with(th, `"timeSinceLastThreat":-2`), `timeSinceLastThreat: -2 is not an integer in 0-18446744073709551615, or -1 for never`},
		{th, with(th, `"timeSinceLastThreat":-1.0`), "timeSinceLastThreat: -1.0 is not an integer in 0-18446744073709551615, or -1 for never: no fraction, no exponent"},
		{th, with(th, `"anomalies":[{"anomalyType":4294967296,"severity":0,"timestamp":0}]`), "anomalies[0].anomalyType: 4294967296 is outside"},
		{th, with(th, `"anomalies":[{"anomalyType":1,"severity":0,"timestamp":0},{"severity":0,"timestamp":0}]`), "anomalies[1].anomalyType: missing"},
		{th, with(th, `"anomalies":[{"severity":0,"severity":0,"timestamp":0}]`), "anomalies[0].severity: given twice"},
		{th, with(th, `"anomalies":[`+strings.Repeat(`{"anomalyType":1,"severity":0,"timestamp":0},`, 32)+`7]`), "anomalies: more than 32"},
		{th, with(th, `"anomalies":[],"historicalThreats":"x"`), "historicalThreats: want an array"},
		{th, with(th, `"anomalies":[3]`), "anomalies[0]: want an object"},
		{th, strings.Replace(minimal[th], `{"op`, `{"operationCount":1,"op`, 1), "metrics.operationCount: given twice"},
		{th, with(th, `"syscallFeatures":[`+strings.Repeat("0,", 128)+`0]`), "syscallFeatures: more than 128"},
		{th, with(th, `"syscallCounts":[`+strings.Repeat("0,", 64)+`0]`), "syscallCounts: more than 64"},
		{f, strings.Replace(minimal[f], `"x"`, `""`, 1), "component: 0 bytes"},
		{f, strings.Replace(minimal[f], `"x"`, `"`+strings.Repeat("x", 65)+`"`, 1), "component: 65 bytes"},
		{f, strings.Replace(minimal[f], `"x"`, "\"\xff\"", 1), "component: not UTF-8"},
		{f, strings.Replace(minimal[f], `"x"`, `"\ud800"`, 1), "component: half a surrogate pair"},
		{f, strings.Replace(minimal[f], `"x"`, `"\ud800\u0041"`, 1), "component: half a surrogate pair"},
		{f, strings.Replace(minimal[f], `"x"`, `"a\udc00"`, 1), "component: half a surrogate pair"},
		{f, strings.Replace(minimal[f], `"x"`, `7`, 1), "component: want a string"},
		{f, strings.Replace(minimal[f], `"trend":0`, `"trend":2`, 1), `trend: 2 is not an integer in -2 to 1`},
		{f, strings.Replace(minimal[f], `"trend":0`, `"trend":-3`, 1), `trend: -3 is not an integer in -2 to 1`},
		{f, with(f, `"failureHistory":[2]`), "failureHistory[0]: 2 is outside 0-1"},
		{f, with(f, `"historicalHealth":[1.01]`), "historicalHealth[0]: 1.01 is outside [0, 1]"},
		{m, with(m, `"accessHistory":[1],"accessTypes":[0,1]`), "accessTypes: 2 for 1 addresses"},
		{m, with(m, `"accessHistory":[0.5]`), "accessHistory[0]: 0.5 is not an integer"},
		{m, with(m, `"addressForm":"u32"`), "addressForm:"},
		{m, with(m, `"addressForm":32`), "addressForm: want a string"},
		{m, with(m, `"addressForm":"normalised32","accessHistory":[1.1]`), "accessHistory[0]: 1.1 is outside [0, 1]"},
		{m, with(m, `"addressForm":"normalised32","accessHistory":["0.5"]`), "accessHistory[0]: want a number"},
	} {
		err := JSON.ParseCall([]byte(c.body), &Call{Kind: c.kind})
		if ErrorStatus(err) != ipc.StatusInvalidArgument || !strings.Contains(ErrorText(err), c.want) {
			t.Errorf("%v ParseCall(%.80q) = %v, want %q", c.kind, c.body, err, c.want)
		}
	}
}

// TestRefusedBatch lists batches that fail as a whole.
func TestRefusedBatch(t *testing.T) {
	many := strings.Repeat(","+minimal[ipc.Memory], MaxBatch+1)[1:]
	for _, c := range []struct{ body, want string }{
		{`{"features":[]}`, "empty batch"},
		{`{}`, "features: missing"},
		{`{"features":null}`, "features: missing"},
		{`{"features":{}}`, "features: want an array"},
		{`{"features":[],"features":[]}`, "features: given twice"},
		{`[]`, "body: want an object"},
		{`{"features":[` + many + `]}`, "batch of more than 256"},
		{`{"features":[{}`, "bad JSON: the body ends"},
		{`{"features":7,}`, "bad JSON at position 14"},
	} {
		err := JSON.ParseCall([]byte(c.body), &Call{Kind: ipc.Memory, Batch: true})
		if ErrorStatus(err) != ipc.StatusInvalidArgument || !strings.Contains(ErrorText(err), c.want) {
			t.Errorf("ParseCall(%.60q) = %v, want %q", c.body, err, c.want)
		}
	}
}

// TestUnknownFields are ignored, at every depth, and counted.
func TestUnknownFields(t *testing.T) {
	c := Call{Kind: ipc.Threat, Batch: true}
	body := `{"x":1,"features":[` + with(ipc.Threat, `"AgentId":2,"y":{"z":[{}]}`) + `,` +
		strings.Replace(minimal[ipc.Threat], `{"op`, `{"more":{},"op`, 1) + `]}`
	if err := JSON.ParseCall([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	if c.Unknown != 4 {
		t.Errorf("%d unknown fields, want 4: x, AgentId, y, more", c.Unknown)
	}
}

// TestNormalised32 asks in the origin's form, which may be named last, and gets the
// answer in it.
func TestNormalised32(t *testing.T) {
	address := func(a uint64) string { return strconv.FormatFloat(float64(a)/(1<<32), 'g', -1, 64) }
	addresses := []uint64{0, 4096, 0x7fff_f000, 0xffff_ffff}
	for _, a := range addresses {
		body := fmt.Sprintf(`{"agentId":9,"currentAddress":%s,"accessHistory":[0.5,%s],"accessTimestamps":[1.75,2],`+
			`"localityScore":1,"addressForm":"normalised32"}`, address(a), address(a))
		c := Call{Kind: ipc.Memory}
		if err := JSON.ParseCall([]byte(body), &c); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		want := &ipc.MemoryRequest{
			AgentID: 9, CurrentAddress: a, AccessHistory: []uint64{1 << 31, a},
			AccessTimestamps: []uint64{1, 2}, LocalityScore: 1,
		}
		if diff := cmp.Diff(want, c.Requests[0].(*ipc.MemoryRequest), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		answer := Answer{Slots: []Slot{{Form: c.Forms[0], Prediction: ipc.Prediction{
			Kind: ipc.Memory, Memory: ipc.MemoryPrediction{NextAddress: a},
		}}}}
		got := string(JSON.AppendAnswer(nil, &answer, false))
		if !strings.Contains(got, `"addressForm":"normalised32"`) {
			t.Errorf("%s does not repeat the form", got)
		}
		_, number, _ := strings.Cut(got, `"nextAddress":`)
		number, _, _ = strings.Cut(number, ",")
		if v, err := strconv.ParseFloat(number, 64); err != nil || uint64(v*(1<<32)) != a {
			t.Errorf("address %#x came back as %s", a, number)
		}
	}
}

// TestFloats: every float32 survives its shortest decimal form.
func TestFloats(t *testing.T) {
	values := []float32{0, math.SmallestNonzeroFloat32, math.MaxFloat32, -math.MaxFloat32, 1e-6, 9.999999e-7, 1e21, 16777217}
	for bits := uint32(1); bits < 0x7f800000; bits += 7_654_321 {
		values = append(values, math.Float32frombits(bits), -math.Float32frombits(bits))
	}
	for _, v := range values {
		text := appendFloat(nil, float64(v), 32)
		var r jsonReader
		r.reset(text)
		if got := r.f32("x"); got != v || r.end() != nil || r.fault != nil {
			t.Errorf("%v written as %s was read as %v (%v, %v)", v, text, got, r.err, r.fault)
		}
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(appendFloat(nil, v, 32)); got != "null" {
			t.Errorf("%v written as %s", v, got)
		}
	}
}
