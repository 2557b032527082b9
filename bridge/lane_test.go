package bridge

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mlbridge/mlbridge/bridge/upstream"
	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// Whatever a connection does inside Do, every call is answered once.
func TestConnectionThatEndsInsideDo(t *testing.T) {
	msgpack := api.Msgpack.ContentType()
	for name, end := range map[string]func(*upstream.Exchange){
		"model":      model(ipc.Workload, "m@1"),
		"dial":       broken("dial", false),
		"read":       broken("read", true),
		"timeout":    broken("timeout", true),
		"500":        says(500, "", ""),
		"415":        says(415, "", ""), // to JSON as well
		"garbage":    says(200, msgpack, "\xff"),
		"other type": says(200, "text/html", "<html>"),
		"an answer of another type": func(x *upstream.Exchange) {
			model(ipc.Workload, "m@1")(x)
			x.AnswerType = "text/html"
		},
		"an answer that is an error": func(x *upstream.Exchange) {
			model(ipc.Workload, "m@1")(x)
			x.Status = 503
		},
		"wrong count": says(200, msgpack, "\x93\xa1m\x00\x90"),
	} {
		r := newRig(t, Config{})
		r.conns[0].sync = end
		calls := r.submit(workload(1, 0.5), workload(2, 0.5), workload(1, 0.5))
		for range maxTries { // questions of patient callers are asked again
			r.lanes[0].routes[0].breaker.until = 0
			r.Round(nil)
		}
		if r.done.n != len(calls) {
			t.Errorf("%s: %d of %d calls finished", name, r.done.n, len(calls))
		}
		for i, c := range calls {
			why := ipc.ReasonDaemonUnavailable
			if name == "model" {
				why = ipc.ReasonNone
			}
			if c.Reply.Status != ipc.StatusOK || (c.Reply.Source == ipc.SourceModel) != (name == "model") || c.Reply.Reason != why {
				t.Errorf("%s: reply %d = %+v", name, i, c.Reply)
			}
		}
		if up := r.Upstream(); (up.State == UpstreamUp) != (name == "model") || up.State == UpstreamUnknown {
			t.Errorf("%s: the daemon counts as %v", name, up.State)
		}
		if l := r.lanes[0]; l.open.n+len(l.queue)+len(l.routes[0].flights[0].out) != 0 {
			t.Errorf("%s: %d questions open, %d queued, %d out, after all were answered", name, l.open.n, len(l.queue), len(l.routes[0].flights[0].out))
		}
	}
}

// A question whose caller has the time is asked again while it fails, but not for ever, and
// out of the budget for that.
func TestQuestionsAreAskedAgainWithinBounds(t *testing.T) {
	for _, tokens := range []float64{maxRetryStock, 1, 0} {
		r := newRig(t, Config{TTL: 1})
		r.lanes[0].retries.tokens = tokens - retryShare // each exchange earns that
		c := r.submit(workload(1, 0.5))[0]
		asked := 0
		for ; r.conns[0].x != nil && asked < 100; asked++ {
			r.conns[0].end(broken("timeout", true))
			r.lanes[0].routes[0].breaker.until = 0
			r.Round(nil)
		}
		want := min(maxTries, 1+int(tokens))
		if asked != want || c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonDaemonUnavailable {
			t.Errorf("with %v retries: asked %d times, then %v because %v; want %d and the rule", tokens, asked, c.Reply.Source, c.Reply.Reason, want)
		}
		if n := count(t, r.stats.retries[0]); n != want-1 {
			t.Errorf("%d retries are counted, want %d", n, want-1)
		}
	}
}

// A question that one caller wants answered by the model and another by anything is
// still one; who cannot wait does not end it for who can.
func TestIdenticalQuestionsOfUnlikeCallers(t *testing.T) {
	r := newRig(t, Config{})
	q := workload(1, 0.5)
	strict, lenient := ipc.NewCall(q, &r.done), ipc.NewCall(q, &r.done)
	now := r.now()
	for _, c := range []*ipc.Call{strict, lenient} {
		c.Arrived, c.Deadline = now, now.Add(patient)
	}
	strict.RequireModel = true
	r.Round([]*ipc.Call{strict, lenient})
	key := keyOf(q)
	r.lanes[0].open.find(&key).waiting[1].deadline.Fire() // the lenient one's time is over
	if lenient.Reply.Source != ipc.SourceRule || lenient.Reply.Reason != ipc.ReasonDeadline || r.done.n != 1 {
		t.Errorf("lenient = %+v after %d answers, want the rule alone", lenient.Reply, r.done.n)
	}
	r.conns[0].end(model(ipc.Workload, "m@1"))
	if strict.Reply.Source != ipc.SourceModel || r.done.n != 2 || r.conns[0].calls != 1 {
		t.Errorf("strict = %+v, %d answers, %d exchanges; want the model's, 2, 1", strict.Reply, r.done.n, r.conns[0].calls)
	}
}

// Records are reused: the deadline of a call must die with it.
func TestDeadlineOfAnAnsweredCallNeverFires(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	for n := range 100 {
		c := r.submit(workload(uint64(n), 0.5))[0]
		key := keyOf(c.Request)
		w := r.lanes[0].open.find(&key).waiting[0]
		r.conns[0].end(model(ipc.Workload, "m@1"))
		if w.deadline.Armed() || w.call != nil || c.Reply.Source != ipc.SourceModel {
			t.Fatalf("call %d: armed %v, call %v, reply %+v", n, w.deadline.Armed(), w.call, c.Reply)
		}
	}
	if r.done.n != 100 || r.freeWaiters.Len() != 1 || r.freeQuestions.Len() != 1 {
		t.Errorf("%d answers, %d waiters, %d questions; want 100 answers with one record each",
			r.done.n, r.freeWaiters.Len(), r.freeQuestions.Len())
	}
}

func TestJSONIsNotForEver(t *testing.T) {
	r := newRig(t, Config{TTL: 1})
	r.submit(workload(1, 0.5))
	if r.conns[0].end(says(415, "", "")); r.conns[0].x == nil {
		t.Fatal("the questions did not go out again after 415")
	}
	for n, want := range []api.Format{api.JSON, api.JSON, api.Msgpack} {
		if got := r.conns[0].x.ContentType; got != want.ContentType() {
			t.Errorf("exchange %d in %q, want %v", n, got, want)
		}
		r.conns[0].end(model(ipc.Workload, "m@1"))
		if n == 1 {
			r.lanes[0].routes[0].speech.until = 0 // half a minute later
		}
		r.submit(workload(uint64(n+2), 0.5))
	}
	if up := r.Upstream(); up.Format != "json" && up.Format != "msgpack" {
		t.Errorf("Upstream() = %+v", up)
	}
}

// Names come from the daemon and go to everybody.
func TestModelNameIsMadeText(t *testing.T) {
	for _, name := range []string{"m\xff\xfe@1", strings.Repeat("\x80", ipc.MaxModelBytes), "", "mödel@1"} {
		r := newRig(t, Config{})
		c := r.submit(workload(1, 0.5))[0]
		r.conns[0].end(model(ipc.Workload, name))
		got := c.Reply.Model
		if c.Reply.Source != ipc.SourceModel || !utf8.ValidString(got) || len(got) > ipc.MaxModelBytes || (utf8.ValidString(name) && got != name) {
			t.Errorf("model %q is called %q in %+v", name, got, c.Reply)
		}
	}
	r := newRig(t, Config{})
	c := r.submit(workload(1, 0.5))[0]
	r.conns[0].end(says(200, api.Msgpack.ContentType(), "\x93\xd9\x41"+strings.Repeat("m", 65)+"\x00\x91\x92\x0d\xa0"))
	r.lanes[0].close()
	if c.Reply.Source != ipc.SourceRule {
		t.Errorf("a name of 65 bytes: %+v, want the answer refused", c.Reply)
	}
}

// Who insists on a model is told why there is none, and what carried that call says nothing of
// it when it is used again.
func TestWhoInsistsIsTold(t *testing.T) {
	r := newRig(t, Config{TTL: 1, QueueLimit: 1})
	ask := func(agent uint64, require bool) *ipc.Call {
		c := ipc.NewCall(workload(agent, 0.5), &r.done)
		c.Arrived = r.now()
		c.Deadline, c.RequireModel = c.Arrived.Add(patient), require
		r.Round([]*ipc.Call{c})
		return c
	}
	is := func(c *ipc.Call, status ipc.Status, why ipc.Reason) {
		t.Helper()
		if got := c.Reply; got.Status != status || got.Reason != why || got.Error == "" || got.Source != ipc.SourceNone || got.PredictionID != 0 {
			t.Errorf("%+v, want %v because of %v", got, status, why)
		}
	}
	late := ask(1, true)
	key := keyOf(late.Request)
	r.lanes[0].open.find(&key).waiting[0].deadline.Fire()
	is(late, ipc.StatusDeadlineExceeded, ipc.ReasonDeadline)
	ask(2, true) // fills the queue
	is(ask(3, true), ipc.StatusOverloaded, ipc.ReasonOverloaded)
	r.settle()
	again := ask(4, true)
	is(again, ipc.StatusUnavailable, ipc.ReasonDaemonUnavailable)
	if n := count(t, r.stats.answers[0][ipc.SourceNone]); n != 4 {
		t.Errorf("%d refusals are counted, want 4", n)
	}
	again.RequireModel = false
	r.Round([]*ipc.Call{again})
	if got := again.Reply; got.Status != ipc.StatusOK || got.Error != "" || got.Source != ipc.SourceRule {
		t.Errorf("the same call, not insisting: %+v", got)
	}
}

func TestClosedLaneAnswersAtOnceAndOnce(t *testing.T) {
	r := newRig(t, Config{})
	out := r.submit(workload(1, 0.5))
	queued := r.submit(workload(2, 0.5))
	held := r.conns[0].x
	r.settle()
	r.settle()
	late := r.submit(workload(3, 0.5))
	for i, c := range append(append(out, queued...), late...) {
		if c.Reply.Source != ipc.SourceRule || c.Reply.Reason != ipc.ReasonDaemonUnavailable {
			t.Errorf("call %d = %+v, want the rule", i, c.Reply)
		}
	}
	model(ipc.Workload, "m@1")(held)
	held.Done(held) // the daemon's answer comes after all
	if r.done.n != 3 || !r.conns[0].closed || r.conns[0].calls != 1 {
		t.Errorf("%d answers, closed %v, %d exchanges; want 3, true, 1", r.done.n, r.conns[0].closed, r.conns[0].calls)
	}
	if l := r.lanes[0]; l.down() || l.routes[0].breaker.over.Armed() {
		t.Errorf("the answer that came too late left the lane down (%v)", l.routes[0].breaker.reason)
	}
}

// From a microsecond to the longest: an answer, and none before it is due.
func TestMarginLeavesEveryBudgetSomeTime(t *testing.T) {
	var cfg Config
	cfg.Upstream = target(t, "http://127.0.0.1:1")
	if err := cfg.setDefaults(); err != nil {
		t.Fatal(err)
	}
	for budget, want := range map[time.Duration]time.Duration{
		0: 0, 3: 0, time.Microsecond: 250, 400 * time.Microsecond: 100 * time.Microsecond,
		time.Millisecond: 150 * time.Microsecond, 10 * time.Millisecond: 500 * time.Microsecond,
		time.Second: 10 * time.Millisecond, time.Minute: 10 * time.Millisecond,
	} {
		if got := cfg.margin(budget); got != want {
			t.Errorf("margin(%v) = %v, want %v", budget, got, want)
		}
	}
}
