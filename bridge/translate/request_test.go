package translate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
)

func TestDecodeRequest(t *testing.T) {
	for _, d := range documents {
		t.Run(d.name, func(t *testing.T) {
			got := mustDecode(t, d.text, d.kind)
			if diff := cmp.Diff(d.want, got); diff != "" {
				t.Errorf("DecodeRequest(%s) (-want +got):\n%s", d.text, diff)
			}
		})
	}
}

// What was read can be written, and reads as the same, with 64-bit integers in
// either form.
func TestAppendRequestReadsBack(t *testing.T) {
	for _, d := range documents {
		for _, asString := range []bool{false, true} {
			text, err := AppendRequest(nil, d.want.Request, Form{U64AsString: asString, Address: d.want.Address})
			if err != nil {
				t.Fatalf("%s: AppendRequest: %v", d.name, err)
			}
			if diff := cmp.Diff(d.want, mustDecode(t, string(text), d.kind)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", d.name, text, diff)
			}
		}
	}
}

// The members' order carries no meaning, not even for those that say how others
// are to be read.
func TestAddressFormComesAnywhere(t *testing.T) {
	first := mustDecode(t, `{"address_form":"normalised32","agent_id":1,"current_address":0.25,"locality_score":0}`, ipc.Memory)
	last := mustDecode(t, `{"agent_id":1,"current_address":0.25,"locality_score":0,"address_form":"normalised32"}`, ipc.Memory)
	if diff := cmp.Diff(first, last); diff != "" {
		t.Errorf("address_form first and last differ:\n%s", diff)
	}
	if got := first.Request.(*ipc.MemoryRequest).CurrentAddress; got != 1<<30 {
		t.Errorf("0.25 in normalised32 = %#x, want %#x", got, 1<<30)
	}
}

// Every page of a 32-bit space survives the origin's form when it is computed in
// doubles; that is all that can be promised of it.
func TestNormalisedPagesAreExact(t *testing.T) {
	for a := uint64(0); a <= 1<<32; a += 4096 * 1021 { // a prime stride: all low page bits occur
		q := &ipc.MemoryRequest{AgentID: 1, CurrentAddress: a}
		text, err := AppendRequest(nil, q, Form{Address: AddressNormalised32})
		if err != nil {
			t.Fatal(err)
		}
		if got := mustDecode(t, string(text), ipc.Memory).Request.(*ipc.MemoryRequest).CurrentAddress; got != a {
			t.Fatalf("address %#x came back as %#x from %s", a, got, text)
		}
	}
}

func TestDecodeBatch(t *testing.T) {
	const legal = `{"kind":"memory","agent_id":1,"current_address":1,"locality_score":0}`
	slots, err := DecodeBatch([]byte(`{"requests":[`+legal+`,{"kind":"weather"},{"agent_id":1},17,
		{"kind":"memory","agent_id":1,"current_address":1,"locality_score":2}, {"kind":"failure","agent_id":1}, {"kind":3}]}`), 0, 256)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		status ipc.Status
		text   string
	}{
		{ipc.StatusOK, ""},
		{ipc.StatusUnimplemented, `kind: "weather" is not workload, threat, failure or memory`},
		{ipc.StatusInvalidArgument, `kind: missing, want "workload", "threat", "failure" or "memory"`},
		{ipc.StatusInvalidArgument, `want an object, got a number`},
		{ipc.StatusInvalidArgument, `locality_score: 2 is outside [0, 1]`},
		{ipc.StatusInvalidArgument, `agent_id: unknown field`},
		{ipc.StatusInvalidArgument, `kind: not a string, want "workload", "threat", "failure" or "memory"`},
	}
	if len(slots) != len(want) {
		t.Fatalf("%d slots, want %d", len(slots), len(want))
	}
	for i, w := range want {
		status, text := statusOf(slots[i].Err)
		if status != w.status || text != w.text {
			t.Errorf("slot %d: %v %q, want %v %q", i, status, text, w.status, w.text)
		}
	}
	if slots[0].Request == nil {
		t.Error("slot 0 has no question")
	}
}

func TestDecodeBatchOfOneKind(t *testing.T) {
	slots, err := DecodeBatch([]byte(`{"requests":[{"agent_id":1,"current_address":1,"locality_score":0},{"kind":"threat"}]}`), ipc.Memory, 2)
	if err != nil {
		t.Fatal(err)
	}
	if slots[0].Err != nil {
		t.Errorf("slot 0: %v", slots[0].Err)
	}
	if _, text := statusOf(slots[1].Err); text != `kind: "threat" where a memory question is asked` {
		t.Errorf("slot 1: %q", text)
	}
}

func statusOf(err error) (ipc.Status, string) {
	if err == nil {
		return ipc.StatusOK, ""
	}
	s, ok := err.(*ipc.StatusError)
	if !ok {
		return ipc.StatusInternal, err.Error()
	}
	return s.Status, s.Text
}
