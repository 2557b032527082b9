package main

import (
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/features"
	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

const pageBytes = 4096

// memoryStride is how many windows there are to each one written, by part.
// Neighbouring windows share 19 of 20 faults; all of them would be 10 million
// rows of train.
var memoryStride = map[string]int{"train": 5, "val": 2, "test": 2}

// stream is one segment of one program's faults.
type stream struct {
	program string
	address []uint64
	kind    []uint8
	ns      []uint64
}

func extractMemory(j *job) error {
	for _, part := range parts {
		all, err := readFaults(filepath.Join(j.data, "memory", "faults_"+part+".csv.gz"))
		if err != nil {
			return err
		}
		// "alone" asks from the request alone, "tables" adds the candidates of a
		// client that keeps tables per agent.
		for _, given := range []string{"alone", "tables"} {
			if err := writeMemory(j, "memory_"+given+"_"+part, all, memoryStride[part], given == "tables"); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFaults reads program, seg, dt_us, dvpn, type, major. The first row of a
// segment has the page number itself in dvpn.
func readFaults(path string) ([]*stream, error) {
	var all []*stream
	key := ""
	var page, us int
	types := map[string]uint8{"r": ipc.AccessRead, "w": ipc.AccessWrite, "x": ipc.AccessExecute}
	err := eachRow(path, func(r *record) error {
		if k := r.fields[0] + "/" + r.fields[1]; k != key {
			key, page, us = r.text(0)+"/"+r.text(1), 0, 0
			all = append(all, &stream{program: r.text(0)})
		}
		s := all[len(all)-1]
		page += r.int(3)
		us += r.int(2)
		s.address = append(s.address, uint64(page)*pageBytes)
		s.kind = append(s.kind, types[r.fields[4]])
		s.ns = append(s.ns, uint64(us)*1000)
		return nil
	})
	return all, err
}

// writeMemory writes all candidates of each window as rows that share "ask".
func writeMemory(j *job, name string, all []*stream, stride int, tables bool) error {
	t, err := createTable(j.out, name, &features.Memory, "entity", "ask", "hit", "rule_hit", "rule_probability",
		"next_hit", "step_hit", "majority_hit", "type_hit")
	if err != nil {
		return err
	}
	ask := 0.0
	id := -1.0
	for _, s := range all {
		if len(t.entities) == 0 || t.entities[len(t.entities)-1] != s.program {
			id = t.entity(s.program)
		}
		var c clientTables
		for i := 1; i < len(s.address); i++ {
			c.learn(s.address[:i])
			if i < ipc.MaxAccessHistory || i%stride != 0 {
				continue
			}
			q := s.request(i)
			if tables {
				q.Candidates = c.candidates(s.address[:i])
			}
			if err := addAsk(t, id, ask, q, s.address[i], s.kind[i]); err != nil {
				return err
			}
			ask++
		}
	}
	return t.close()
}

// request asks for fault i from the twenty before it.
func (s *stream) request(i int) *ipc.MemoryRequest {
	from := i - ipc.MaxAccessHistory
	q := &ipc.MemoryRequest{
		AccessHistory: s.address[from:i], AccessTypes: s.kind[from:i], AccessTimestamps: s.ns[from:i],
		CurrentAddress: s.address[i-1],
	}
	near := 0
	for k := from + 1; k < i; k++ {
		if d := int64(s.address[k] - s.address[k-1]); d >= -16*pageBytes && d <= 16*pageBytes {
			near++
		}
	}
	q.LocalityScore = float32(near) / (ipc.MaxAccessHistory - 1)
	return q
}

func addAsk(t *table, id, ask float64, q *ipc.MemoryRequest, next uint64, kind uint8) error {
	if err := q.Validate(); err != nil {
		return err
	}
	var rule ipc.MemoryPrediction
	rules.Memory(q, &rule)
	n := len(q.AccessHistory)
	step := q.CurrentAddress + (q.AccessHistory[n-1] - q.AccessHistory[n-2])
	hit := func(a uint64) float64 { return float64(b2i(a == next)) }
	var p features.Pages
	p.Read(q)
	rows := make([]float32, features.MaxPages*features.Memory.Width())
	p.Rows(q, rows)
	t.witness(q)
	for c := range p.Len() {
		row := rows[c*features.Memory.Width():]
		err := t.add(row, id, ask, hit(p.Address(c)), hit(rule.NextAddress), float64(rule.Probability),
			hit(q.CurrentAddress+pageBytes), hit(step), hit(q.CurrentAddress+majority(q.AccessHistory)),
			float64(b2i(q.AccessTypes[n-1] == kind)))
		if err != nil {
			return err
		}
	}
	return nil
}

// majority is the commonest step (Leap, ATC 2020), written apart from the features.
func majority(a []uint64) uint64 {
	count := map[uint64]int{}
	var best uint64
	for i := 1; i < len(a); i++ {
		d := a[i] - a[i-1]
		if count[d]++; count[d] >= count[best] {
			best = d
		}
	}
	return best
}
