package recordings

// every makes series of k intervals taken together: the mean of their cpu and gpu,
// as a kernel that looks less often would report it, and of their memory. What is
// left at a gap or the end is dropped.
func every(k int, read func(path string) ([]*series, error)) func(path string) ([]*series, error) {
	return func(path string) ([]*series, error) {
		all, err := read(path)
		for _, s := range all {
			s.samples = together(s.samples, k)
		}
		return all, err
	}
}

func together(x []sample, k int) []sample {
	var out []sample
	var sum sample
	n, gap := 0, false
	for _, v := range x {
		if v.gap {
			sum, n, gap = sample{}, 0, true
		}
		sum.cpu, sum.gpu, sum.mem = sum.cpu+v.cpu, sum.gpu+v.gpu, sum.mem+v.mem
		if n++; n == k {
			out = append(out, sample{cpu: sum.cpu / float64(k), gpu: sum.gpu / float64(k), mem: sum.mem / uint64(k), gap: gap})
			sum, n, gap = sample{}, 0, false
		}
	}
	return out
}

// readOOM: run, program, t_ms, rss_kb, limit_kb, cpu_ms (cumulative), failcnt, majfault:
// memory of the limit and cpu of one core, each 50 ms.
func readOOM(path string) ([]*series, error) {
	var all []*series
	var before, at int
	err := eachRow(path, func(r *record) error {
		if len(all) == 0 || all[len(all)-1].name != r.raw(0) {
			all = append(all, &series{name: r.text(0), has: [3]bool{true, true, false}, span: r.num(4) * 1024})
			before, at = 0, 0
		}
		s := all[len(all)-1]
		t, used := r.int(2), r.int(5)
		s.samples = append(s.samples, sample{
			cpu: share(1e4 * float64(used-before) / float64(max(1, t-at))), mem: r.amount(3) << 10,
		})
		before, at = used, t
		return nil
	})
	return all, err
}
