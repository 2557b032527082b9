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
//	u8   version, 2
//	u8   1: the operator has turned the models off
//	entries until the end, at most maxStandings a kind, each:
//	  u8   kind
//	  u8   length of the model's name, name@version
//	  u8   1: its answers are the ones given; + 2: it is demoted
//	  u64  judged, tries, demotions, recoveries
//	  f64  sum of its errors, of the rule's, recent mean of its errors, of the rule's
//	  u64  cases that its last turn was decided on; f64 its advantage over those
//	  u64  blocks ever closed; f64 sum of the open block; u8 differences in it
//	  f64  windowBlocks means, as they stand in the ring
//	  what betting keeps: scale, record, its cases, the three games, then what is known of
//	  bursts: u64 blocks, u8 outcomes in the open one, f64 its sum, mean of the last, mean
//	  of all, squares in the open one, variance of outcomes, that of blocks
//
// What does not parse as a whole changes nothing: a model that begins anew is judged
// anew, which is what happens without a hand-over. Predictions whose outcome comes after
// the hand-over are not known to the successor and are counted as unknown.
const standingStateVersion = 2

var errStandingState = errors.New("bridge: saved standings are damaged")

const (
	wasServing = 1
	wasDemoted = 2
	wasDoubted = 4
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
				b = m.append(append(b, uint8(k)), m == st.serving)
			}
		}
	}
	return b
}

func (m *modelStanding) append(b []byte, serving bool) []byte {
	flags := uint8(0)
	if serving {
		flags |= wasServing
	}
	if m.demoted {
		flags |= wasDemoted
	}
	if m.betting.doubting {
		flags |= wasDoubted
	}
	b = append(append(b, uint8(len(m.label))), m.label...)
	b = append(b, flags)
	u64 := func(v uint64) { b = binary.LittleEndian.AppendUint64(b, v) }
	f64 := func(v float64) { u64(math.Float64bits(v)) }
	for _, n := range []uint64{m.judged, m.tries, m.demotions, m.recoveries} {
		u64(n)
	}
	for _, v := range []float64{m.modelSum, m.ruleSum, m.recentModel, m.recentRule} {
		f64(v)
	}
	u64(uint64(m.turnPairs))
	f64(m.turnAdvantage)
	u64(uint64(m.window.n))
	f64(m.window.sum)
	b = append(b, uint8(m.window.open))
	for _, v := range m.window.means {
		f64(v)
	}
	f64(m.betting.scale)
	f64(m.betting.record)
	u64(uint64(m.betting.cases))
	for _, g := range m.betting.games() {
		for _, v := range g.wealth {
			f64(v)
		}
		u64(uint64(g.n))
		f64(g.sum)
	}
	u := &m.betting.bursts
	u64(uint64(u.n))
	b = append(b, uint8(u.open))
	for _, v := range u.numbers() {
		f64(*v)
	}
	return b
}

// numbers are in the order in which they are saved, those that cannot be negative last.
func (u *bursts) numbers() [6]*float64 {
	return [...]*float64{&u.sum, &u.last, &u.mean, &u.inTheOpen, &u.variance, &u.ofBlocks}
}

func (u *bursts) read(r *stateReader) bool {
	n := r.u64()
	u.open = int(r.u8())
	for i, v := range u.numbers() {
		if *v = r.f64(); i >= 3 && *v < 0 {
			return false
		}
	}
	if r.bad || n > burstBlocks || u.open >= blockPairs {
		return false
	}
	u.n = int(n)
	return true
}

// games are the three, in the order in which they are saved.
func (b *betting) games() [3]*game { return [...]*game{&b.anew, &b.change, &b.doubt} }

// restore puts saved standings in the place of empty ones, before the loop runs. It
// reports how many models are known by them.
func (s *scoreboard) restore(b []byte) (n int, err error) {
	r := stateReader{b: b}
	if v := r.u8(); r.bad || v != standingStateVersion {
		return 0, fmt.Errorf("bridge: saved standings are of another version than %d", standingStateVersion)
	}
	off := r.u8()
	var kinds [len(ipc.Kinds)]restored
	for !r.bad && len(r.b) > 0 {
		k := ipc.Kind(r.u8())
		if !k.Valid() || !kinds[k-1].read(&r) {
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
	models  [maxStandings]modelStanding
	n       int
	serving int // its place + 1
}

// read takes one entry, all but the kind, and reports whether it can be.
func (k *restored) read(r *stateReader) bool {
	if k.n == maxStandings {
		return false
	}
	m := &k.models[k.n]
	m.label = string(r.short())
	flags := r.u8()
	for _, to := range []*uint64{&m.judged, &m.tries, &m.demotions, &m.recoveries} {
		*to = r.u64()
	}
	for _, to := range []*float64{&m.modelSum, &m.ruleSum, &m.recentModel, &m.recentRule} {
		*to = r.f64()
	}
	pairs := r.u64()
	m.turnAdvantage = r.f64()
	blocks := r.u64()
	m.window.sum, m.window.open = r.f64(), int(r.u8())
	for i := range m.window.means {
		m.window.means[i] = r.f64()
	}
	switch {
	case r.bad, m.label == "", len(m.label) > ipc.MaxModelBytes, flags > wasServing|wasDemoted|wasDoubted:
		return false
	case flags&wasServing != 0 && k.serving != 0:
		return false
	case m.judged > maxJudged, m.tries > m.judged, blocks > m.judged/blockPairs, m.window.open >= blockPairs, pairs > m.judged:
		return false
	}
	if !m.betting.read(r, m.judged) {
		return false
	}
	m.betting.doubting = flags&wasDoubted != 0
	for i := range k.n {
		if k.models[i].label == m.label {
			return false
		}
	}
	m.window.n, m.turnPairs, m.demoted = int(blocks), int(pairs), flags&wasDemoted != 0
	k.n++
	if flags&wasServing != 0 {
		k.serving = k.n
	}
	return true
}

// maxJudged is more than a bridge sees in its life.
const maxJudged = 1 << 60

// read takes all but doubting, of a model that was judged so often.
func (b *betting) read(r *stateReader, judged uint64) bool {
	b.scale, b.record = r.f64(), r.f64()
	cases := r.u64()
	if r.bad || b.scale < 0 || math.Abs(b.record) > 1 || cases > recordCases {
		return false
	}
	b.cases = int(cases)
	for _, g := range b.games() {
		for i := range g.wealth {
			if g.wealth[i] = r.f64(); g.wealth[i] < 0 || g.wealth[i] > enough {
				return false
			}
		}
		n := r.u64()
		if g.sum = r.f64(); r.bad || n > judged {
			return false
		}
		g.n = int(n)
	}
	return b.bursts.read(r)
}

// adopt begins with what was restored.
func (s *standing) adopt(k *restored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range k.n {
		s.lastID++
		s.models[i] = k.models[i]
		s.models[i].id, s.models[i].used = s.lastID, s.lastID
	}
	if k.serving > 0 {
		s.serving = &s.models[k.serving-1]
	}
}

// f64 reads a finite number.
func (r *stateReader) f64() float64 {
	v := math.Float64frombits(r.u64())
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.bad = true
		return 0
	}
	return v
}
