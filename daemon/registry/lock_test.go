package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTwoWhoDecideAtOnce, each a process of its own as far as the folder can tell, and a
// daemon that looks: none takes back what another has decided.
func TestTwoWhoDecideAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which nobody waits in vain while another one writes
		d := newDrawer(t)
		const each = 16
		for i := range each {
			for _, who := range []string{"a", "b"} {
				d.bring(fmt.Sprint(who, i), 0.25, nil)
			}
		}
		// What comes later comes whole: half a manifest is a fault of the whole folder.
		later := func(i int) (hidden, there string) {
			there = filepath.Join(d.dir, fmt.Sprint("new", i, ".manifest.json"))
			return there + ".later", there
		}
		for i := range each {
			d.bring(fmt.Sprint("new", i), 0.25, nil)
			hidden, there := later(i)
			if err := os.Rename(there, hidden); err != nil {
				t.Fatal(err)
			}
		}
		d.bring("served", 0.25, nil)
		d.expect("before", "mine@served", "")
		var wg sync.WaitGroup
		for _, who := range []string{"a", "b"} {
			folder := Dir(d.dir)
			wg.Go(func() {
				for i := range each {
					if err := folder.Stop(fmt.Sprint("mine@", who, i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Go(func() {
			for i := range each { // which each look has something to write about
				if err := os.Rename(later(i)); err != nil {
					t.Error(err)
				}
				_ = d.Reload()
			}
		})
		wg.Wait()
		list, err := Dir(d.dir).List()
		if err != nil {
			t.Fatal(err)
		}
		off := 0
		for _, l := range list {
			if l.Role == "off" {
				off++
			}
		}
		if off != 2*each {
			t.Errorf("%d of %d decisions are left", off, 2*each)
		}
	})
}

// TestALockThatNobodyGivesBack: whoever may read a folder can hold its lock for ever.
func TestALockThatNobodyGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDrawer(t)
		d.bring("1", 0.25, nil)
		d.bring("2", 0.25, nil)
		unlock, alone := lock(d.dir)
		if !alone {
			t.Fatal("the lock of an own folder is not to be had")
		}
		began := time.Now()
		d.expect("looked at", "mine@2", "")
		if err := d.Promote("mine@1"); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited < 2*lockPatience || waited > 3*lockPatience {
			t.Errorf("a look and a decision waited %v", waited)
		}
		unlock()
		began = time.Now()
		if d.expect("decided without", "mine@1", ""); time.Since(began) > 0 {
			t.Errorf("a lock that was given back was waited for %v", time.Since(began))
		}
	})
}
