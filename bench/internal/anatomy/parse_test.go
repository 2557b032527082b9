package anatomy

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestReadUsage(t *testing.T) {
	before, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := os.ReadFile("/proc/self/stat"); err != nil {
			t.Fatal(err)
		}
	}
	after, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u := after.since(before); u.CPU <= 0 || u.Reads < 100 || u.Writes < 0 || u.Voluntary < 0 {
		t.Errorf("100 files read: %+v", u)
	}
	if _, err := ReadUsage(1 << 30); err == nil {
		t.Error("no error for a process that is not there")
	}
}

func TestParseStat(t *testing.T) {
	const stat = "71 (a) b (c) S 1 71 71 0 -1 4194560 100 0 0 0 123 45 0 0 20 0 5 0 99"
	if user, system, err := parseStat([]byte(stat)); user != 123 || system != 45 || err != nil {
		t.Errorf("parseStat = %d, %d, %v, want 123, 45", user, system, err)
	}
	for _, bad := range []string{"", "71 (a) S 1 2", strings.Replace(stat, "123", "x", 1)} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q) gives no error", bad)
		}
	}
}

func TestParseBench(t *testing.T) {
	const out = `goos: linux
BenchmarkStages/toy-workload/features-2   	     100	     64000 ns/op	       1000 ns/item
BenchmarkStages/toy-workload/engine       	     100	     32000 ns/op	       500.5 ns/item
BenchmarkPredict/toy-workload/1 	 20 	 2500 ns/op	 2500 ns/item	 0 B/op	 0 allocs/op
PASS
`
	for _, c := range []struct {
		line, unit string
		want       float64
	}{{"features", "ns/item", 1000}, {"engine", "ns/item", 500.5}, {"engine", "ns/op", 32000}, {"toy-workload/1", "ns/op", 2500}} {
		if got, err := parseBench([]byte(out), c.line, c.unit); got != c.want || err != nil {
			t.Errorf("parseBench(%s, %s) = %v, %v, want %v", c.line, c.unit, got, err, c.want)
		}
	}
	for _, c := range [][2]string{{"conclude", "ns/op"}, {"", "ns/op"}, {"features", "MB/s"}} {
		if _, err := parseBench([]byte(out), c[0], c[1]); err == nil {
			t.Errorf("parseBench(%s, %s) gives no error", c[0], c[1])
		}
	}
}

func TestParsePerf(t *testing.T) {
	const out = `client-10,200,,raw_syscalls:sys_enter,1,100.00,,
client-11,20,,raw_syscalls:sys_enter,1,100.00,,
ml-bridge-20,400,,raw_syscalls:sys_enter,1,100.00,,
mld-30,7,,raw_syscalls:sys_enter,1,100.00,,
client-10,100,,syscalls:sys_enter_write,1,100.00,,
ml-bridge-20,200,,syscalls:sys_enter_write,1,100.00,,
ml-bridge-21,<not counted>,,raw_syscalls:sys_enter,0,0.00,,
`
	owner := map[string]int{"10": 0, "11": 0, "20": 1, "21": 1, "30": 2}
	got, err := parsePerf(out, owner, 2)
	if want := []float64{2.2, 4}; err != nil || !slices.Equal(got, want) {
		t.Errorf("parsePerf = %v, %v, want %v", got, err, want)
	}
	if _, err := parsePerf("no permission", owner, 2); err == nil {
		t.Error("no error when nothing was counted")
	}
}
