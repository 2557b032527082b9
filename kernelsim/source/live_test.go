package source

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/procfs"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/kernelsim/trace"
)

// The two folders below testdata are /proc of a made-up host, a second apart; what
// they hold is said beside the tests.
var (
	firstLook  = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	secondLook = firstLook.Add(time.Second)
)

func golden(t *testing.T, name string) (procfs.FS, string) {
	t.Helper()
	root := "testdata/" + name
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	return fs, root
}

func looks(t *testing.T) (before, after *hostSnapshot) {
	t.Helper()
	fs, root := golden(t, "before")
	before, err := readHost(fs, root, firstLook)
	if err != nil {
		t.Fatal(err)
	}
	fs, root = golden(t, "after")
	if after, err = readHost(fs, root, secondLook); err != nil {
		t.Fatal(err)
	}
	return before, after
}

func close64(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// In that second: a quarter of memory is available (of half before), all tasks
// waited 0.1 s for memory, some 0.95 s for a cpu and 0.25 s for io; the load is 3 on
// two cpus; of 1000 packets 3 received and 2 sent ones were bad; and one process was
// killed for lack of memory.
func TestReadingsOfAHost(t *testing.T) {
	before, after := looks(t)
	got := after.readings(before, nil)
	want := []Reading{
		{Component: "memory", Health: 0.25 * 0.9, Value: 0.75, Flag: true, Incident: true},
		{Component: "cpu", Health: 0.05, Value: 1.5, Flag: true, Incident: true},
		{Component: "io", Health: 0.75, Value: 0.25},
		{Component: "network", Health: 0.5, Value: 0.005},
	}
	if len(got) != len(want) {
		t.Fatalf("%d readings, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Component != w.Component || !close64(g.Health, w.Health) || !close64(g.Value, w.Value) || g.Flag != w.Flag || g.Incident != w.Incident || !g.At.Equal(secondLook) {
			t.Errorf("%+v, want %+v at %v", g, w, secondLook)
		}
	}
}

// Without PSI: load 3 on two cpus, and 0.2 s of iowait in 1 s of 2 cpus' 100 ticks.
func TestReadingsWithoutPSI(t *testing.T) {
	before, after := looks(t)
	before.pressure, after.pressure = false, false
	got := after.readings(before, nil)
	if cpu := got[1].Health; !close64(cpu, 1/1.5) {
		t.Errorf("cpu health %v, want 1 over the load per cpu", cpu)
	}
	if io := got[2].Health; !close64(io, 1-0.2/1.0) {
		t.Errorf("io health %v, want what is left of the iowait", io)
	}
	if memory := got[0].Health; !close64(memory, 0.25) {
		t.Errorf("memory health %v, want the available share", memory)
	}
	before.all-- // and with 2 s of all cpus a tenth
	if io := after.readings(before, nil)[2].Health; !close64(io, 0.9) {
		t.Errorf("io health %v of two seconds, want 0.9", io)
	}
	before.all = after.all // no tick has passed
	if io := after.readings(before, nil)[2].Health; io != 1 {
		t.Errorf("io health %v of no time, want 1", io)
	}
}

// made is /proc of a host like the one before, with other files in place of its own; an empty
// one is none.
func made(t *testing.T, files map[string]string) (procfs.FS, string) {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("testdata/before")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	return fs, root
}

// TestWhatAKernelNeedNotHave: PSI, of which it has all or none, and a count of kills. Without
// the rest there is nothing to watch.
func TestWhatAKernelNeedNotHave(t *testing.T) {
	const none = "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
	for name, c := range map[string]struct {
		files         map[string]string
		pressure, oom bool
		fails         bool
	}{
		"all there":            {nil, true, true, false},
		"no PSI":               {map[string]string{"pressure": ""}, false, true, false},
		"no PSI of memory":     {map[string]string{"pressure/memory": ""}, false, true, false},
		"no PSI of the cpu":    {map[string]string{"pressure/cpu": ""}, false, true, false},
		"another PSI":          {map[string]string{"pressure/io": none}, false, true, false},
		"another of memory":    {map[string]string{"pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"}, false, true, false},
		"no vmstat":            {map[string]string{"vmstat": ""}, true, false, false},
		"no count in it":       {map[string]string{"vmstat": "nr_free_pages 1\n"}, true, false, false},
		"a count that is none": {map[string]string{"vmstat": "oom_kill many\n"}, true, false, false},
		"no meminfo":           {map[string]string{"meminfo": ""}, false, false, true},
		"nothing available":    {map[string]string{"meminfo": "MemTotal: 8000000 kB\n"}, false, false, true},
		"no loadavg":           {map[string]string{"loadavg": ""}, false, false, true},
		"no stat":              {map[string]string{"stat": ""}, false, false, true},
		"no network":           {map[string]string{"net/dev": ""}, false, false, true},
	} {
		fs, root := made(t, c.files)
		h, err := readHost(fs, root, firstLook)
		if (err != nil) != c.fails || err == nil && (h.pressure != c.pressure || h.oomReported != c.oom) {
			t.Errorf("%s: %+v, %v; want PSI %v, kills %v, an error %v", name, h, err, c.pressure, c.oom, c.fails)
		}
	}
}

// TestEveryBadPacketCounts: errors and drops of both directions, of all devices.
func TestEveryBadPacketCounts(t *testing.T) {
	fs, root := made(t, map[string]string{"net/dev": "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed\n" +
		"  a: 1 10 1 2 0 0 0 0 1 20 4 8 0 0 0 0\n  b: 1 40 16 32 0 0 0 0 1 80 64 128 0 0 0 0\n"})
	h, err := readHost(fs, root, firstLook)
	if err != nil {
		t.Fatal(err)
	}
	none := &hostSnapshot{devices: map[string]traffic{"a": {}, "b": {}}}
	if sum := h.traffic(none); sum != (traffic{150, 255}) {
		t.Errorf("%+v, want 150 packets, 255 bad", sum)
	}
}

// TestOnlyDevicesThatStaySayHowTheNetworkIs: 20 of 4000 packets were bad. What a device
// brings along when it is moved here, or takes with it, did not happen now.
func TestOnlyDevicesThatStaySayHowTheNetworkIs(t *testing.T) {
	stays := map[string]traffic{"stays": {1000, 10}}
	later := map[string]traffic{"stays": {5000, 30}}
	for name, c := range map[string]struct{ before, after map[string]traffic }{
		"all stay":             {stays, later},
		"one comes, much lost": {stays, map[string]traffic{"stays": later["stays"], "vf0": {1 << 40, 1 << 36}}},
		"one comes, sound":     {stays, map[string]traffic{"stays": later["stays"], "vf0": {1 << 40, 0}}},
		"one goes, much lost":  {map[string]traffic{"stays": stays["stays"], "vf0": {3990, 19}}, later},
		"one goes, sound":      {map[string]traffic{"stays": stays["stays"], "vf0": {3990, 0}}, later},
		"one begins anew":      {map[string]traffic{"stays": stays["stays"], "vf0": {3990, 0}}, map[string]traffic{"stays": later["stays"], "vf0": {5, 0}}},
		"all of its errors go": {map[string]traffic{"stays": stays["stays"], "vf0": {3990, 15}}, map[string]traffic{"stays": later["stays"], "vf0": {3991, 0}}},
	} {
		before, after := looks(t)
		before.devices, after.devices = c.before, c.after
		if r := after.readings(before, nil)[3]; !close64(r.Value, 0.005) || !close64(r.Health, 0.5) || r.Incident {
			t.Errorf("%s: %+v, want 0.005 of the packets bad", name, r)
		}
	}
}

// TestReadingsAreOfTheirInterval, each from the look before, and what is gone ends the watch.
func TestReadingsAreOfTheirInterval(t *testing.T) {
	fs, root := made(t, nil)
	l, err := NewLiveReadings(fs, root, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i, kills := range []string{"2", "2", "3"} {
		if err := os.WriteFile(filepath.Join(root, "vmstat"), []byte("oom_kill "+kills+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		rs, err := l.Next(t.Context())
		if err != nil || len(rs) != 4 || rs[0].Incident != (i != 1) {
			t.Errorf("look %d: %+v, %v; want a kill in the first and the last", i, rs, err)
		}
	}
	if err := os.Remove(filepath.Join(root, "stat")); err != nil {
		t.Fatal(err)
	}
	if rs, err := l.Next(t.Context()); err == nil {
		t.Errorf("read %+v of a host without processors", rs)
	}
	for name := range map[string]bool{"stat": true, "meminfo": true} {
		fs, root := made(t, map[string]string{name: ""})
		if l, err := NewLiveUsage(fs, time.Hour, 0); err == nil {
			l.Close()
			t.Errorf("usage is watched without %s", name)
		}
		if l, err := NewLiveReadings(fs, root, time.Hour); err == nil {
			l.Close()
			t.Errorf("readings are watched without %s", name)
		}
	}
}

// TestAllTimeOfTheProcessors: guest time, the last two, is part of the first two already.
func TestAllTimeOfTheProcessors(t *testing.T) {
	fs, root := made(t, map[string]string{"stat": "cpu  100 200 400 800 1600 3200 6400 12800 50 60\ncpu0 1 2 3 4 5 6 7 8 0 0\nbtime 1\n"})
	h, err := readHost(fs, root, firstLook)
	if err != nil {
		t.Fatal(err)
	}
	u, err := readUsage(fs, firstLook, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !close64(h.all, 255) || !close64(h.iowait, 16) || !close64(u.all, 255) || !close64(u.busy, 231) {
		t.Errorf("%v s in all, %v waiting for io; %v and %v busy; want 255, 16, 255, 231", h.all, h.iowait, u.all, u.busy)
	}
}

func TestFewPacketsSayNothing(t *testing.T) {
	before, after := looks(t)
	before.devices = map[string]traffic{"a": {0, 0}}
	after.devices = map[string]traffic{"a": {minPackets - 1, minPackets - 1}}
	if r := after.readings(before, nil)[3]; r.Health != 1 || r.Incident {
		t.Errorf("%+v, want a healthy network", r)
	}
}

// Of 100 ticks of both cpus 50 were busy. Process 100 used 40 ticks, 200 used one;
// pid 300 is another program than before.
func TestUsageOfAHost(t *testing.T) {
	fs, _ := golden(t, "before")
	first, err := readUsage(fs, firstLook, 0)
	if err != nil {
		t.Fatal(err)
	}
	fs, _ = golden(t, "after")
	second, err := readUsage(fs, secondLook, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &LiveUsage{last: first, followed: map[uint64]bool{}}
	got := l.since(second)
	if len(got) != 2 {
		t.Fatalf("%d samples %+v, want the host and process 100: 200 has used less than %v, 300 is new", len(got), got, busyShare)
	}
	if h := got[0]; h.Agent != HostAgent || !close64(h.CPU, 0.5) || h.Memory != 6000000<<10 || h.Over != time.Second {
		t.Errorf("host %+v, want half of both cpus and 6,000,000 KiB", h)
	}
	page := uint64(os.Getpagesize())
	for _, u := range got {
		if !u.At.Equal(secondLook) || u.Over != time.Second {
			t.Errorf("%+v, want the second until %v", u, secondLook)
		}
	}
	if p := got[1]; p.Agent != LiveAgent(100, 5000) || p.Name != "busy (worker)" || !close64(p.CPU, 0.4) || p.Memory != 256*page {
		t.Errorf("process %+v, want 100 with 0.4 of a core and 256 pages", p)
	}
}

func TestAPidUsedAgainIsAnotherAgent(t *testing.T) {
	if LiveAgent(300, 5002) == LiveAgent(300, 9000) || LiveAgent(1, 7) == LiveAgent(2, 7) {
		t.Error("two processes share an agent")
	}
	const longUptime = 100 * 365 * 24 * 3600 * 100 // ticks of a hundred years
	if a := LiveAgent(1<<22-1, longUptime); a >= syntheticAgents {
		t.Errorf("agent %#x reaches the recorded ones' ids", a)
	}
}

func TestOwnProcessIsLeftOut(t *testing.T) {
	fs, _ := golden(t, "before")
	s, err := readUsage(fs, firstLook, 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := s.processes[LiveAgent(100, 5000)]; there {
		t.Error("the process that is left out is there")
	}
}

func TestLiveStreamsOnThisHost(t *testing.T) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		t.Fatal(err)
	}
	usage, err := NewLiveUsage(fs, time.Millisecond, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer usage.Close()
	readings, err := NewLiveReadings(fs, procfs.DefaultMountPoint, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer readings.Close()
	rs, err := readings.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rs {
		if !(r.Health >= 0 && r.Health <= 1) || math.IsNaN(r.Value) {
			t.Errorf("%+v is out of range", r)
		}
	}
	// A process that does something is followed, and named.
	busy := exec.CommandContext(t.Context(), "sh", "-c", "while :; do :; done")
	if err := busy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = busy.Process.Kill()
		_ = busy.Wait()
	}()
	for found := false; !found; {
		us, err := usage.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range us {
			found = found || u.Agent&(1<<22-1) == uint64(busy.Process.Pid) && u.Agent != HostAgent
			if u.Over <= 0 || !(u.CPU >= 0 && u.CPU <= 1) || u.Name == "" {
				t.Errorf("%+v is out of range", u)
			}
		}
	}
	for agent, p := range usage.last.processes {
		if agent&(1<<22-1) == uint64(os.Getpid()) {
			t.Errorf("it watches itself watching: %+v", p)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // and ticks are ready, too
		_, err := usage.Next(ctx)
		_, again := readings.Next(ctx)
		if !errors.Is(err, context.Canceled) || !errors.Is(again, context.Canceled) {
			t.Fatalf("Next after the end = %v, %v", err, again)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestTracesTypesAreTheWires(t *testing.T) {
	if ipc.AccessRead != trace.Read || ipc.AccessWrite != trace.Write || ipc.AccessExecute != trace.Execute {
		t.Error("the wire's access types are not the recordings' r, w, x any more: convert them")
	}
}

// TestLiveTimesAreUTC: hour and weekday of the questions are, whatever the host's zone.
func TestLiveTimesAreUTC(t *testing.T) {
	before, after := looks(t)
	after.at = secondLook.In(time.FixedZone("east", 3600))
	for _, r := range after.readings(before, nil) {
		if !r.At.Equal(secondLook) || r.At.Location() != time.UTC {
			t.Errorf("%s at %v, want UTC", r.Component, r.At)
		}
	}
	l := &LiveUsage{followed: map[uint64]bool{}, last: &usageSnapshot{at: firstLook}}
	for _, u := range l.since(&usageSnapshot{at: after.at, all: 1}) {
		if !u.At.Equal(secondLook) || u.At.Location() != time.UTC || u.Agent != HostAgent {
			t.Errorf("%+v, want the host in UTC", u)
		}
	}
}

// TestReadingsAreBounded: counters that ran back, or further than time did, stay shares; a
// count of kills that is not told is none.
func TestReadingsAreBounded(t *testing.T) {
	before, after := looks(t)
	after.oomReported = false
	after.cpuSome, after.ioSome, after.memoryFull = before.cpuSome-1, before.ioSome+stall(time.Hour), before.memoryFull+stall(time.Hour)
	before.devices, after.devices = map[string]traffic{"a": {}}, map[string]traffic{"a": {minPackets, 2 * minPackets}}
	got := after.readings(before, nil)
	for i, health := range []float64{0, 1, 0, 0} {
		if r := got[i]; r.Health != health || r.Flag != r.Incident || r.Incident != (i >= 2) {
			t.Errorf("%+v, want health %v", r, health)
		}
	}
	if v := got[3].Value; v != 1 {
		t.Errorf("%v of the packets are bad, want all", v)
	}
	before.pressure, after.pressure, after.load1 = false, false, 1
	if cpu := after.readings(before, nil)[1]; cpu.Health != 1 || cpu.Value != 0.5 {
		t.Errorf("%+v, want a healthy cpu at half of its load", cpu)
	}
}

// TestFollowingIsBounded: the busiest twelve are, as long as they live, however little they
// then do; the one that takes the place of one that has gone is the busiest left.
func TestFollowingIsBounded(t *testing.T) {
	const n = maxAgents + 3
	look := func(seconds int, used func(agent uint64) float64, gone uint64) *usageSnapshot {
		s := &usageSnapshot{at: firstLook.Add(time.Duration(seconds) * time.Second), processes: map[uint64]process{}}
		for agent := uint64(1); agent <= n; agent++ {
			if agent != gone {
				s.processes[agent] = process{agent: agent, cpu: used(agent)}
			}
		}
		return s
	}
	l := &LiveUsage{followed: map[uint64]bool{}, last: look(0, func(uint64) float64 { return 0 }, 0)}
	agents := func(us []Usage) (out []uint64) {
		for _, u := range us {
			out = append(out, u.Agent)
		}
		return out
	}
	busy := func(agent uint64) float64 { return float64(agent) / 4 } // from 4 on a core and more
	first := l.since(look(2, busy, 0))
	if got := agents(first); len(got) != maxAgents || got[0] != n || got[maxAgents-1] != n-maxAgents+1 {
		t.Fatalf("followed %v, want the busiest %d", got, maxAgents)
	}
	if first[0].CPU != 1 || first[maxAgents-1].CPU != 0.5 {
		t.Errorf("shares %v to %v, want 1 to 0.5", first[0].CPU, first[maxAgents-1].CPU)
	}
	later := func(agent uint64) float64 { // only who has not been followed does something
		if agent <= n-maxAgents {
			return busy(agent) + float64(agent)
		}
		return busy(agent)
	}
	if got := agents(l.since(look(3, later, 0))); len(got) != maxAgents || got[0] != n-maxAgents+1 {
		t.Errorf("then followed %v, want the same, in order", got)
	}
	again := func(agent uint64) float64 { return 2*later(agent) - busy(agent) }
	if got := agents(l.since(look(4, again, n))); len(got) != maxAgents || got[0] != n-maxAgents || got[1] != n-maxAgents+1 {
		t.Errorf("with one gone followed %v, want the busiest of the others in its place", got)
	}
}

// TestProcessesOfAllSorts: one that has gone between the list and the look, a kernel's thread,
// which has no memory, and one that calls itself what the fields around its name look like.
func TestProcessesOfAllSorts(t *testing.T) {
	stat := func(pid, name, rss string) string {
		return pid + " (" + name + ") S 1 0 0 0 -1 4194304 0 0 0 0 7 3 0 0 20 0 1 0 77 0 " + rss + " 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
	}
	fs, root := made(t, nil)
	for pid, text := range map[string]string{
		"400": "", "401": stat("401", "kworker/0:1-events", "0"), "402": stat("402", "x) R 9 (y z", "5"), "403": stat("403", "a\nb", "5"),
	} {
		if err := os.Mkdir(filepath.Join(root, pid), 0o700); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, pid, "stat"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := readUsage(fs, firstLook, 0)
	if err != nil {
		t.Fatal(err)
	}
	page := uint64(os.Getpagesize())
	for pid, want := range map[int]process{401: {0, "kworker/0:1-events", 0.1, 0}, 402: {0, "x) R 9 (y z", 0.1, 5 * page}, 403: {0, "a\nb", 0.1, 5 * page}} {
		want.agent = LiveAgent(pid, 77)
		if got := s.processes[want.agent]; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for agent := range s.processes {
		if agent&(1<<22-1) == 400 {
			t.Error("a process without a state is followed")
		}
	}
}

// TestAProcessorIsUnplugged: the kernel counts its idle time otherwise then, and the sum may
// fall. Of such an interval nothing is known of the host; processes go on.
func TestAProcessorIsUnplugged(t *testing.T) {
	look := func(second int, busy, all, used float64) *usageSnapshot {
		return &usageSnapshot{
			at: firstLook.Add(time.Duration(second) * time.Second), busy: busy, all: all,
			processes: map[uint64]process{9: {agent: 9, cpu: used}},
		}
	}
	l := &LiveUsage{followed: map[uint64]bool{}, last: look(0, 100, 1000, 1)}
	if got := l.since(look(1, 101, 400, 1.5)); len(got) != 1 || got[0].Agent != 9 || got[0].CPU != 0.5 {
		t.Errorf("%+v, want the process alone", got)
	}
	if got := l.since(look(2, 101.5, 401, 1.5)); len(got) != 2 || got[0].Agent != HostAgent || got[0].CPU != 0.5 {
		t.Errorf("%+v, want the host as well", got)
	}
}
