package modeldesk

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// TestALoadReadsTheFolderOnce: what serves, what is tried and what is wrong are of one
// moment, and a folder on a slow disk costs no more than it must. The kernel counts.
func TestALoadReadsTheFolderOnce(t *testing.T) {
	dir := t.TempDir()
	bring(t, dir, "1")
	bring(t, dir, "2")
	d := New(dir, zerolog.Nop())
	d.Load(true)
	for what, look := range map[string]func(){
		"a load":            func() { d.Load(false) },
		"the view":          func() { _, _ = d.View() },
		"a look for change": func() { d.folder.Mark() },
	} {
		opened := opens(t, dir, look)
		for _, name := range []string{"1.manifest.json", "2.manifest.json"} {
			if opened[name] != 1 {
				t.Errorf("%s reads %s %d times", what, name, opened[name])
			}
		}
	}
}

// opens counts how often each file of dir is opened while do runs.
func opens(t *testing.T, dir string, do func()) map[string]int {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(fd)
	// Two events in a row that are the same are told as one: the closing comes between.
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_OPEN|unix.IN_CLOSE); err != nil {
		t.Fatal(err)
	}
	do()
	opened := make(map[string]int)
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(fd, buffer)
		if err == unix.EAGAIN {
			return opened
		} else if err != nil {
			t.Fatal(err)
		}
		for rest := buffer[:n]; len(rest) > 0; {
			event := (*unix.InotifyEvent)(unsafe.Pointer(&rest[0]))
			name := rest[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+event.Len]
			if event.Mask&unix.IN_OPEN != 0 {
				opened[string(bytes.TrimRight(name, "\x00"))]++
			}
			rest = rest[unix.SizeofInotifyEvent+event.Len:]
		}
	}
}
