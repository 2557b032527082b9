// Package eventloop runs many file descriptors and many deadlines on one
// goroutine.
//
// It exists for two numbers. A chain of goroutines costs several wake-ups of
// other goroutines and threads per request; one loop that owns every descriptor
// costs one read and one write. And Go rounds idle waits below a millisecond up to
// a millisecond; the loop keeps its timers with a timerfd, which is late by tens of
// microseconds.
//
// An idle loop is parked in Go's netpoller, which watches the loop's own epoll
// descriptor, and while awake it only makes system calls that cannot block and that
// the scheduler does not hear of (package rawio). A loop that blocked in
// epoll_wait as package syscall does looked better with no pause between requests, but
// at a thousand requests a second it cost ten times as much: each blocking call leaves a
// processor that the runtime's monitor thread then has to take away, polling every
// 20 µs. Between the two lies what a dedicated loop does while requests come briskly: it
// waits in epoll and keeps its processor (type pace).
//
// Descriptors are watched for input, and for room to write only where something waits
// to be written. Go's netpoller asks for both always, and then a process that calls
// another is woken once more for every call, when its peer has read the question.
//
// Everything but Post and Close belongs to the loop's goroutine. That is the
// point: state that only the loop touches needs no lock.
package eventloop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"syscall"

	"github.com/mlbridge/mlbridge/ipc/busypoll"
	"github.com/mlbridge/mlbridge/ipc/rawio"
	"golang.org/x/sys/unix"
)

// Interest is what a descriptor is watched for.
type Interest uint32

// Interests; readiness is level-triggered, so what is left unread is reported again.
const (
	Readable Interest = unix.EPOLLIN | unix.EPOLLRDHUP
	Writable Interest = unix.EPOLLOUT
	// Taken is the edge of Writable: told of once when the watch begins, and again whenever
	// the peer has taken something while there is room.
	Taken Interest = unix.EPOLLOUT | unix.EPOLLET
)

// Handler is told when its descriptor is ready.
type Handler interface {
	// Ready runs on the loop. Hang-ups and errors are reported as both readable
	// and writable: the read or write then gives the error.
	Ready(readable, writable bool)
}

// Loop multiplexes descriptors, timers and posted functions. Make one with New,
// run it with Run.
type Loop struct {
	epoll  int
	file   *os.File        // epoll, as the netpoller knows it
	idle   syscall.RawConn // of file
	look   func(uintptr) bool
	looks  int   // how often look was called
	ready  int   // events that it found
	failed error // that look met
	pace   pace
	window busypoll.Window // how long it looks again before it sleeps
	first  busypoll.First  // whether to look before others had the processor
	wake   int             // eventfd that Post writes; guarded by mu once the loop runs
	count  [8]byte         // read from it, loop only
	now    func() int64
	time   int64 // see Time
	timers timers
	alarm  alarm

	handlers map[int32]registration // by descriptor
	serial   int32                  // tells apart descriptors that reuse a number
	events   [maxEvents]unix.EpollEvent
	roundEnd []func()

	mu      sync.Mutex
	posted  []func() // guarded by mu
	waking  bool     // guarded by mu: an eventfd write is on its way
	running bool     // guarded by mu: Run was called
	closing bool     // guarded by mu
	spare   []func() // the other half of a double buffer, loop only
	done    chan struct{}
}

type registration struct {
	handler  Handler
	serial   int32
	interest Interest
}

// maxEvents bounds the work of one round, so that timers are looked at often.
const maxEvents = 128

// ErrClosed is returned by Run after Close.
var ErrClosed = errors.New("eventloop: closed")

// New makes a loop. now reads a monotonic clock in ns; timers are compared with it.
func New(now func() int64) (*Loop, error) {
	l := &Loop{
		epoll: -1, wake: -1, alarm: alarm{fd: -1}, now: now,
		handlers: make(map[int32]registration), done: make(chan struct{}),
		timers: timers{floor: math.MinInt64},
	}
	l.look = func(uintptr) bool {
		l.looks++
		l.ready, l.failed = l.poll(notAtAll)
		return l.ready > 0 || l.failed != nil
	}
	if err := l.open(); err != nil {
		l.release()
		return nil, fmt.Errorf("eventloop: %w", err)
	}
	return l, nil
}

func (l *Loop) open() (err error) {
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	// Only a non-blocking descriptor is given to the netpoller.
	if err = unix.SetNonblock(l.epoll, true); err != nil {
		return err
	}
	l.file = os.NewFile(uintptr(l.epoll), "epoll")
	if l.idle, err = l.file.SyscallConn(); err != nil {
		return err
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	if l.alarm.fd, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("timerfd_create: %w", err)
	}
	if err = l.Watch(l.wake, Readable, wakeHandler{l}); err != nil {
		return err
	}
	return l.Watch(l.alarm.fd, Readable, &l.alarm)
}

// Watch starts telling h about fd, which must be non-blocking. Unwatch it before
// closing it.
func (l *Loop) Watch(fd int, in Interest, h Handler) error {
	l.serial++
	ev := unix.EpollEvent{Events: uint32(in), Fd: int32(fd), Pad: l.serial}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("eventloop: watch: %w", err)
	}
	l.handlers[int32(fd)] = registration{h, l.serial, in}
	return nil
}

// Time is when the round began, in ns of the loop's clock, or now where the loop does
// not run: what happens in a round shares one reading. It belongs to the loop.
func (l *Loop) Time() int64 {
	if l.time == 0 {
		return l.now()
	}
	return l.time
}

// Clock reads the loop's clock anew.
func (l *Loop) Clock() int64 { return l.now() }

// Change replaces the interest in a watched descriptor.
func (l *Loop) Change(fd int, in Interest) error {
	reg, ok := l.handlers[int32(fd)]
	if !ok {
		return fmt.Errorf("eventloop: change: descriptor %d is not watched", fd)
	}
	if reg.interest == in {
		return nil
	}
	ev := unix.EpollEvent{Events: uint32(in), Fd: int32(fd), Pad: reg.serial}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_MOD, fd, &ev); err != nil {
		return fmt.Errorf("eventloop: change: %w", err)
	}
	reg.interest = in
	l.handlers[int32(fd)] = reg
	return nil
}

// Unwatch forgets fd. Events that already wait in this round are dropped, even if
// the number is reused.
func (l *Loop) Unwatch(fd int) {
	if _, ok := l.handlers[int32(fd)]; !ok {
		return
	}
	delete(l.handlers, int32(fd))
	// The only error that can come is that fd was closed first, which removed it.
	_ = unix.EpollCtl(l.epoll, unix.EPOLL_CTL_DEL, fd, nil)
}

// AtRoundEnd registers f to run at the end of every round, after all ready
// descriptors, due timers and posted functions: the place to send in one write
// what a round has gathered. Register before Run.
func (l *Loop) AtRoundEnd(f func()) { l.roundEnd = append(l.roundEnd, f) }

// Post runs f on the loop, soon. Any goroutine may call it; it never blocks. It
// reports false, and f never runs, when the loop is closed.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return false
	}
	l.posted = append(l.posted, f)
	if !l.waking {
		l.waking = true
		l.signal()
	}
	l.mu.Unlock()
	return true
}

// Close makes Run return after it has run what was posted before. A loop that never
// ran is closed at once, and what was posted does not run. Close may be called from
// any goroutine, more than once, and does not wait; Done does.
func (l *Loop) Close() {
	l.mu.Lock()
	unused := !l.running && !l.closing
	l.closing = true
	l.signal()
	l.mu.Unlock()
	if unused {
		l.release()
		close(l.done)
	}
}

// start claims the loop for Run. It reports false when the loop was closed before.
func (l *Loop) start() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running {
		panic("eventloop: Run called twice")
	}
	l.running = !l.closing
	return l.running
}

// Done is closed when Run has returned and the loop's descriptors are closed.
func (l *Loop) Done() <-chan struct{} { return l.done }

// one is what an eventfd counts up by.
var one = binary.NativeEndian.AppendUint64(nil, 1)

// signal wakes the loop; mu is held, so the eventfd is not closed meanwhile. Its
// write fails only where the loop is gone or the counter full: awake either way.
func (l *Loop) signal() {
	_, _ = rawio.Write(l.wake, one)
}

// Run works until Close.
func (l *Loop) Run() error {
	if !l.start() {
		return ErrClosed
	}
	defer close(l.done)
	defer l.release()
	for {
		n, err := l.wait()
		if err != nil {
			return fmt.Errorf("eventloop: %w", err)
		}
		if closing := l.round(n); closing {
			return ErrClosed
		}
	}
}

// round does everything that is due: n ready descriptors, timers, posted functions.
func (l *Loop) round(n int) (closing bool) {
	l.time = l.now()
	l.window.End(l.time)
	l.dispatch(n)
	l.timers.fire(l.time)
	closing = l.runPosted()
	for _, f := range l.roundEnd {
		f()
	}
	return closing
}

// dispatch tells the handlers of the n ready descriptors.
func (l *Loop) dispatch(n int) {
	const broken = unix.EPOLLERR | unix.EPOLLHUP
	for i := range n {
		ev := &l.events[i]
		reg, ok := l.handlers[ev.Fd]
		if !ok || reg.serial != ev.Pad {
			continue // unwatched earlier in this round
		}
		reg.handler.Ready(
			ev.Events&(unix.EPOLLIN|unix.EPOLLRDHUP|broken) != 0,
			ev.Events&(unix.EPOLLOUT|broken) != 0,
		)
	}
}

// runPosted runs what was posted and reports whether the loop is to end.
func (l *Loop) runPosted() (closing bool) {
	l.mu.Lock()
	batch := l.posted
	l.posted, l.waking = l.spare[:0], false
	closing = l.closing
	l.mu.Unlock()
	for i, f := range batch {
		f()
		batch[i] = nil
	}
	if l.spare = batch; len(batch) > 0 { // whoever posted it may wait for what it does
		l.Yield()
	}
	return closing
}

func (l *Loop) release() {
	if l.file != nil {
		l.file.Close()
	} else if l.epoll >= 0 {
		unix.Close(l.epoll)
	}
	if l.alarm.fd >= 0 {
		unix.Close(l.alarm.fd)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
	if l.wake >= 0 {
		unix.Close(l.wake)
		l.wake = -1
	}
}

// wakeHandler empties the eventfd; the posted functions run later in the round.
type wakeHandler struct{ l *Loop }

func (w wakeHandler) Ready(readable, _ bool) {
	if readable {
		_, _ = rawio.Read(w.l.wake, w.l.count[:])
	}
}
