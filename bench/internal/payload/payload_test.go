package payload

import (
	"encoding/binary"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

// TestQuestionsAreNew: a bridge remembers the last answer about each subject, so the
// next question about it must have another key, all along the sequence, or a cold row
// would measure the cache.
func TestQuestionsAreNew(t *testing.T) {
	for _, k := range ipc.Kinds {
		last := make(map[ipc.Subject]cachekey.Key)
		q := New(k)
		for i := range (Rounds + 1) * Agents {
			Fill(q, i)
			if err := q.Validate(); err != nil {
				t.Fatalf("%v question %d: %v", k, i, err)
			}
			key := cachekey.Of(q)
			if last[q.Subject()] == key {
				t.Fatalf("%v question %d is the same as the one before about %v", k, i, q.Subject())
			}
			last[q.Subject()] = key
		}
		if len(last) != Agents {
			t.Errorf("%v questions have %d subjects, want %d", k, len(last), Agents)
		}
	}
}

// TestFrames reads the frames that the C client sends as a bridge would.
func TestFrames(t *testing.T) {
	b := Frames(300, false)
	want, got := New(ipc.Workload).(*ipc.WorkloadRequest), New(ipc.Workload).(*ipc.WorkloadRequest)
	for i := range 300 {
		n := int(binary.BigEndian.Uint32(b))
		body := b[4 : 4+n]
		b = b[4+n:]
		// [3, id, budget, [[1, …: the id has 1 to 3 bytes here.
		head := 3 + idBytes(i+1) + 5 + 2
		if body[0] != 0x94 || body[1] != 3 || body[head-1] != byte(ipc.Workload) {
			t.Fatalf("frame %d begins % x", i, body[:head])
		}
		rest, err := ipc.ParseRequest(body[head:], got)
		if err != nil || len(rest) != 0 {
			t.Fatalf("frame %d: %v, %d bytes behind the request", i, err, len(rest))
		}
		Fill(want, i)
		if cachekey.Of(got) != cachekey.Of(want) {
			t.Fatalf("frame %d holds another question", i)
		}
	}
	if len(b) != 0 {
		t.Errorf("%d bytes behind the last frame", len(b))
	}
}

func idBytes(id int) int {
	switch {
	case id < 0x80:
		return 1
	case id < 1<<8:
		return 2
	}
	return 3
}
