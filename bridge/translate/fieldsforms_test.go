package translate

import (
	"encoding/json"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// A sample in each of the four forms, taken apart as far as the object that its section
// lists the fields of.

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
