package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
	"github.com/mlbridge/mlbridge/ipc/freshness"
)

// The cache as bytes, for a successor on the same machine, all integers little-endian:
//
//	u8   version, 1
//	u64  when it was saved, CLOCK_BOOTTIME in ns
//	u16  number of models, each: u8 length, name
//	entries until the end, each:
//	  u8   kind
//	  u64  age in ns when it was saved
//	  u64  hash of the inputs
//	  u16  model's place in the list
//	  i8   level of the subject's TTL
//	  u8   length of the subject, subject: a component, or an agent as u64
//	  u16  length of the prediction, prediction in its wire form
//
// A successor that hashes inputs in another way finds no question again, which costs
// questions to the model and nothing else.
const cacheStateVersion = 1

// oldest is more than the age of any answer that serves somebody: a day is the longest TTL
// there is, and an answer serves for two.
const oldest = 2 * day

var errCacheState = errors.New("bridge: saved answers are damaged")

// save writes the answers that can still serve somebody; stale is the stale bound.
func (c *cache) save(now ipc.Instant, stale time.Duration) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{cacheStateVersion}, uint64(bootTime()))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(c.models)))
	for _, m := range c.models {
		b = append(append(b, uint8(len(m))), m...)
	}
	s := saver{c, now, stale, b}
	agent := func(b []byte, id uint64) []byte { return binary.LittleEndian.AppendUint64(append(b, 8), id) }
	component := func(b []byte, name string) []byte { return append(append(b, uint8(len(name))), name...) }
	saveShelf(&s, ipc.Workload, &c.workload, agent)
	saveShelf(&s, ipc.Threat, &c.threat, agent)
	saveShelf(&s, ipc.Failure, &c.failure, component)
	saveShelf(&s, ipc.Memory, &c.memory, agent)
	return s.b
}

type saver struct {
	*cache
	now   ipc.Instant
	stale time.Duration
	b     []byte
}

func saveShelf[K comparable, P any](s *saver, kind ipc.Kind, from *shelf[K, P], subject func([]byte, K) []byte) {
	var p ipc.Prediction
	for i := range from.n {
		e := from.at(i)
		at := cached{record: &e.record, kind: kind, place: i}
		age := e.age(s.now)
		if _, bound := s.bounds(at, s.stale); age < 0 || age >= bound {
			continue
		}
		s.load(at, &p)
		b := append(s.b, uint8(kind))
		b = binary.LittleEndian.AppendUint64(b, uint64(age))
		b = binary.LittleEndian.AppendUint64(b, e.inputs)
		b = binary.LittleEndian.AppendUint16(b, e.model)
		b = subject(append(b, uint8(e.level)), e.subject)
		length := len(b)
		b = ipc.AppendPrediction(append(b, 0, 0), &p)
		binary.LittleEndian.PutUint16(b[length:], uint16(len(b)-length-2))
		s.b = b
	}
}

// restore puts saved answers into the cache, as old as they are by now. It reports
// how many; an error says that what followed them was unreadable.
func (c *cache) restore(b []byte, now ipc.Instant) (n int, err error) {
	r := stateReader{b: b}
	if v := r.take(1); r.bad || v[0] != cacheStateVersion {
		return 0, fmt.Errorf("bridge: saved answers are of another version than %d", cacheStateVersion)
	}
	since := time.Duration(0)
	if saved, at := r.u64(), uint64(bootTime()); saved < at {
		since = time.Duration(at - saved)
	}
	models := make([]string, r.u16())
	for i := range models {
		models[i] = r.label()
	}
	youngest := [len(ipc.Kinds)]time.Duration{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64}
	for !r.bad && len(r.b) > 0 {
		k := cachekey.Key{Kind: ipc.Kind(r.u8())}
		age := time.Duration(r.u64())
		k.Inputs = r.u64()
		model, level := int(r.u16()), freshness.Level(int8(r.u8()))
		subject := r.short()
		wire := r.take(int(r.u16()))
		var p ipc.Prediction
		if r.bad || age < 0 || age > oldest || model >= len(models) {
			return n, errCacheState
		}
		if rest, err := ipc.ParsePrediction(wire, k.Kind, &p); err != nil || len(rest) > 0 {
			return n, errCacheState
		}
		switch {
		case k.Kind == ipc.Failure && len(subject) <= ipc.MaxComponentBytes:
			k.Subject.Component = string(subject)
		case k.Kind != ipc.Failure && len(subject) == 8:
			k.Subject.Agent = binary.LittleEndian.Uint64(subject)
		default:
			return n, errCacheState
		}
		c.put(&k, &p, models[model], now.Add(-age-since))
		e := c.get(&k)
		e.level = c.fresh.Restore(level)
		if i := k.Kind - 1; age < youngest[i] {
			youngest[i], c.current[i] = age, current{e.model, e.model}
		}
		n++
	}
	if r.bad {
		return n, errCacheState
	}
	return n, nil
}

// stateReader reads from the front of b; past the end it gives zeros and bad is set.
type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return make([]byte, min(n, 8))
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *stateReader) u8() uint8     { return r.take(1)[0] }
func (r *stateReader) u16() uint16   { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *stateReader) u64() uint64   { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *stateReader) short() []byte { return r.take(int(r.u8())) }

// label reads the name of a model, "" for one that has none. Readers of the wire, of JSON and
// of metrics rely on its being text.
func (r *stateReader) label() string {
	name := r.short()
	if len(name) > ipc.MaxModelBytes || !utf8.Valid(name) {
		r.bad = true
	}
	return string(name)
}

// bootTime is a clock that all processes of one boot share, and that counts while the
// machine sleeps.
func bootTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // fails for no known clock
	return time.Duration(t.Nano())
}
