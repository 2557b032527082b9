package main

import (
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
)

const smdHorizon = 10 // minutes

// smdComponents are the components asked and their columns. Memory is left to
// the OOM recordings, whose horizon is a second: one name, one meaning.
var smdComponents = []struct {
	name   string
	column int
}{{"cpu", 3}, {"io", 4}, {"network", 5}}

// writeSMDHealth asks each minute outside an incident whether one begins within
// ten minutes. (Asked during one, the flags would give the label away.)
func writeSMDHealth(j *job, part string) error {
	t, err := createTable(j.out, "failure_smd_"+part, &features.Failure, failureColumns...)
	if err != nil {
		return err
	}
	path := filepath.Join(j.data, "failure", "smd_health_"+part+".csv.gz")
	type host struct {
		health [3][]float64
		failed []bool
	}
	hosts, order := map[string]*host{}, []string(nil)
	err = eachRow(path, func(r *record) error {
		h := hosts[r.fields[0]]
		if h == nil {
			h = &host{}
			name := r.text(0)
			hosts[name], order = h, append(order, name)
		}
		for i, c := range smdComponents {
			h.health[i] = append(h.health[i], r.num(c.column)/1000)
		}
		h.failed = append(h.failed, r.int(6) == 1)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range order {
		h := hosts[name]
		left := untilIncident(h.failed)
		id := t.entity(name)
		for i, c := range smdComponents {
			p := probe{component: c.name}
			last := -1 // last minute of the latest incident
			for m, failed := range h.failed {
				p.sample(h.health[i][m], 1-h.health[i][m], failed)
				if failed {
					last = m
					continue
				}
				since := ipc.Never
				if last >= 0 {
					since = uint64(m-last) * 60_000
				}
				if err := p.ask(t, id, since, left[m], smdHorizon, 1); err != nil {
					return err
				}
			}
		}
	}
	return t.close()
}

// untilIncident gives for each minute the minutes until the next one in an
// incident, -1 where none follows.
func untilIncident(failed []bool) []int {
	left := make([]int, len(failed))
	next := -1
	for m := len(failed) - 1; m >= 0; m-- {
		left[m] = -1
		if next >= 0 {
			left[m] = next - m
		}
		if failed[m] {
			next = m
		}
	}
	return left
}
