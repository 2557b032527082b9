package trace

import (
	"fmt"
	"math"
	"time"
)

// The values of Fault.Type: what the access wanted to do.
const (
	Read    uint8 = 0
	Write   uint8 = 1
	Execute uint8 = 2
)

// Fault is one user page fault.
type Fault struct {
	At    time.Duration // since the trace's first fault
	Agent uint64        // the process, numbered from 1 within the trace
	Addr  uint64        // the faulting virtual address, exact
	Type  uint8         // Read, Write or Execute
	Major bool          // the page came from swap or a file
}

// Syscall is one entry into the kernel.
type Syscall struct {
	At    time.Duration // since the trace's first call
	Agent uint64        // the calling task (thread), numbered from 1 within the trace
	Nr    uint16        // number in the x86-64 table; SyscallName names it
	Bytes uint64        // bytes the call moved over a socket, 0 for any other call
	RSS   uint64        // resident bytes of the task's process as last sampled, 0 before the first sample
}

// Usage is one sample of what a program and its children use.
type Usage struct {
	At    time.Duration // since the trace's first sample
	Agent uint64        // the program, numbered from 1 within the trace
	CPU   time.Duration // cpu time used since the trace's first sample; never decreases
	RSS   uint64        // resident bytes now
}

// CPUShare is the share of one core used between two samples of an agent: 0 for
// none, above 1 when more than one core was busy. It is 0 when no time passed.
func CPUShare(from, to Usage) float64 {
	if to.At <= from.At || to.CPU <= from.CPU {
		return 0
	}
	return float64(to.CPU-from.CPU) / float64(to.At-from.At)
}

// Pressure is one sample of one component of a host.
type Pressure struct {
	At        time.Duration // since the trace's first sample; five components share each
	Component string        // one of Components
	// Some and Full are the host's cumulative stall times (PSI) of the resource
	// since the trace's first sample; 0 for components the kernel has none for.
	Some, Full time.Duration
	// Value and Capacity are the component's own reading and its bound, in the
	// same unit: bytes for memory, busy and available ns for cpu and io, answer
	// time and timeout in ns for network and service. Value <= Capacity, Capacity > 0.
	Value, Capacity uint64
	Events          uint64 // bad events since the trace's first sample: limit hits, failed probes
	Incident        bool   // an incident is going on: OOM kill in the last second, or a failing probe
}

// Health is the share of the component's capacity that is left, in [0, 1].
func (p Pressure) Health() float64 { return 1 - float64(p.Value)/float64(p.Capacity) }

// components are the host components a failure trace may name, by the words
// that the failure rule reads in a component's name.
var components = [...]string{"memory", "cpu", "io", "network", "service"}

// Components returns the names that Pressure.Component can have.
func Components() []string { return append([]string(nil), components[:]...) }

// The header lines: column names with their units, part of the format.
const (
	faultHeader    = "at_ns,agent,addr,type,major"
	syscallHeader  = "at_ns,agent,nr,bytes,rss_bytes"
	usageHeader    = "at_ns,agent,cpu_ns,rss_bytes"
	pressureHeader = "at_ns,component,some_us,full_us,value,capacity,events,incident"
)

func parseFault(line []byte) (Fault, error) {
	r := newRow(line)
	f := Fault{At: r.duration(1), Agent: r.uint(math.MaxUint64), Addr: r.uint(math.MaxUint64)}
	switch t := r.field(); string(t) {
	case "r":
		f.Type = Read
	case "w":
		f.Type = Write
	case "x":
		f.Type = Execute
	default:
		if r.err == nil {
			r.err = fmt.Errorf("%w: access type %.8q, want r, w or x", ErrFormat, t)
		}
	}
	f.Major = r.flag()
	return f, r.end()
}

func parseSyscall(line []byte) (Syscall, error) {
	r := newRow(line)
	s := Syscall{
		At: r.duration(1), Agent: r.uint(math.MaxUint64), Nr: uint16(r.uint(math.MaxUint16)),
		Bytes: r.uint(math.MaxUint64), RSS: r.uint(math.MaxUint64),
	}
	if r.err == nil && SyscallName(s.Nr) == "" {
		r.err = fmt.Errorf("%w: no x86-64 system call has number %d", ErrFormat, s.Nr)
	}
	return s, r.end()
}

func parseUsage(line []byte) (Usage, error) {
	r := newRow(line)
	u := Usage{At: r.duration(1), Agent: r.uint(math.MaxUint64), CPU: r.duration(1), RSS: r.uint(math.MaxUint64)}
	return u, r.end()
}

func parsePressure(line []byte) (Pressure, error) {
	r := newRow(line)
	p := Pressure{At: r.duration(1), Component: r.component()}
	p.Some, p.Full = r.duration(time.Microsecond), r.duration(time.Microsecond)
	p.Value, p.Capacity = r.uint(math.MaxUint64), r.uint(math.MaxUint64)
	p.Events, p.Incident = r.uint(math.MaxUint64), r.flag()
	if r.err == nil && (p.Capacity == 0 || p.Value > p.Capacity) {
		r.err = fmt.Errorf("%w: value %d of capacity %d", ErrFormat, p.Value, p.Capacity)
	}
	return p, r.end()
}

// component reads one of the known names; returning the constant keeps parsing
// free of allocations.
func (r *row) component() string {
	f := r.field()
	for _, c := range components {
		if string(f) == c {
			return c
		}
	}
	if r.err == nil {
		r.err = fmt.Errorf("%w: component %.20q", ErrFormat, f)
	}
	return ""
}
