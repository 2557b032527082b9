package translate

import (
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// Every class of bad input, with the text a caller gets. The documents are legal
// but for the one thing.
func TestDecodeRequestRefuses(t *testing.T) {
	const (
		w = `"agent_id":1,"time_of_day":1,"day_of_week":1,"current_cpu":1,"current_memory":1`
		m = `"agent_id":1,"locality_score":0`
		f = `"component":"c","health_score":0,"current_value":0,"baseline":0`
	)
	deep := strings.Repeat(`[`, 100_000)
	for _, c := range []struct {
		kind ipc.Kind
		text string
		want string
	}{
		// Not JSON, or not only JSON.
		{ipc.Workload, ``, "not JSON: want an object, the text ends at byte 0"},
		{ipc.Workload, `{`, "not JSON: want a quoted name, the text ends at byte 1"},
		{ipc.Workload, `{` + w + `,}`, "not JSON: want a quoted name, got '}'"},
		{ipc.Workload, `{` + w + `} {}`, "after the end of the document"},
		{ipc.Workload, `{` + w + `}]`, "after the end of the document"},
		{ipc.Workload, `{'agent_id':1}`, `not JSON: want a quoted name, got '\''`},
		{ipc.Workload, `{"agent_id" 1}`, "not JSON: want a colon"},
		{ipc.Workload, `{"agent_id":1 "x":2}`, "not JSON: want a comma or '}'"},
		{ipc.Workload, `{"agent_id":01}`, "not JSON: want a comma or '}', got '1'"},
		{ipc.Workload, `{"agent_id":-}`, "agent_id: not JSON: want a digit"},
		{ipc.Workload, `{"current_cpu":.5}`, "current_cpu: not JSON: want a number"},
		{ipc.Workload, `{"current_cpu":5.}`, "current_cpu: not JSON: want a digit"},
		{ipc.Workload, `{"current_cpu":1e}`, "current_cpu: not JSON: want a digit"},
		{ipc.Workload, `{"current_cpu":NaN}`, "current_cpu: not JSON: want a number, got 'N'"},
		{ipc.Workload, `{"current_cpu":Infinity}`, "current_cpu: not JSON: want a number, got 'I'"},
		{ipc.Workload, `{"current_cpu":-Infinity}`, "current_cpu: not JSON: want a digit, got 'I'"},
		{ipc.Workload, "\ufeff{}", "not JSON: want an object"},
		{ipc.Failure, `{"component":"a`, "component: not JSON: want a closing quote"},
		{ipc.Failure, "{\"component\":\"a\nb\"}", "component: not JSON: want a string without control characters"},
		{ipc.Failure, "{\"component\":\"\xff\"}", "component: not JSON: a string is not UTF-8"},
		{ipc.Failure, `{"component":"\ud800"}`, "component: not JSON: half a surrogate pair"},
		{ipc.Failure, `{"component":"\ud800\u0041"}`, "component: not JSON: half a surrogate pair"},
		{ipc.Failure, `{"component":"\x41"}`, "component: not JSON: want an escape sequence"},
		{ipc.Failure, `{"component":"\u00g0"}`, "component: not JSON: want four hexadecimal digits"},
		{ipc.Workload, deep, "want an object, got an array"},

		// JSON, but not this document.
		{ipc.Workload, `[]`, "want an object, got an array"},
		{ipc.Workload, `null`, "want an object, got null"},
		{ipc.Workload, `{}`, "agent_id: missing"},
		{ipc.Workload, `{"agent_id":1,"time_of_day":1,"day_of_week":1,"current_cpu":1}`, "current_memory: missing"},
		{ipc.Workload, `{"agent_id":1,"time_of_day":1,"day_of_week":1,"current_memory":1}`, "current_cpu: missing"},
		{ipc.Failure, `{` + f + `}`, "trend: missing"},
		{ipc.Memory, `{` + m + `}`, "current_address: missing"},
		{ipc.Threat, `{"agent_id":1}`, "metrics: missing"},
		{ipc.Threat, `{"agent_id":1,"metrics":{"operation_count":1}}`, "metrics.syscall_count: missing"},
		{ipc.Workload, `{` + w + `,"agent_id":1}`, "agent_id: given twice"},
		{ipc.Workload, `{` + w + `,"agent\u005fid":1}`, "agent_id: given twice"},
		{ipc.Workload, `{` + w + `,"currentCpu":1}`, "currentCpu: unknown field, did you mean current_cpu?"},
		{ipc.Workload, `{` + w + `,"Agent_ID":1}`, "Agent_ID: unknown field, did you mean agent_id?"},
		{ipc.Workload, `{` + w + `,"time_of_dai":1}`, "time_of_dai: unknown field, did you mean time_of_day?"},
		{ipc.Workload, `{` + w + `,"wind":1}`, "wind: unknown field"},
		{ipc.Threat, `{"agent_id":1,"metrics":{"syscalls_count":1}}`, "metrics.syscalls_count: unknown field, did you mean syscall_count?"},
		{ipc.Threat, `{"agent_id":1,"anomalies":[{"anomaly_type":1,"severity":0,"timestamp":1},{"type":1}]}`, "anomalies[1].type: unknown field"},
		{ipc.Workload, `{"kind":"` + strings.Repeat("x", 39) + `éx"}`, `kind: "` + strings.Repeat("x", 39) + `…" where a workload question is asked`},
		{ipc.Workload, `{"kind":"memory"}`, `kind: "memory" where a workload question is asked`},

		// The right field with the wrong type.
		{ipc.Workload, `{"agent_id":null}`, "agent_id: want an integer 0-18446744073709551615 or a string of its digits, got null"},
		{ipc.Workload, `{"agent_id":true}`, "got a boolean"},
		{ipc.Workload, `{"agent_id":{}}`, "got an object"},
		{ipc.Workload, `{"current_cpu":"0.5"}`, "current_cpu: want a number, got a string"},
		{ipc.Workload, `{"time_of_day":"5"}`, "time_of_day: want an integer, got a string"},
		{ipc.Workload, `{"historical_cpu":null}`, "historical_cpu: want an array, got null"},
		{ipc.Workload, `{"historical_cpu":[0,null]}`, "historical_cpu[1]: want a number, got null"},
		{ipc.Workload, `{"historical_cpu":{}}`, "historical_cpu: want an array, got an object"},
		{ipc.Failure, `{"component":7}`, "component: want a string, got a number"},
		{ipc.Memory, `{"address_form":7}`, "address_form: want a string, got a number"},

		// Integers are exact integers.
		{ipc.Workload, `{"agent_id":1e3}`, "agent_id: 1e3 is not an integer"},
		{ipc.Workload, `{"agent_id":1.0}`, "agent_id: 1.0 is not an integer"},
		{ipc.Workload, `{"agent_id":-1}`, `agent_id: -1 is not an integer`},
		{ipc.Threat, `{"time_since_last_threat":-1}`, `time_since_last_threat: -1 is not an integer 0-18446744073709551615 or a string of its digits, or null for never`},
		{ipc.Failure, `{"time_since_last_failure":false}`, `want an integer 0-18446744073709551615 or a string of its digits, or null for never, got a boolean`},
		{ipc.Workload, `{"agent_id":18446744073709551616}`, `agent_id: 18446744073709551616 is not an integer`},
		{ipc.Workload, `{"agent_id":"18446744073709551616"}`, `agent_id: "18446744073709551616" is not an integer`},
		{ipc.Workload, `{"agent_id":""}`, `agent_id: "" is not an integer`},
		{ipc.Workload, `{"agent_id":"+1"}`, "is not an integer"},
		{ipc.Workload, `{"agent_id":" 1"}`, "is not an integer"},
		{ipc.Workload, `{"agent_id":"01"}`, "is not an integer"},
		{ipc.Workload, `{"agent_id":"1_0"}`, "is not an integer"},
		{ipc.Workload, `{"agent_id":"0x10"}`, "is not an integer"},
		{ipc.Workload, `{"time_of_day":24}`, "time_of_day: 24 is not an integer 0 to 23"},
		{ipc.Workload, `{"time_of_day":-0}`, "time_of_day: -0 is not an integer"},
		{ipc.Workload, `{"time_of_day":1.0}`, "time_of_day: 1.0 is not an integer"},
		{ipc.Workload, `{"day_of_week":7}`, "day_of_week: 7 is not an integer 0 to 6"},
		{ipc.Failure, `{"trend":2}`, "trend: 2 is not an integer -2 to 1"},
		{ipc.Failure, `{"trend":-3}`, "trend: -3 is not an integer -2 to 1"},
		{ipc.Failure, `{"failure_history":[0,2]}`, "failure_history[1]: 2 is not an integer 0 to 1"},
		{ipc.Memory, `{"access_types":[3]}`, "access_types[0]: 3 is not an integer 0 to 2"},
		{ipc.Threat, `{"anomalies":[{"anomaly_type":4294967296}]}`, "anomalies[0].anomaly_type: 4294967296 is not an integer 0 to 4294967295"},

		// Floats are finite and inside their range.
		{ipc.Workload, `{"current_cpu":1e39}`, "current_cpu: 1e39 does not fit a 32-bit float"},
		{ipc.Workload, `{"memory_past":[0,1e39]}`, "memory_past[1]: 1e39 does not fit a 32-bit float"},
		{ipc.Workload, `{"gpu_past":[null]}`, "gpu_past[0]: want a number, got null"},
		{ipc.Failure, `{"current_value":-3.5e38}`, "current_value: -3.5e38 does not fit a 32-bit float"},
		{ipc.Workload, `{"agent_id":1,"time_of_day":1,"day_of_week":1,"current_cpu":1.5,"current_memory":1}`, "current_cpu: 1.5 is outside [0, 1]"},
		{ipc.Workload, `{` + w + `,"historical_cpu":[-0.1]}`, "historical_cpu[0]: -0.1 is outside [0, 1]"},
		{ipc.Workload, `{` + w + `,"current_gpu":2}`, "current_gpu: 2 is outside [0, 1]"},

		// Limits.
		{ipc.Workload, `{"historical_cpu":[0,0,0,0,0,0,0,0,0,0,0]}`, "historical_cpu: more than 10 elements"},
		{ipc.Workload, `{"cpu_past":[` + strings.Repeat("0,", 32) + `0]}`, "cpu_past: more than 32 elements"},
		{ipc.Workload, `{"memory_past":[` + strings.Repeat("0,", 32) + `0]}`, "memory_past: more than 32 elements"},
		{ipc.Workload, `{"gpu_past":[` + strings.Repeat("0,", 32) + `0]}`, "gpu_past: more than 32 elements"},
		{ipc.Memory, `{` + m + `,"current_address":1,"access_history":[1],"access_types":[1,1]}`, "access_types: 2 for 1 addresses"},
		{ipc.Failure, `{"component":"","health_score":0,"current_value":0,"baseline":0,"trend":0}`, "component: 0 bytes, want 1-64"},

		// Addresses in the other form.
		{ipc.Memory, `{"address_form":"percent"}`, `address_form: "percent" is not u64 or normalised32`},
		{ipc.Memory, `{"address_form":"normalised32","current_address":1.0000001}`, "current_address: 1.0000001 is outside [0, 1]"},
		{ipc.Memory, `{"address_form":"normalised32","current_address":-0.1}`, "current_address: -0.1 is outside [0, 1]"},
		{ipc.Memory, `{"address_form":"normalised32","current_address":"0.5"}`, "got a string"},
		{ipc.Memory, `{` + m + `,"current_address":0.5}`, "current_address: 0.5 is not an integer"},
	} {
		q, err := DecodeRequest([]byte(c.text), c.kind)
		status, text := statusOf(err)
		if status != ipc.StatusInvalidArgument || !strings.Contains(text, c.want) {
			t.Errorf("DecodeRequest(%.120s, %v) = %v %q, want %q", c.text, c.kind, status, text, c.want)
		}
		if q != (Question{}) {
			t.Errorf("DecodeRequest(%.120s) failed and still gave %+v", c.text, q)
		}
	}
}

func TestDecodeBatchRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"requests":[]}`, "requests: empty, want 1-2 questions"},
		{`{"requests":[1,2,3]}`, "requests: more than 2 elements"},
		{`{}`, "requests: missing"},
		{`{"requests":[1],"requests":[2]}`, "requests: given twice"},
		{`{"request":[1]}`, "request: unknown field, did you mean requests?"},
		{`{"requests":{}}`, "requests: want an array, got an object"},
		{`{"requests":[1]} x`, "after the end of the document"},
		{`{"requests":[{]}`, "requests[0]: not JSON"},
		{`{"requests":[` + strings.Repeat(`[`, 50) + strings.Repeat(`]`, 50) + `]}`, "nested deeper than 8 levels"},
		{`{"requests":[` + strings.Repeat(`{"a":`, 50_000) + `1`, "nested deeper than 8 levels"},
	} {
		slots, err := DecodeBatch([]byte(c.text), 0, 2)
		if status, text := statusOf(err); status != ipc.StatusInvalidArgument || !strings.Contains(text, c.want) {
			t.Errorf("DecodeBatch(%.80s) = %v %q, want %q", c.text, status, text, c.want)
		}
		if slots != nil {
			t.Errorf("DecodeBatch(%.80s) failed and still gave %d slots", c.text, len(slots))
		}
	}
}

// However long the text, an error repeats little of it.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("9", 100_000)
	for _, text := range []string{
		`{"agent_id":` + long + `}`, `{"agent_id":"` + long + `"}`, `{"current_cpu":` + long + `}`, `{"` + long + `":1}`,
	} {
		_, err := DecodeRequest([]byte(text), ipc.Workload)
		if _, got := statusOf(err); err == nil || len(got) > ipc.MaxErrorBytes {
			t.Errorf("DecodeRequest(%.30s…) = %d bytes of error text, want 1-%d", text, len(got), ipc.MaxErrorBytes)
		}
	}
}
