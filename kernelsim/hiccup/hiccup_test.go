package hiccup

import (
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/switches"
)

const us = int64(time.Microsecond)

// play has a sleeper with points 200 µs apart, 200 µs allowed, on a processor that is away
// in the given times, in µs.
func play(until int64, away ...Stall) (s Sleeper) {
	last := int64(0)
	for due := 200 * us; due < until*us; due += 200 * us {
		woke := max(due, last)
		for _, a := range away {
			if woke >= a.From*us && woke < a.To*us {
				woke = a.To * us
			}
		}
		s.Points++
		s.Worst = max(s.Worst, time.Duration(woke-due))
		if woke-due > 200*us {
			s.miss(last, woke)
		}
		last = woke
	}
	return s
}

func TestStalls(t *testing.T) {
	for name, c := range map[string]struct {
		away   []Stall
		missed uint64
		worst  time.Duration
		want   []Stall
	}{
		"never":                         {nil, 0, 0, nil},
		"between two points":            {[]Stall{{201, 399}}, 0, 0, nil},
		"as late as is allowed":         {[]Stall{{300, 600}}, 0, 200 * time.Microsecond, nil},
		"a little more":                 {[]Stall{{300, 601}}, 1, 201 * time.Microsecond, []Stall{{200, 601}}},
		"since right after a point":     {[]Stall{{201, 601}}, 1, 201 * time.Microsecond, []Stall{{200, 601}}},
		"points that pass count":        {[]Stall{{300, 1300}}, 4, 900 * time.Microsecond, []Stall{{200, 1300}}},
		"two, with a point met between": {[]Stall{{300, 650}, {900, 1350}}, 2, 350 * time.Microsecond, []Stall{{200, 650}, {800, 1350}}},
		"two in a row are one":          {[]Stall{{300, 650}, {650, 1100}}, 3, 700 * time.Microsecond, []Stall{{200, 1100}}},
	} {
		s := play(3000, c.away...)
		var got []Stall
		for _, x := range s.Stalls {
			got = append(got, Stall{x.From / us, x.To / us})
		}
		if s.Points != 14 || s.Missed != c.missed || s.Worst != c.worst || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %d points, %d missed, worst %v, stalls %v; want 14, %d, %v, %v", name, s.Points, s.Missed, s.Worst, got, c.missed, c.worst, c.want)
		}
	}
}

// A processor that is away for more than Every and Allowed together is seen, whenever it
// begins, by a stall around that time.
func TestLongStallsAreSeen(t *testing.T) {
	for begin := int64(250); begin < 1000; begin++ {
		s := play(3000, Stall{begin, begin + 401})
		l := Log{From: 0, To: 3000 * us, Sleepers: []Sleeper{s}}
		if s.Missed == 0 || l.Calm(begin*us, (begin+1)*us) || l.Calm((begin+400)*us, (begin+401)*us) {
			t.Errorf("away from %d to %d: %+v", begin, begin+401, s)
		}
	}
}

func TestCalm(t *testing.T) {
	l := Log{From: 100, To: 1000, Sleepers: []Sleeper{
		{CPU: 0, Stalls: []Stall{{200, 300}, {600, 700}}},
		{CPU: 1, Stalls: []Stall{{400, 450}}},
	}}
	for _, c := range []struct {
		from, to int64
		want     bool
	}{
		{100, 200, true},
		{100, 201, false},
		{299, 320, false},
		{300, 400, true},
		{300, 401, false}, // the other processor's
		{420, 430, false}, // inside one
		{450, 600, true},
		{100, 1000, false},
		{700, 1000, true},
		{700, 1001, false},
		{99, 150, false}, // nobody slept
	} {
		if got := l.Calm(c.from, c.to); got != c.want {
			t.Errorf("Calm(%d, %d) = %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if (&Log{To: 10}).Calm(0, 10) {
		t.Error("calm without a sleeper")
	}
}

// TestTotal adds points and misses up, and keeps the worst.
func TestTotal(t *testing.T) {
	l := Log{Sleepers: []Sleeper{{Points: 3, Missed: 1, Worst: 7}, {Points: 4, Missed: 2, Worst: 9}, {Points: 5, Worst: 2}}}
	if got := l.Total(); got.Points != 12 || got.Missed != 3 || got.Worst != 9 {
		t.Errorf("%+v, want 12 points, 3 missed, worst 9", got)
	}
}

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestSleepers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	may, err := switches.Machine()
	if err == nil {
		may.Close()
	}
	open := descriptors(t)
	s, err := Start(time.Millisecond, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	began := monotonic()
	l, err := s.End()
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left in the temporary folder (%v)", left, err)
	}
	if n := descriptors(t); n > open {
		t.Errorf("%d descriptors are open, %d were", n, open)
	}
	if l.Watched != (may != nil) || l.From > began {
		t.Errorf("strangers were watched: %v, who may be: %v; since %d, %d after all began", l.Watched, may != nil, l.From, began-l.From)
	}
	if s.others != nil && (l.From != s.others.begin || !s.others.ours[os.Getpid()]) {
		t.Errorf("from %d, want %d: sleepers were there first; this process is no stranger: %v", l.From, s.others.begin, s.others.ours[os.Getpid()])
	}
	if len(l.Sleepers) < 1 || len(l.Sleepers) > runtime.NumCPU() || l.From <= 0 || l.To <= l.From || l.Every != time.Millisecond || l.Allowed != time.Hour {
		t.Errorf("%+v on %d processors", l, runtime.NumCPU())
	}
	seen := make(map[int]bool)
	for _, s := range l.Sleepers {
		if s.Points == 0 || s.Missed > 0 || s.Worst <= 0 || seen[s.CPU] {
			t.Errorf("%+v", s)
		}
		seen[s.CPU] = true
	}
	if !l.Calm(l.From, l.To) {
		t.Error("an hour was allowed, and it was not calm")
	}
	if total := l.Total(); total.Points < uint64(len(l.Sleepers)) {
		t.Errorf("%+v in all", total)
	}
	if _, err := s.End(); err == nil {
		t.Error("ended twice")
	}
}

// Sleepers that are killed are gone, tell nothing, and may be killed again.
func TestKill(t *testing.T) {
	s, err := Start(time.Millisecond, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	if err := s.cmd.Process.Signal(syscall.Signal(0)); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process is there: %v", err)
	}
	if l, err := s.End(); err == nil {
		t.Errorf("killed, and ended: %+v", l)
	}
	s.Kill()
}

// Where nothing is allowed all points are missed, and told.
func TestMissesAreTold(t *testing.T) {
	s, err := Start(time.Millisecond, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Kill()
	l, err := s.End()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.Sleepers {
		if s.Points == 0 || s.Missed != s.Points || len(s.Stalls) != 1 {
			t.Errorf("%+v", s)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	for _, c := range [][2]time.Duration{{0, 1}, {time.Second, 0}, {999, 1}} {
		if s, err := Start(c[0], c[1]); err == nil {
			s.Kill()
			t.Errorf("every %v, allowed %v is taken", c[0], c[1])
		} else if !strings.Contains(err.Error(), "at least 1000") {
			t.Errorf("every %v, allowed %v: %v does not say what the program said", c[0], c[1], err)
		}
	}
}

func TestParse(t *testing.T) {
	l, err := parse("log 5 900 1\nsleeper 2 4 250\nmiss 100 200 450\nmiss 450 400 460\nmiss 600 700 800\nsleeper 3 4 0\n")
	want := &Log{From: 5, To: 900, First: true, Sleepers: []Sleeper{
		{CPU: 2, Points: 4, Worst: 250, Missed: 3, Stalls: []Stall{{100, 460}, {600, 800}}},
		{CPU: 3, Points: 4},
	}}
	if err != nil || !reflect.DeepEqual(l, want) {
		t.Errorf("%v: %+v, want %+v", err, l, want)
	}
	for _, text := range []string{"", "log 1 2 3\n", "miss 1 2 3\n", "sleeper 1 2\n", "sleeper 1 2 x\n", "nobody 1 2 3\n"} {
		if l, err := parse(text); err == nil {
			t.Errorf("%q is %+v", text, l)
		}
	}
}
