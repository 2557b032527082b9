package bridge

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// damage is done to what judgedBoard saves. None of it changes anything.
type damage struct {
	t     *testing.T
	whole []byte
	next  *scoreboard // for all that is refused, which leaves it as it is
}

func newDamage(t *testing.T) *damage { return &damage{t, judgedBoard().save(), new(scoreboard)} }

// Where things are in whole: the first model's name, u8 length and "old@1", then flags, and its
// first target; and how long an entry's header is, whose name is that long.
const (
	damagedEntry  = 2 + 1
	damagedTarget = damagedEntry + 7
	entryHeader   = 8
)

func (d *damage) refused(what string, b []byte) {
	d.t.Helper()
	if n, err := d.next.restore(b); n != 0 || err == nil || len(d.next.all()) > 0 || d.next.off.Load() {
		d.t.Errorf("%s: %d models, %v, %d standings; want none and an error", what, n, err, len(d.next.all()))
	}
}

func (d *damage) taken(what string, b []byte, want int) {
	d.t.Helper()
	if n, err := new(scoreboard).restore(b); n != want || err != nil {
		d.t.Errorf("%s: %d models, %v; want %d", what, n, err, want)
	}
}

// bent has another byte there.
func (d *damage) bent(at int, v byte) []byte {
	b := append([]byte(nil), d.whole...)
	b[at] = v
	return b
}

// sizes are those of a target and of a workload model's entry.
func (d *damage) sizes() (target, entry int) {
	targets := targetsOf(ipc.Workload)
	target = (len(d.whole) - 2 - 3*2 - len("old@1new@2sick@1") - 3) / (2*targets + targetsOf(ipc.Failure))
	return target, entryHeader + targets*target
}

func TestStandingsOfAnImpossibleShape(t *testing.T) {
	d := newDamage(t)
	d.refused("another version", d.bent(0, 1))
	d.refused("a later version", d.bent(0, standingStateVersion+1))
	d.refused("an earlier one's length", d.bent(0, withoutStale))
	d.refused("the length of one before that", d.bent(0, withSharedRecords))
	d.refused("no switch", d.bent(1, 2))
	d.refused("no kind", d.bent(2, 9))
	d.refused("a name of another length", d.bent(damagedEntry, 0))
	d.refused("a name that is no text", d.bent(damagedEntry+1, 0xff))
	d.refused("a flag that is none", d.bent(damagedEntry+6, 8))
	d.refused("two that serve", d.bent(damagedEntry+6, wasServing))
	d.refused("the same twice", append(append([]byte(nil), d.whole...), d.whole[2:]...))
	_, entry := d.sizes()
	crowd := append([]byte(nil), d.whole...)
	for n := range byte(maxStandings - 1) { // with the two that there are, one more than are told apart
		at := len(crowd) + 2
		crowd = append(crowd, d.whole[2:2+entry]...)
		crowd[at] += n + 1
	}
	d.refused("more models than are told apart", crowd)
	d.taken("as many as are told apart, and another kind's", crowd[:len(crowd)-entry], maxStandings+1)
}

func TestStandingsWithImpossibleNumbers(t *testing.T) {
	d := newDamage(t)
	d.refused("a target's flag that is none", d.bent(damagedTarget, wasDoubled*(maxDoubled+1)))
	for at, field := range numbersOf(damagedTarget) {
		impossible := []uint64{math.Float64bits(math.NaN()), math.Float64bits(math.Inf(1)), math.Float64bits(1e300), math.Float64bits(-1e300)}
		if field == 'u' {
			impossible = []uint64{math.MaxUint64, 1<<60 + 1}
		}
		for _, v := range impossible {
			b := append([]byte(nil), d.whole...)
			binary.LittleEndian.PutUint64(b[at:], v)
			d.refused(fmt.Sprintf("%#x at byte %d", v, at-damagedTarget), b)
		}
	}
	const openDifferences, openOutcomes = damagedTarget + 105, damagedTarget + 106 + 8*windowBlocks + 16 + 8 + 3*32 + 8
	d.refused("more differences than a block has", d.bent(openDifferences, blockPairs))
	longer := d.bent(openDifferences, blockPairs)
	longer[damagedTarget] |= wasDoubled
	d.refused("more blocks than its cases make", longer)
	binary.LittleEndian.PutUint64(longer[openDifferences-16:], 1) // of its blocks
	d.taken("as many as a block has that is twice as long", longer, 3)
	longer[damagedTarget] |= wasDoubled * (maxDoubled + 1)
	d.refused("a block that is longer than any", longer)
	d.refused("more outcomes than a block has", d.bent(openOutcomes, blockPairs))
	d.taken("as many as a block can have open", d.bent(openOutcomes, blockPairs-1), 3)
}

func TestStandingsCutShort(t *testing.T) {
	d := newDamage(t)
	target, entry := d.sizes()
	ends := map[int]int{2: 0, 2 + entry: 1, 2 + 2*entry: 2} // of entries: the models up to there
	for n := range 2 + 2*entry + 9 + 2*target {             // what follows is more of the same
		got, err := d.next.restore(d.whole[:n])
		if want, ok := ends[n]; ok != (err == nil) || got != want {
			t.Fatalf("%d models from %d bytes, %v; want %d", got, n, err, want)
		}
		if err == nil {
			d.next = new(scoreboard)
		}
	}
}

// numbersOf gives where the numbers of a target are that begins at byte at, and whether
// they are floats (f) or counts (u).
func numbersOf(at int) iter.Seq2[int, rune] {
	layout := "b uuuu fffff uf uf b" + strings.Repeat("f", windowBlocks) + "ff u" + strings.Repeat("ffuf", 3) + "u b ffffff"
	return func(yield func(int, rune) bool) {
		for _, field := range layout {
			switch field {
			case 'b':
				at++
			case 'f', 'u':
				if !yield(at, field) {
					return
				}
				at += 8
			}
		}
	}
}
