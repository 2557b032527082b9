package ipc

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
)

// FuzzServerBytes feeds a connection arbitrary bytes cut at arbitrary places. It
// never panics, what it holds is bounded, a fault closes it, and how the bytes were
// cut changes nothing about what is answered. Of a peer that has left all the outcomes
// are taken, no question is asked and nothing is answered.
func FuzzServerBytes(f *testing.F) {
	good := pipelined(2)
	f.Add(good, uint16(3))
	f.Add(append(append([]byte{}, good...), 0, 0, 0, 0), uint16(1))
	f.Add([]byte{0, 0, 0, 2, 0xc1, 0}, uint16(5))
	f.Add([]byte{0, 0x0f, 0xff, 0xff, 0x94, 3, 1, 0}, uint16(2))
	f.Add([]byte{0, 0, 0, 4, 0x92, 6, 0x91, 0x90, 0, 0, 0, 3, 0x92, 1, 7}, uint16(4))
	outcomes, start := beginFrame(bytes.Clone(good))
	outcomes = endFrame(appendOutcomes(outcomes, []Outcome{
		{PredictionID: 1, Subject: Subject{Agent: 2}, Actual: Prediction{Kind: Workload}, Unobserved: TargetMemory},
		{PredictionID: 2, Subject: Subject{Component: "nic0"}, Actual: Prediction{Kind: Failure}},
	}), start)
	f.Add(append(outcomes, outcomes...), uint16(40))
	f.Fuzz(func(t *testing.T, data []byte, cut uint16) {
		if len(data) > 8<<10 {
			return
		}
		whole, wholeSeen, wholeBroken := feed(t, data, len(data), false)
		parts, partsSeen, partsBroken := feed(t, data, int(cut%512)+1, false)
		unheard, leftSeen, leftBroken := feed(t, data, int(cut%512)+1, true)
		if len(unheard) > 0 {
			t.Errorf("one that has left is answered: %x", unheard)
		}
		if diff := cmp.Diff(wholeSeen, partsSeen); diff != "" {
			t.Errorf("cut every %d bytes, other outcomes (-in one +cut):\n%s", cut%512+1, diff)
		}
		if diff := cmp.Diff(wholeSeen, leftSeen); diff != "" {
			t.Errorf("of one that has left, other outcomes (-here +left):\n%s", diff)
		}
		if wholeBroken != partsBroken || wholeBroken != leftBroken {
			t.Fatalf("cut every %d bytes: broken %v, in one: broken %v, of one that has left: broken %v", cut%512+1, partsBroken, wholeBroken, leftBroken)
		}
		if wholeBroken { // the calls before the fault may or may not be answered
			whole, parts = whole[len(whole)-1:], parts[len(parts)-1:]
		}
		slices.SortFunc(whole, bytes.Compare) // replies come in any order
		slices.SortFunc(parts, bytes.Compare)
		if !slices.EqualFunc(whole, parts, bytes.Equal) {
			t.Errorf("cut every %d bytes: %x\nin one: %x", cut%512+1, parts, whole)
		}
	})
}

// watchful is an instantBackend that keeps the outcomes.
type watchful struct {
	instantBackend
	seen []Outcome
}

func (w *watchful) Observe(outcomes []Outcome) { w.seen = append(w.seen, outcomes...) }

// feed gives a fresh connection data in pieces, of a peer that has left or that stays. It
// returns the frames that it would write and the outcomes that were taken.
func feed(t *testing.T, data []byte, piece int, left bool) (frames [][]byte, seen []Outcome, broken bool) {
	loop, err := eventloop.New(func() int64 { return int64(Now()) })
	if err != nil {
		t.Fatal(err)
	}
	defer loop.Close()
	backend := &watchful{instantBackend: instantBackend{Reply{Source: SourceRule, Prediction: Prediction{Kind: Workload}}}}
	limits := DefaultLimits()
	limits.InFlight = 1 << 20 // else it would matter how many calls come in one piece
	server, err := NewServer(loop, backend, ServerConfig{Limits: limits, MaxCalls: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	c := server.newConn(-1, server.account(Peer{}))
	c.greeted, c.gone = true, left
	for rest := data; len(rest) > 0; {
		n := min(piece, len(rest))
		c.consume(rest[:n])
		rest = rest[n:]
		server.backend.Round(server.arrived)
		server.arrived = server.arrived[:0]
		if held := c.in.held(); held > 4*len(data)+blockSize {
			t.Fatalf("%d bytes held of %d", held, len(data))
		}
	}
	if c.broken && c.in.held() > 0 {
		t.Error("a broken connection keeps bytes")
	}
	if !c.broken && c.inFlight != 0 || server.calls != 0 {
		t.Errorf("%d calls in flight, %d slots being answered, all were answered", c.inFlight, server.calls)
	}
	if asked := server.Stats().Slots; left && asked > 0 {
		t.Errorf("%d questions of one that has left were asked", asked)
	}
	for out := c.out; len(out) > 0; {
		payload, rest, _, err := nextFrame(out, 1<<30)
		if err != nil || payload == nil {
			t.Fatalf("the server wrote no frame: %x", out)
		}
		frames, out = append(frames, payload), rest
	}
	return frames, backend.seen, c.broken
}
