package bridge

import (
	"math"
	"testing"
	"unicode/utf8"

	"github.com/mlbridge/mlbridge/ipc"
)

// FuzzDaemonAnswer gives a lane any answer that a daemon could give: every call is
// answered once, and with a prediction that a client will accept.
func FuzzDaemonAnswer(f *testing.F) {
	for i, q := range oneOfEach() {
		for _, format := range []string{"application/msgpack", "application/json"} {
			f.Add(uint8(i), 200, format, goodAnswer(f, q, format), false)
		}
	}
	f.Add(uint8(0), 415, "", []byte(nil), true)
	f.Add(uint8(1), 503, "text/plain", []byte("no model"), true)
	r := newRig(f, Config{})
	f.Fuzz(func(t *testing.T, kind uint8, status int, contentType string, body []byte, require bool) {
		q := oneOfEach()[int(kind)%len(ipc.Kinds)]
		r.reset()
		conn := r.conns[q.Kind()-1]
		var calls []*ipc.Call
		for range 2 { // identical, hence one question
			c := ipc.NewCall(q, &r.done)
			c.Arrived = r.now()
			c.Deadline, c.RequireModel = c.Arrived.Add(patient), require
			calls = append(calls, c)
		}
		r.Round(calls)
		for n := 0; conn.x != nil; n++ {
			if n > 2*maxTries {
				t.Fatalf("exchange %d about one question", n)
			}
			conn.end(says(status, contentType, string(body)))
			r.lanes[q.Kind()-1].routes[0].breaker.until = 0
			r.Round(nil)
		}
		if r.done.n != len(calls) {
			t.Fatalf("%d of %d calls answered", r.done.n, len(calls))
		}
		for _, c := range calls {
			p := &c.Reply
			if p.Status != ipc.StatusOK {
				if !require {
					t.Errorf("no answer: %+v", p)
				}
				continue
			}
			if p.Kind != q.Kind() || p.Prediction.Validate() != nil || p.PredictionID == 0 ||
				!utf8.ValidString(p.Model) || len(p.Model) > ipc.MaxModelBytes {
				t.Errorf("reply = %+v", p)
			}
			if require && p.Source != ipc.SourceModel {
				t.Errorf("a model was required: %+v", p)
			}
		}
	})
}

// goodAnswer is what a daemon with a model says to q alone.
func goodAnswer(f *testing.F, q ipc.Request, format string) []byte {
	r := newRig(f, Config{})
	r.submit(q)
	x := r.conns[q.Kind()-1].x
	if format == "application/json" {
		r.conns[q.Kind()-1].end(says(415, "", ""))
	}
	model(q.Kind(), "m@1")(x)
	return x.Answer
}

// FuzzOutcomes judges any prediction of any question by any outcome: no loss leaves [0, 1],
// nor do two differ by more than was said before the outcome was known, and what the rule
// gives in a model's place is valid.
func FuzzOutcomes(f *testing.F) {
	for _, p := range partlyWrong() {
		f.Add(uint8(p.q.Kind()), ipc.AppendRequest(nil, p.q), ipc.AppendPrediction(nil, &p.says), ipc.AppendPrediction(nil, &p.came), uint8(0))
	}
	for _, q := range oneOfEach() {
		said := predictionFor(q)
		f.Add(uint8(q.Kind()), ipc.AppendRequest(nil, q), ipc.AppendPrediction(nil, &said), ipc.AppendPrediction(nil, &said), ^uint8(0))
	}
	f.Fuzz(func(t *testing.T, kind uint8, question, said, actual []byte, bits uint8) {
		k := ipc.Kind(kind)
		if !k.Valid() {
			return
		}
		q := oneOfEach()[k-1]
		var reply ipc.Reply
		o := ipc.Outcome{Unobserved: ipc.Targets(bits)}
		_, bad := ipc.ParseRequest(question, q)
		if _, err := ipc.ParsePrediction(said, k, &reply.Prediction); bad != nil || err != nil {
			return
		}
		if _, err := ipc.ParsePrediction(actual, k, &o.Actual); err != nil {
			return
		}
		unit := unitOf(q)
		model, rule, came := judged(&reply.Prediction, unit), ruleSays(q, unit), happened(&o, unit)
		for i, part := range partsOf(k) {
			if !part.judgeable(&model, &rule, &came) {
				continue
			}
			m, r, most := part.loss(&model, &came), part.loss(&rule, &came), part.apart(&model, &rule)
			if !(m >= 0 && m <= 1 && r >= 0 && r <= 1 && most >= 0 && most <= 1 && math.Abs(m-r) <= most+1e-6) {
				t.Errorf("part %d: losses %v and %v, at most %v apart", i, m, r, most)
			}
		}
		if giveRuled(q, &reply, ipc.Targets(bits)); reply.Validate() != nil || reply.Ruled != ipc.Targets(bits) {
			t.Errorf("given %+v: %v", reply.Prediction, reply.Validate())
		}
	})
}
