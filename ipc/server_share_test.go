package ipc_test

import (
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// crowd is a server whose clock stands still unless the test moves it, and that takes
// connections for those of the process that the test names. So nobody earns anything
// while a test looks, and who rests rests until the test says otherwise.
type crowd struct {
	*served
	now atomic.Int64
	pid atomic.Int32

	ended atomic.Int32 // the process that has; 0 for none
}

// The two processes of most tests.
const (
	heavyPID = 1<<30 + iota
	lightPID
)

func gather(t *testing.T, cfg ipc.ServerConfig) *crowd {
	t.Helper()
	s := &crowd{served: &served{path: filepath.Join(t.TempDir(), "s")}}
	s.now.Store(int64(ipc.Now()))
	s.clock = s.now.Load
	ln, err := ipc.Listen(s.path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.As(func() ipc.Peer { return ipc.Peer{PID: s.pid.Load()} }).Ends(func(pid int32) bool { return pid == s.ended.Load() })
	s.start(t, cfg, ln)
	return s
}

// later moves the clock.
func (s *crowd) later(d time.Duration) { s.now.Add(int64(d)) }

// from connects as a process.
func (s *crowd) from(t *testing.T, pid int32) *caller {
	t.Helper()
	s.pid.Store(pid)
	return s.greeted(t)
}

// many are so many questions, from id 1.
func many(n int) (frames []byte) {
	for id := range uint64(n) {
		frames = append(frames, workload(id+1)...)
	}
	return frames
}

// wantReplies reads the replies to the questions of many, in any order.
func (c *caller) wantReplies(n int) {
	c.t.Helper()
	seen := make(map[any]bool)
	for range n {
		m := c.recv()
		if m[0] != uint64(ipctest.TypeReply) || seen[m[1]] {
			c.t.Fatalf("got %v after %d replies, want one of %d", m, len(seen), n)
		}
		seen[m[1]] = true
	}
}

// enough is more questions than anybody may ask at once beside somebody light, and few
// enough for a socket's buffer: nobody may be reading them.
const enough = 2000

// weary has a heavy peer ask until it rests, beside somebody light.
func (s *crowd) weary(t *testing.T) (heavy, light *caller) {
	t.Helper()
	light = s.from(t, lightPID)
	heavy = s.from(t, heavyPID)
	light.send(workload(1))
	light.wantReply(1, ipc.StatusOK)
	heavy.send(many(enough))
	s.await(t, "the heavy peer to rest", func() bool { return s.Resting() == 1 })
	s.later(time.Millisecond) // it is quiet: one that rests with something left goes on
	s.await(t, "the heavy peer to have nothing left", func() bool { return s.Spent() == 1 })
	return heavy, light
}

var wide = ipc.Limits{Frame: 1 << 20, Batch: 256, InFlight: 2 * enough, FrameIn: 5 * time.Second, MaxBudget: time.Minute, Budget: time.Second}

func TestHeavyPeersRestWhileSomebodyLightIsAsking(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	heavy, light := s.weary(t)
	before := s.Stats()
	if taken := before.Slots - 1; taken == 0 || taken > enough/2 {
		t.Errorf("%d of %d questions were taken before the peer rested", taken, enough)
	}
	for id := range uint64(50) {
		light.send(workload(id + 2))
		light.wantReply(id+2, ipc.StatusOK)
	}
	if after := s.Stats(); after.Slots != before.Slots+50 {
		t.Errorf("%d questions were taken of the peer that rests", after.Slots-before.Slots-50)
	}
	s.later(time.Second) // nobody is asking any more
	heavy.wantReplies(enough)
	if got := s.Stats(); got.Slots != enough+51 || got.CallsRefused != 0 {
		t.Errorf("Stats() = %+v, want %d questions taken and none refused", got, enough+51)
	}
}

// While the light one goes on asking, the heavy one gets its share of the time.
func TestHeavyPeersEarnTurns(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	heavy, light := s.weary(t)
	if rounds := s.untilAnswered(heavy, light, 2); rounds < 10 {
		t.Errorf("all of it was read in %d turns", rounds)
	}
}

// Who asks and does not read is asked no more while somebody light is asking: its answers
// would be for nobody. When it has taken them it goes on.
func TestHeavyPeersTakeTheirAnswersFirst(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	heavy, light := s.weary(t)
	id := uint64(2)
	for ; id < 200; id++ { // in which it earns enough for all of it
		light.send(workload(id))
		light.wantReply(id, ipc.StatusOK)
		s.later(5 * time.Millisecond)
	}
	if taken := s.Stats().Slots - id + 1; taken > enough/2 {
		t.Errorf("%d of %d questions were taken of a peer that does not read", taken, enough)
	}
	s.untilAnswered(heavy, light, id)
}

// untilAnswered has light ask, from id on, until heavy has all of its answers, and gives
// how often it did.
func (s *crowd) untilAnswered(heavy, light *caller, id uint64) (rounds int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		heavy.wantReplies(enough)
	}()
	for ; ; id++ {
		select {
		case <-done:
			return rounds
		default:
		}
		light.send(workload(id))
		light.wantReply(id, ipc.StatusOK)
		s.later(time.Millisecond)
		rounds++
	}
}

func TestNobodyRestsAlone(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	a, b := s.from(t, heavyPID), s.from(t, heavyPID)
	a.send(many(enough))
	b.send(many(enough))
	a.wantReplies(enough)
	b.wantReplies(enough)
	if got := s.Stats().Rests; got != 0 {
		t.Errorf("it rested %d times", got)
	}
}

// Two who both ask much share the loop round by round and leave none of it unused.
func TestHeavyPeersDoNotRestForEachOther(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide, Quota: quota(ipc.Quota{Share: 1e-9})})
	callers := []*caller{s.from(t, heavyPID), s.from(t, lightPID)}
	for _, c := range callers {
		c.send(workload(1))
		c.wantReply(1, ipc.StatusOK)
	}
	for _, c := range callers {
		c.send(many(enough))
	}
	s.await(t, "both to rest", func() bool { return s.Resting() == 2 })
	s.later(time.Millisecond) // it is quiet
	s.await(t, "both to have nothing left: at first each takes the other for light", func() bool { return s.Spent() == 2 })
	s.later(time.Second)
	for _, c := range callers {
		c.wantReplies(enough)
	}
	rested := s.Stats().Rests
	for _, c := range slices.Backward(callers) {
		c.send(many(enough))
	}
	for _, c := range callers {
		c.wantReplies(enough)
	}
	if got := s.Stats().Rests; got != rested {
		t.Errorf("they rested %d times", got-rested)
	}
}

func TestShareOfAQuota(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide, Quota: func(p ipc.Peer) (q ipc.Quota) {
		if p.PID == heavyPID {
			q.Share = 1
		}
		return q
	}})
	light, heavy := s.from(t, lightPID), s.from(t, heavyPID)
	light.send(workload(1))
	light.wantReply(1, ipc.StatusOK)
	heavy.send(many(enough))
	heavy.wantReplies(enough)
	if got := s.Stats().Rests; got != 0 {
		t.Errorf("a peer that may have all of the loop rested %d times", got)
	}
}

// Who hangs up while it rests is answered to nobody, and forgotten like others.
func TestHangingUpWhileResting(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	heavy, light := s.weary(t)
	light.send(workload(2)) // from here on it is not quiet
	light.wantReply(2, ipc.StatusOK)
	_ = heavy.Close()
	light.send(workload(3))
	light.wantReply(3, ipc.StatusOK)
	if got := s.Stats().Connections; got != 2 {
		t.Errorf("%d connections, want 2: nobody has looked at the one that rests", got)
	}
	s.later(time.Second)
	s.await(t, "the connection to be gone", func() bool { return s.Stats().Connections == 1 && s.Resting() == 0 })
}

// storm has the heavy peer make connections and break them until accepting rests.
func (s *crowd) storm(t *testing.T) *caller {
	t.Helper()
	s.pid.Store(heavyPID)
	var last *caller
	for tries := 0; s.Stats().Storms == 0; tries++ {
		if tries > enough {
			t.Fatalf("%d broken connections were no storm", tries)
		}
		last = s.dial(t)
		last.send([]byte{0, 0, 0, 0})   // no message is empty
		s.later(200 * time.Microsecond) // it is quiet
		s.await(t, "it to be looked at, or to rest", func() bool {
			got := s.Stats()
			return got.Faults == uint64(tries)+1 || got.Storms > 0 || s.Spent() > 0
		})
		if s.Stats().Faults == uint64(tries)+1 {
			last.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameEmpty)
		}
	}
	s.await(t, "its latest connection to rest", func() bool { return s.Resting() > 0 })
	return last
}

// What an ended process left behind is let in, or turned away, without pauses, as far as it
// is quiet: others wait behind it.
func TestStormsEndWithTheirProcess(t *testing.T) {
	for name, most := range map[string]int{"let in": 0, "most of it turned away": 8} {
		t.Run(name, func(t *testing.T) {
			s := gather(t, ipc.ServerConfig{Quota: func(p ipc.Peer) (q ipc.Quota) {
				if p.PID == heavyPID {
					q.Conns = most
				}
				return q
			}})
			light := s.from(t, lightPID)
			light.send(workload(1))
			light.wantReply(1, ipc.StatusOK)
			s.storm(t)
			s.ended.Store(heavyPID)
			const left = 40
			for range left {
				s.dial(t)
			}
			before := s.Stats()
			s.later(50 * time.Millisecond) // the pause that began before
			dealt := func(s ipc.ServerStats) uint64 { return s.Accepted + s.Refused }
			for id := uint64(2); dealt(s.Stats()) < dealt(before)+left; id++ {
				if id > 10*left {
					t.Fatalf("%+v, want all of %d dealt with", s.Stats(), left)
				}
				light.send(workload(id)) // somebody light is asking all the time
				light.wantReply(id, ipc.StatusOK)
				s.later(200 * time.Microsecond) // it is quiet
			}
			got := s.Stats()
			if got.Storms != before.Storms {
				t.Errorf("accepting rested %d times for a process that has ended", got.Storms-before.Storms)
			}
			if turned := got.Refused - before.Refused; (turned > 0) != (most > 0) {
				t.Errorf("%d of %d were turned away, at most %d may be open", turned, left, most)
			}
		})
	}
}

// A peer that makes connections and breaks them is let in ever more slowly, while
// somebody light is asking; who does neither gets in all the same.
func TestStormsOfConnections(t *testing.T) {
	s := gather(t, ipc.ServerConfig{})
	light := s.from(t, lightPID)
	light.send(workload(1))
	light.wantReply(1, ipc.StatusOK)
	last := s.storm(t)
	before := s.Stats().Connections
	s.pid.Store(lightPID)
	other := s.dial(t)
	other.send(clientHello(), workload(1))
	light.send(workload(2))
	light.wantReply(2, ipc.StatusOK)
	if got := s.Stats().Connections; got != before {
		t.Errorf("%d connections, want %d: accepting rests", got, before)
	}
	s.later(time.Second)
	if m := other.recv(); m[0] != uint64(ipctest.TypeHello) {
		t.Errorf("got %v, want a hello", m)
	}
	other.wantReply(1, ipc.StatusOK)
	last.wantError(0, ipc.StatusInvalidArgument, ipc.FaultFrameEmpty)
}

// A drain answers those that rest, too.
func TestDrainOfTheResting(t *testing.T) {
	s := gather(t, ipc.ServerConfig{Limits: wide})
	heavy, light := s.weary(t)
	if cut := s.Shutdown(long); cut != 0 {
		t.Errorf("%d connections were cut", cut)
	}
	if m := light.recv(); m[0] != uint64(ipctest.TypeGoAway) {
		t.Errorf("got %v, want a goaway", m)
	}
	light.wantEnd()
	answered := 0
	for {
		m, err := heavy.next()
		if err != nil {
			break
		}
		if m[0] == uint64(ipctest.TypeReply) || m[0] == uint64(ipctest.TypeError) && m[1] != uint64(0) {
			answered++
		}
	}
	if answered != enough {
		t.Errorf("%d of %d questions were answered, or told why not", answered, enough)
	}
}
