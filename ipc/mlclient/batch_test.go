package mlclient

import (
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// Batches of refreshes, one after the other, are decoded into what the largest took.
func TestBatchStorageIsUsedAgain(t *testing.T) {
	var b batch
	made := func(n uint64) question {
		q := ipctest.Request(ipc.Kinds[n%4], n)
		return question{kind: q.Kind(), bytes: ipc.AppendRequest(nil, q)}
	}
	for size := range 100 {
		qs := make([]question, size%20)
		for i := range qs {
			qs[i] = made(uint64(size + i))
		}
		b.fill(qs)
		if len(b.reqs) != len(qs) || len(b.replies) != len(qs) {
			t.Fatalf("%d requests and %d replies for %d questions", len(b.reqs), len(b.replies), len(qs))
		}
		for i, q := range b.reqs {
			if want := ipctest.Request(ipc.Kinds[(size+i)%4], uint64(size+i)); q.Kind() != want.Kind() || q.Subject() != want.Subject() {
				t.Fatalf("request %d of %d is about %v %v, want %v %v", i, len(qs), q.Kind(), q.Subject(), want.Kind(), want.Subject())
			}
		}
	}
	for _, k := range ipc.Kinds {
		if n := len(b.store[k]); n != 5 {
			t.Errorf("storage for %d %v questions after batches of 5 at most", n, k)
		}
	}
}
