package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/load"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		want Reply
		err  string
	}{
		{"an answer", "\x93\x04\x07\x91\x98\x00\x01\xcf\x10\x00\x00\x00\x00\x00\x00\x00\x02\x00\x05\xa0\x90", Reply{7, ipc.StatusOK, ipc.SourceCache}, ""},
		{"a long id", "\x93\x04\xcd\x01\x02\x91\x98\x00\x01\x09\x04", Reply{0x102, ipc.StatusOK, ipc.SourceRule}, ""},
		{"a slot without an answer", "\x93\x04\x07\x91\x92\x03\xa0", Reply{7, ipc.StatusDeadlineExceeded, 0}, ""},
		{"a call refused", "\x95\x05\xcc\x80\x04\xa0\xa0", Reply{0x80, ipc.StatusOverloaded, 0}, ""},
		{"the end of the connection", "\x95\x05\x00\x01\xa9", Reply{}, "ends the connection"},
		{"a ping", "\x92\x01\x05", Reply{}, "message of type 1"},
		{"an id that is none", "\x93\x04\xa0", Reply{}, errCut.Error()},
	} {
		got, err := parse([]byte(c.in))
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%s: parse = %+v, %v; want %+v", c.name, got, err, c.want)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: parse = %+v, %v; want an error with %q", c.name, got, err, c.err)
		}
	}
}

// Every beginning of an answer is an error, not a panic and not another answer.
func TestParseCut(t *testing.T) {
	whole := []byte("\x93\x04\xcd\x01\x02\x91\x98\x00\x01\xcf\x10\x00\x00\x00\x00\x00\x00\x00\x02")
	for n := range whole {
		if r, err := parse(whole[:n]); err == nil {
			t.Errorf("parse of %d bytes of %d = %+v", n, len(whole), r)
		}
	}
}

// A closed loop uses all connections alike, counts what it should not have got, and ends
// with nothing under way.
func TestClosed(t *testing.T) {
	next := uint64(0)
	b := serve(t, func(q *ipc.WorkloadRequest) ipc.Source {
		if q.AgentID == 3 {
			return ipc.SourceRule
		}
		return ipc.SourceCache
	})
	s, err := Dial(b.path, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	turn := func(uint64) uint64 { next++; return 1 + next%4 }
	r, _, err := Closed(t.Context(), s, Plan{
		InFlight: 12, Frame: Agents(turn), Budget: 100 * time.Millisecond, Want: ipc.SourceCache,
		Warm: time.Millisecond, Run: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.stop()
	asked := 0
	for _, n := range b.agents {
		asked += n
	}
	if r.Questions == 0 || int(r.Questions) > asked {
		t.Errorf("%d questions were counted, %d asked", r.Questions, asked)
	}
	if r.Unexpected == 0 || r.Unexpected >= r.Questions {
		t.Errorf("%d of %d answers were unexpected, want every fourth", r.Unexpected, r.Questions)
	}
}

func TestGrowKeepsConnections(t *testing.T) {
	b := serve(t, always(ipc.SourceCache))
	s, err := Dial(b.path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Grow(b.path, 3); err != nil || s.Len() != 3 {
		t.Fatalf("Grow = %v, %d connections; want 3", err, s.Len())
	}
	if err := s.Grow(b.path+"-", 4); err == nil {
		t.Error("Grow to an address where nobody is gave no error")
	}
	if _, _, err := Closed(t.Context(), s, Plan{InFlight: 6, Frame: Hot(), Budget: time.Second, Run: time.Millisecond}); err != nil {
		t.Error(err)
	}
}

// A bridge that goes away ends a measurement with an error.
func TestClosedWithoutBridge(t *testing.T) {
	b := serve(t, always(ipc.SourceCache))
	s, err := Dial(b.path, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b.stop()
	if _, _, err := Closed(t.Context(), s, Plan{InFlight: 2, Frame: Hot(), Run: time.Minute}); err == nil {
		t.Error("no error")
	}
}

func runOpen(t *testing.T, b *bridge, o load.Options) *load.Result {
	t.Helper()
	// Room for all calls at once and time for all answers: how fast this machine is just
	// now must not matter.
	const conns = 8
	s, err := Dial(b.path, conns)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o.Drain = time.Minute
	if o.Pacer, err = load.Constant(5000); err != nil {
		t.Fatal(err)
	}
	o.Duration, o.MaxInFlight, o.Labels, o.Sources = 100*time.Millisecond, conns*PerConn, []string{"test"}, Sources
	g := NewGenerator(s, New(), o.Budget, o)
	o.Clock = g
	run, err := load.StartOpen(t.Context(), o, g)
	if err != nil {
		t.Fatal(err)
	}
	r := run.Wait()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return r
}

// Every start is made and every answer counted under its source, those that come after
// the last start, too.
func TestGenerator(t *testing.T) {
	b := serve(t, func(q *ipc.WorkloadRequest) ipc.Source {
		return []ipc.Source{ipc.SourceModel, ipc.SourceStale, ipc.SourceRule, ipc.SourceNone}[q.AgentID%4]
	})
	r := runOpen(t, b, load.Options{Budget: 500 * time.Millisecond})
	all := r.Total()
	if all.Intended != 500 || all.Answered+all.Errors != 500 {
		t.Fatalf("of %d starts %d were answered and %d refused; want 500 in all", all.Intended, all.Answered, all.Errors)
	}
	for i, want := range []uint64{125, 0, 125, 125} {
		if got := all.Sources[i].Count; got != want {
			t.Errorf("%d answers from the %s, want %d", got, Sources[i], want)
		}
	}
	if all.Messages["wire: overloaded"] != 125 {
		t.Errorf("refusals were %v", all.Messages)
	}
}

// A call says what is left of its budget, less the margin for the way back, and never 0,
// which would ask for the bridge's default.
func TestBudgetLeft(t *testing.T) {
	b := serve(t, always(ipc.SourceModel))
	const budget = 50 * time.Millisecond
	runOpen(t, b, load.Options{Budget: budget})
	b.stop()
	for _, left := range b.budget {
		if d := time.Duration(left); d <= 0 || d > budget-100*time.Microsecond {
			t.Fatalf("a call had a budget of %v, want more than 0 and at most %v", d, budget-100*time.Microsecond)
		}
	}
}

func TestStatusErrorsAreOneEach(t *testing.T) {
	if !errors.Is(statusError(ipc.StatusOverloaded), statusError(ipc.StatusOverloaded)) {
		t.Error("two refusals of one kind differ")
	}
}

// Sending, waiting and reading allocate nothing: the pacing thread must not be the cause
// of collections.
func TestExchangeAllocatesNothing(t *testing.T) {
	b := serve(t, always(ipc.SourceCache))
	s, err := Dial(b.path, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	frame, answered := Hot(), 0
	each := func(int, Reply) { answered++ }
	if got := testing.AllocsPerRun(200, func() {
		before := answered
		s.Queued(0, frame(s.Queue(0), 0, 1, 1e9))
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		for answered == before {
			if err := s.Poll(100, each); err != nil {
				t.Fatal(err)
			}
		}
	}); got != 0 {
		t.Errorf("%v allocations a call, want none", got)
	}
}

// A window has its calls, the dropped ones with the next that was made, and only what
// was kept counts; the median is not moved by one that went wrong.
func TestWindows(t *testing.T) {
	const begin = int64(time.Second)
	w := newWindows(3 * Window)
	w.from = begin
	w.start(0, begin-1) // while warming up
	w.keep(begin - 1)
	n := uint64(1)
	for i := range int64(3) {
		for k := range int64(10) {
			at := begin + i*int64(Window) + k
			if i == 1 && k < 9 {
				n++ // dropped
				continue
			}
			w.start(n, at)
			n++
			if k > 0 || i == 0 {
				w.keep(at)
			}
		}
	}
	w.start(n, begin+3*int64(Window)) // behind the last
	w.keep(begin + 3*int64(Window))
	if want := []uint64{10, 10, 10}; !slices.Equal(w.intends, want) {
		t.Errorf("the windows have %v calls, want %v", w.intends, want)
	}
	if want := []uint64{10, 1, 9}; !slices.Equal(w.kept, want) {
		t.Errorf("the windows kept %v, want %v", w.kept, want)
	}
	if got := w.median(); got != 0.9 {
		t.Errorf("the median is %v, want 0.9", got)
	}
	if got := (&windows{}).median(); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
}
