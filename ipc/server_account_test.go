package ipc_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// quota gives every peer the same.
func quota(q ipc.Quota) func(ipc.Peer) ipc.Quota {
	return func(ipc.Peer) ipc.Quota { return q }
}

func TestQuotaIsOfTheProcessNotOfTheConnection(t *testing.T) {
	var asked ipc.Peer
	s := serve(t, ipc.ServerConfig{Quota: func(p ipc.Peer) ipc.Quota { asked = p; return ipc.Quota{InFlight: 3} }})
	s.on(t, func() { s.hold = true })
	a, b := s.greeted(t), s.greeted(t)
	a.send(predict(1, slotsOf(requests(2)...)...), ping(2))
	a.wantPong(2)
	b.send(predict(1, slotsOf(requests(2)...)...), workload(2), ping(3))
	b.wantError(1, ipc.StatusOverloaded, "")
	b.wantPong(3)
	s.on(t, s.release)
	a.wantReply(1, 0, 0)
	b.wantReply(2, ipc.StatusOK)
	s.on(t, func() { s.hold = false })
	b.send(predict(4, slotsOf(requests(3)...)...)) // everything was given back
	b.wantReply(4, 0, 0, 0)
	if got := s.Stats(); got.OverQuota != 1 || got.CallsRefused != 1 {
		t.Errorf("Stats() = %+v, want one message over quota", got)
	}
	if asked.PID != int32(os.Getpid()) || asked.UID != uint32(os.Getuid()) || asked.GID != uint32(os.Getgid()) {
		t.Errorf("the quota was asked for %v, want this process", asked)
	}
}

func TestQuotaOfConnections(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Quota: quota(ipc.Quota{Conns: 2})})
	a, b := s.greeted(t), s.greeted(t)
	c := s.dial(t)
	c.wantError(0, ipc.StatusOverloaded, "")
	c.wantEnd()
	_ = a.Close()
	_ = b.Close()
	s.await(t, "both to be gone", func() bool { return s.Stats().Connections == 0 })
	s.greeted(t) // a place was given back, and so was that of the one refused
	s.greeted(t)
}

// A thousandth of a question a second: what came at once is all there is for this test.
func TestQuotaOfQuestionsASecond(t *testing.T) {
	s := serve(t, ipc.ServerConfig{Quota: quota(ipc.Quota{Rate: 0.001, Burst: 4})})
	c := s.greeted(t)
	c.send(predict(1, slotsOf(requests(3)...)...), predict(2, slotsOf(requests(2)...)...), workload(3), workload(4))
	c.wantError(2, ipc.StatusOverloaded, "") // refused whole and at once, and costs nothing
	c.wantError(4, ipc.StatusOverloaded, "")
	c.wantReply(1, 0, 0, 0)
	c.wantReply(3, ipc.StatusOK)
}

// A peer is told what its quota lets through at once, so that it asks no more: that would
// be refused for ever. Who does all the same is told so.
func TestQuotaNarrowsWhatTheHelloSays(t *testing.T) {
	for name, c := range map[string]struct {
		quota ipc.Quota
		told  ipc.Limits
		text  string
	}{
		"burst":     {ipc.Quota{Rate: 1000, Burst: 3}, ipc.Limits{Batch: 3, InFlight: 64}, "4 questions at once are more than the burst of 3 that this process may ever ask"},
		"in flight": {ipc.Quota{InFlight: 3}, ipc.Limits{Batch: 3, InFlight: 3}, "4 questions at once are more than the 3 in flight that this process may ever have"},
		"enough":    {ipc.Quota{InFlight: 1 << 20, Rate: 1e6}, ipc.Limits{Batch: 256, InFlight: 64}, ""},
	} {
		s := serve(t, ipc.ServerConfig{Quota: quota(c.quota)})
		client, err := ipc.Dial(t.Context(), s.path, ipc.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if got := client.Limits(); got.Batch != c.told.Batch || got.InFlight != c.told.InFlight {
			t.Errorf("%s: told %d slots a message and %d messages, want %d and %d", name, got.Batch, got.InFlight, c.told.Batch, c.told.InFlight)
		}
		_ = client.Close()
		if peer := s.greeted(t); c.text != "" {
			peer.send(predict(1, slotsOf(requests(4)...)...))
			if said := fmt.Sprint(peer.recv()); !strings.Contains(said, c.text) {
				t.Errorf("%s: %s, want %q", name, said, c.text)
			}
		}
	}
}

// Connecting anew is no way round a quota: neither for the questions asked a moment ago
// nor for those that are still being answered to nobody.
func TestQuotaOutlivesTheConnection(t *testing.T) {
	for name, q := range map[string]ipc.Quota{"rate": {Rate: 0.001, Burst: 2}, "in flight": {InFlight: 2}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, ipc.ServerConfig{Quota: quota(q)})
			s.on(t, func() { s.hold = true })
			a := s.greeted(t)
			a.send(predict(1, slotsOf(requests(2)...)...), ping(2))
			a.wantPong(2)
			_ = a.Close()
			s.await(t, "the connection to be gone", func() bool { return s.Stats().Connections == 0 })
			b := s.greeted(t)
			b.send(workload(1))
			b.wantError(1, ipc.StatusOverloaded, "")
			s.on(t, s.release)
		})
	}
}

func TestQuotaHoldsAPeerToItsClass(t *testing.T) {
	for most, want := range map[ipc.Class]map[ipc.Class]ipc.Class{
		ipc.ClassDefault: {ipc.ClassDefault: ipc.ClassDefault, ipc.ClassLow: ipc.ClassLow, ipc.ClassHigh: ipc.ClassHigh},
		ipc.ClassLow:     {ipc.ClassDefault: ipc.ClassDefault, ipc.ClassLow: ipc.ClassLow, ipc.ClassHigh: ipc.ClassLow},
	} {
		s := serve(t, ipc.ServerConfig{Quota: quota(ipc.Quota{Class: most})})
		client, err := ipc.Dial(t.Context(), s.path, ipc.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		for asked, counts := range want {
			if err := client.Predict(t.Context(), requests(1), make([]ipc.Reply, 1), ipc.Options{Budget: long, Class: asked}); err != nil {
				t.Fatal(err)
			}
			var got ipc.Class
			s.on(t, func() { got = s.last.Class })
			if got != counts {
				t.Errorf("at most %v: a call that says %v counts as %v, want %v", most, asked, got, counts)
			}
		}
	}
}
