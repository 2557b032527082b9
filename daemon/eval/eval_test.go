package main

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestRankingMeasures(t *testing.T) {
	truth := []bool{true, false, true, false, false}
	s := newSample(make([]int32, len(truth)))
	scores := []float64{0.9, 0.8, 0.7, 0.1, 0.1}
	for _, c := range []struct {
		name string
		got  float64
		want float64
	}{
		// Pairs in order: 3 + 2 of 6.
		{"roc", s.ranking(truth, roc)(scores)(nil), 5.0 / 6},
		// Precision 1 at the first, 2/3 at the second.
		{"pr", s.ranking(truth, pr)(scores)(nil), (1 + 2.0/3) / 2},
		{"false at 95 %", s.ranking(truth, falseAt95)(scores)(nil), 1.0 / 3},
		{"roc of a constant", s.ranking(truth, roc)(make([]float64, 5))(nil), 0.5},
	} {
		if !near(c.got, c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	// Drawing the only group twice changes nothing.
	if got := s.ranking(truth, roc)(scores)([]float64{2}); !near(got, 5.0/6) {
		t.Errorf("roc with every question twice = %v", got)
	}
}

func TestGroups(t *testing.T) {
	many := make([]int32, 200)
	for i := range many {
		many[i] = int32(i / 10)
	}
	if s := newSample(many); s.by != "entities" || s.groups != 20 {
		t.Errorf("20 entities give %d %s", s.groups, s.by)
	}
	few := make([]int32, 1000)
	for i := 600; i < 1000; i++ {
		few[i] = 1
	}
	s := newSample(few)
	if s.by != "blocks" || s.groups != 20 {
		t.Errorf("two entities of 1000 questions give %d %s, want 20 blocks of 50", s.groups, s.by)
	}
	if s.group[599] == s.group[600] {
		t.Error("a block crosses entities")
	}
}

func TestCompareTellsWhoIsBetter(t *testing.T) {
	entity := make([]int32, 400)
	model, rule, simple := make([]float64, 400), make([]float64, 400), make([]float64, 400)
	for i := range entity {
		entity[i] = int32(i / 10)
		model[i], rule[i], simple[i] = 1, 3, 2+float64(i%2)/10
	}
	s := newSample(entity)
	r := s.compare(plain("workload", "smd_cpu", "val", "mae", 0, 0), s.mean, true, model, rule, guess{"median of 10", simple}, guess{"persistence", rule})
	if r.Model != 1 || r.Rule != 3 || r.LastValue != 3 || !near(float64(r.BestSimple), 2.05) || r.BestSimpleName != "median of 10" {
		t.Errorf("row %+v", r)
	}
	if !(r.GainLow > 1 && r.GainHigh < 1.1) {
		t.Errorf("gain %v … %v over the better one, 2.05", r.GainLow, r.GainHigh)
	}
	if r.Met != nil {
		t.Error("val has no target")
	}
	r = s.compare(plain("workload", "smd_cpu", "test", "mae", 0, 0), s.mean, true, model, rule)
	if r.Met == nil || *r.Met {
		t.Error("an error of 1 meets the target of 0.84")
	}
	for _, lowIsGood := range []bool{true, false} { // a tie is no loss, not even of -0
		if got := s.compare(plain("workload", "smd_cpu", "val", "mae", 0, 0), s.mean, lowIsGood, model, model).cells()[8]; got != "+0 … +0" {
			t.Errorf("gain over its like: %q", got)
		}
	}
}

func TestCalibration(t *testing.T) {
	confidence, right := make([]float64, 1000), make([]float64, 1000)
	for i := range confidence {
		confidence[i] = float64(i) / 1000
		right[i] = confidence[i]
	}
	if got := ece(calibration(confidence, right)); got > 1e-9 {
		t.Errorf("ece of the truth = %v", got)
	}
	for i := range right {
		right[i] = max(0, confidence[i]-0.25)
	}
	if got := ece(calibration(confidence, right)); got < 0.2 {
		t.Errorf("ece of a quarter too much = %v", got)
	}
}

func TestPrefetch(t *testing.T) {
	fetch := func(faults []fault, bounds *fetchBounds) (coverage, accuracy float64) {
		f := prefetch(faults, bounds)
		return f.coverage(nil), f.accuracy(nil)
	}
	propose := func(page uint64, chance float32) fault {
		return fault{n: 1, pages: [4]uint64{page << 12}, chances: [4]float32{chance}}
	}
	a, b, c := propose(7, 0.9), propose(7, 0.9), propose(9, 0.2)
	a.next, b.next, c.next = 5<<12, 7<<12, 9<<12
	// 7 is issued before the first fault, is under way at the second, comes there.
	if coverage, accuracy := fetch([]fault{a, b, c}, &fetchBounds{0.5, 1}); !near(coverage, 1.0/3) || !near(accuracy, 1) {
		t.Errorf("coverage %v, accuracy %v; want a third and 1", coverage, accuracy)
	}
	if coverage, _ := fetch([]fault{a, b, c}, &fetchBounds{0.1, 1}); !near(coverage, 2.0/3) {
		t.Errorf("coverage %v with the unlikely page, want two thirds", coverage)
	}
	// Further pages have a bound of their own.
	d := a
	d.n, d.pages[1], d.chances[1] = 2, 9<<12, 0.2
	for more, want := range map[float32]float64{0.2: 2. / 3, 0.3: 1. / 3} {
		if coverage, _ := fetch([]fault{d, b, c}, &fetchBounds{0.5, more}); !near(coverage, want) {
			t.Errorf("coverage %v with further pages from %v, want %v", coverage, more, want)
		}
	}
	c.segment = 1
	b.segment = 1
	b.n = 0
	if coverage, accuracy := fetch([]fault{a, b, c}, &fetchBounds{0.5, 1}); coverage != 0 || accuracy != 0 {
		t.Errorf("an issue crosses segments: %v, %v", coverage, accuracy)
	}
}

// The opening of a segment counts the twenty faults that nobody was asked about.
func TestOpeningIsOfEachSegment(t *testing.T) {
	faults := make([]fault, 7)
	for i := range faults[4:] {
		faults[4+i].segment = 1
	}
	for i := range faults {
		faults[i].next = uint64(i)
	}
	var kept []uint64
	for _, f := range opening(faults, ipc.MaxAccessHistory+2) {
		kept = append(kept, f.next)
	}
	if !slices.Equal(kept, []uint64{0, 1, 4, 5}) {
		t.Errorf("kept %v, want the first two of each segment", kept)
	}
	if got := len(opening(faults, math.MaxInt)); got != len(faults) {
		t.Errorf("kept %d of all %d", got, len(faults))
	}
}

// TestARowIsKeptAsItWas: what eval.json has is what a later run reads back.
func TestARowIsKeptAsItWas(t *testing.T) {
	dir := t.TempDir()
	old := evaluation{rows: []row{plain("failure", "oom", "test", "brier", 0.25, 7).aim(), plain("memory", "alone", "val", "top1", 0.5, 3)}}
	path := filepath.Join(dir, "eval.json")
	if err := old.write(path); err != nil {
		t.Fatal(err)
	}
	now := evaluation{rows: []row{plain("memory", "alone", "val", "top1", 0.75, 3)}}
	if err := now.keep(path, []string{"memory"}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{0.3120523, 19.3714998, 1234567.8, 0.00001234567, -0.5} {
		fresh := plain("failure", "oom", "test", "brier", v, 7)
		fresh.GainLow, fresh.GainHigh, fresh.CILow, fresh.CIHigh = number(v), number(v), number(v), number(v)
		kept := row{}
		if err := json.Unmarshal(mustJSON(fresh), &kept); err != nil || !slices.Equal(kept.cells(), fresh.cells()) {
			t.Errorf("kept, %v is printed as %q, %v; measured, as %q", v, kept.cells(), err, fresh.cells())
		}
	}
	if len(now.rows) != 2 || now.rows[0].Metric != "brier" || now.rows[0].Rule.known() || now.rows[0].Met == nil || now.rows[1].Model != 0.75 {
		t.Errorf("rows %+v", now.rows)
	}
}

// data writes a folder with one small set.
func data(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	for i := range 120 {
		b.WriteString("m1," + strings.Join([]string{num(i), num(2000 + 500*(i%5)), num(4000 + i)}, ",") + "\n")
	}
	writeSet(t, dir, "workload/smd_cpu_mem_test", b.String())
	return dir
}

// writeSet writes a set's file into the folder, below a header line of as many columns.
func writeSet(t *testing.T, dir, name, rows string) {
	t.Helper()
	first, _, _ := strings.Cut(rows, "\n")
	header := strings.Repeat("column,", strings.Count(first, ",")) + "column\n"
	path := filepath.Join(dir, name+".csv.gz")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(header + rows)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func num(v int) string { return strconv.Itoa(v) }

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// mld serves the embedded models and gives its address.
func mld(t *testing.T) string { return serve(t, registry.Embedded()) }

// serve serves what models the source has.
func serve(t *testing.T, models registry.Source) string {
	t.Helper()
	reg := registry.New(models)
	_ = reg.Reload() // kinds without a model are an error
	s, err := daemon.New(daemon.Options{Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	return "http://" + ln.Addr().String()
}

// The same rows come of the models in this process and of a live mld.
func TestLiveAndLocalAgree(t *testing.T) {
	url := mld(t)
	var rows [2][]map[string]any
	dir := data(t)
	for i, flags := range [][]string{{}, {"-url", url}} {
		out := t.TempDir()
		args := append([]string{"-data", dir, "-only", "workload", "-out", out}, flags...)
		if err := run(args); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, "eval.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	if len(rows[0]) == 0 || string(mustJSON(rows[0])) != string(mustJSON(rows[1])) {
		t.Errorf("local %v\nlive %v", rows[0], rows[1])
	}
	for _, key := range []string{"predictor", "set", "part", "metric", "model", "rule", "last_value", "best_simple", "ci_low", "ci_high", "target", "met"} {
		if _, ok := rows[0][0][key]; !ok {
			t.Errorf("a row lacks %q", key)
		}
	}
}

// Memory that grows by 0.01 points an interval: as bytes the rule is the last value, in
// shares the mean of ten, which is five and a half intervals behind.
func TestMemoryIsJudgedAgainstTheRuleInSharesToo(t *testing.T) {
	e := evaluation{data: data(t), parts: []string{"test"}, by: newLocal("")}
	if err := judgeWorkload(&e); err != nil {
		t.Fatal(err)
	}
	rule, model, simple := map[string]float64{}, map[string]number{}, map[string]number{}
	for _, r := range e.rows {
		if r.Metric == "mae" {
			rule[r.Set], model[r.Set], simple[r.Set] = float64(r.Rule), r.Model, r.BestSimple
		}
	}
	for set, want := range map[string]float64{"smd_mem": 0.01, "smd_mem_shares": 0.055} {
		if math.Abs(rule[set]-want) > 1e-6 {
			t.Errorf("error of the rule on %s is %v, want %v", set, rule[set], want)
		}
	}
	if model["smd_mem"] != model["smd_mem_shares"] || simple["smd_mem"] != simple["smd_mem_shares"] {
		t.Errorf("more than the rule differs: models %v, simple guesses %v", model, simple)
	}
	if _, ok := rule["smd_cpu_shares"]; ok {
		t.Error("the cpu is in shares as it is")
	}
}

// What training measured without a source has both opponents, and is held against them.
func TestLeftOutRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "leftout.json")
	text := `[{"predictor": "workload", "set": "smd_mem", "part": "test", "metric": "left_out_mae", "n": 7, "model": 0.11, "rule": 0.1,
			"ci_low": 0.08, "ci_high": 0.14, "gain_low": -0.04, "gain_high": 0.02, "by": "blocks", "groups": 39},
		{"predictor": "workload", "set": "smd_mem", "part": "test", "metric": "left_out_ratio_to_rule", "n": 7, "model": 1.1},
		{"predictor": "workload", "set": "smd_mem_shares", "part": "test", "metric": "left_out_ratio_to_rule", "n": 7, "model": 0.44},
		{"predictor": "threat", "set": "adfa", "part": "test", "metric": "left_out_kind_roc_auc", "n": 9, "model": 0.96}]`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var e evaluation
	for _, asked := range [][]string{nil, {"failure"}, {"workload", "threat"}} { // what is kept comes from elsewhere
		if len(e.rows) > 0 {
			t.Errorf("rows of predictors that were not asked: %v", e.rows)
		}
		if err := e.addLeftOut(path, asked); err != nil {
			t.Fatal(err)
		}
	}
	// They stand with the other rows of their predictor, in a folder without a report, too.
	e.rows = append([]row{plain("workload", "smd_cpu", "test", "mae", 1, 1), plain("failure", "oom", "test", "brier", 1, 1)}, e.rows...)
	if err := e.addLeftOut(path, nil); err != nil {
		t.Fatal(err)
	}
	var got, order []string
	for _, r := range e.rows {
		order = append(order, r.Predictor)
		c := r.cells()
		if strings.HasPrefix(r.Metric, "left_out") {
			got = append(got, strings.Join(slices.Concat(c[:1], c[3:]), " "))
		}
	}
	if order = slices.Compact(order); !slices.Equal(order, []string{"workload", "threat", "failure"}) {
		t.Errorf("rows of predictors are apart: %v", order)
	}
	if want := []string{"smd_mem 0.1100 0.0800 … 0.1400 0.1000   -0.04 … +0.02  ", "smd_mem 1.100      1.000 no", "smd_mem_shares 0.4400      1.000 yes", "adfa 0.9600      0.9500 yes"}; !slices.Equal(got, want) {
		t.Errorf("set and numbers: %q, want %q", got, want)
	}
}

// Data of one's own may lack one side: calls without an attack, a program that is killed
// within the horizon, a single short series. What that cannot tell is left out or null.
func TestOneSidedData(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	writeSet(t, dir, "threat/adfa_test", "1,0,0,"+strings.Repeat("3 4 5 6 ", 75)+"\n")
	var series, run1 strings.Builder
	for i := range 15 {
		run1.WriteString("1,ls," + strings.Join([]string{num(50 * i), num(1000 * i), "20000", num(i), "0", "0"}, ",") + "\n")
	}
	for i := range 40 {
		series.WriteString("m1," + strings.Join([]string{num(i), num(2000 + 500*(i%5)), "4000"}, ",") + "\n")
	}
	writeSet(t, dir, "failure/oom_runs_test", run1.String())
	writeSet(t, dir, "failure/oom_ends_test", "1,ls,oom,750\n")
	writeSet(t, dir, "workload/smd_cpu_mem_test", series.String())
	if err := run([]string{"-data", dir, "-out", out, "-parts", "test"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "eval.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	seen := map[string]row{}
	for _, r := range rows {
		seen[r.Set+"/"+r.Metric] = r
		if r.Groups == 1 && (r.CILow.known() || r.GainLow.known()) {
			t.Errorf("%s %s has an interval of a single group: %v", r.Set, r.Metric, r.cells())
		}
		if !r.Model.known() && r.Met != nil {
			t.Errorf("%s %s is not known, and met is %v", r.Set, r.Metric, *r.Met)
		}
	}
	for _, name := range []string{"adfa/roc_auc", "adfa/fpr95", "oom/roc_auc"} {
		if r, ok := seen[name]; !ok || r.Model.known() {
			t.Errorf("%s of one side: %v", name, r.cells())
		}
	}
	for _, name := range []string{"adfa/flagged_at_vals_bound", "oom/kills_warned"} {
		if r, ok := seen[name]; ok {
			t.Errorf("%s without anything to set its bound by: %v", name, r.cells())
		}
	}
	if r := seen["smd_cpu/mae"]; !r.Model.known() || r.Groups != 1 {
		t.Errorf("a short series: %v", r.cells())
	}
}

func TestNothingToJudgeIsAnError(t *testing.T) {
	if err := run([]string{"-data", t.TempDir(), "-out", t.TempDir()}); err == nil {
		t.Error("an empty folder passed")
	}
	if err := run([]string{"-data", t.TempDir(), "-only", "weather"}); err == nil {
		t.Error("an unknown predictor passed")
	}
	r, err := newRemote("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if r.answer(ipc.Memory, []ipc.Request{&ipc.MemoryRequest{}}, make([]ipc.Prediction, 1)) == nil {
		t.Error("a daemon that is not there answered")
	}
	if err := run([]string{"-data", t.TempDir(), "-url", "127.0.0.1:9005"}); err == nil || !strings.Contains(err.Error(), "want http://") {
		t.Errorf("an address that is no URL: %v", err)
	}
}

// What is misspelt is said before anything is judged without it.
func TestWhatNamesNothing(t *testing.T) {
	for want, args := range map[string][]string{
		`-parts: "tset" is not train, val, test`:    {"-parts", "val,tset"},
		`-parts: " test" is not train, val, test`:   {"-parts", "val, test"},
		`-parts: "" is not train, val, test`:        {"-parts", ""},
		`-only names no predictor`:                  {"-only", ""},
		`"workload": there are flags only`:          {"workload"},
		`unknown kind " memory" (want workload, th`: {"-only", "workload, memory"},
	} {
		err := run(append([]string{"-data", t.TempDir(), "-out", t.TempDir()}, args...))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

// Whoever reads figures wants to know of all models that made them.
func TestAllModelsThatAnsweredAreNamed(t *testing.T) {
	r, err := newRemote("unix:/nobody")
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{"a@1", "", "b@1", "a@1"} {
		r.name(ipc.Workload, model)
	}
	if got := r.model(ipc.Workload); got != "a@1 and b@1" {
		t.Errorf("answers by %q", got)
	}
}

// What was not asked has answered nothing, though a model of it is loaded.
func TestOnlyWhatWasAskedIsNamed(t *testing.T) {
	var said strings.Builder
	e := &evaluation{by: newLocal("")}
	e.answered(&said, []string{"workload", "memory"})
	lines := strings.Split(said.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "workload: ") || !strings.HasPrefix(lines[1], "memory: ") {
		t.Errorf("answered %q, want workload and memory", lines)
	}
}
