package chaos

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// reply reads an answer back from the bytes that the oracle keeps.
func reply(t *testing.T, k ipc.Kind, bytes string, from ipc.Source) *ipc.Reply {
	t.Helper()
	r := &ipc.Reply{Source: from}
	if _, err := ipc.ParsePrediction([]byte(bytes), k, &r.Prediction); err != nil {
		t.Fatal(err)
	}
	return r
}

// Right answers pass and others do not, by their source.
func TestOracleTellsWrongAnswers(t *testing.T) {
	o, err := NewOracle(7, 8)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for i := range o.known {
		k := &o.known[i]
		kind := k.question.Kind()
		for _, from := range []ipc.Source{ipc.SourceModel, ipc.SourceCache, ipc.SourceStale} {
			if what := o.Wrong(i, reply(t, kind, k.model, from)); what != "" {
				t.Fatalf("the model's own answer from the %v: %s", from, what)
			}
		}
		if what := o.Wrong(i, reply(t, kind, k.rule, ipc.SourceRule)); what != "" {
			t.Fatalf("the rule's own answer: %s", what)
		}
		// A sibling's answer may be stale, and is wrong as the model's.
		for _, s := range k.siblings {
			sibling := &o.known[s]
			if sibling.question.Kind() != kind || sibling.question.Subject() != k.question.Subject() {
				t.Fatalf("question %d and its sibling %d are about different subjects", i, s)
			}
			if sibling.model == k.model {
				continue
			}
			if o.Wrong(i, reply(t, kind, sibling.model, ipc.SourceModel)) == "" || o.Wrong(i, reply(t, kind, sibling.model, ipc.SourceStale)) != "" {
				t.Fatalf("question %d: a sibling's answer is told wrongly", i)
			}
		}
		// A stranger's is wrong from wherever.
		for s := range o.known {
			stranger := &o.known[s]
			if stranger.question.Kind() == kind && stranger.question.Subject() != k.question.Subject() && stranger.model != k.model && stranger.model != k.rule {
				if o.Wrong(i, reply(t, kind, stranger.model, ipc.SourceModel)) != "" {
					told++
				}
				break
			}
		}
		if o.Wrong(i, &ipc.Reply{Source: ipc.SourceNone}) == "" {
			t.Fatalf("question %d: an answer from nobody passes", i)
		}
	}
	if told < len(o.known)/2 {
		t.Errorf("only %d of %d strangers' answers were told", told, len(o.known))
	}
}

// What the oracle asks is valid, of all kinds, and the same for a seed.
func TestOracleAsksValidQuestions(t *testing.T) {
	a, err := NewOracle(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewOracle(3, 4)
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[ipc.Kind]int)
	for n := range uint64(len(a.known)) {
		i, q := a.Question(n)
		if err := q.Validate(); err != nil {
			t.Errorf("question %d: %v", i, err)
		}
		kinds[q.Kind()]++
		_, same := b.Question(n)
		if string(ipc.AppendRequest(nil, q)) != string(ipc.AppendRequest(nil, same)) {
			t.Errorf("question %d differs with the same seed", i)
		}
		var p ipc.Prediction
		if rules.Predict(q, &p); bytesOf(&p) != a.known[i].rule {
			t.Errorf("question %d has another rule", i)
		}
	}
	for _, k := range ipc.Kinds {
		if kinds[k] != 4*variants {
			t.Errorf("%d questions are about %v, want %d", kinds[k], k, 4*variants)
		}
	}
}
