package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/trace"
)

// replay plays recordings of R side by side as a stream of T.
type replay[R, T any] struct {
	plays []play[R, T]
	batch []T
}

// play is one recording that has not ended. take turns rows into samples; it may
// keep a row back, as a share needs two.
type play[R, T any] struct {
	reader *trace.Reader[R]
	take   func(R) (T, bool)
	rows   int // taken each time
}

// opener is one of trace's Open functions.
type opener[R any] func(fsys fs.FS, file string) (*trace.Reader[R], error)

func openReplay[R, T any](fsys fs.FS, set trace.Set, open opener[R], rows int, taker func(stream int, m trace.Meta) func(R) (T, bool)) (Stream[T], error) {
	names, err := trace.List(fsys, set)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("source: no recording of %s", set)
	}
	s := &replay[R, T]{}
	for i, name := range names {
		r, err := open(fsys, name)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.plays = append(s.plays, play[R, T]{reader: r, take: taker(i, r.Meta()), rows: rows})
	}
	return s, nil
}

// Next takes the next rows of every recording.
func (s *replay[R, T]) Next(ctx context.Context) ([]T, error) {
	s.batch = s.batch[:0]
	for len(s.plays) > 0 && len(s.batch) == 0 && ctx.Err() == nil {
		for i := 0; i < len(s.plays); {
			p := s.plays[i]
			more, err := s.turn(p)
			if err != nil {
				return nil, err
			}
			if more {
				i++
				continue
			}
			s.plays = slices.Delete(s.plays, i, i+1) // at once: Close closes what is listed
			if err := p.reader.Close(); err != nil {
				return nil, err
			}
		}
	}
	return ended(ctx, s.batch)
}

// turn takes one turn of p and reports whether p goes on.
func (s *replay[R, T]) turn(p play[R, T]) (more bool, err error) {
	for range p.rows {
		row, err := p.reader.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if sample, ok := p.take(row); ok {
			s.batch = append(s.batch, sample)
		}
	}
	return true, nil
}

// Close releases what has not ended by itself.
func (s *replay[R, T]) Close() error {
	var errs []error
	for _, p := range s.plays {
		errs = append(errs, p.reader.Close())
	}
	s.plays = nil
	return errors.Join(errs...)
}

// recordedAt is when a recording was made, to the hour; the zero time where it
// does not say. Hour and weekday of its questions come from it.
func recordedAt(m trace.Meta) time.Time {
	at, _ := time.Parse("2006-01-02T15:04Z07:00", m.Keys["recorded-on"])
	return at.UTC()
}

// ReplayUsage plays all workload recordings in fsys. A program that kept more than
// one core busy counts as 1.
func ReplayUsage(fsys fs.FS) (Stream[Usage], error) {
	return openReplay(fsys, trace.SetWorkload, trace.OpenUsages, 1, func(stream int, m trace.Meta) func(trace.Usage) (Usage, bool) {
		began, seen := recordedAt(m), false
		var last trace.Usage
		return func(u trace.Usage) (Usage, bool) {
			from := last
			last = u
			if first := !seen; first || u.At <= from.At {
				seen = true
				return Usage{}, false
			}
			return Usage{
				At: began.Add(u.At), Over: u.At - from.At, Agent: traceAgent(stream, u.Agent), Name: m.Name,
				CPU: min(trace.CPUShare(from, u), 1), Memory: u.RSS,
			}, true
		}
	})
}

// components is how many rows of a pressure trace share an instant.
var components = len(trace.Components())

// ReplayReadings plays all failure recordings in fsys.
func ReplayReadings(fsys fs.FS) (Stream[Reading], error) {
	return openReplay(fsys, trace.SetFailure, trace.OpenPressures, components, func(_ int, m trace.Meta) func(trace.Pressure) (Reading, bool) {
		began, events := recordedAt(m), map[string]uint64{}
		return func(p trace.Pressure) (Reading, bool) {
			r := Reading{
				At: began.Add(p.At), Component: p.Component, Health: p.Health(),
				Value: float64(p.Value) / float64(p.Capacity), Flag: p.Incident, Incident: p.Incident,
			}
			if p.Component == "memory" {
				r.Flag = p.Events > events[p.Component]
			}
			events[p.Component] = p.Events
			return r, true
		}
	})
}

// ReplayFaults plays all memory recordings in fsys, a fault of each at a time.
func ReplayFaults(fsys fs.FS) (Stream[Fault], error) {
	return openReplay(fsys, trace.SetMemory, trace.OpenFaults, 1, func(stream int, _ trace.Meta) func(trace.Fault) (Fault, bool) {
		return func(f trace.Fault) (Fault, bool) {
			// trace's access types have the numbers of the wire's; a test says so.
			return Fault{At: f.At, Agent: traceAgent(stream, f.Agent), Addr: f.Addr, Type: f.Type}, true
		}
	})
}

// callsPerTurn is how many calls of a program come before the next one's turn: a
// batch of reports is then one frame.
const callsPerTurn = 50

// ReplayCalls plays all threat recordings in fsys.
func ReplayCalls(fsys fs.FS) (Stream[Call], error) {
	return openReplay(fsys, trace.SetThreat, trace.OpenSyscalls, callsPerTurn, func(stream int, m trace.Meta) func(trace.Syscall) (Call, bool) {
		return func(c trace.Syscall) (Call, bool) {
			return Call{
				At: c.At, Agent: traceAgent(stream, c.Agent), Stream: stream, Truth: m.Kind, Nr: c.Nr, Bytes: c.Bytes,
			}, true
		}
	})
}
