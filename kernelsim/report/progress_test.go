package report

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// sampleStatus is half-way through the sample run.
func sampleStatus() Status {
	r := sample()
	s := Status{
		Elapsed: 15 * time.Second, Total: 30 * time.Second, Rate: 1000, Share: r.Total.Share,
		BudgetUS: r.Run.BudgetUS, PacingP99: r.Pacing.P99, Sources: r.Sources, Comparisons: r.Comparisons,
	}
	for _, p := range r.Predictions {
		row := StatusRow{Name: p.Name, Answered: p.Answered, Share: p.Share, Latency: p.Latency}
		for _, src := range p.Sources {
			row.Sources = append(row.Sources, src.Count)
		}
		s.Predictions = append(s.Predictions, row)
	}
	return s
}

func TestProgressView(t *testing.T) {
	for name, width := range map[string]int{"progress_100.txt": 100, "progress_60.txt": 60} {
		p := NewProgress(nil, true, width, false)
		golden(t, name, []byte(strings.Join(p.view(sampleStatus()), "\n")+"\n"))
	}
}

// screen plays a terminal: just enough of one for what Progress writes.
func screen(t *testing.T, out string) []string {
	t.Helper()
	lines, row, col := []string{""}, 0, 0
	for len(out) > 0 {
		if m := regexp.MustCompile(`^\x1b\[(\d*)([AJKm])`).FindStringSubmatch(out); m != nil {
			switch m[2] {
			case "A":
				n := 0
				for _, d := range m[1] {
					n = n*10 + int(d-'0')
				}
				if row -= n; row < 0 {
					t.Fatalf("cursor moved above the view")
				}
				col = 0
			case "K":
				lines[row] = string([]rune(lines[row])[:col])
			case "J":
				lines = append(lines[:row:row], string([]rune(lines[row])[:col]))
			}
			out = out[len(m[0]):]
			continue
		}
		r, n := utf8.DecodeRuneInString(out)
		out = out[n:]
		switch r {
		case '\n':
			if row++; row == len(lines) {
				lines = append(lines, "")
			}
			col = 0
		case '\r':
			col = 0
		default:
			line := []rune(lines[row])
			lines[row] = string(append(line[:min(col, len(line))], r)) + string(line[min(col+1, len(line)):])
			col++
		}
	}
	return lines
}

func TestProgressDrawsOverItself(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true, 100, true)
	s := sampleStatus()
	s.Warming = true
	for range 3 {
		if err := p.Update(s); err != nil {
			t.Fatal(err)
		}
	}
	s = sampleStatus()
	s.Comparisons = nil // a shorter view leaves nothing of the longer one
	if err := p.Update(s); err != nil {
		t.Fatal(err)
	}
	plainView := NewProgress(nil, true, 100, false).view(s)
	if got, want := strings.Join(screen(t, b.String()), "\n"), strings.Join(plainView, "\n")+"\n"; got != want {
		t.Errorf("screen shows\n%s\nwant\n%s", got, want)
	}
	if err := p.Clear(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(screen(t, b.String()), ""); got != "" {
		t.Errorf("after Clear the screen shows %q", got)
	}
}

func TestProgressLinesFit(t *testing.T) {
	s := sampleStatus()
	s.Predictions[0].Name = strings.Repeat("long ", 20) + "\x1b[2J"
	s.Comparisons[0].Metric = strings.Repeat("metric ", 20)
	for width := minWidth; width <= maxWidth; width++ {
		p := NewProgress(nil, true, width+1, false)
		for _, line := range p.view(s) {
			if n := utf8.RuneCountInString(line); n > width {
				t.Fatalf("width %d: line of %d characters: %q", width, n, line)
			}
			if strings.ContainsRune(line, 0x1b) {
				t.Fatalf("width %d: a name's escape sequence gets through: %q", width, line)
			}
		}
	}
}

func TestProgressOffATerminalWritesALineASecond(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, false, 80, false)
	s := sampleStatus()
	for ms := 0; ms < 3500; ms += 250 {
		s.Elapsed = time.Duration(ms) * time.Millisecond
		if err := p.Update(s); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 4 {
		t.Errorf("%d lines in 3.5 s, want 4:\n%s", n, b.String())
	}
	want := "00:03/00:30 1,000/s, 99.940 % within 1 ms, pacing p99 904 ns; workload p50 19.7 µs p99 104 µs"
	if !strings.Contains(b.String(), want) || strings.Contains(b.String(), "\x1b") {
		t.Errorf("lines\n%swant one with %q and no escape sequences", b.String(), want)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		defer cancel()
		asked := 0
		err := NewProgress(&b, true, 80, false).Watch(ctx, 250*time.Millisecond, func() Status { asked++; return sampleStatus() })
		if err != nil || asked != 4 {
			t.Errorf("Watch asked %d times in 1.1 s, error %v; want 4 and none", asked, err)
		}
		if err := NewProgress(brokenWriter{}, true, 80, false).Watch(t.Context(), time.Second, sampleStatus); err == nil {
			t.Errorf("Watch on a broken writer has no error")
		}
	})
}

func TestStatusOf(t *testing.T) {
	snap := load.Snapshot{
		Elapsed: 2 * time.Second, Total: 4 * time.Second,
		Labels: []load.LabelSnapshot{
			{Name: "a", Answered: 90, InBudget: 80, Errors: 5, Dropped: 5, Sources: []uint64{90}, Latency: load.Quantiles{P50: 1500}},
			{Name: "b", Answered: 100, InBudget: 100, Sources: []uint64{100}},
		},
		Pacing: load.Quantiles{P99: 2500},
	}
	s := StatusOf(snap, []string{"model"})
	if s.Share != 0.9 || s.Rate != 95 || s.PacingP99 != 2.5 || s.Predictions[0].Missed != 10 || s.Predictions[0].Latency.P50 != 1.5 {
		t.Errorf("StatusOf = %+v", s)
	}
	snap.Last = load.Point{For: time.Second, Answered: 120}
	if s := StatusOf(snap, nil); s.Rate != 120 {
		t.Errorf("rate %v, want that of the last interval, 120", s.Rate)
	}
}

func TestPortions(t *testing.T) {
	for _, c := range []struct {
		counts []uint64
		length int
		want   []int
	}{
		{[]uint64{1, 1}, 10, []int{5, 5}},
		{[]uint64{1000000, 1}, 10, []int{9, 1}}, // rare, but seen
		{[]uint64{0, 7}, 10, []int{0, 10}},
		{[]uint64{0, 0}, 10, []int{0, 0}},
		{[]uint64{1, 1, 1}, 2, []int{0, 0, 0}},
		{[]uint64{2, 1, 0}, 10, []int{7, 3, 0}},
	} {
		got := portions(c.counts, c.length)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("portions(%v, %d) = %v, want %v", c.counts, c.length, got, c.want)
				break
			}
		}
	}
}
