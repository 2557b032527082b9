package hiccup

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/kernelsim/switches"
)

// strangers notes when other processes than this one and its descendants had a processor.
// The kernel's threads are no strangers: they may well work for us.
type strangers struct {
	watch *switches.Watch
	begin int64 // ns of CLOCK_MONOTONIC
	ours  map[int]bool
	made  []switches.Record // processes, in any order
	cpus  map[int]*presence
	stop  chan struct{} // closed to end it
	over  chan struct{} // closed when it has
}

// presence is who had one processor, and when.
type presence struct {
	pid   int // has it now; 0 for none of the others
	since int64
	last  int64 // the latest that is known of it
	runs  []run
}

type run struct {
	pid int
	Stall
}

// nobodyKnows stands for whoever ran while records were lost.
const nobodyKnows = -1

// watchStrangers begins to look; nil where that is not allowed.
func watchStrangers() *strangers {
	w, err := switches.Machine()
	if err != nil {
		return nil
	}
	s := &strangers{
		watch: w, begin: monotonic(), ours: ourProcesses(os.Getpid()), cpus: make(map[int]*presence),
		stop: make(chan struct{}), over: make(chan struct{}),
	}
	go func() {
		defer close(s.over)
		look := time.NewTicker(50 * time.Millisecond) // the rings hold about a second
		defer look.Stop()
		for {
			select {
			case <-look.C:
				w.Drain(s.note)
			case <-s.stop:
				return
			}
		}
	}()
	return s
}

// end gives the strangers' runs on each processor, in order. It may be called once, also
// on nobody.
func (s *strangers) end() map[int][]Stall {
	if s == nil {
		return nil
	}
	close(s.stop)
	<-s.over
	s.watch.Drain(s.note)
	s.watch.Close()
	return s.judge(monotonic())
}

// note takes the records of a processor in order. Which process is ours can only be told
// in the end: that one was made may be on a ring that is read later.
func (s *strangers) note(r switches.Record) {
	p := s.cpus[r.CPU]
	if p == nil {
		p = &presence{last: s.begin}
		s.cpus[r.CPU] = p
		if r.What == switches.Off && !s.ours[r.PID] {
			p.pid, p.since = r.PID, s.begin // it had begun before
		}
	}
	switch r.What {
	case switches.Made:
		if r.PID != r.Other {
			s.made = append(s.made, r)
		}
		return
	// The kernel tells of a switch twice, when the one leaves and when the other begins. Of
	// some processes it tells neither, a machine's first one among them where that hides
	// from perf; then those before and after name them.
	case switches.On:
		s.enter(p, r.PID, r.At)
	case switches.Off:
		s.enter(p, r.PID, r.At) // if nobody knew
		s.enter(p, r.Other, r.At)
	case switches.Lost:
		p.leave(p.last)
		p.pid, p.since = nobodyKnows, p.last
		p.leave(r.At)
	}
	p.last = r.At
}

// enter has a process have the processor from a time on.
func (s *strangers) enter(p *presence, pid int, at int64) {
	if p.pid == pid {
		return
	}
	p.leave(at)
	if !s.ours[pid] {
		p.pid, p.since = pid, at
	}
}

func (p *presence) leave(at int64) {
	if p.pid != 0 && at > p.since {
		p.runs = append(p.runs, run{p.pid, Stall{p.since, at}})
	}
	p.pid = 0
}

// judge says whose runs they were, those that end now among them.
func (s *strangers) judge(now int64) map[int][]Stall {
	// A child may have been made before its parent is known to be ours.
	for again := true; again; {
		again = false
		s.made = slices.DeleteFunc(s.made, func(r switches.Record) bool {
			if !s.ours[r.Other] {
				return false
			}
			s.ours[r.PID], again = true, true
			return true
		})
	}
	all := make(map[int][]Stall)
	for cpu, p := range s.cpus {
		p.leave(now)
		for _, r := range p.runs {
			if !s.ours[r.pid] {
				all[cpu] = append(all[cpu], r.Stall)
			}
		}
	}
	return all
}

// ourProcesses are a process, its descendants, the kernel's threads and the idle loop.
func ourProcesses(self int) map[int]bool {
	parents := make(map[int]int)
	ours := map[int]bool{0: true, self: true}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			parent, kernel := origin(pid)
			parents[pid] = parent
			if kernel {
				ours[pid] = true
			}
		}
	}
	for pid := range parents {
		// Up to who is known to be ours, or to the first of all. A process may end, and its
		// number come up again, while this is read: no chain is longer than there are.
		for at, steps := pid, 0; at != 0 && steps <= len(parents); at, steps = parents[at], steps+1 {
			if ours[at] {
				ours[pid] = true
				break
			}
		}
	}
	return ours
}

// origin reads a process' parent, and whether it is the kernel's own (PF_KTHREAD of the
// kernel's include/linux/sched.h), from /proc/pid/stat: fields 4 and 9, after a name that
// may hold anything (proc_pid_stat(5)). One that has ended has none.
func origin(pid int) (parent int, kernel bool) {
	const kthread = 0x00200000
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 7 {
		return 0, false
	}
	parent, _ = strconv.Atoi(string(fields[1]))
	flags, _ := strconv.ParseUint(string(fields[6]), 10, 64)
	return parent, flags&kthread != 0
}

func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // it is there, and so is t
	return t.Nano()
}
