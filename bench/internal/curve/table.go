package curve

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// column is a figure of the tables. A curve whose points all miss it, or where it is 0
// everywhere, has no such column.
type column struct {
	title string
	value func(*Point) Figure
	text  func(Figure) string
}

var columns = []column{
	{"per second", func(p *Point) Figure { return p.PerSecond }, whole},
	{"p50 µs", func(p *Point) Figure { return p.P50 }, three},
	{"p99 µs", func(p *Point) Figure { return p.P99 }, three},
	{"p99.9 µs", func(p *Point) Figure { return p.P999 }, three},
	{"µs a prediction", perPrediction, three},
	{"server CPU µs", func(p *Point) Figure { return p.ServerCPU }, three},
	{"client CPU µs", func(p *Point) Figure { return p.ClientCPU }, three},
	{"resident bytes each", func(p *Point) Figure { return p.ResidentEach }, whole},
	{"after a collection", func(p *Point) Figure { return p.AfterGCEach }, whole},
	{"live heap each", func(p *Point) Figure { return p.LiveEach }, whole},
	{"hits", func(p *Point) Figure { return p.Hits }, percent},
	{"model in budget", func(p *Point) Figure { return p.InBudget }, percent},
	{"in the median 20 ms", func(p *Point) Figure { return p.Kept }, percent},
	{"model", func(p *Point) Figure { return p.Model }, percent},
	{"cache", func(p *Point) Figure { return p.Cache }, percent},
	{"stale", func(p *Point) Figure { return p.Stale }, percent},
	{"rule", func(p *Point) Figure { return p.Rule }, percent},
	{"refused", func(p *Point) Figure { return p.Refused }, percent},
	{"dropped", func(p *Point) Figure { return p.Dropped }, percent},
	{"generator late µs", func(p *Point) Figure { return p.Lateness }, three},
}

// perPrediction is the batch curve's own figure.
func perPrediction(p *Point) Figure {
	if p.Curve != Batch {
		return Missing
	}
	return 1e6 / p.PerSecond
}

// used are the columns of which the curve has any figure but 0.
func (c *Curve) used() (list []column) {
	for _, col := range columns {
		for i := range c.Points {
			if v := col.value(&c.Points[i]); v.Known() && v != 0 {
				list = append(list, col)
				break
			}
		}
	}
	return list
}

// rows are the cells of the curve's table, its head first.
func (c *Curve) rows() [][]string {
	used := c.used()
	head := []string{c.XTitle}
	for _, col := range used {
		head = append(head, col.title)
	}
	rows := [][]string{append(head, "")}
	for i := range c.Points {
		p := &c.Points[i]
		row := []string{Short(p.X)}
		for _, col := range used {
			row = append(row, col.text(col.value(p)))
		}
		rows = append(rows, append(row, remark(p)))
	}
	return rows
}

func remark(p *Point) string {
	var words []string
	if p.Knee {
		words = append(words, "knee")
	}
	if p.Void {
		words = append(words, "void: the generator was late")
	}
	if p.Note != "" {
		words = append(words, p.Note)
	}
	return strings.Join(words, "; ")
}

// Table prints all curves for people.
func Table(w io.Writer, curves []Curve) error {
	for i := range curves {
		c := &curves[i]
		fmt.Fprintf(w, "\n%s\n%s\n", c.Title, c.How)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, row := range c.rows() {
			fmt.Fprintf(t, "%s\t  %s\n", strings.Join(row[:len(row)-1], "\t"), row[len(row)-1])
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintf(w, "knee: %s\n", c.Verdict)
	}
	return nil
}

// Markdown prints all curves as tables to be pasted into a document.
func Markdown(w io.Writer, curves []Curve) error {
	for i := range curves {
		c := &curves[i]
		if _, err := fmt.Fprintf(w, "\n### %s\n\n%s\n\n**Knee: %s.**\n\n", c.Title, c.How, c.Verdict); err != nil {
			return err
		}
		for n, row := range c.rows() {
			fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
			if n == 0 {
				fmt.Fprintf(w, "|%s --- |\n", strings.Repeat(" ---: |", len(row)-1))
			}
		}
	}
	return nil
}

func whole(f Figure) string {
	if !f.Known() {
		return "-"
	}
	return grouped(math.Round(float64(f)))
}

func three(f Figure) string {
	if !f.Known() {
		return "-"
	}
	v := float64(f)
	if math.Abs(v) >= 100 {
		return grouped(math.Round(v))
	}
	return fmt.Sprintf("%.3g", v)
}

// percent never rounds up to a whole that it is not.
func percent(f Figure) string {
	if !f.Known() {
		return "-"
	}
	return fmt.Sprintf("%.4g %%", math.Floor(float64(f)*1e4+1e-6)/100)
}

// Short writes a number for people.
func Short(v float64) string { return grouped(v) }

// grouped writes a number with commas between thousands.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	digits := strings.TrimPrefix(s, "-")
	sign := s[:len(s)-len(digits)]
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}
