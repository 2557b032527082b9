package anatomy

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/report"
	"github.com/mlbridge/mlbridge/bench/internal/row"
)

func sample(t *testing.T) *Report {
	one := []Run{measured(10, used(4, 10), used(5, 10))}
	calls := []Anatomy{New(subject(t, row.FloorName), one, one, figures, nil), hitAnatomy(t)}
	return &Report{Machine: report.Machine{CPU: "A & B", Cores: 2}, Calls: calls, Micro: figures, Rounds: 3, SystemCalls: "counted"}
}

// TestPicture: it is XML, its segments are as long as what they stand for, and it has
// both colour schemes.
func TestPicture(t *testing.T) {
	svg := string(sample(t).Picture())
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"prefers-color-scheme: dark", "A &amp; B", "p50 16.5 µs = 1.50 × C, CPU 14.0 µs",
		"<title>question: 1.00 µs, 7 %</title>", "<title>cache: 0.75 µs, 5 %</title>",
		`width="64.2" height="34"><title>question`, // 1 µs of 16.5 on 1060 pixels
		"ml-bridge 8.0", "wire 0.75, cache 0.75",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture has no %q", want)
		}
	}
	if strings.Contains(svg, "NaN") || strings.Contains(svg, `width="-`) {
		t.Error("the picture has a length that is none")
	}
}

func TestShorten(t *testing.T) {
	const text = "one 1.0, two 2.0, three 3.0"
	for _, c := range []struct {
		pixels float64
		want   string
	}{{1000, text}, {130, "one 1.0, two 2.0…"}, {80, "one 1.0…"}, {20, ""}} {
		if got := shorten(text, c.pixels); got != c.want {
			t.Errorf("shorten(%v) = %q, want %q", c.pixels, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	const text = "one 1.0, two 2.0, three 3.0"
	for _, c := range []struct {
		pixels float64
		want   []string
	}{{1000, []string{text}}, {110, []string{"one 1.0, two 2.0,", "three 3.0"}}, {65, []string{"one 1.0,", "two 2.0…"}}, {20, []string{""}}} {
		if got := wrap(text, c.pixels); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%v) = %q, want %q", c.pixels, got, c.want)
		}
	}
}

func TestTables(t *testing.T) {
	r := sample(t)
	r.Calls[1].Processes[1].UserExcess = 0.5
	var plain, markdown strings.Builder
	if err := errors.Join(r.Table(&plain), r.Markdown(&markdown)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| bridge hit | 16.5 | 1.50 | 14.0 | 5.0 | 9.0 | 3.0 (21 %) | 6.0 (43 %) | 2.2 (16 %) | 2.8 (20 %) | 0.0 (0 %) | 7.0 | 4.0, 2.0 | 2.00, 0.50 |",
		"| · client |  |  | 6.0 | 3.0 | 3.0 |",
		"| bridge hit | 5.0 | 0.0 (0 %) | 0.9 (18 %) | 1.4 (27 %) | 2.8 (55 %) | 0.0 (0 %) | 2.0 (40 %) |",
		"| C floor | 10.0 | 1.00 | 9.0 | 0.9 | 8.1 |", " | - | 4.0, 2.0 |", "the stages alone took 0.50 more", "System calls: counted.",
	} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in\n%s", want, markdown.String())
		}
	}
	lines := strings.Split(markdown.String(), "\n")
	for _, l := range lines {
		if strings.HasPrefix(l, "|") && strings.Count(l, "|") != 15 && strings.Count(l, "|") != 9 {
			t.Errorf("a line of other columns: %s", l)
		}
	}
	if !strings.Contains(plain.String(), "bridge hit, client: question 1.00, answer 0.25") {
		t.Errorf("no call in\n%s", plain.String())
	}
	data, err := r.JSON()
	if err != nil || !strings.Contains(string(data), `"ratio_to_c": 1.5`) {
		t.Errorf("JSON = %s, %v", data, err)
	}
}
