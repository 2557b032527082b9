package syscalls

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
)

// Novelty knows ordinary programs: which call follows which, and which three
// calls in a row occur. It tells how surprising a stream of calls is to it.
// It is immutable and safe for concurrent use.
type Novelty struct {
	surprise [Groups][Groups]uint8       // of a pair, in sixteenths of a bit
	triples  [(tripleCount + 7) / 8]byte // bit set: seen
	usual    [findings]float32           // see Usual
}

const (
	tripleCount  = Groups * Groups * Groups
	surpriseUnit = 16  // steps a bit
	maxSurprise  = 255 // 15.9 bits
)

// noveltyTable was learnt from the recorded calls of ordinary programs
// (threat/benign_x86, training part) by the training command.
//
//go:embed novelty.bin
var noveltyTable []byte

// Ordinary gives the built-in table. It is read on first use, so that the
// training command, which makes the file anew, runs without a fitting one.
var Ordinary = sync.OnceValue(func() *Novelty {
	n, err := ParseNovelty(noveltyTable)
	if err != nil {
		panic(err) // the file is part of the binary and a test reads it
	}
	return n
})

// ParseNovelty reads what Bytes wrote.
func ParseNovelty(data []byte) (*Novelty, error) {
	n := &Novelty{}
	if want := Groups*Groups + len(n.triples) + 4*findings; len(data) != want {
		return nil, fmt.Errorf("syscalls: novelty table of %d bytes, want %d", len(data), want)
	}
	for a := range Groups {
		copy(n.surprise[a][:], data[a*Groups:(a+1)*Groups])
	}
	data = data[Groups*Groups:]
	data = data[copy(n.triples[:], data):]
	for i := range n.usual {
		n.usual[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		if !(n.usual[i] > 0 && n.usual[i] <= math.MaxFloat32) {
			return nil, fmt.Errorf("syscalls: novelty table: usual value %d is %v", i, n.usual[i])
		}
	}
	return n, nil
}

// Bytes is the table for storage, in the form that PROTOCOL.md, section 15.1, tells.
func (n *Novelty) Bytes() []byte {
	var out []byte
	for a := range n.surprise {
		out = append(out, n.surprise[a][:]...)
	}
	out = append(out, n.triples[:]...)
	for _, v := range n.usual {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// LearnNovelty makes a table of streams of ordinary programs. What is usual is
// not known from these, as they hold nothing new: see Usual and SetUsual. The chance of
// call b after call a is its share of a's successors, smoothed with the
// strength of two calls towards b's share of all calls (Jelinek-Mercer with
// absolute counts), so that nothing is impossible.
func LearnNovelty(streams [][]Group) *Novelty {
	n := &Novelty{}
	var pairs [Groups][Groups]float64
	var first, all [Groups]float64
	var total float64
	for _, s := range streams {
		for i, g := range s {
			all[g]++
			total++
			if i >= 1 {
				pairs[s[i-1]][g]++
				first[s[i-1]]++
			}
			if i >= 2 {
				t := triple(s[i-2], s[i-1], g)
				n.triples[t/8] |= 1 << (t % 8)
			}
		}
	}
	const strength = 2
	for a := range Groups {
		for b := range Groups {
			// Every group counts half a call more than was seen.
			share := (all[b] + 0.5) / (total + 0.5*float64(Groups))
			p := (pairs[a][b] + strength*share) / (first[a] + strength)
			n.surprise[a][b] = uint8(min(maxSurprise, math.Round(-math.Log2(p)*surpriseUnit)))
		}
	}
	return n
}

// Scored are windows of one program and the table to score them by, which must
// not have been learnt from that program.
type Scored struct {
	By      *Novelty
	Windows [][]Group
}

// Usual gives, by anomaly type, the value that 95 of 100 windows of the median
// program stay below. By program, because a few programs with long traces of
// one unfamiliar loop would otherwise say what is usual for all.
func Usual(programs []Scored) (usual [findings]float32) {
	for i := range usual {
		var high []float64
		for _, p := range programs {
			var values []float64
			for _, w := range p.Windows {
				if v, ok := p.By.score(w); ok {
					values = append(values, v[i])
				}
			}
			if len(values) > 0 {
				slices.Sort(values)
				high = append(high, values[len(values)*95/100])
			}
		}
		if len(high) > 0 {
			slices.Sort(high)
			// A type that never shows in ordinary windows still needs a scale.
			usual[i] = float32(max(high[len(high)/2], 0.01))
		}
	}
	return usual
}

// SetUsual completes a learnt table.
func (n *Novelty) SetUsual(usual [findings]float32) { n.usual = usual }

func triple(a, b, c Group) int { return (int(a)*Groups+int(b))*Groups + int(c) }

// bits is how surprising call b is after call a.
func (n *Novelty) bits(a, b Group) float64 { return float64(n.surprise[a][b]) / surpriseUnit }

func (n *Novelty) known(a, b, c Group) bool {
	t := triple(a, b, c)
	return n.triples[t/8]>>(t%8)&1 == 1
}
