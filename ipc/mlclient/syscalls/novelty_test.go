package syscalls

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// A table written by PROTOCOL.md, section 15.1, is the one that is read.
func TestTheTablesForm(t *testing.T) {
	const pairs, runs = 63 * 63, 31_256
	a, b, c := Group(3), Group(17), Group(62)
	table := make([]byte, pairs+runs+6*4)
	table[63*3+17], table[63*17+62] = 5*16, 3*16+8 // 5 bits, 3.5 bits
	run := (63*3+17)*63 + 62
	table[pairs+run/8] |= 1 << (run % 8)
	for i, usual := range []float32{4.25, 5, 5, 0.5, 1, 1} {
		binary.LittleEndian.PutUint32(table[pairs+runs+4*i:], math.Float32bits(usual))
	}
	n, err := ParseNovelty(table)
	if err != nil {
		t.Fatal(err)
	}
	if string(n.Bytes()) != string(table) {
		t.Error("written again it is another")
	}
	var s Stream
	for _, g := range []Group{a, b, c} {
		s.Add(g, 0)
	}
	var q ipc.ThreatRequest
	s.Report(&q, n, 7)
	// Values over usual: 4.25/4.25, 5/5, 5/5 (place 9·2/10 = 1), 0.5/0.5, 0, 0.
	want := []float32{0.5, 0.5, 0.5, 0.5, 0, 0}
	for i, f := range q.Anomalies {
		if f.Type != uint32(i+1) || f.Severity != want[i] || f.Timestamp != 7 {
			t.Errorf("finding %d: %+v, want a severity of %v", i, f, want[i])
		}
	}
	s.Add(a, 0) // a run that nobody saw, of pairs of no surprise
	s.Report(&q, n, 8)
	if len(q.Anomalies) != 6 || q.Anomalies[5].Severity != float32(1-math.Exp2(-0.5)) {
		t.Errorf("one of two runs is new: %+v", q.Anomalies)
	}
	for _, broken := range [][]byte{table[1:], append([]byte{0}, table...), make([]byte, len(table))} {
		if _, err := ParseNovelty(broken); err == nil {
			t.Errorf("a table of %d bytes, or with a usual value of 0, passed", len(broken))
		}
	}
}
