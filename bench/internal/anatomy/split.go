package anatomy

import (
	"math"

	"github.com/mlbridge/mlbridge/bench/internal/compare"
)

// Piece is a segment of a bar.
type Piece struct {
	Name string  `json:"name"`
	Who  Who     `json:"who"`
	Time float64 `json:"us"`
}

// Process is what one process spends in a call, in µs and times a call.
type Process struct {
	Name        string   `json:"name"`
	CPU         float64  `json:"cpu_us"`
	User        float64  `json:"user_us"`
	System      float64  `json:"system_us"`
	Uncertainty float64  `json:"user_uncertainty_us"` // one standard deviation of User and System
	Voluntary   float64  `json:"voluntary_switches"`
	Involuntary float64  `json:"involuntary_switches"`
	Reads       float64  `json:"reads"`
	Writes      float64  `json:"writes"`
	SystemCalls *float64 `json:"system_calls"` // null when they could not be counted
	Pieces      []Piece  `json:"pieces"`       // their sum is CPU

	// By how much the stages, measured alone, are longer than User, and the kernel's
	// work on sockets than System: then they were shortened to fit.
	UserExcess   float64 `json:"user_excess_us"`
	SystemExcess float64 `json:"system_excess_us"`
}

// Anatomy is a subject taken apart.
type Anatomy struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	P50       float64   `json:"p50_us"`
	Ratio     float64   `json:"ratio_to_c"`
	Mean      float64   `json:"mean_us"` // time a call, whoever had the core
	CPU       float64   `json:"cpu_us"`
	Processes []Process `json:"processes"`
}

// New takes a subject apart from its runs, the floor's runs of the same rounds, and
// micro-benchmarks in µs. systemCalls is nil when they could not be counted.
func New(s *Subject, runs, floor []Run, micro map[string]float64, systemCalls []float64) Anatomy {
	a := Anatomy{Name: s.Row.Name, Title: s.Title}
	a.P50 = median(runs, func(i int) float64 { return runs[i].Load.P50 })
	a.Ratio = median(runs, func(i int) float64 { return runs[i].Load.P50 / floor[i].Load.P50 })
	a.Mean = median(runs, func(i int) float64 { return 1e6 / runs[i].Load.PerSecond })
	for i := range s.parts {
		p := newProcess(i, runs)
		p.Name = s.parts[i].name
		if systemCalls != nil {
			p.SystemCalls = &systemCalls[i]
		}
		p.split(&s.parts[i], micro)
		a.CPU += p.CPU
		a.Processes = append(a.Processes, p)
	}
	return a
}

func median(runs []Run, of func(i int) float64) float64 {
	v := make([]float64, len(runs))
	for i := range runs {
		v[i] = of(i)
	}
	return compare.Median(v)
}

// newProcess sums process i's usage up. Its CPU is the median of the rounds. The share
// that was user time is of all rounds together, because the kernel samples it: at each of
// its ticks, every 4 ms where CONFIG_HZ is 250, it looks what the core is doing.
func newProcess(i int, runs []Run) (p Process) {
	per := func(n func(Usage) int64) float64 {
		return median(runs, func(k int) float64 { return float64(n(runs[k].Usage[i])) / runs[k].Calls })
	}
	p.CPU = per(func(u Usage) int64 { return u.CPU.Nanoseconds() }) / 1e3
	p.Voluntary = per(func(u Usage) int64 { return u.Voluntary })
	p.Involuntary = per(func(u Usage) int64 { return u.Involuntary })
	p.Reads = per(func(u Usage) int64 { return u.Reads })
	p.Writes = per(func(u Usage) int64 { return u.Writes })
	var user, system, cpu float64
	for _, r := range runs {
		user, system = user+float64(r.Usage[i].User), system+float64(r.Usage[i].System)
		cpu += r.Usage[i].CPU.Seconds()
	}
	share := user / max(1, user+system)
	const tick = 0.004
	p.Uncertainty = p.CPU * math.Sqrt(share*(1-share)/max(1, cpu/tick))
	p.User = p.CPU * share
	p.System = p.CPU - p.User
	return p
}

// split cuts user time into stages and the rest, and system time into work on sockets
// and the rest. No piece is negative: what was measured alone and is longer than the
// whole is shortened to it, and the excess noted.
func (p *Process) split(want *part, micro map[string]float64) {
	var stages []Piece
	for _, s := range want.stages {
		t := 0.0
		for _, name := range s.plus {
			t += micro[name]
		}
		for _, name := range s.less {
			t -= micro[name]
		}
		stages = append(stages, Piece{s.name, s.who, max(0, t)})
	}
	p.Pieces, p.UserExcess = fit(stages, p.User, Piece{Name: "loop, scheduler, rest", Who: Rest})
	sockets := []Piece{{"sockets", Sockets, want.unix*micro["unix"] + want.tcp*micro["tcp"]}}
	kernel, excess := fit(sockets, p.System, Piece{Name: "waiting, waking, switching", Who: Waiting})
	p.Pieces, p.SystemExcess = append(p.Pieces, kernel...), excess
}

// fit closes pieces with the rest of whole, or shortens them all alike when they are
// longer together.
func fit(pieces []Piece, whole float64, rest Piece) (fitted []Piece, excess float64) {
	sum := 0.0
	for _, p := range pieces {
		sum += p.Time
	}
	if rest.Time = whole - sum; rest.Time < 0 {
		excess = -rest.Time
		rest.Time = 0
		for i := range pieces {
			pieces[i].Time *= whole / sum
		}
	}
	return append(pieces, rest), excess
}

// Of sums up what one spender has of the whole call.
func (a *Anatomy) Of(w Who) (sum float64) {
	for _, p := range a.Processes {
		for _, piece := range p.Pieces {
			if piece.Who == w {
				sum += piece.Time
			}
		}
	}
	return sum
}
