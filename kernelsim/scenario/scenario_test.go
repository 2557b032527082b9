package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
	"github.com/mlbridge/mlbridge/ipc/ipctest/leaks"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/advice"
	"github.com/mlbridge/mlbridge/kernelsim/advice/advicetest"
	"github.com/mlbridge/mlbridge/kernelsim/drive"
	"github.com/mlbridge/mlbridge/kernelsim/load"
	"github.com/mlbridge/mlbridge/kernelsim/report"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
	"github.com/mlbridge/mlbridge/kernelsim/source"
	"github.com/mlbridge/mlbridge/testdata/traces"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// connect is the kernel side's client, connected to a fake bridge whose models
// answer everything surely.
func connect(t *testing.T, answer ipctest.Answer) *mlclient.Client {
	t.Helper()
	b := ipctest.Listen(t, ipctest.Script(ipctest.Handshake(ipctest.DefaultHello()), ipctest.Serve(answer)))
	c := mlclient.New(mlclient.Config{Path: b.Path})
	t.Cleanup(func() { c.Close() })
	if err := c.WaitUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func observe(t *testing.T, cfg scenario.Config) (*scenario.Observation, *report.Report) {
	t.Helper()
	cfg.Traces = traces.FS
	o, err := scenario.NewObservation(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &report.Report{Schema: report.Schema, Run: report.Run{Settings: map[string]string{}}}
	o.AddTo(r)
	return o, r
}

// TestWholePath runs all four subsystems on every kind of source, and the load,
// through a real socket.
func TestWholePath(t *testing.T) {
	c := connect(t, ipctest.ModelReply)
	everything := []source.Origin{source.Live, source.Trace, source.Synthetic}
	origins := map[ipc.Kind][]source.Origin{
		ipc.Workload: everything, ipc.Failure: everything, ipc.Memory: everything[1:], ipc.Threat: everything[1:],
	}
	pool := advice.NewPool(50, 1)
	o, r := observe(t, scenario.Config{
		Predictor: c, Origins: origins, For: 3 * time.Second, Budget: 10 * time.Second, Seed: 1, Pool: pool,
	})
	if st := o.Status(); len(st.Predictions) != 10 || st.Rate <= 0 || st.Share <= 0 || st.BudgetUS != 1e7 {
		t.Errorf("status %+v, want ten subsystems at work, and 10 s for a decision", st)
	}
	for _, name := range []string{"scheduler (trace)", "memory (trace)", "healing (trace)", "security (trace)", "memory (synthetic)"} {
		if !asked(r, name) {
			t.Errorf("%s decided nothing by the model", name)
		}
	}

	mix, err := drive.ParseMix("")
	if err != nil {
		t.Fatal(err)
	}
	run, err := scenario.StartLoad(t.Context(), scenario.LoadConfig{
		Predictors: []ipc.Predictor{c}, Mix: mix, Schedule: "poisson:500", Duration: 300 * time.Millisecond,
		Budget: 30 * time.Second, Callers: 512, // more than calls: after a stall all are due at once
	}, pool)
	if err != nil {
		t.Fatal(err)
	}
	res := run.Wait()
	if total := res.Total(); total.Answered == 0 || total.Answered != total.Intended {
		t.Errorf("%d of %d calls answered: %v", total.Answered, total.Intended, total.Messages)
	}
	r.AddLoad(res, load.RequiredShare)
	var text, page, data bytes.Buffer
	if err := errors.Join(r.Text(&text), r.HTML(&page), r.JSON(&data)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prefetch coverage", "cpu under-allocated", "failures caught early", "harmless reports flagged"} {
		if !strings.Contains(page.String(), want) { // the text may break a line anywhere
			t.Errorf("the report does not speak of %q", want)
		}
	}
}

// asked reports whether the model decided anything for a subsystem.
func asked(r *report.Report, name string) bool {
	for _, e := range r.Effects {
		if e.Subsystem == name && e.Name == "decided by the model" {
			return e.Value > 0
		}
	}
	return false
}

// TestReportSaysWhoDecided: the model, surely or not, the rule for a demoted one, or both.
func TestReportSaysWhoDecided(t *testing.T) {
	m := &advicetest.Model{}
	var asked, surely, partly, demoted float64
	m.Answer = func(q ipc.Request) ipc.Reply {
		if !m.Required { // asked again
			return ipc.Reply{Source: ipc.SourceRule, Reason: ipc.ReasonDemoted, PredictionID: 9}
		}
		r := ipctest.ModelReply(q)
		r.PredictionID = 7
		switch asked++; int(asked) % 5 {
		case 0:
			demoted++
			return ipc.Reply{Status: ipc.StatusUnavailable, Reason: ipc.ReasonDemoted}
		case 1, 2:
			partly++
			r.Ruled = ipc.TargetMemory
		case 3:
			surely++
		default:
			r.Workload.Confidence = 0
		}
		return r
	}
	o, r := observe(t, scenario.Config{
		Predictor: m, Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Trace}}, For: time.Hour,
	})
	want := map[string]float64{
		"decided by the model": surely, "left to the rule by a demoted model": demoted, "partly left to the rule by a demoted model": partly,
	}
	for _, e := range r.Effects {
		n, there := want[e.Name]
		if !there {
			continue
		}
		if e.Subsystem != "scheduler (trace)" || e.Unit != "%" || e.Value != 100*n/asked || !strings.HasPrefix(strings.ReplaceAll(e.Note, ",", ""), fmt.Sprintf("%.0f of %.0f", n, asked)) {
			t.Errorf("%+v, want %v of %v", e, n, asked)
		}
		delete(want, e.Name)
	}
	if notes := strings.ReplaceAll(strings.Join(r.Notes, "\n"), ",", ""); len(want) > 0 || !strings.Contains(notes, fmt.Sprintf("%.0f of %.0f questions had no model's answer (demoted %.0f)", demoted, asked, demoted)) {
		t.Errorf("no word of %v, and the notes are %q", want, notes)
	}
	// All but those of the agents' last; what does not fill a message is sent as well.
	if left := int(asked) - len(m.Outcome); left < 1 || left > 16 {
		t.Errorf("%d outcomes of %v were reported", len(m.Outcome), asked)
	}
	st := o.Status()
	if l := st.Predictions[0].Latency; !(0 < l.P50 && l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.P999 && l.P999 <= l.Max && l.Max <= float64(st.Elapsed)/1e3) || len(st.Sources) != 3 {
		t.Errorf("latencies %+v µs in %v, sources %q", l, st.Elapsed, st.Sources)
	}
	if p := st.Predictions; len(p) != 1 || p[0].Answered != uint64(asked) || p[0].Share != 1 || len(st.Comparisons) != 1 || st.Share != 1 {
		t.Errorf("status %+v, want %v answers, all in time, and a comparison", st, asked)
	}
}

// TestStatusIsForWhoeverWatches: from before it begins, and while it goes on.
func TestStatusIsForWhoeverWatches(t *testing.T) {
	o, err := scenario.NewObservation(scenario.Config{
		Traces: traces.FS, Origins: map[ipc.Kind][]source.Origin{ipc.Failure: {source.Trace}}, For: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if st := o.Status(); st.Elapsed != 0 || st.Total != time.Hour || st.Rate != 0 {
		t.Errorf("before it begins: %v of %v, %v a second", st.Elapsed, st.Total, st.Rate)
	}
	over := make(chan struct{})
	watched := make(chan report.Status)
	go func() {
		var st report.Status
		for ended := false; !ended; {
			select {
			case <-over:
				ended = true
			default:
			}
			st = o.Status()
		}
		watched <- st
	}()
	err = o.Run(t.Context())
	close(over)
	st := <-watched
	if p := st.Predictions; err != nil || len(p) != 1 || p[0].Answered == 0 || p[0].Sources[2] != p[0].Answered || st.Elapsed <= 0 || st.Elapsed >= time.Hour {
		t.Errorf("%v: %+v, want what was asked of nobody, and left to the rule", err, st)
	}
}

// TestClosedLoop measures with workers that wait; its verdict knows no pacing.
func TestClosedLoop(t *testing.T) {
	c := connect(t, ipctest.ModelReply)
	pool := advice.NewPool(10, 1)
	pool.Offer(ipctest.Request(ipc.Workload, 1))
	mix, err := drive.ParseMix("workload")
	if err != nil {
		t.Fatal(err)
	}
	run, err := scenario.StartLoad(t.Context(), scenario.LoadConfig{
		Predictors: []ipc.Predictor{c}, Mix: mix, Workers: 2, Duration: time.Second, Warmup: 100 * time.Millisecond, Budget: 30 * time.Second,
	}, pool)
	if err != nil {
		t.Fatal(err)
	}
	res := run.Wait()
	if v := res.Verdict(load.RequiredShare); v.State != load.Pass || res.Warmup != 100*time.Millisecond || res.Budget != 30*time.Second {
		t.Errorf("verdict %v after %v: %s", v.State, res.Warmup, v.Reason)
	}
}

// TestWithoutAModelTheReportSaysSo runs against a bridge that has only rules.
func TestWithoutAModelTheReportSaysSo(t *testing.T) {
	c := connect(t, func(ipc.Request) ipc.Reply {
		return ipc.Reply{Status: ipc.StatusUnavailable, Error: "no model", Reason: ipc.ReasonDaemonUnavailable}
	})
	_, r := observe(t, scenario.Config{
		Predictor: c, Origins: map[ipc.Kind][]source.Origin{ipc.Failure: {source.Trace}}, For: 30 * time.Second, Budget: 10 * time.Second,
	})
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "healing (trace): no model answered") || strings.Contains(notes, "no failure happened") {
		t.Errorf("notes %q do not say that no model answered", notes)
	}
	for _, c := range r.Comparisons {
		if c.Metric == "Brier score" && c.ML != nil {
			t.Errorf("%+v compares a model that never answered", c)
		}
	}
}

func TestOnlyWhatCanBeObserved(t *testing.T) {
	for _, k := range []ipc.Kind{ipc.Memory, ipc.Threat} {
		_, err := scenario.NewObservation(scenario.Config{Traces: traces.FS, Origins: map[ipc.Kind][]source.Origin{k: {source.Live}}})
		if !errors.Is(err, source.ErrNoLive) {
			t.Errorf("live %v: %v, want ErrNoLive", k, err)
		}
	}
	_, err := scenario.NewObservation(scenario.Config{
		Traces: traces.FS, Proc: t.TempDir(), Origins: map[ipc.Kind][]source.Origin{ipc.Workload: {source.Live}},
	})
	if err == nil {
		t.Error("an empty folder was taken for procfs")
	}
}

// counted counts the files that are open.
type counted struct {
	fs.FS
	opened, open int
}

type countedFile struct {
	fs.File
	of *counted
}

func (c *counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if _, folder := f.(fs.ReadDirFile); err != nil || folder {
		return f, err
	}
	c.opened++
	c.open++
	return &countedFile{f, c}, nil
}

func (f *countedFile) Close() error {
	f.of.open--
	return f.File.Close()
}

// TestNoSourceIsLeftOpen: where one cannot be opened, those before it are closed.
func TestNoSourceIsLeftOpen(t *testing.T) {
	recordings := &counted{FS: traces.FS}
	_, err := scenario.NewObservation(scenario.Config{Traces: recordings, Origins: map[ipc.Kind][]source.Origin{
		ipc.Workload: {source.Trace}, ipc.Failure: {source.Trace}, ipc.Memory: {source.Trace}, ipc.Threat: {source.Trace, source.Live},
	}})
	if !errors.Is(err, source.ErrNoLive) {
		t.Fatalf("%v, want ErrNoLive", err)
	}
	if recordings.opened == 0 || recordings.open != 0 {
		t.Errorf("%d of %d files are open", recordings.open, recordings.opened)
	}
}

// waiting answers nobody until so many wait.
type waiting struct {
	left atomic.Int64 // the longest budget, ns
	many int64
	now  atomic.Int64
	all  chan struct{} // closed when they do
}

func (w *waiting) Predict(ctx context.Context, _ []ipc.Request, replies []ipc.Reply, o ipc.Options) error {
	for left := w.left.Load(); int64(o.Budget) > left && !w.left.CompareAndSwap(left, int64(o.Budget)); left = w.left.Load() {
	}
	if w.now.Add(1) == w.many {
		close(w.all)
	}
	select {
	case <-w.all:
	case <-ctx.Done():
		return ctx.Err()
	}
	replies[0] = ipc.Reply{Source: ipc.SourceModel}
	return nil
}

func (w *waiting) Outcomes(context.Context, []ipc.Outcome) error { return nil }

// TestCallersAreWhatCanBeUnderWay: so many calls and no more, and one that finds no caller is
// not made, which is no error of the bridge's.
func TestCallersAreWhatCanBeUnderWay(t *testing.T) {
	for given, callers := range map[int]int{0: 1, 3: 3, 1500: 1500} {
		pool := advice.NewPool(10, 1)
		pool.Offer(ipctest.Request(ipc.Workload, 1))
		pool.Offer(ipctest.Request(ipc.Threat, 1))
		mix, err := drive.ParseMix("workload=3,threat=1")
		if err != nil {
			t.Fatal(err)
		}
		w := &waiting{many: int64(callers) + 1, all: make(chan struct{})} // which are never
		run, err := scenario.StartLoad(t.Context(), scenario.LoadConfig{
			Predictors: []ipc.Predictor{w}, Mix: mix, Schedule: "1e6", Duration: 2 * time.Millisecond, Callers: given,
			Budget: time.Second,
		}, pool)
		if err != nil {
			t.Fatal(err)
		}
		res := run.Wait()
		all := res.Total()
		if res.Labels[0].Intended != 1500 || res.Labels[1].Intended != 500 {
			t.Errorf("%d workload and %d threat questions, want 3 of 4", res.Labels[0].Intended, res.Labels[1].Intended)
		}
		// A fifth is for waking the caller; what has passed since the intended start is gone.
		if left := time.Duration(w.left.Load()); left <= time.Microsecond || left > 800*time.Millisecond {
			t.Errorf("%v was left of 1 s for the bridge", left)
		}
		if n := w.now.Load(); n != int64(callers) || all.Errors != 0 || all.Lost != uint64(callers) || all.Dropped != 2000-all.Lost {
			t.Errorf("%d callers: %d at work, %d lost, %d dropped, errors %v", callers, n, all.Lost, all.Dropped, all.Messages)
		}
	}
}

func TestLoadNeedsQuestions(t *testing.T) {
	mix, err := drive.ParseMix("threat")
	if err != nil {
		t.Fatal(err)
	}
	_, err = scenario.StartLoad(t.Context(), scenario.LoadConfig{Mix: mix, Schedule: "100", Duration: time.Second}, advice.NewPool(1, 1))
	if err == nil || !strings.Contains(err.Error(), "no threat question") {
		t.Errorf("error %v, want it to name what is missing", err)
	}
}

// TestTheLoadsSeed decides when calls come.
func TestTheLoadsSeed(t *testing.T) {
	mix, err := drive.ParseMix("threat")
	if err != nil {
		t.Fatal(err)
	}
	pool := advice.NewPool(1, 1)
	pool.Offer(ipctest.Request(ipc.Threat, 1))
	run, err := scenario.StartLoad(t.Context(), scenario.LoadConfig{
		Predictors: []ipc.Predictor{&advicetest.Model{Answer: ipctest.ModelReply}}, Mix: mix, Schedule: "poisson:1000", Seed: 7, Duration: time.Millisecond, Budget: time.Second,
	}, pool)
	if err != nil {
		t.Fatal(err)
	}
	if res := run.Wait(); !strings.Contains(res.Schedule, "seed 7") {
		t.Errorf("schedule %q", res.Schedule)
	}
}
