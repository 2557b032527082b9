package translate

import (
	"reflect"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

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
