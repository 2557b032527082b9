package recordings

import (
	"bytes"
	"compress/gzip"

	"github.com/mlbridge/mlbridge/daemon/train/stress"
	"github.com/mlbridge/mlbridge/ipc"
)

const (
	stressInterval = 200 // ms
	stressHorizon  = 10  // intervals, 2 s
)

var stressComponents = [...]string{"cpu", "io", "network", "service"}

// readStress asks at each sample of the strained host, as kernelsim's healing does:
// about each component that is not failing, whether it begins to fail within ten
// samples, with the time since it last began to. It is for training only: what came
// of it is seen on testdata/traces/failure-host.
func readStress(to Sink) error {
	in, err := gzip.NewReader(bytes.NewReader(stress.Hosts))
	if err != nil {
		return err
	}
	type run struct {
		name string
		used [len(stressComponents)][]float64
		bad  [len(stressComponents)][]bool
	}
	var runs []*run
	err = eachRowOf(in, "stress", func(r *record) error {
		if len(runs) == 0 || runs[len(runs)-1].name != r.raw(0) {
			runs = append(runs, &run{name: r.text(0)})
		}
		last := runs[len(runs)-1]
		for i := range stressComponents {
			last.used[i] = append(last.used[i], r.num(2+i)/1e4)
			last.bad[i] = append(last.bad[i], r.int(2+len(stressComponents)+i) == 1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n, r := range runs {
		for i, name := range stressComponents {
			to.Entity(r.name + "/" + name)
			if err := askStress(to, n*len(stressComponents)+i, name, r.used[i], r.bad[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func askStress(to Sink, entity int, name string, used []float64, bad []bool) error {
	left := untilIncident(bad)
	p := probe{component: name}
	began := -1
	for k, failing := range bad[:max(0, len(bad)-stressHorizon)] { // what comes after the others is known
		p.sample(1-used[k], used[k], failing)
		if failing {
			if k == 0 || !bad[k-1] {
				began = k
			}
			continue
		}
		since := ipc.Never
		if began >= 0 {
			since = uint64(k-began) * stressInterval
		}
		if err := p.ask(to, entity, since, left[k], stressHorizon, 1); err != nil {
			return err
		}
	}
	return nil
}
