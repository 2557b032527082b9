package bridge

import (
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// freshness says for how long an answer serves, and when to ask anew before it must
// be waited for.
//
// Models are pure functions of the question, and a key leaves the small digits of the
// question out: what a cached answer can be wrong by is what those digits are worth,
// and that differs from subject to subject. So every subject has a TTL of its own. It
// doubles when the same question brought the same answer again, to within a tolerance,
// and is quartered when it brought another (adaptive expiry: Gwertzman and Seltzer,
// World Wide Web Cache Consistency, USENIX 1996; one step up and two down keep it below
// the age at which one answer in three has changed).
//
// The ages of an answer, where t is its subject's TTL:
//
//	0 to ¾ t   it is given as cached
//	¾ t to t   the same; a hot question is asked anew behind it
//	t to 2 t   it is given as stale, and the question is asked anew behind it
//	from 2 t   whoever asks waits for the model
//
// (RFC 5861 calls the third stale-while-revalidate.) Identical questions are one, so
// however hot one is, it is asked anew once. An answer of a model that has been
// replaced is as if it were t old.
type freshness struct {
	adaptive  bool
	ttl       [maxLevel - minLevel + 1]time.Duration // by level - minLevel
	tolerance float64
}

const (
	// minLevel and maxLevel bound the TTL to a sixteenth and 1,024 times the first one.
	minLevel, maxLevel = -4, 10
	// hot is how often an answer has served when its question counts as hot.
	hot = 4
)

func newFreshness(cfg *Config) freshness {
	f := freshness{adaptive: cfg.MaxTTL > cfg.TTL, tolerance: cfg.Tolerance}
	for i := range f.ttl {
		ttl := cfg.TTL
		if level := i + minLevel; level < 0 {
			ttl >>= -level
		} else if f.adaptive {
			ttl = min(ttl<<level, cfg.MaxTTL)
		}
		f.ttl[i] = max(ttl, 1)
	}
	return f
}

// of is the TTL of the answer at e.
func (f *freshness) of(e *record) time.Duration { return f.ttl[e.level-minLevel] }

// judge sets the level of the record that takes the place of old, an answer to the
// same question, from which the new one is apart.
func (f *freshness) judge(old *record, apart float64) (level int8, agreed bool) {
	agreed = apart <= f.tolerance
	switch {
	case !f.adaptive:
		return 0, agreed
	case agreed:
		return min(old.level+1, maxLevel), true
	}
	return max(old.level-2, minLevel), false
}

// stage is what an answer of some age is good for.
type stage uint8

const (
	stageOld        stage = iota // to be waited for
	stageRevalidate              // to be given as stale while it is asked anew
	stageAhead                   // fresh, and to be asked anew
	stageFresh
)

// stage tells how far the answer at e has come, if it answers this very question.
func (f *freshness) stage(e *record, current uint16, now ipc.Instant) stage {
	age, ttl := e.age(now), f.of(e)
	switch {
	case !f.adaptive && age < ttl:
		return stageFresh
	case !f.adaptive || age >= 2*ttl:
		return stageOld
	case age >= ttl || e.model != current:
		return stageRevalidate
	case e.hits >= hot && age >= ttl-ttl/4:
		return stageAhead
	}
	return stageFresh
}

// The distance of two answers to the same question, in shares of the value's range: of
// what the kind is about, and 1 where what it advises is another thing altogether.

func apartWorkload(a, b *ipc.WorkloadPrediction) float64 {
	d := max(distance(a.CPU, b.CPU), relative(a.Memory, b.Memory))
	switch {
	case a.GPU.Valid != b.GPU.Valid:
		return 1
	case a.GPU.Valid:
		d = max(d, distance(a.GPU.Value, b.GPU.Value))
	}
	return d
}

func apartThreat(a, b *ipc.ThreatPrediction) float64 {
	if a.Type != b.Type || a.Action != b.Action {
		return 1
	}
	return distance(a.Score, b.Score)
}

func apartFailure(a, b *ipc.FailurePrediction) float64 {
	if a.Type != b.Type {
		return 1
	}
	return distance(a.Probability, b.Probability)
}

func apartMemory(a, b *ipc.MemoryPrediction) float64 {
	if a.NextAddress>>pageShift != b.NextAddress>>pageShift {
		return 1
	}
	return distance(a.Probability, b.Probability)
}

// distance is that of two shares.
func distance(a, b float32) float64 { return float64(max(a-b, b-a)) }

// relative is the difference of two sizes over the larger.
func relative(a, b uint64) float64 {
	if a == b {
		return 0
	}
	return float64(max(a, b)-min(a, b)) / float64(max(a, b))
}
