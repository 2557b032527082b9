package row

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/mlbridge/mlbridge/bench/internal/load"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// Figures are what all rounds said about one row: medians, in µs and per question.
type Figures struct {
	Row        Row
	Unpinned   load.Result // on all cores
	Pinned     load.Result // with all processes on one core; zero when not Row.Ratio
	Ratio      float64     // of p50s on one core; 0 when there is none
	Unexpected float64     // share of answers of another origin than the row is about
	Missing    string      // why there is nothing, "" when there is
}

// Plan says how much is measured.
type Plan struct {
	Rounds int
	Pinned Times
	Floor  Times // of the floor between two pinned rows
	Free   Times // unpinned; not measured when Run is 0
	Log    io.Writer
}

// series collects one row's rounds.
type series struct {
	free, pinned []load.Result
	ratios       []float64
	err          error
}

// RunAll measures rows round after round, every second round backwards, so that what
// changes slowly on the machine is shared out evenly. missing says of a row why it
// cannot be measured, "" when it can. A row that fails is reported with its error; only
// the end of ctx or a broken floor ends the run.
func RunAll(ctx context.Context, e *system.Env, rows []Row, p Plan, missing func(*Row) string) ([]Figures, error) {
	all := make([]series, len(rows))
	var order []int
	for i := range rows {
		if missing(&rows[i]) == "" {
			order = append(order, i)
		}
	}
	for round := range p.Rounds {
		fmt.Fprintf(p.Log, "round %d of %d, one core:", round+1, p.Rounds)
		if err := pinnedRound(ctx, e, rows, all, order, &p); err != nil {
			return nil, err
		}
		fmt.Fprintln(p.Log)
		if p.Free.Run > 0 {
			fmt.Fprintf(p.Log, "round %d of %d, all cores:", round+1, p.Rounds)
			if err := freeRound(ctx, e, rows, all, order, &p); err != nil {
				return nil, err
			}
			fmt.Fprintln(p.Log)
		}
		slices.Reverse(order)
	}
	figures := make([]Figures, len(rows))
	for i := range rows {
		figures[i] = all[i].figures(rows[i], missing(&rows[i]))
	}
	return figures, nil
}

// pinnedRound measures the floor before and after each row: the floor after one is the
// floor before the next.
func pinnedRound(ctx context.Context, e *system.Env, rows []Row, all []series, order []int, p *Plan) error {
	e.Pinned = true
	floorRow := Row{Name: FloorName, Start: system.StartFloor, Ask: hot(ask("floor", 1, 1))}
	before, err := floorRow.Measure(ctx, e, p.Floor)
	if err != nil {
		return err
	}
	for _, i := range order {
		r, s := &rows[i], &all[i]
		if !r.Ratio || s.err != nil {
			continue
		}
		fmt.Fprintf(p.Log, " %s", r.Name)
		result, err := r.Measure(ctx, e, p.Pinned)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.err = err
			continue
		}
		after, err := floorRow.Measure(ctx, e, p.Floor)
		if err != nil {
			return err
		}
		s.pinned = append(s.pinned, result)
		s.ratios = append(s.ratios, 2*result.P50/(before.P50+after.P50))
		before = after
	}
	return nil
}

func freeRound(ctx context.Context, e *system.Env, rows []Row, all []series, order []int, p *Plan) error {
	e.Pinned = false
	for _, i := range order {
		r, s := &rows[i], &all[i]
		if s.err != nil {
			continue
		}
		fmt.Fprintf(p.Log, " %s", r.Name)
		result, err := r.Measure(ctx, e, p.Free)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.err = err
			continue
		}
		s.free = append(s.free, result)
	}
	return nil
}

func (s *series) figures(r Row, missing string) Figures {
	f := Figures{Row: r, Missing: missing}
	if s.err != nil {
		f.Missing = s.err.Error()
	}
	if f.Missing != "" {
		return f
	}
	if len(s.free) > 0 {
		f.Unpinned = medians(s.free)
	}
	if len(s.pinned) > 0 {
		f.Pinned, f.Ratio = medians(s.pinned), median(s.ratios)
	}
	var odd, all int64
	for _, v := range slices.Concat(s.free, s.pinned) {
		odd, all = odd+v.Unexpected, all+v.Questions
	}
	f.Unexpected = float64(odd) / float64(max(all, 1))
	return f
}

// medians takes the median of every figure on its own.
func medians(rs []load.Result) (m load.Result) {
	of := func(get func(*load.Result) float64) float64 {
		vs := make([]float64, len(rs))
		for i := range rs {
			vs[i] = get(&rs[i])
		}
		return median(vs)
	}
	m.P50 = of(func(r *load.Result) float64 { return r.P50 })
	m.P99 = of(func(r *load.Result) float64 { return r.P99 })
	m.P999 = of(func(r *load.Result) float64 { return r.P999 })
	m.PerSecond = of(func(r *load.Result) float64 { return r.PerSecond })
	m.CPU = of(func(r *load.Result) float64 { return r.CPU })
	m.Allocs = of(func(r *load.Result) float64 { return r.Allocs })
	for i := range rs {
		m.Questions += rs[i].Questions
	}
	return m
}

func median(vs []float64) float64 {
	vs = slices.Sorted(slices.Values(vs))
	n := len(vs)
	return (vs[(n-1)/2] + vs[n/2]) / 2
}
