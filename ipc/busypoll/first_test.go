package busypoll

import "testing"

// looks plays n waits in which a first look finds something or not, and counts those made.
func looks(f *First, n int, something bool) (made int) {
	for range n {
		if f.Worth() {
			made++
			f.Found(something)
		}
	}
	return made
}

func TestFirstLooksInVainAreLeftOut(t *testing.T) {
	var f First
	if made := looks(&f, vainMost, false); made != vainMost {
		t.Errorf("%d of the first %d waits begin with a look", made, vainMost)
	}
	if made := looks(&f, 10*(skippedMost+1), false); made != 10 {
		t.Errorf("%d first looks in %d waits that never find anything, want 10", made, 10*(skippedMost+1))
	}
	if made := looks(&f, skippedMost+1+100, true); made != 1+100 {
		t.Errorf("%d first looks after one was worth it, want 101", made)
	}
	if made := looks(&f, vainMost, false); made != vainMost {
		t.Errorf("after that, %d of %d looks were made", made, vainMost)
	}
}
