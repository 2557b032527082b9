package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// FuzzPredict reads a request from wire bytes and checks what every rule promises
// for every legal request: a legal prediction of the same kind, the same one each
// time, and a request left as it was.
func FuzzPredict(f *testing.F) {
	for _, q := range full() {
		f.Add(uint8(q.Kind()), ipc.AppendRequest(nil, q))
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		q := ipc.NewRequest(ipc.Kind(kind))
		if q == nil {
			return
		}
		if _, err := ipc.ParseRequest(b, q); err != nil {
			return // not a legal request: nothing is promised
		}
		before := q.Copy()
		var p, again ipc.Prediction
		rules.Predict(q, &p)
		if err := p.Validate(); err != nil || p.Kind != q.Kind() {
			t.Errorf("Predict(%+v) = %+v: %v", q, p, err)
		}
		if rules.Predict(q, &again); p != again {
			t.Errorf("Predict(%+v) = %+v, then %+v", q, p, again)
		}
		if diff := cmp.Diff(before, q); diff != "" {
			t.Errorf("Predict changed its request:\n%s", diff)
		}
	})
}
