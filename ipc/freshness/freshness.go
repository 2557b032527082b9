// Package freshness says for how long a model's answer serves, and when to ask anew
// before it must be waited for. It is the policy of two caches, ml-bridge's and that of
// mlclient, and nothing but arithmetic.
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
package freshness

import "time"

// Level is a subject's TTL as a power of two over the first one: what its last answers
// have taught. The zero Level is the first TTL.
type Level int8

// MinLevel and MaxLevel bound the TTL to a sixteenth and 1,024 times the first one.
const (
	MinLevel Level = -4
	MaxLevel Level = 10
)

// Hot is how often an answer has served when its question counts as hot.
const Hot = 4

// Policy is the rule for one cache. Make one with New.
type Policy struct {
	adaptive  bool
	ttl       [MaxLevel - MinLevel + 1]time.Duration // by level - MinLevel
	tolerance float64
}

// New gives the policy whose TTLs begin at ttl, above 0, and grow to longest at most.
// tolerance is how far apart two answers that agree may be, in shares of the value's
// range, 0 to 1. Where longest is not above ttl the TTL is fixed: no levels, nothing asked
// ahead, nothing given as stale while it is asked anew.
func New(ttl, longest time.Duration, tolerance float64) Policy {
	p := Policy{adaptive: longest > ttl, tolerance: tolerance}
	for i := range p.ttl {
		t := ttl
		if level := Level(i) + MinLevel; level < 0 {
			t >>= -level
		} else if p.adaptive {
			t = min(t<<level, longest)
		}
		p.ttl[i] = max(t, 1)
	}
	return p
}

// Adaptive reports whether TTLs follow the answers.
func (p *Policy) Adaptive() bool { return p.adaptive }

// TTL is that of a subject at the level, which is clamped to its bounds.
func (p *Policy) TTL(l Level) time.Duration { return p.ttl[l.clamp()-MinLevel] }

// Stale is the age up to which an answer to the same question may be given as stale where
// the cache's bound for that is so: no answer is too old that has just been fresh.
func (p *Policy) Stale(l Level, bound time.Duration) time.Duration {
	if p.adaptive {
		bound = max(bound, 2*p.TTL(l))
	}
	return bound
}

// Restore gives the level that was saved elsewhere, as far as this policy knows levels.
func (p *Policy) Restore(l Level) Level {
	if !p.adaptive {
		return 0
	}
	return l.clamp()
}

func (l Level) clamp() Level { return max(min(l, MaxLevel), MinLevel) }

// Judge gives the level after an answer that is so far apart from the one before, of the
// same model to the same question, at level l; and whether the two agree.
func (p *Policy) Judge(l Level, apart float64) (next Level, agreed bool) {
	agreed = apart <= p.tolerance
	switch {
	case !p.adaptive:
		return 0, agreed
	case agreed:
		return min(l+1, MaxLevel), true
	}
	return max(l-2, MinLevel), false
}

// Replaced gives the level after the first answer of another model: what the one before
// has taught about long TTLs says nothing about it.
func Replaced(l Level) Level { return min(l, 0) }

// Stage is what an answer of some age is good for, to whoever asks its very question.
type Stage uint8

// The stages, from the oldest.
const (
	Old        Stage = iota // to be waited for
	Revalidate              // to be given as stale while it is asked anew
	Ahead                   // to be given as cached while it is asked anew
	Fresh                   // to be given as cached
)

// Stage tells how far an answer of that age has come that has served so often. replaced
// says that its model no longer answers.
func (p *Policy) Stage(l Level, age time.Duration, hits uint8, replaced bool) Stage {
	ttl := p.TTL(l)
	switch {
	case !p.adaptive && age < ttl:
		return Fresh
	case !p.adaptive || age >= 2*ttl:
		return Old
	case age >= ttl || replaced:
		return Revalidate
	case hits >= Hot && age >= ttl-ttl/4:
		return Ahead
	}
	return Fresh
}
