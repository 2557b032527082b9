package hiccup

import (
	"maps"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/switches"
)

// Of process 1 and what it has made the runs are told, also of what it made in time to be
// read only after it ran; of process 9, which is ours, and its children none.
func TestStrangersRuns(t *testing.T) {
	on := func(cpu int, at int64, pid int) switches.Record {
		return switches.Record{What: switches.On, CPU: cpu, At: at, PID: pid}
	}
	off := func(cpu int, at int64, pid int) switches.Record {
		return switches.Record{What: switches.Off, CPU: cpu, At: at, PID: pid}
	}
	made := func(cpu int, at int64, parent, pid int) switches.Record {
		return switches.Record{What: switches.Made, CPU: cpu, At: at, PID: pid, Other: parent}
	}
	for name, c := range map[string]struct {
		records []switches.Record
		want    map[int][]Stall
	}{
		"nobody":                    {nil, map[int][]Stall{}},
		"ours and the idle loop":    {[]switches.Record{on(0, 10, 9), off(0, 20, 9), on(0, 20, 0), off(0, 30, 0)}, map[int][]Stall{}},
		"a stranger":                {[]switches.Record{on(0, 10, 1), off(0, 20, 1), on(0, 30, 9)}, map[int][]Stall{0: {{10, 20}}}},
		"on another":                {[]switches.Record{on(3, 10, 1), off(3, 20, 1)}, map[int][]Stall{3: {{10, 20}}}},
		"that ran before":           {[]switches.Record{off(0, 20, 1), off(0, 30, 9)}, map[int][]Stall{0: {{5, 20}}}},
		"that runs still":           {[]switches.Record{on(0, 20, 1)}, map[int][]Stall{0: {{20, 100}}}},
		"whose leaving was lost":    {[]switches.Record{on(0, 20, 1), on(0, 40, 9)}, map[int][]Stall{0: {{20, 40}}}},
		"one that it has made":      {[]switches.Record{made(0, 8, 1, 2), on(0, 10, 2), off(0, 20, 2)}, map[int][]Stall{0: {{10, 20}}}},
		"one of ours":               {[]switches.Record{made(0, 8, 9, 2), on(0, 10, 2), off(0, 20, 2)}, map[int][]Stall{}},
		"told after it ran":         {[]switches.Record{on(0, 10, 2), off(0, 20, 2), made(1, 8, 9, 2)}, map[int][]Stall{}},
		"a grandchild, told before": {[]switches.Record{on(0, 10, 3), off(0, 20, 3), made(1, 9, 2, 3), made(0, 8, 9, 2)}, map[int][]Stall{}},
		"one that hides, named by those before and after": {
			[]switches.Record{
				{What: switches.Off, CPU: 0, At: 10, PID: 9, Other: 1}, {What: switches.On, CPU: 0, At: 40, PID: 9, Other: 1},
			},
			map[int][]Stall{0: {{10, 40}}},
		},
		"told twice": {
			[]switches.Record{
				{What: switches.Off, CPU: 0, At: 10, PID: 9, Other: 1},
				{What: switches.On, CPU: 0, At: 11, PID: 1, Other: 9},
				{What: switches.Off, CPU: 0, At: 40, PID: 1, Other: 9},
				{What: switches.On, CPU: 0, At: 41, PID: 9, Other: 1},
			},
			map[int][]Stall{0: {{10, 40}}},
		},
		"one after the other": {
			[]switches.Record{
				{What: switches.Off, CPU: 0, At: 10, PID: 9, Other: 1},
				{What: switches.Off, CPU: 0, At: 40, PID: 1, Other: 4},
				{What: switches.Off, CPU: 0, At: 50, PID: 4, Other: 0},
			},
			map[int][]Stall{0: {{10, 40}, {40, 50}}},
		},
		"a stranger, then nobody knows whose": {
			[]switches.Record{on(0, 10, 1), on(0, 12, 9), on(0, 20, 1), {What: switches.Lost, CPU: 0, At: 50}},
			map[int][]Stall{0: {{10, 12}, {20, 50}}},
		},
		"nobody knows whose, from the beginning": {
			[]switches.Record{{What: switches.Lost, CPU: 0, At: 50}, on(0, 60, 9)}, map[int][]Stall{0: {{5, 50}}},
		},
		"nobody knows whose": {
			[]switches.Record{on(0, 10, 9), {What: switches.Lost, CPU: 0, At: 50}, off(0, 60, 9)},
			map[int][]Stall{0: {{10, 50}}},
		},
	} {
		s := &strangers{begin: 5, ours: map[int]bool{0: true, 9: true}, cpus: make(map[int]*presence)}
		for _, r := range c.records {
			s.note(r)
		}
		if got := s.judge(100); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestCalmWithStrangers(t *testing.T) {
	l := Log{
		To: 1000, Allowed: 20, Sleepers: make([]Sleeper, 2), Watched: true,
		Strangers: map[int][]Stall{0: {{100, 110}, {120, 130}, {200, 221}}, 1: {{105, 120}, {400, 900}}},
	}
	for _, c := range []struct {
		from, to int64
		had      time.Duration
	}{
		{0, 100, 0},
		{0, 130, 20},   // on one; on the other it is another 15
		{105, 125, 15}, // on the other
		{110, 120, 10},
		{130, 200, 0},
		{190, 220, 20},
		{190, 221, 21},
		{500, 520, 20},
		{500, 521, 21},
		{899, 1000, 1},
	} {
		if had := l.Others(c.from, c.to); had != c.had || l.Calm(c.from, c.to) != (had <= 20) || !l.OnTime(c.from, c.to) {
			t.Errorf("from %d to %d they had one for %d, want %d; calm: %v, on time: %v", c.from, c.to, had, c.had, l.Calm(c.from, c.to), l.OnTime(c.from, c.to))
		}
	}
}

// Of the processes there are, those that this one has made are ours, and the others not.
func TestOurProcesses(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	ours := ourProcesses(os.Getpid())
	for pid, want := range map[int]bool{0: true, os.Getpid(): true, cmd.Process.Pid: true, os.Getppid(): false} {
		if ours[pid] != want {
			t.Errorf("process %d: ours is %v, want %v, of %v", pid, ours[pid], want, slices.Sorted(maps.Keys(ours)))
		}
	}
	if parent, kernel := origin(cmd.Process.Pid); parent != os.Getpid() || kernel {
		t.Errorf("its parent is %d, the kernel's: %v", parent, kernel)
	}
	if _, kernel := origin(2); kernel && !ours[2] { // not seen in every PID namespace
		t.Error("the kernel's own process 2 is a stranger")
	}
	if parent, kernel := origin(0); parent != 0 || kernel {
		t.Errorf("who is not there has the parent %d, the kernel's: %v", parent, kernel)
	}
}
