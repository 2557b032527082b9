package rules_test

import (
	"math"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

func TestMemory(t *testing.T) {
	const page, top = 4096, math.MaxUint64
	for _, c := range []struct {
		line    string
		history []uint64
		current uint64
		want    uint64
	}{
		{"no history", nil, 42, 42},
		{"one step is not enough", []uint64{page, 2 * page}, 2 * page, 2 * page},
		{"two steps of a page", []uint64{page, 2 * page, 3 * page}, 3 * page, 4 * page},
		{"offset inside the page is kept", []uint64{7, page + 7, 2*page + 7}, 2*page + 7, 3*page + 7},
		{"equal steps of two pages", []uint64{page, 3 * page, 5 * page}, 5 * page, 5 * page},
		{"steps that differ", []uint64{page, 3 * page, 4 * page}, 4 * page, 4 * page},
		{"only the last two steps count", []uint64{page, 2 * page, 3 * page, 9 * page}, 9 * page, 9 * page},
		{"downwards", []uint64{3 * page, 2 * page, page}, page, page},
		{"a step across the end is no page", []uint64{top - page + 1, 0, page}, page, page},
		{"last page there is", []uint64{top - 3*page + 1, top - 2*page + 1, top - page + 1}, top - page + 1, top - page + 1},
		{"last but one", []uint64{top - 3*page, top - 2*page, top - page}, top - page, top},
		{"above 2^53", []uint64{1<<53 + 1, 1<<53 + 1 + page, 1<<53 + 1 + 2*page}, 1<<53 + 1 + 2*page, 1<<53 + 1 + 3*page},
	} {
		q := &ipc.MemoryRequest{AccessHistory: c.history, CurrentAddress: c.current}
		var p, o ipc.MemoryPrediction
		rules.Memory(q, &p)
		rules.OriginMemory(q, &o)
		if p.NextAddress != c.want || o.NextAddress != c.want {
			t.Errorf("%s: Memory(%#x) = %#x, origin %#x, want %#x", c.line, c.history, p.NextAddress, o.NextAddress, c.want)
		}
		if p.Confidence != p.Probability {
			t.Errorf("%s: confidence %v is not the access probability %v", c.line, p.Confidence, p.Probability)
		}
		if sure := p.Confidence > 0.5; sure != (c.want != c.current) {
			t.Errorf("%s: confidence %v, want above 0.5 exactly when a next page is named", c.line, p.Confidence)
		}
	}
}

func TestMemoryRepeatsTheAccessType(t *testing.T) {
	var p ipc.MemoryPrediction
	rules.Memory(&ipc.MemoryRequest{
		AccessHistory: []uint64{1, 2}, AccessTypes: []uint8{ipc.AccessRead, ipc.AccessExecute},
	}, &p)
	if p.Type != ipc.AccessExecute {
		t.Errorf("type after an execute = %d, want %d", p.Type, ipc.AccessExecute)
	}
	rules.Memory(&ipc.MemoryRequest{}, &p)
	if p.Type != ipc.AccessRead {
		t.Errorf("type without a history = %d, want a read", p.Type)
	}
}
