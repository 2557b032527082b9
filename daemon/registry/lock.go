package registry

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockPatience is how long a decision waits for another process that decides: that takes as
// long as to read and write a small file.
const lockPatience = 2 * time.Second

// begin looks at the folder and keeps others from reading the state and writing what follows
// from it until end is called: in this process for certain, and in others as far as lock can.
// What takes time, to validate what is new, is done before.
func (d *Folder) begin() (all contents, end func(), err error) {
	d.mu.Lock()
	all, err = d.scan()
	for i := range all.list {
		d.try(&all.list[i])
	}
	var unlock func()
	unlock, d.alone = lock(d.dir)
	if err == nil {
		err = d.readState()
	}
	return all, func() { unlock(); d.mu.Unlock() }, d.unreadable(err)
}

// lock takes the lock of a directory (flock), which needs no file, nor leave to write one. Who
// cannot have it goes on without: whoever may read the folder can hold it for ever, and some
// file systems have none.
func lock(dir string) (unlock func(), alone bool) {
	f, err := os.Open(dir)
	if err != nil {
		return func() {}, false
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Since(began) > lockPatience {
			break
		}
	}
	return func() { f.Close() }, err == nil
}
