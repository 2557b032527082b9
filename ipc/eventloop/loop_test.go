package eventloop

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }

func TestPostFromManyGoroutines(t *testing.T) {
	l := running(t)
	const posters, each = 16, 500
	next := make([]int, posters) // loop only: what the race detector watches
	var tasks sync.WaitGroup
	for p := range posters {
		tasks.Go(func() {
			for i := range each {
				l.Post(func() {
					if next[p] != i {
						t.Errorf("poster %d: function %d ran when %d was due", p, i, next[p])
					}
					next[p] = i + 1
				})
			}
		})
	}
	tasks.Wait()
	onLoop(t, l, func() {
		for p, n := range next {
			if n != each {
				t.Errorf("poster %d: %d of %d ran", p, n, each)
			}
		}
	})
}

// What is posted from the loop runs in a later round, so no posting function can
// hold the loop.
func TestPostFromTheLoop(t *testing.T) {
	l := running(t)
	done := make(chan struct{})
	rounds, n := 0, 0
	onLoop(t, l, func() {})
	var again func()
	again = func() {
		if n++; n == 100 {
			close(done)
			return
		}
		rounds++
		l.Post(again)
	}
	l.Post(again)
	wait(t, done, "a hundred functions that post the next")
}

func TestCloseRunsWhatWasPosted(t *testing.T) {
	l := newLoop(t)
	ended := make(chan error, 1)
	var ran []int
	for i := range 3 {
		l.Post(func() { ran = append(ran, i) })
	}
	l.Post(func() {
		l.Close()
		if l.Post(func() { t.Error("ran after Close") }) {
			t.Error("Post() = true after Close")
		}
	})
	go func() { ended <- l.Run() }()
	if err := wait(t, ended, "Run"); !errors.Is(err, ErrClosed) {
		t.Errorf("Run() = %v, want ErrClosed", err)
	}
	wait(t, l.Done(), "Done")
	l.Close() // again does no harm
	if want := []int{0, 1, 2}; !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

func TestCloseBeforeRunReleases(t *testing.T) {
	l := newLoop(t)
	epoll := l.epoll
	l.Close()
	l.Close()
	wait(t, l.Done(), "Done of a loop that never ran")
	if err := l.Run(); !errors.Is(err, ErrClosed) {
		t.Errorf("Run() after Close = %v, want ErrClosed", err)
	}
	if _, err := unix.FcntlInt(uintptr(epoll), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		t.Errorf("the epoll descriptor is still open: %v", err)
	}
	if l.Post(func() {}) {
		t.Error("Post() = true on a closed loop")
	}
}

// Two descriptors are ready in one round. The first handler closes the second
// descriptor and gives its number to a new socket: the event of the old one must
// not reach the new one's handler.
func TestEventOfAReusedDescriptorIsDropped(t *testing.T) {
	l := newLoop(t)
	defer l.Close()
	a, aPeer := pair(t)
	b, bPeer := pair(t)
	fresh, freshPeer := pair(t)
	swap := func(victim int) {
		l.Unwatch(victim)
		if err := unix.Dup3(fresh, victim, unix.O_CLOEXEC); err != nil { // closes victim and reuses its number
			t.Fatal(err)
		}
		if err := l.Watch(victim, Readable, handlerFunc(func(bool, bool) { t.Error("the new socket got the old one's event") })); err != nil {
			t.Fatal(err)
		}
	}
	calls := 0
	watch := func(fd, other int) {
		if err := l.Watch(fd, Readable, handlerFunc(func(bool, bool) { calls++; swap(other) })); err != nil {
			t.Fatal(err)
		}
	}
	watch(a, b)
	watch(b, a)
	for _, peer := range []int{aPeer, bPeer} {
		if _, err := unix.Write(peer, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	waitRound(t, l)
	if calls != 1 {
		t.Errorf("%d old handlers ran, want 1", calls)
	}
	for _, fd := range []int{a, b, aPeer, bPeer, fresh, freshPeer} {
		unix.Close(fd)
	}
}

func TestHangUpIsDelivered(t *testing.T) {
	for name, interest := range map[string]Interest{"readable": Readable, "writable": Writable, "neither": 0} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			defer l.Close()
			a, b := pair(t)
			defer unix.Close(a)
			var readable, writable bool
			if err := l.Watch(a, interest, handlerFunc(func(r, w bool) { readable, writable = r, w })); err != nil {
				t.Fatal(err)
			}
			unix.Close(b)
			waitRound(t, l)
			if !readable || !writable {
				t.Errorf("hang-up: readable %v, writable %v, want both", readable, writable)
			}
		})
	}
}

func TestChangeOfInterest(t *testing.T) {
	l := newLoop(t)
	defer l.Close()
	a, b := pair(t)
	defer unix.Close(a)
	defer unix.Close(b)
	if err := l.Change(a, Readable); err == nil {
		t.Error("Change of a descriptor that is not watched: no error")
	}
	calls := 0
	if err := l.Watch(a, Readable, handlerFunc(func(bool, bool) { calls++ })); err != nil {
		t.Fatal(err)
	}
	if err := l.Watch(a, Readable, handlerFunc(nil)); err == nil {
		t.Error("Watch twice: no error")
	}
	if _, err := unix.Write(b, []byte("x")); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		do   func()
		want int
	}{
		{func() {}, 1},
		{func() {}, 2}, // level-triggered: the byte was not read
		{func() { _ = l.Change(a, 0) }, 2},
		{func() { _ = l.Change(a, Readable) }, 3},
		{func() { l.Unwatch(a); l.Unwatch(a) }, 3},
	}
	for i, s := range steps {
		s.do()
		round(t, l)
		if calls != s.want {
			t.Errorf("step %d: %d calls, want %d", i, calls, s.want)
		}
	}
}

func TestRoundAllocatesNothing(t *testing.T) {
	l := newLoop(t)
	defer l.Close()
	a, b := pair(t)
	defer unix.Close(a)
	defer unix.Close(b)
	var buf [8]byte
	if err := l.Watch(a, Readable, handlerFunc(func(bool, bool) { _, _ = unix.Read(a, buf[:]) })); err != nil {
		t.Fatal(err)
	}
	ends, fired, posted := 0, 0, 0
	l.AtRoundEnd(func() { ends++ })
	timers := make([]Timer, 32)
	for i := range timers {
		timers[i].Fire = func() { fired++ }
	}
	post := func() { posted++ }
	allocs := testing.AllocsPerRun(200, func() {
		for i := range timers {
			l.ArmIn(&timers[i], -1)
		}
		l.Disarm(&timers[7])
		l.Post(post)
		_, _ = unix.Write(b, buf[:])
		waitRound(t, l)
		l.ArmIn(&timers[0], 1000) // so that the next wait has a time that can block
		waitRound(t, l)
	})
	if allocs != 0 {
		t.Errorf("a round allocates %v times, want 0", allocs)
	}
	if ends < 400 || fired < 200*32 || posted < 200 {
		t.Errorf("%d round ends, %d timers, %d posted: the rounds did not do their work", ends, fired, posted)
	}
}
