package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// aside shows what the daemons have to say, as lines for people; while kernelsim draws on
// the terminal it keeps them. Any goroutine may use it.
type aside struct {
	w io.Writer

	mu   sync.Mutex
	held bool
	kept []string
	more int // that were not kept
}

// maxKept bounds how many lines wait: a daemon that complains of every call says nothing
// new in the thousandth.
const maxKept = 100

// say shows a line of a daemon's log, JSON or not, or keeps it.
func (a *aside) say(daemon string, line []byte) {
	var b bytes.Buffer
	if _, err := (zerolog.ConsoleWriter{Out: &b, NoColor: true, TimeFormat: time.TimeOnly}).Write(line); err != nil {
		b.Reset()
		fmt.Fprintf(&b, "%s\n", line)
	}
	text := daemon + ": " + b.String()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.held:
		fmt.Fprint(a.w, text)
	case len(a.kept) < maxKept:
		a.kept = append(a.kept, text)
	default:
		a.more++
	}
}

// hold keeps what is said from now on.
func (a *aside) hold() {
	a.mu.Lock()
	a.held = true
	a.mu.Unlock()
}

// release shows what was kept, and what is said from now on at once.
func (a *aside) release() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, text := range a.kept {
		fmt.Fprint(a.w, text)
	}
	if a.more > 0 {
		fmt.Fprintf(a.w, "and %d more lines of the daemons' logs\n", a.more)
	}
	a.held, a.kept, a.more = false, nil, 0
}
