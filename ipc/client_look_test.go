package ipc

import (
	"context"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc/busypoll"
)

// deadAlarm never goes off.
type deadAlarm struct{ set int }

func (a *deadAlarm) arm(Instant) { a.set++ }
func (a *deadAlarm) stop()       {}
func (a *deadAlarm) close()      {}

// killAlarm puts a dead alarm in the place of the client's.
func killAlarm(c *Client) *deadAlarm {
	dead := new(deadAlarm)
	c.mu.Lock()
	alive := c.timer
	c.timer, c.armed = dead, 0
	c.mu.Unlock()
	alive.close()
	return dead
}

// looking gives the inbox of a caller that leads and has so much time left.
func looking(left time.Duration) (*inbox, *deadAlarm) {
	alarm := new(deadAlarm)
	call := &clientCall{done: make(chan struct{}, 1), deadline: Now().Add(left), leads: true, unarmed: true}
	c := &Client{cfg: ClientConfig{BusyPoll: time.Minute}, timer: alarm, flights: []flight{{call: call}}}
	call.flight = &c.flights[0]
	return &inbox{c: c, own: call, polls: true, window: busypoll.New(time.Minute)}, alarm
}

// TestLookEndsACallInTime: who looks sees its time end, and needs no alarm for it.
func TestLookEndsACallInTime(t *testing.T) {
	in, alarm := looking(-1)
	if in.lookAgain() || !in.ended() {
		t.Error("a call goes on behind its deadline")
	}
	if call := in.own; call.err != error(errExpired) || in.c.flights[0].call != nil {
		t.Errorf("it ended with %v, want %v, and out of its flight", call.err, errExpired)
	}
	if alarm.set != 0 {
		t.Error("the alarm is set for a call that is over")
	}
}

// TestLookEndsOnce: the alarm was quicker.
func TestLookEndsOnce(t *testing.T) {
	in, _ := looking(-1)
	in.c.flights[0].call = nil
	in.own.finish(errExpired)
	if in.lookAgain() || !in.ended() {
		t.Error("a call goes on behind its deadline")
	}
}

// TestLookInsteadOfSleeping: with less left than may be looked, an alarm would wake too
// late, whatever the window says; only who may not look sets it and sleeps.
func TestLookInsteadOfSleeping(t *testing.T) {
	for name, c := range map[string]struct {
		left  time.Duration
		prep  func(*inbox)
		looks bool
	}{
		"little time":               {30 * time.Second, func(*inbox) {}, true},
		"much time, window closed":  {time.Hour, func(*inbox) {}, false},
		"too many look":             {30 * time.Second, func(in *inbox) { in.polls = false }, false},
		"others need the processor": {30 * time.Second, func(in *inbox) { in.window = barred() }, false},
		"is not to look at all":     {30 * time.Second, func(in *inbox) { in.c.cfg.BusyPoll = -1 }, false},
	} {
		in, alarm := looking(c.left)
		c.prep(in)
		if got := in.lookAgain(); got != c.looks {
			t.Errorf("%s: looks again %v, want %v", name, got, c.looks)
		}
		if c.looks {
			continue
		}
		for range 2 {
			if in.ended() || alarm.set != 1 || in.c.armed != in.own.deadline {
				t.Errorf("%s: alarm set %d times, for %v; want once, for the deadline", name, alarm.set, in.c.armed)
			}
		}
	}
}

// barred gives the window of one who has been away from its processor, for a test's time.
func barred() busypoll.Window {
	w := busypoll.New(time.Minute)
	now := int64(Now())
	for range 3 { // opens it
		w.Start(now)
		w.End(now)
	}
	w.Start(now)
	w.End(now + int64(time.Hour))
	return w
}

// TestLookInsteadOfAnAlarm: to set one costs more than a short budget is.
func TestLookInsteadOfAnAlarm(t *testing.T) {
	client := echoClient(t)
	alarm := killAlarm(client)
	for left, want := range map[time.Duration]int{50 * time.Microsecond: 0, time.Minute: 1} {
		untilNobody(t, client) // and no alarm takes the turn away
		alarm.set, client.armed = 0, 0
		replies := make([]Reply, 1)
		call, err := client.begin([]Request{&WorkloadRequest{}}, replies, Options{}, left, true)
		if err != nil {
			t.Fatal(err)
		}
		if !call.leads || alarm.set != want {
			t.Errorf("with %v left: leads %v, alarm set %d times; want it to lead, and %d", left, call.leads, alarm.set, want)
		}
		_ = client.await(context.Background(), call)
		client.release(call)
	}
}

// TestLateAnswersAreDropped: the alarm is late as well, and an answer that comes meanwhile
// must not pass for one in time.
func TestLateAnswersAreDropped(t *testing.T) {
	client, bridge := leading(t)
	killAlarm(client)
	go func() {
		<-bridge.asked
		time.Sleep(20 * time.Millisecond)
		close(bridge.more)
	}()
	if r := ask(t, t.Context(), client, 10*time.Millisecond); r.Status != StatusDeadlineExceeded {
		t.Errorf("an answer after 20ms to a call of 10ms: %+v, want deadline exceeded", r)
	}
	if r := ask(t, t.Context(), client, time.Minute); r.Status != StatusOK {
		t.Errorf("the next one: %+v", r)
	}
}
