package mlclient

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
	"unsafe"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/freshness"
)

// entry is what is remembered about one kind and subject.
type entry struct {
	kind    ipc.Kind
	subject ipc.Subject

	answered bool            // answer is one
	inputs   uint64          // of the question that answer answers
	received ipc.Instant     // when it came
	answer   ipc.Reply       // Age as it was when it came
	level    freshness.Level // of the subject's TTL
	hits     uint8           // how often answer has served, up to 255
	ahead    bool            // it has been asked anew ahead of its expiry

	// A question that got no answer of the model's is not asked again at once.
	refused       bool
	refusedInputs uint64
	refusedAt     ipc.Instant
	refusedWhy    ipc.Reason

	queued       uint64 // ticket of its latest refresh, 0 when there was none
	queuedInputs uint64 // of the question in it
	used         bool   // asked about since it was made and the clock's hand passed
}

// shards is a power of two well above the number of CPUs.
const shards = 64

// cache keeps entries in shards of their own lock. A full shard evicts by clock:
// an entry looked at since the hand last passed gets another round.
type cache struct {
	seed  maphash.Seed
	shard [shards]shard
}

// shard guards all that is in it by its mutex.
type shard struct {
	mu         sync.Mutex
	limit      int
	entries    []entry
	hand       int
	agents     [len(ipc.Kinds) + 1]map[uint64]uint32 // by kind: index into entries
	components map[string]uint32

	sources  [len(ipc.Sources)]uint64 // answers of Lookup, counted here: no shared counter to fight for
	evicted  uint64
	queued   uint64 // refreshes asked for
	replaced uint64 // refreshes spared because one waits or is away already
	dropped  uint64 // refreshes refused for lack of room

	_ [64]byte // keeps two shards off one cache line
}

// newCache makes a cache of at most so many entries, and of so many bytes in all.
func newCache(entries, bytes int) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shard {
		c.shard[i].limit = max(min(entries, bytes/entryBytes)/shards, 1)
	}
	return c
}

const (
	// indexBytes is a place in a shard's index at the worst: a map of Go's is 7/16 full
	// when it has just grown, and a little less where it grew for what was deleted.
	indexBytes = (16 + 4 + 1) * 8 / 3
	// entryBytes is what an entry costs, its place in the index and the names that it
	// holds included; at the worst.
	entryBytes = int(unsafe.Sizeof(entry{})) + indexBytes + ipc.MaxComponentBytes
)

// of gives the shard of a subject.
func (c *cache) of(kind ipc.Kind, s ipc.Subject) *shard {
	if kind == ipc.Failure {
		return &c.shard[maphash.String(c.seed, s.Component)%shards]
	}
	// Fibonacci hashing: consecutive agents spread over the high bits.
	h := (s.Agent + uint64(kind)) * 0x9e3779b97f4a7c15
	return &c.shard[h>>(64-bits.TrailingZeros(shards))]
}

// find gives the entry of a subject, nil when there is none.
func (s *shard) find(kind ipc.Kind, subject ipc.Subject) *entry {
	var i uint32
	var ok bool
	if kind == ipc.Failure {
		i, ok = s.components[subject.Component]
	} else {
		i, ok = s.agents[kind][subject.Agent]
	}
	if !ok {
		return nil
	}
	return &s.entries[i]
}

// obtain gives the entry of a subject, a new one if need be.
func (s *shard) obtain(kind ipc.Kind, subject ipc.Subject) *entry {
	if e := s.find(kind, subject); e != nil {
		return e
	}
	i := len(s.entries)
	if i < s.limit {
		if i == cap(s.entries) { // append would make room beyond the limit
			s.entries = append(make([]entry, 0, min(max(2*i, 4), s.limit)), s.entries...)
		}
		s.entries = append(s.entries, entry{})
	} else {
		i = s.evict()
	}
	// The name may be part of a larger buffer of the caller's: keep a copy.
	subject.Component = strings.Clone(subject.Component)
	s.entries[i] = entry{kind: kind, subject: subject}
	if kind == ipc.Failure {
		if s.components == nil {
			s.components = make(map[string]uint32)
		}
		s.components[subject.Component] = uint32(i)
	} else {
		if s.agents[kind] == nil {
			s.agents[kind] = make(map[uint64]uint32)
		}
		s.agents[kind][subject.Agent] = uint32(i)
	}
	return &s.entries[i]
}

// evict frees the first entry under the hand that was not used lately. It ends:
// the hand itself clears the marks.
func (s *shard) evict() int {
	for {
		i := s.hand
		s.hand = (s.hand + 1) % len(s.entries)
		e := &s.entries[i]
		if e.used {
			e.used = false
			continue
		}
		if e.kind == ipc.Failure {
			delete(s.components, e.subject.Component)
		} else {
			delete(s.agents[e.kind], e.subject.Agent)
		}
		s.evicted++
		return i
	}
}
