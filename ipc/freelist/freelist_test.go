package freelist

import "testing"

func TestWhatWasPutBackComesAgain(t *testing.T) {
	var l List[int]
	a, b := l.Get(), l.Get()
	if a == b || *a != 0 || *b != 0 {
		t.Fatalf("two new records are %p and %p, of %d and %d", a, b, *a, *b)
	}
	*a = 7
	l.Put(b)
	l.Put(a)
	if first, second := l.Get(), l.Get(); first != a || *first != 7 || second != b {
		t.Errorf("got %p and %p, want %p as it was, then %p", first, second, a, b)
	}
	if c := l.Get(); c == a || c == b {
		t.Error("a record was given twice")
	}
}

func TestKeepsSoManyAndNoMore(t *testing.T) {
	var l List[int]
	for range 2 * Most {
		l.Put(new(int))
	}
	if l.Len() != Most {
		t.Errorf("%d are kept, want %d", l.Len(), Most)
	}
	// What is in use is the user's: the list holds nothing of it.
	for range Most {
		l.Get()
	}
	for i, v := range l.items[:Most] {
		if v != nil {
			t.Fatalf("place %d still holds what was given away", i)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	var l List[[4]int]
	l.Put(new([4]int))
	if n := testing.AllocsPerRun(100, func() { l.Put(l.Get()) }); n != 0 {
		t.Errorf("%v allocations a record, want 0", n)
	}
}
