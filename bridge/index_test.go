package bridge

import (
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// bare is a shelf of nothing but subjects, which its user puts in their places.
type bare[K comparable] struct{ shelf[K, struct{}] }

func newBare[K comparable](places int, hash func(K) uint64) *bare[K] {
	var s bare[K]
	s.init(places, 1<<30, hash)
	for range places {
		s.room()
	}
	return &s
}

func (s *bare[K]) put(k K, place int) {
	s.at(place).subject = k
	s.places.add(k, place, s)
}

// TestIndexIsAMap puts in and takes out at random, with as many subjects as split pages
// many times, and compares with Go's map. A hash that tells little makes long probes.
func TestIndexIsAMap(t *testing.T) {
	for name, hash := range map[string]func(uint64) uint64{
		"good hash": hashNumber,
		// The page is chosen well, else no split would help; within it only eight homes.
		"poor hash": func(k uint64) uint64 { return hashNumber(k)&^(pageSlots-1) | k%8*61%pageSlots },
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			const places = 1 << 13
			x, want := newBare(places, hash), map[uint64]int{}
			var free, used []int
			for p := range places {
				free = append(free, p)
			}
			for step := range 60_000 {
				if grow := step < 20_000 || step > 40_000; len(free) > 0 && (len(used) == 0 || r.IntN(4) > 0 == grow) {
					k := r.Uint64N(3 * places)
					place, known := want[k]
					if got := x.place(k); known && got != place || !known && got != -1 {
						t.Fatalf("step %d: place(%d) = %d, want %d, %v", step, k, got, place, known)
					}
					if known {
						continue
					}
					place = free[len(free)-1]
					free, used = free[:len(free)-1], append(used, place)
					want[k] = place
					x.put(k, place)
				} else {
					i := r.IntN(len(used))
					place := used[i]
					used[i] = used[len(used)-1]
					used, free = used[:len(used)-1], append(free, place)
					k := x.at(place).subject
					x.places.remove(k, place, x)
					delete(want, k)
				}
			}
			if x.places.n != len(want) {
				t.Errorf("%d subjects, want %d", x.places.n, len(want))
			}
			for k := range uint64(3 * places) {
				place, known := want[k]
				if got := x.place(k); known && got != place || !known && got != -1 {
					t.Fatalf("place(%d) = %d, want %d, %v", k, got, place, known)
				}
			}
			if len(x.places.directory) < places/pageSlots {
				t.Errorf("a directory of %d pages: none was split", len(x.places.directory))
			}
		})
	}
}

// TestIndexFindsNames does the same to the index of components' names, as far as it differs.
func TestIndexFindsNames(t *testing.T) {
	x := newBare(3, hashName)
	for place, name := range []string{"cpu", "memory", ""} {
		if x.place(name) != -1 {
			t.Errorf("%q is there before it was put in", name)
		}
		x.put(name, place)
	}
	x.places.remove("memory", 1, x)
	for name, want := range map[string]int{"cpu": 0, "memory": -1, "": 2, "cp": -1} {
		if got := x.place(name); got != want {
			t.Errorf("place(%q) = %d, want %d", name, got, want)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []struct {
		name     string
		subjects uint64
	}{{"4k", 1 << 12}, {"64k", 1 << 16}, {"1M", 1 << 20}} {
		var s shelf[uint64, ipc.WorkloadPrediction]
		s.init(1<<24, 1<<30, hashNumber)
		places := make(map[uint64]uint32)
		for k := range n.subjects {
			e, _ := s.claim(k)
			e.record.used, e.subject = false, k
			places[k] = uint32(k)
		}
		var step uint64
		b.Run(n.name+"/index", func(b *testing.B) {
			for b.Loop() {
				step += 0x9e3779b97f4a7c15
				if _, r := s.find(step % n.subjects); r.used {
					b.Fatal("another's record")
				}
			}
		})
		b.Run(n.name+"/map", func(b *testing.B) {
			for b.Loop() {
				step += 0x9e3779b97f4a7c15
				if s.at(int(places[step%n.subjects])).used {
					b.Fatal("another's record")
				}
			}
		})
	}
}
