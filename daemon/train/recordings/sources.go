package recordings

import (
	"path/filepath"
	"slices"
)

// average and medianOf are baselines, kept apart from the features on purpose:
// a baseline computed by the code it judges would share its mistakes.
func average(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// medianOf sorts x.
func medianOf(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// bySeries collects rows of a file that are grouped by their first column.
func bySeries(path string, has [3]bool, row func(r *record, s *series)) ([]*series, error) {
	var all []*series
	err := eachRow(path, func(r *record) error {
		if len(all) == 0 || all[len(all)-1].name != r.raw(0) {
			all = append(all, &series{name: r.text(0), has: has})
		}
		row(r, all[len(all)-1])
		return nil
	})
	for _, s := range all {
		s.span = s.largest()
	}
	return all, err
}

// readSMDWorkload: machine, minute, cpu_e4, mem_e4. The minutes have no gaps.
func readSMDWorkload(path string) ([]*series, error) {
	return ofCapacity(shareBytes * 1e4)(bySeries(path, [3]bool{true, true, false}, func(r *record, s *series) {
		s.samples = append(s.samples, sample{cpu: share(r.num(2)), mem: r.amount(3) * shareBytes})
	}))
}

// ofCapacity sets the span of series whose memory came as a share of it.
func ofCapacity(bytes float64) func([]*series, error) ([]*series, error) {
	return func(all []*series, err error) ([]*series, error) {
		for _, s := range all {
			s.span = bytes
		}
		return all, err
	}
}

// readProcs: run, t_ms, cpu_e4, mem_kb. A program on two cores can pass 1; a
// kernel reports shares, so it is cut there (1 of 1,980 rows of test).
func readProcs(path string) ([]*series, error) {
	return bySeries(path, [3]bool{true, true, false}, func(r *record, s *series) {
		s.samples = append(s.samples, sample{cpu: share(r.num(2)), mem: r.amount(3) << 10})
	})
}

// readBitbrains: vm, dt_s, cpu_e4, mem_kb. Windows do not cross a step other
// than 298..302 s.
func readBitbrains(path string) ([]*series, error) {
	capacity := map[string]float64{} // bytes
	err := eachRow(filepath.Join(filepath.Dir(path), "bitbrains_vms.csv"), func(r *record) error {
		capacity[r.text(1)] = r.num(3) * 1024
		return nil
	})
	if err != nil {
		return nil, err
	}
	all, err := bySeries(path, [3]bool{true, true, false}, func(r *record, s *series) {
		dt := r.int(1)
		s.samples = append(s.samples, sample{
			cpu: share(r.num(2)), mem: r.amount(3) << 10, gap: dt < 298 || dt > 302,
		})
	})
	for _, s := range all {
		s.span = max(1, capacity[s.name])
	}
	return all, err
}

// readGenTD26: pod, step, mem_e4, gpu_e4, gmem_mb; empty is not measured. The
// signals are windowed apart, so each gets series of its own.
func readGenTD26(path string) ([]*series, error) {
	var out []*series
	for signal, column := range [...]int{1: 2, 2: 3} {
		if column == 0 {
			continue // no cpu here
		}
		last := -2
		all, err := ofCapacity(shareBytes * 1e4)(bySeries(path, [3]bool{false, signal == 1, signal == 2}, func(r *record, s *series) {
			if r.empty(column) {
				return
			}
			step := r.int(1)
			x := sample{gap: len(s.samples) > 0 && step != last+1, part: r.empty(2) || r.empty(3)}
			if signal == 1 {
				x.mem = r.amount(column) * shareBytes
			} else {
				x.gpu = share(r.num(column))
			}
			last = step
			s.samples = append(s.samples, x)
		}))
		if err != nil {
			return nil, err
		}
		out = append(out, all...)
	}
	return out, nil
}
