package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/kernelsim/report"
)

// publish prints the report, writes its files and ends with the verdict, which has
// scrolled away at the head of the report.
func (c *console) publish(r *report.Report, dir string, noColor bool) error {
	_, tty := terminal(c.out)
	color := tty && !noColor
	write := r.Text
	if color {
		write = r.ColorText
	}
	if err := write(c.out); err != nil {
		return err
	}
	if dir != "" {
		page, err := c.save(r, dir)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "\nreport with plots: %s", page)
	}
	fmt.Fprintln(c.out)
	return r.Closing(c.out, color)
}

// partial is added to the files' names of a run that was interrupted, which must
// not take the place of a whole one.
const partial = "-partial"

// save writes the report's files and returns the page's path.
func (c *console) save(r *report.Report, dir string) (page string, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	unlock, err := lock(dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	base := filepath.Join(dir, "report")
	if r.Run.Interrupted {
		base += partial
	}
	page = base + ".html"
	if old, err := os.Stat(page); err == nil && old.ModTime().After(c.began) {
		fmt.Fprintf(c.err, "kernelsim: %s was written at %s by another run, and is replaced; give runs at the same time an --out of their own\n",
			page, old.ModTime().Format(time.TimeOnly))
	}
	for _, file := range []struct {
		end   string
		write func(io.Writer) error
	}{{".txt", r.Text}, {".json", r.JSON}, {".html", r.HTML}} {
		if err := writeFile(base+file.end, file.write); err != nil {
			return "", err
		}
	}
	return page, nil
}

// prepare makes the folder for a report and sees that it can be written into: who measures
// for an hour learns that at once.
func prepare(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f, err := os.CreateTemp(dir, ".report-*")
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// lock keeps other runs from writing into dir meanwhile, so that the three files are
// always of one run. It is on the folder itself and leaves nothing behind.
func lock(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { d.Close() }, nil
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
