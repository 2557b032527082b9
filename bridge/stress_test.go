package bridge

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// moody is a daemon that does whatever the dice say.
func moody(dice func(n int) int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		switch dice(16) {
		case 0:
			w.WriteHeader([]int{429, 500, 503, 404, 302, 204}[dice(6)])
		case 1: // takes longer than an exchange may
			select {
			case <-r.Context().Done():
			case <-time.After(40 * time.Millisecond):
			}
		case 2:
			panic(http.ErrAbortHandler) // hangs up, as when it is restarted
		case 3:
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("\x93\xa1m"))
			panic(http.ErrAbortHandler)
		case 4:
			w.Header().Set("Content-Type", "application/msgpack")
			_, _ = w.Write([]byte(strings.Repeat("\x93\xa1m\x00\x90", dice(4))))
		case 5:
			if r.Header.Get("Content-Type") == "application/json" {
				return false
			}
			w.WriteHeader(http.StatusUnsupportedMediaType)
		case 6, 7, 8:
			time.Sleep(time.Duration(dice(3000)) * time.Microsecond)
			return false
		default:
			return false
		}
		return true
	}
}

// Thousands of calls of many clients with all kinds of budgets, to a daemon in all
// its moods: each is answered once, in time, and with nobody else's answer.
func TestNobodyIsForgottenOrMixedUp(t *testing.T) {
	const workers, each = 8, 250
	d := newFakeDaemon(t)
	var mu sync.Mutex
	source := rand.New(rand.NewPCG(1, 2))
	d.on(moody(func(n int) int { mu.Lock(); defer mu.Unlock(); return source.IntN(n) }))
	b, err := New(Config{
		Upstream: target(t, d.URL), Attempt: 20 * time.Millisecond, TTL: 60 * time.Millisecond,
		RetryInterval: time.Millisecond, MaxRetryInterval: 5 * time.Millisecond,
		QueueLimit: 32, Subjects: 64,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, b)
	run(t, b)
	var load sync.WaitGroup
	var from [len(ipc.Sources) + 1]int
	for worker := range uint64(workers) {
		c := dial(t, path)
		load.Go(func() {
			dice := rand.New(rand.NewPCG(worker, 3))
			for n := range uint64(each) {
				seen := stressOne(t, []ipc.Predictor{c, c, b}[n%3], dice, worker<<8|n%4)
				mu.Lock()
				for _, s := range seen {
					from[s]++
				}
				mu.Unlock()
			}
		})
	}
	load.Wait()
	t.Logf("answers by source: none %d, model %d, cache %d, stale %d, rule %d",
		from[ipc.SourceNone], from[ipc.SourceModel], from[ipc.SourceCache], from[ipc.SourceStale], from[ipc.SourceRule])
	for _, s := range []ipc.Source{ipc.SourceModel, ipc.SourceCache, ipc.SourceStale, ipc.SourceRule} {
		if from[s] == 0 {
			t.Errorf("no answer came from %v: the test did not test it", s)
		}
	}
	subjects := make(chan int)
	b.loop.Post(func() { subjects <- b.cache.len() }) // late answers may still come
	if n := <-subjects; n > 64*len(ipc.Kinds) {
		t.Errorf("%d subjects in a cache for 64 a kind", n)
	}
}

// stressSlack is longer than any machine is busy with other things: who is forgotten waits
// for ever.
const stressSlack = 2 * time.Minute

// stressOne makes one call about agents that only this worker has, and gives the
// sources of the answers.
func stressOne(t *testing.T, p ipc.Predictor, dice *rand.Rand, agent uint64) (from []ipc.Source) {
	reqs := make([]ipc.Request, 1+dice.IntN(8))
	for i := range reqs {
		a := agent<<4 | uint64(i)
		reqs[i] = &ipc.MemoryRequest{AgentID: a, CurrentAddress: a<<24 | uint64(dice.IntN(3))<<12}
		if dice.IntN(2) == 0 {
			reqs[i] = &ipc.WorkloadRequest{AgentID: a, CurrentCPU: dice.Float32(), CurrentMemory: a<<24 | uint64(dice.IntN(1<<24))}
		}
	}
	opts := ipc.Options{
		Budget:       []time.Duration{0, 1, time.Microsecond, 200 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 30 * time.Millisecond}[dice.IntN(7)],
		RequireModel: dice.IntN(5) == 0,
	}
	replies := make([]ipc.Reply, len(reqs))
	begun := time.Now()
	if err := p.Predict(t.Context(), reqs, replies, opts); err != nil {
		t.Errorf("Predict: %v", err)
		return nil
	}
	if took := time.Since(begun); took > opts.Budget+stressSlack {
		t.Errorf("%v for a budget of %v", took, opts.Budget)
	}
	for i := range replies {
		r := &replies[i]
		from = append(from, r.Source)
		if fault := stressFault(reqs[i], r, opts.RequireModel); fault != "" {
			t.Errorf("%s: %+v to %+v", fault, r, reqs[i])
		}
	}
	return from
}

// stressFault says what is wrong with the reply; "" for nothing.
func stressFault(q ipc.Request, r *ipc.Reply, require bool) string {
	said, asked := r.Workload.Memory, uint64(0)
	switch q := q.(type) {
	case *ipc.WorkloadRequest:
		asked = q.CurrentMemory
	case *ipc.MemoryRequest:
		said, asked = r.Memory.NextAddress, q.CurrentAddress
	}
	exact := r.Source == ipc.SourceRule || (r.Source != ipc.SourceStale && q.Kind() == ipc.Memory)
	switch {
	case r.Source == ipc.SourceNone:
		if r.Status == ipc.StatusOK || (!require && r.Status != ipc.StatusDeadlineExceeded) {
			return "no answer"
		}
	case r.Status != ipc.StatusOK || r.Kind != q.Kind() || r.PredictionID == 0:
		return "not a prediction of its kind"
	case require && r.Source != ipc.SourceModel && r.Source != ipc.SourceCache:
		return "a model was required"
	case said>>24 != asked>>24:
		return "somebody else's answer"
	case exact && said != asked:
		return "another question's answer"
	}
	return ""
}
