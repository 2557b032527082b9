package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// Where the models stand as bytes, for a successor on the same machine, all integers and
// floats (IEEE 754) little-endian:
//
//	u8   version, 6
//	u8   1: the operator has turned the models off
//	entries until the end, at most maxStandings a kind, each:
//	  u8   kind
//	  u8   length of the model's name, name@version
//	  u8   1: its answers are the ones given
//	  as many as the kind has targets, in their order:
//	    u8   1: it is demoted; + 2: the third game is played; + 4 × how often blocks are doubled
//	    u64  judged, tries, demotions, recoveries
//	    f64  sum of its errors, of the rule's, recent mean of its errors, of the rule's
//	    f64  the difference of these sums when it last came back
//	    u64  cases that its last turn was decided on; f64 its advantage over those
//	    u64  blocks ever closed; f64 sum of the open block; u8 differences in it
//	    f64  windowBlocks means, as they stand in the ring
//	    what betting keeps: scale, record, its cases, the three games, then what is known
//	    of bursts: u64 blocks, u8 outcomes in the open one, f64 its sum, mean of the last,
//	    mean of all, squares in the open one, variance of outcomes, that of blocks
//
// What does not parse as a whole changes nothing: a model that begins anew is judged
// anew, which is what happens without a hand-over. Predictions whose outcome comes after
// the hand-over are not known to the successor and are counted as unknown.
//
// Earlier versions are read, too: 5 has no targets of stale answers, which begin anew, and
// knows nothing of doubled blocks and returns; 4 has none of questions that tell more either,
// which begin with the record that was of both.
const (
	standingStateVersion = 6
	withoutStale         = 5
	withSharedRecords    = 4
)

var errStandingState = errors.New("bridge: saved standings are damaged")

const (
	wasServing = 1 // of a model

	wasDemoted = 1 // of a target
	wasDoubted = 2
	wasDoubled = 4 // times how often
)

// save writes the kill switch and every kind's standings. It is called by the loop.
func (s *scoreboard) save() []byte {
	b := []byte{standingStateVersion, 0}
	if s.off.Load() {
		b[1] = 1
	}
	for _, k := range ipc.Kinds {
		st := &s.of(k).standing
		for i := range st.models {
			if m := &st.models[i]; m.id != 0 {
				b = m.append(append(b, uint8(k)), targetsOf(k), m == st.serving)
			}
		}
	}
	return b
}

func (m *modelStanding) append(b []byte, targets int, serving bool) []byte {
	flags := uint8(0)
	if serving {
		flags = wasServing
	}
	b = append(append(b, uint8(len(m.label))), m.label...)
	b = append(b, flags)
	for i := range m.targets[:targets] {
		b = m.targets[i].append(b, m.demoted&(1<<i) != 0)
	}
	return b
}

func (t *targetStanding) append(b []byte, demoted bool) []byte {
	flags := uint8(0)
	if demoted {
		flags |= wasDemoted
	}
	if t.betting.doubting {
		flags |= wasDoubted
	}
	b = append(b, flags+wasDoubled*t.window.doubled)
	u64 := func(v uint64) { b = binary.LittleEndian.AppendUint64(b, v) }
	f64 := func(v float64) { u64(math.Float64bits(v)) }
	for _, n := range []uint64{t.judged, t.tries, t.demotions, t.recoveries} {
		u64(n)
	}
	for _, v := range []float64{t.modelSum, t.ruleSum, t.recentModel, t.recentRule, t.returned} {
		f64(v)
	}
	u64(uint64(t.turnPairs))
	f64(t.turnAdvantage)
	u64(uint64(t.window.n))
	f64(t.window.sum)
	b = append(b, uint8(t.window.open))
	for _, v := range t.window.means {
		f64(v)
	}
	f64(t.betting.scale)
	f64(t.betting.record)
	u64(uint64(t.betting.cases))
	for _, g := range t.betting.games() {
		for _, v := range g.wealth {
			f64(v)
		}
		u64(uint64(g.n))
		f64(g.sum)
	}
	u := &t.betting.bursts
	u64(uint64(u.n))
	b = append(b, uint8(u.open))
	for _, n := range u.numbers() {
		f64(*n.v)
	}
	return b
}

// restore puts saved standings in the place of empty ones, before the loop runs. It
// reports how many models are known by them.
func (s *scoreboard) restore(b []byte) (n int, err error) {
	r := stateReader{b: b}
	version := r.u8()
	if r.bad || version < withSharedRecords || version > standingStateVersion {
		return 0, fmt.Errorf("bridge: saved standings are of another version than %d to %d", withSharedRecords, standingStateVersion)
	}
	off := r.u8()
	var kinds [len(ipc.Kinds)]restored
	for !r.bad && len(r.b) > 0 {
		k := ipc.Kind(r.u8())
		if !k.Valid() || !kinds[k-1].read(&r, k, version) {
			return 0, errStandingState
		}
		n++
	}
	if r.bad || off > 1 {
		return 0, errStandingState
	}
	for i := range kinds {
		s.kinds[i].standing.adopt(&kinds[i])
	}
	s.off.Store(off == 1)
	return n, nil
}

// restored are the standings of one kind while they are read.
type restored struct {
	models  []modelStanding // up to maxStandings; what is damaged at once costs none
	serving int             // its place + 1
}

// read takes one entry of the kind, all but that, and reports whether it can be.
func (k *restored) read(r *stateReader, kind ipc.Kind, version uint8) bool {
	label, flags := r.label(), r.u8()
	if r.bad || len(k.models) == maxStandings || flags > wasServing || flags == wasServing && k.serving != 0 {
		return false
	}
	for i := range k.models {
		if k.models[i].label == label {
			return false
		}
	}
	k.models = append(k.models, modelStanding{label: label})
	m := &k.models[len(k.models)-1]
	n := len(targetNames[kind-1])
	targets := n * (1 + int(version) - withSharedRecords)
	for i := range m.targets[:targets] {
		demoted, ok := m.targets[i].read(r, version)
		if !ok {
			return false
		}
		if demoted {
			m.demoted |= 1 << i
		}
	}
	if version == withSharedRecords {
		copy(m.targets[n:2*n], m.targets[:n])
		m.demoted |= m.demoted << n
	}
	if flags == wasServing {
		k.serving = len(k.models)
	}
	return true
}

func (t *targetStanding) read(r *stateReader, version uint8) (demoted, ok bool) {
	flags := r.u8()
	t.window.doubled = flags / wasDoubled
	for _, to := range []*uint64{&t.judged, &t.tries, &t.demotions, &t.recoveries} {
		*to = r.u64()
	}
	// An error is in [0, 1], and a difference of two in [-1, 1].
	t.modelSum, t.ruleSum = r.within(0, float64(t.judged)), r.within(0, float64(t.judged))
	t.recentModel, t.recentRule = r.within(0, 1), r.within(0, 1)
	if version > withoutStale {
		t.returned = r.within(-float64(t.judged), float64(t.judged))
	}
	pairs := r.u64()
	t.turnAdvantage = r.within(-1, 1)
	blocks := r.u64()
	block := t.window.block()
	t.window.sum, t.window.open = r.within(-float64(block), float64(block)), int(r.u8())
	for i := range t.window.means {
		t.window.means[i] = r.within(-1, 1)
	}
	switch {
	case r.bad, t.window.doubled > maxDoubled, version <= withoutStale && t.window.doubled > 0:
		return false, false
	case t.judged > maxJudged, t.tries > t.judged, t.demotions > t.judged, t.recoveries > t.judged, blocks > t.judged/uint64(block), t.window.open >= block, pairs > t.judged:
		return false, false
	}
	t.window.n, t.turnPairs = int(blocks), int(pairs)
	if !t.betting.read(r, t.judged) {
		return false, false
	}
	t.betting.doubting = flags&wasDoubted != 0
	return flags&wasDemoted != 0, true
}

// maxJudged is more than a bridge sees in its life.
const maxJudged = 1 << 60

// adopt begins with what was restored.
func (s *standing) adopt(k *restored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range k.models {
		s.lastID++
		s.models[i] = k.models[i]
		s.models[i].id, s.models[i].used = s.lastID, s.lastID
	}
	if k.serving > 0 {
		s.serving = &s.models[k.serving-1]
	}
}

// within reads a number of least to most: what is beyond, or none, was never saved. A sum
// that is large beyond measure would stay in the means for good.
func (r *stateReader) within(least, most float64) float64 {
	v := math.Float64frombits(r.u64())
	if !(v >= least && v <= most) { // a NaN is not
		r.bad = true
		return 0
	}
	return v
}
