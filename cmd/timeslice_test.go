package cmd_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTimeSlices: all threads of both daemons have the slice that was asked for, or the
// kernel's own.
func TestTimeSlices(t *testing.T) {
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	const asked = uint64(300 * time.Microsecond)
	can := own.Runtime != 0 && own.Policy != unix.SCHED_IDLE // an old kernel has none, nor has that class
	for _, tt := range []struct {
		flag string
		want uint64
	}{{"--time-slice=300us", asked}, {"--time-slice=0", own.Runtime}} {
		if !can {
			tt.want = own.Runtime
		}
		dir := t.TempDir()
		mld := start(t, "mld", "--listen=unix:"+dir+"/mld.sock", "--admin=off", tt.flag)
		bridge := start(t, "ml-bridge", "--socket="+dir+"/b.sock", "--http=", "--admin=off", "--upstream=unix:"+dir+"/mld.sock", tt.flag)
		for _, p := range []*process{mld, bridge} {
			threads, err := filepath.Glob("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/task/*")
			if err != nil || len(threads) < 2 {
				t.Fatalf("threads %v, %v", threads, err)
			}
			for _, path := range threads {
				id, err := strconv.Atoi(filepath.Base(path))
				if err != nil {
					t.Fatal(err)
				}
				a, err := unix.SchedGetAttr(id, 0)
				if _, gone := os.Stat(path); gone != nil {
					continue // the thread has ended
				}
				if err != nil || a.Runtime != tt.want {
					t.Errorf("%s %s: a slice of %v, %v; want %v", p.cmd.Path, tt.flag, time.Duration(a.Runtime), err, time.Duration(tt.want))
				}
			}
		}
	}
}
