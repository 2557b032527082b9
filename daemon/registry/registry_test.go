package registry

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// fake is a predictor that does as told.
type fake struct {
	name, version string
	predict       func(reqs []ipc.Request, out []ipc.Prediction) error
}

func (f fake) Name() string    { return f.name }
func (f fake) Version() string { return f.version }
func (f fake) Predict(reqs []ipc.Request, out []ipc.Prediction) error {
	if f.predict == nil {
		return nil
	}
	return f.predict(reqs, out)
}

// fakes is a source of one predictor for the workload kind.
type fakes struct {
	p   Predictor
	err error
}

func (s *fakes) Look() Look { return s }

func (s *fakes) Problem(ipc.Kind) error { return nil }

func (s *fakes) Candidate(ipc.Kind) (*Candidate, error) { return nil, nil }

func (s *fakes) Load(k ipc.Kind) (Predictor, string, error) {
	if k != ipc.Workload || (s.p == nil && s.err == nil) {
		return nil, "", ErrNone
	}
	return s.p, "fakes", s.err
}

// TestRefuses lists predictors that must not be served.
func TestRefuses(t *testing.T) {
	nan := float32(math.NaN())
	for want, p := range map[string]Predictor{
		"no name or no version": fake{name: "a"},
		"at most 64":            fake{name: strings.Repeat("n", 60), version: "12345"},
		"panic: index":          fake{"a", "1", func([]ipc.Request, []ipc.Prediction) error { panic("index") }},
		"trial run: no":         fake{"a", "1", func([]ipc.Request, []ipc.Prediction) error { return errors.New("no") }},
		"predicted_cpu: NaN": fake{"a", "1", func(_ []ipc.Request, out []ipc.Prediction) error {
			out[0].Workload.CPU = nan
			return nil
		}},
		"confidence: 1.5": fake{"a", "1", func(_ []ipc.Request, out []ipc.Prediction) error {
			out[len(out)-1].Workload.Confidence = 1.5
			return nil
		}},
		"predicted_cpu: 2": fake{"a", "1", func(reqs []ipc.Request, out []ipc.Prediction) error {
			if len(reqs) > 1 { // right alone, wrong in a batch
				out[1].Workload.CPU = 2
			}
			return nil
		}},
	} {
		r := New(&fakes{p: p})
		err := r.Reload()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Reload = %v, want %q", err, want)
		}
		if m := r.Snapshot().Model(ipc.Workload); m != nil {
			t.Errorf("%q is served", m.Label)
		}
		if problem := r.Snapshot().Problem(ipc.Workload); problem == nil || !strings.Contains(problem.Error(), want) {
			t.Errorf("problem %v, want %q", problem, want)
		}
	}
}

// TestKeepsTheOld: a bad reload changes nothing but the problem, a good one all.
func TestKeepsTheOld(t *testing.T) {
	src := &fakes{p: fake{name: "a", version: "1"}}
	r := New(src)
	label := func() string {
		if m := r.Snapshot().Model(ipc.Workload); m != nil {
			return m.Label
		}
		return ""
	}
	if err := r.Reload(); !errors.Is(err, ErrNone) || label() != "a@1" {
		t.Fatalf("%v, %q: want the model, and none for the other kinds", err, label())
	}
	if err := r.Snapshot().Problem(ipc.Workload); err != nil {
		t.Errorf("problem %v", err)
	}
	before := r.Snapshot()
	for _, bad := range []fakes{{p: fake{name: "b"}}, {err: errors.New("unreadable")}, {}} {
		*src = bad
		if err := r.Reload(); err == nil || label() != "a@1" || r.Snapshot().Problem(ipc.Workload) == nil {
			t.Errorf("%+v: %v, %q", bad, err, label())
		}
	}
	*src = fakes{p: fake{name: "a", version: "2"}}
	_ = r.Reload() // the other kinds have none
	if label() != "a@2" || r.Snapshot().Problem(ipc.Workload) != nil || r.Snapshot().Generation != 5 {
		t.Errorf("%q, generation %d, %v", label(), r.Snapshot().Generation, r.Snapshot().Problem(ipc.Workload))
	}
	if before.Model(ipc.Workload).Label != "a@1" || before.Generation != 1 {
		t.Error("an old snapshot has changed")
	}
}

// TestOrder: the first source that has a model wins; a bad first source is said even
// where a later one helps out.
func TestOrder(t *testing.T) {
	second := &fakes{p: fake{name: "second", version: "1"}}
	for _, c := range []struct {
		first   fakes
		want    string
		problem string
	}{
		{fakes{p: fake{name: "first", version: "1"}}, "first@1", ""},
		{fakes{}, "second@1", ""},
		{fakes{err: errors.New("unreadable")}, "second@1", "fakes: unreadable"},
		{fakes{p: fake{name: "x"}}, "second@1", "no version"},
	} {
		r := New(&c.first, second)
		_ = r.Reload()
		if m := r.Snapshot().Model(ipc.Workload); m == nil || m.Label != c.want || m.Source != "fakes" || m.Kind != ipc.Workload {
			t.Errorf("%+v: %+v, want %s", c.first, m, c.want)
		}
		problem := fmt.Sprint(r.Snapshot().Problem(ipc.Workload))
		if c.problem == "" && problem != "<nil>" || !strings.Contains(problem, c.problem) {
			t.Errorf("%+v: problem %s, want %q", c.first, problem, c.problem)
		}
	}
}

// TestTrials: the questions that models are tried with are valid themselves.
func TestTrials(t *testing.T) {
	for _, k := range ipc.Kinds {
		for i, q := range trialRequests(k) {
			if err := q.Validate(); err != nil || q.Kind() != k {
				t.Errorf("%v trial %d: %v %v", k, i, q.Kind(), err)
			}
		}
	}
	var none Snapshot
	if none.Model(0) != nil || none.Model(99) != nil || none.Problem(99) != nil {
		t.Error("kinds that there are not have models")
	}
}

// TestConcurrentReload reads snapshots while several goroutines reload.
func TestConcurrentReload(t *testing.T) {
	r := New(&fakes{p: fake{name: "a", version: "1"}})
	var wg sync.WaitGroup
	const reloads = 50
	for range 2 {
		wg.Go(func() {
			for range reloads {
				_ = r.Reload()
			}
		})
		wg.Go(func() {
			last := uint64(0)
			for last < reloads {
				s := r.Snapshot()
				if s.Generation < last {
					t.Errorf("generation %d after %d", s.Generation, last)
				}
				if s.Generation > 0 && s.Model(ipc.Workload) == nil {
					t.Error("a moment without a model")
				}
				last = s.Generation
			}
		})
	}
	wg.Wait()
	if g := r.Snapshot().Generation; g != 2*reloads {
		t.Errorf("generation %d, want %d", g, 2*reloads)
	}
}
