package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// console is where a command talks to people.
type console struct {
	ctx      context.Context
	out, err io.Writer
	began    time.Time // of the command: a report that is younger is another run's
}

// drawEvery is how often the live view is drawn anew.
const drawEvery = 250 * time.Millisecond

// plainWidth is the width of a view that is not on a terminal.
const plainWidth = 100

func terminal(w io.Writer) (fd int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	return int(f.Fd()), true
}

// watch shows a phase until its stop is called, which waits for the last drawing.
func (c *console) watch(quiet, noColor bool, status func() report.Status) (stop func()) {
	if quiet {
		return func() {}
	}
	width, tty := plainWidth, false
	if fd, ok := terminal(c.err); ok {
		tty = true
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			width = w
		}
	}
	view := report.NewProgress(c.err, tty, width, tty && !noColor)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = view.Watch(ctx, drawEvery, status) // a view that cannot be drawn is no reason to stop measuring
	}()
	return func() {
		cancel()
		<-done
		_ = view.Clear()
	}
}

// say writes a line about what happens next.
func (c *console) say(quiet bool, format string, args ...any) {
	if !quiet {
		fmt.Fprintf(c.err, format+"\n", args...)
	}
}
