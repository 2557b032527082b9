package predict

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// slow takes its time about the rows of a question, by its number.
type slow struct {
	family
	takes func(question int) time.Duration
	asked *int
}

func (s slow) prepare(q ipc.Request, at *slot, dst []float32) int {
	time.Sleep(s.takes(*s.asked))
	*s.asked++
	return s.family.prepare(q, at, dst)
}

// TestATrialGoesOnAsLongAsItMust: a slow model is told from a fast one in seconds, and a
// machine that stands still from either.
func TestATrialGoesOnAsLongAsItMust(t *testing.T) {
	const questions, all = 48, 48 * (1 + 2*rounds) // each alone, then in rounds alone and at once
	still := func(at int) func(int) time.Duration {
		return func(question int) time.Duration {
			if question == at {
				return 2 * patience
			}
			return time.Microsecond
		}
	}
	always := func(d time.Duration) func(int) time.Duration { return func(int) time.Duration { return d } }
	for _, c := range []struct {
		what   string
		takes  func(question int) time.Duration
		single time.Duration
		err    string
		asked  int
	}{
		{"fast", always(time.Microsecond), time.Microsecond, "", all},
		{"at the bound", always(500 * time.Microsecond), 500 * time.Microsecond, "", all},
		{"slow", always(30 * time.Millisecond), 30 * time.Millisecond, "", 48 + 96 + 23 + 48},
		{"very slow", always(time.Second), 0, "too slow: 1s for one question", 6},
		{"still at the first question", still(0), time.Microsecond, "", 48 + 1 + 48},
		{"still at the last", still(47), time.Microsecond, "", 48 + 1 + 48},
		{"still in the first round", still(50), time.Microsecond, "", 48 + 3 + 48},
		{"still in the last", still(all - 60), time.Microsecond, "", all - 60 + 1 + 48},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, asked := *predictor(t, ipc.Workload), 0
			p.family = slow{p.family, c.takes, &asked}
			reqs := make([]ipc.Request, questions)
			for i := range reqs {
				reqs[i] = &ipc.WorkloadRequest{}
			}
			tr, err := p.Try(reqs)
			if (err == nil) != (c.err == "") || err != nil && (!errors.Is(err, ErrTrial) || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("%s: %v, want %q", c.what, err, c.err)
			}
			if tr.Single != c.single || asked != c.asked {
				t.Errorf("%s: %v after %d questions, want %v after %d", c.what, tr.Single, asked, c.single, c.asked)
			}
		})
	}
}
