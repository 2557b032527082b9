package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/term"

	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// console is where a command talks to people.
type console struct {
	ctx      context.Context
	out, err io.Writer
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

// publish prints the report and writes its files.
func (c *console) publish(r *report.Report, dir string, noColor bool) error {
	write := r.Text
	if _, tty := terminal(c.out); tty && !noColor {
		write = r.ColorText
	}
	if err := write(c.out); err != nil || dir == "" {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{{"report.txt", r.Text}, {"report.json", r.JSON}, {"report.html", r.HTML}} {
		if err := writeFile(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	page := filepath.Join(dir, "report.html")
	_, err := fmt.Fprintf(c.out, "\nreport with plots: %s\n", page)
	return err
}

// writeFile replaces path by a whole new file or leaves it as it was.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
