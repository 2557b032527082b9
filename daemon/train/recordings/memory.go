package recordings

import (
	"path/filepath"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient/pages"
)

const pageBytes = 4096

// MaxComing is how far a question shows the future: an issued page that faults no
// later was worth fetching.
const MaxComing = 64

// stream is one segment of one program's faults.
type stream struct {
	program string
	address []uint64
	kind    []uint8
	ns      []uint64
}

// readFaults reads program, seg, dt_us, dvpn, type, major. The first row of a
// segment has the page number itself in dvpn.
func readFaults(path string) ([]*stream, error) {
	var all []*stream
	key := ""
	var page, us int
	types := map[string]uint8{"r": ipc.AccessRead, "w": ipc.AccessWrite, "x": ipc.AccessExecute}
	err := eachRow(path, func(r *record) error {
		if k := r.raw(0) + "/" + r.raw(1); k != key {
			key, page, us = r.text(0)+"/"+r.text(1), 0, 0
			all = append(all, &stream{program: r.text(0)})
		}
		s := all[len(all)-1]
		page += r.int(3)
		us += r.int(2)
		s.address = append(s.address, uint64(page)*pageBytes)
		kind, ok := types[r.raw(4)]
		if !ok {
			r.fail("column 5: %q is not r, w or x", r.raw(4))
		}
		s.kind = append(s.kind, kind)
		s.ns = append(s.ns, uint64(us)*1000)
		return nil
	})
	return all, err
}

// ReadMemory asks for each fault from the twenty before it, once in o.Stride.
func ReadMemory(o Options, to Sink) error {
	all, err := readFaults(filepath.Join(o.Data, "memory", "faults_"+o.Part+".csv.gz"))
	if err != nil {
		return err
	}
	name, entity := "", -1
	for segment, s := range all {
		if s.program != name {
			name = s.program
			entity++
			to.Entity(name)
		}
		var tracker pages.Tracker
		for i := range s.address {
			if i >= ipc.MaxAccessHistory && i%o.Stride == 0 {
				q := new(ipc.MemoryRequest)
				tracker.Report(q)
				if !o.Tables {
					q.Candidates, q.CandidateChances = nil, nil
				}
				if err := q.Validate(); err != nil {
					return err
				}
				if err := to.Ask(&Question{Request: q, Entity: entity, NextAddress: s.address[i], NextType: s.kind[i], Segment: segment, Coming: s.address[i:min(i+MaxComing, len(s.address))]}); err != nil {
					return err
				}
			}
			tracker.Add(s.address[i], s.kind[i], s.ns[i])
		}
	}
	return nil
}

// MajorityStep is the commonest step (Leap, ATC 2020), written apart from the features.
func MajorityStep(a []uint64) uint64 {
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
