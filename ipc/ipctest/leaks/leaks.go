// Package leaks has tests fail that leave goroutines behind. It is goleak with the
// patience of a busy machine: goleak itself waits for half a second, in which a goroutine
// that was told to end may not have run at all.
package leaks

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines that were told to end may take to.
const patience = 2 * time.Minute

// None fails the test when goroutines are left. Those that goleak.IgnoreCurrent ignores
// are those there when it is called: before what the test starts.
func None(t testing.TB, opts ...goleak.Option) {
	t.Helper()
	if err := find(opts); err != nil {
		t.Error(err)
	}
}

// Main is a TestMain that fails when all tests together have left goroutines behind.
func Main(m interface{ Run() int }, opts ...goleak.Option) {
	code := m.Run()
	if code == 0 {
		if err := find(opts); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func find(opts []goleak.Option) (err error) {
	for end := time.Now().Add(patience); ; {
		if err = goleak.Find(opts...); err == nil || time.Now().After(end) {
			return err
		}
	}
}
