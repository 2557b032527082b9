package memory

import "testing"

func TestQueueWindows(t *testing.T) {
	for _, c := range []struct {
		after           int // faults from the issue to the page's fault
		covered, useful bool
	}{
		{1, true, true}, {32, true, true}, {33, false, true}, {64, false, true}, {65, false, false},
	} {
		var q queue
		q.issue(5, 0)
		for n := 1; n < c.after; n++ {
			q.fault(99, n)
		}
		covered, useful := q.fault(5, c.after)
		if covered != c.covered || useful != c.useful {
			t.Errorf("fault %d after the issue: covered %v, useful %v; want %v, %v", c.after, covered, useful, c.covered, c.useful)
		}
	}
}

func TestQueueCountsAnIssueOnce(t *testing.T) {
	var q queue
	if !q.issue(5, 0) || q.issue(5, 1) {
		t.Error("the same page was issued twice")
	}
	q.fault(5, 2)
	if covered, useful := q.fault(5, 3); covered || useful {
		t.Error("an issue was useful twice")
	}
	if !q.issue(5, 4) || q.issued != 2 || q.useful != 1 || q.covered != 1 || q.faults != 2 {
		t.Errorf("%+v: want 2 issued, 1 useful, 1 covered, 2 faults", q)
	}
}

// A page named again is wanted for longer, but was fetched when it was fetched.
func TestAPageNamedAgainStaysWanted(t *testing.T) {
	for _, c := range []struct {
		after           int // faults from the issue to the page's fault, named again 20 after it
		covered, useful bool
	}{
		{21, true, true}, {52, true, true}, {53, false, true}, {64, false, true}, {65, false, false},
	} {
		var q queue
		q.issue(4, 0)
		q.issue(5, 0)
		for n := 1; n < c.after; n++ {
			q.fault(99, n)
			if n == 20 && q.issue(5, n) {
				t.Fatal("a page that is here was fetched again")
			}
		}
		covered, useful := q.fault(5, c.after)
		if covered != c.covered || useful != c.useful {
			t.Errorf("fault %d after the issue: covered %v, useful %v; want %v, %v", c.after, covered, useful, c.covered, c.useful)
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	var q queue
	for page := range uint64(queueLimit + 10) {
		q.issue(page, 0)
	}
	if len(q.issues) != queueLimit || len(q.pages) != queueLimit || q.pushedOut != 10 {
		t.Errorf("%d issues, %d pages, %d pushed out; want %d, %d, 10", len(q.issues), len(q.pages), q.pushedOut, queueLimit, queueLimit)
	}
	if _, useful := q.fault(9, 1); useful {
		t.Error("the oldest issues were not the ones pushed out")
	}
	if _, useful := q.fault(10, 1); !useful {
		t.Error("an issue within the bound was lost")
	}
}
