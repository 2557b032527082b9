package chaos

import (
	"context"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/switches"
)

// watchHelper has a helper note its own use.
func watchHelper(t *testing.T) Use {
	t.Helper()
	e := &Env{Self: os.Args[0]}
	before := monotonic()
	h, use, err := e.watchedHelper(HelperPlan{Mode: Nobody.Name, After: time.Millisecond, Watch: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	u, err := use()
	h.Kill()
	if err != nil {
		t.Fatal(err)
	}
	if u.From < before || u.From > monotonic() || u.Lasts != 200*time.Millisecond {
		t.Errorf("%d threads from %d for %v", len(u.Threads), u.From, u.Lasts)
	}
	return u
}

// A helper tells when it ran itself, and the burner begins to do the same.
func TestUseIsToldAndBurnt(t *testing.T) {
	u := watchHelper(t)
	for u.total() == 0 { // a machine stood still for as long as it was watched
		u = watchHelper(t)
	}
	wantRuns(t, &u)
	program, err := buildBurner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := startBurner(program, &u)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Kill()
	for cpuTime(b.PID) < 2*u.total() { // it takes what it can get, period by period
		time.Sleep(time.Millisecond)
	}
}

// wantRuns checks that there are runs and that those of a thread do not overlap.
func wantRuns(t *testing.T, u *Use) {
	t.Helper()
	if len(u.Threads) == 0 || u.total() <= 0 {
		t.Errorf("%d threads ran for %v", len(u.Threads), u.total())
	}
	for _, runs := range u.Threads {
		end := time.Duration(0)
		for _, r := range runs {
			if r.At < end || r.For <= 0 || r.At >= u.Lasts {
				t.Errorf("a run at %v for %v, after one that ended at %v", r.At, r.For, end)
			}
			end = r.At + r.For
		}
	}
}

// Where the kernel does not tell, the threads' own clocks do.
func TestWatchClocks(t *testing.T) {
	busy, stop := context.WithCancel(t.Context())
	go func() { _ = idle(busy, "") }()
	u := watchClocks(t.Context(), 50*time.Millisecond)
	stop()
	if len(u.Threads) == 0 || u.total() <= 0 {
		t.Errorf("%d threads ran for %v", len(u.Threads), u.total())
	}
}

func TestUseOf(t *testing.T) {
	const us = time.Microsecond
	got := useOf(5, 100*us, map[int][]Run{
		1: {{-us, 3 * us}, {20 * us, 5 * us}, {90 * us, 20 * us}, {100 * us, us}}, // began before; after the end
		2: {{10 * us, us}},
		3: {{30 * us, 0}},
	})
	want := Use{From: 5, Lasts: 100 * us, Threads: [][]Run{{{10 * us, us}}, {{20 * us, 5 * us}, {90 * us, 20 * us}}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	got.scale(52 * us)
	if x := got.Threads[1][0].For; x != 10*us || got.total() != 52*us {
		t.Errorf("twice as long: a run of %v, %v in all, want 10µs and 52µs", x, got.total())
	}
	(&Use{}).scale(time.Second) // of nothing nothing is made
}

// What the rings of two processors tell is one story.
func TestRunsOf(t *testing.T) {
	record := func(what switches.What) func(int64, int) switches.Record {
		return func(at int64, tid int) switches.Record { return switches.Record{What: what, At: at, TID: tid} }
	}
	on, off, woken := record(switches.On), record(switches.Off), record(switches.Woken)
	preempted := func(at int64, tid int) switches.Record {
		return switches.Record{What: switches.Off, At: at, TID: tid, Wants: true}
	}
	long := int64(longestRun)
	for name, c := range map[string]struct {
		records []switches.Record
		want    map[int][]Run
	}{
		"two threads, two processors": {
			[]switches.Record{on(110, 1), off(120, 1), on(140, 1), off(150, 2), on(125, 1), off(131, 1), on(132, 2), off(160, 1)},
			map[int][]Run{1: {{10, 10}, {25, 6}, {40, 20}}, 2: {{32, 18}}},
		},
		"before, after, and what is no switch": {
			[]switches.Record{off(100, 3), on(170, 3), {What: switches.Made, At: 115, TID: 3}, {What: switches.Lost, At: 116, TID: 3}},
			map[int][]Run{},
		},
		"one that waits wants to run": {
			[]switches.Record{woken(101, 1), on(110, 1), off(120, 1), on(130, 1), off(131, 1)},
			map[int][]Run{1: {{1, 10}, {30, 1}}},
		},
		"one that has to wait in between, too": {
			[]switches.Record{woken(101, 1), on(110, 1), preempted(120, 1), on(150, 1), preempted(155, 1), on(160, 1), off(161, 1)},
			map[int][]Run{1: {{1, 16}}},
		},
		"one that is woken while it runs does not sleep first": {
			[]switches.Record{on(110, 1), woken(115, 1), off(120, 1), on(130, 1), off(131, 1)},
			map[int][]Run{1: {{10, 10}, {30, 1}}},
		},
		"a processor that was away": {
			[]switches.Record{on(100, 1), preempted(100+2*long, 1), on(200+2*long, 1), off(250+2*long, 1)},
			map[int][]Run{1: {{0, longestRun + 50}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := runsOf(c.records, 100); !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// A burner without a thread, as beside a peer that does nothing, is there; one that is
// told nonsense is not.
func TestBurnerReads(t *testing.T) {
	program, err := buildBurner(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b, err := startBurner(program, &Use{Lasts: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	b.Kill()
	for _, u := range []Use{{}, {Lasts: time.Second, Threads: [][]Run{{}}}, {Lasts: time.Second, Threads: [][]Run{{{-1, 1}}}}} {
		if b, err := startBurner(program, &u); err == nil {
			b.Kill()
			t.Errorf("%+v is burnt", u)
		}
	}
}

func TestHelpersThatEndSaySo(t *testing.T) {
	e := &Env{Self: os.Args[0]}
	h, use, err := e.watchedHelper(HelperPlan{Mode: "comes and goes", Socket: t.TempDir() + "/nobody", After: time.Hour, Watch: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	h.Kill()
	if u, err := use(); err == nil {
		t.Errorf("it used %+v", u)
	}
}
