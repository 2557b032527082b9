package modeldesk

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// TestWhatCannotBeWrittenIsSaid once in the log, at each decision and in each list, until it
// is written.
func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	dir := t.TempDir()
	bring(t, dir, "1")
	bring(t, dir, "2")
	j := &journal{}
	d := New(dir, zerolog.New(j))
	d.Load(true)
	said := func(when string, v View, cannot, again int) {
		t.Helper()
		var list strings.Builder
		if err := v.print(&list); err != nil {
			t.Fatal(err)
		}
		told := strings.Join(v.led(Decision{What: Promote}, "workload", "mld"), "\n")
		const want = "state.json cannot be written: permission denied: what is decided ends with the process"
		for _, text := range []string{list.String(), told} {
			if strings.Contains(text, want) != (cannot > again) {
				t.Errorf("%s: %s", when, text)
			}
		}
		if c, a := j.count("the folder cannot be written"), j.count("outlives this process again"); c != cannot || a != again {
			t.Errorf("%s: said %d times that it cannot be written and %d that it was, want %d and %d", when, c, a, cannot, again)
		}
	}
	decide := func(model string) (View, error) { return d.Do(Decision{What: Promote, Model: model}) }
	v, _ := decide("mine@1")
	said("written", v, 0, 0)
	readOnly(t, dir, func() {
		for _, model := range []string{"mine@2", "mine@1"} {
			v, err := decide(model)
			if err != nil {
				t.Error(err)
			}
			d.keep()
			said("decided", v, 1, 0)
		}
		if _, err := Dir(dir).Do(Decision{What: Promote, Model: "mine@2"}); err == nil || !strings.Contains(err.Error(), dir+": nothing was decided: state.json cannot be written") {
			t.Errorf("decided in the folder alone: %v", err)
		}
	})
	d.keep()
	v, _ = d.View()
	said("written again", v, 1, 1)
	d.keep()
	v, _ = d.View()
	said("and kept", v, 1, 1)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Count(j.text.Bytes(), []byte(what))
}

// readOnly runs do while this thread may read the folder and not write it, which for root
// takes another user of files.
func readOnly(t *testing.T, dir string, do func()) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	mode := func(name string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range files {
		mode(name, 0o644)
	}
	mode(filepath.Dir(dir), 0o755)
	mode(dir, 0o555)
	defer mode(dir, 0o755)
	if os.Geteuid() == 0 {
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Fatal(err)
		}
		defer unix.SetfsuidRetUid(0)
	}
	do()
}
