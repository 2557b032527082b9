package cmd_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// What the live page makes of documents that real processes give only after hours, or never.

// longModel is as long as a model's name may be (ipc/PROTOCOL.md), without a place to break.
var longModel = strings.Repeat("x", 50) + "@2026.11.28-ab"

// judgedApart is a bridge whose workload model is judged by what the questions tell, and
// demoted at the memory of those with a past alone; everything is as long as it may be.
func judgedApart() (httpapi.Health, status.Document) {
	v := func(f float64) *float64 { return &f }
	target := func(name, with string, demoted bool, model, rule float64) status.Target {
		return status.Target{
			Target: name, With: with, Measure: "error of " + name, Demoted: demoted, Judged: 12_345,
			Model: v(model), Rule: v(rule), RecentModel: v(model), RecentRule: v(rule),
		}
	}
	standing := func(name, with string, low, high *float64) status.Standing {
		return status.Standing{Model: longModel, Target: name, With: with, Serving: true, Low: low, High: high}
	}
	now := time.Now().UTC()
	d := status.Document{
		Host: "node-7." + strings.Repeat("rack-3.", 20) + "example", Version: "1.2.3", Started: now.Add(-50 * time.Hour), Now: now, Budget: 1e6, Window: 10e9, Every: 1e9,
		Fallbacks: map[string]uint64{"demoted": 7, "bridge unavailable": 12_345_678},
		Notices: []status.Notice{
			{At: now.Add(-time.Hour), Times: 1, Level: "error", Text: "http server", Detail: strings.Repeat("y", 300)},
			{At: now.Add(-time.Second), Times: 15, Level: "warn", Text: "model demoted", Detail: "model=" + longModel},
		},
		Samples: []status.Sample{}, Actions: []status.Action{},
	}
	for i, k := range ipc.Kinds {
		d.Kinds = append(d.Kinds, status.Kind{
			Kind: k.String(), Subsystem: "memory manager",
			Answers:  map[string]uint64{"model": 900, "cache": 99, "rule": 1},
			Recent:   map[string]uint64{"model": 0, "rule": uint64(3 * i)},
			Upstream: status.Upstream{Breaker: "closed"},
			Model:    status.Model{Name: longModel, State: "serving", Ruled: []string{}},
			Score:    status.Score{Targets: []status.Target{}, Standings: []status.Standing{}},
		})
	}
	w := &d.Kinds[0]
	w.Model.State, w.Upstream.Breaker, w.Upstream.Failing = "partly demoted", "half-open", "upstream: "+strings.Repeat("z", 80)
	w.Score.Joined = 1
	w.Score.Targets = []status.Target{
		target("cpu", "", false, 0.5, 0.25), target("cpu", "past", false, 0.25, 0.5),
		target("memory", "", false, 0.0000123, 0.0000124), target("memory", "past", true, 0.125, 0.1),
		target("gpu", "", false, 0.5, 0.5), target("gpu", "past", true, 0.3, 0.4),
	}
	w.Score.Standings = []status.Standing{
		{Model: "candidate@1", Target: "gpu", With: "past", Low: v(1), High: v(2)},                          // does not serve
		{Model: longModel, Target: "cpu", Stale: true, Demoted: true, Serving: true, Low: v(1), High: v(2)}, // says nothing of the model's own answers
		standing("cpu", "", v(-0.3), v(-0.1)), standing("cpu", "past", v(0.1), v(0.3)),
		standing("memory", "", v(-1), v(1)), standing("memory", "past", v(-0.1), v(-0.01)), standing("gpu", "past", nil, nil),
	}
	h := httpapi.Health{
		Version: "1.2.3", Live: true, Ready: true, Reasons: []string{"workload: the rule has been better than " + longModel + ": the rule serves"},
		Upstream: httpapi.Upstream{Address: "unix:/" + strings.Repeat("w", 100), State: "up", Format: "msgpack", Endpoints: []httpapi.Endpoint{
			{Address: "unix:/" + strings.Repeat("w", 100), State: "up"}, {Address: "http://127.0.0.1:9005", State: "down"},
		}},
		Drifted: map[ipc.Kind][]string{ipc.Memory: {"page_step", "locality_score"}},
	}
	return h, d
}

func TestLivePageJudgesApart(t *testing.T) {
	findBrowser(t)
	health, doc := judgedApart()
	var mu sync.Mutex // guards doc
	s := httptest.NewServer(httpapi.New(httpapi.Config{
		Predictor: struct{ ipc.Predictor }{}, // nobody asks it
		Health:    func() httpapi.Health { return health },
		Status: func(int64) status.Document {
			mu.Lock()
			defer mu.Unlock()
			doc.Now = doc.Now.Add(time.Second)
			return doc
		},
	}))
	defer s.Close()
	site := strings.TrimPrefix(s.URL, "http://")
	b := openBrowser(t, site)
	b.do(chromedp.Navigate(s.URL))
	b.until(`document.documentElement.dataset.live === "on"`)

	// Through a tunnel all nodes are at localhost.
	if got := eval[string](b, "document.title"); got != "ml-bridge: degraded, "+doc.Host {
		t.Errorf("the title is %q", got)
	}

	// Each way of asking has its row, and who is better is said where chance does not explain it.
	rows := eval[[]string](b, `[...document.querySelectorAll(".workload tbody tr")].map((e) => e.innerText.replace(/\s+/g, " "))`)
	want := []string{
		"cpu asked without a past, 12.3 k judged 0.500 0.250 rule 50 % better",
		"cpu asked with a past, 12.3 k judged 0.250 0.500 model 50 % better",
		"memory asked without a past, 12.3 k judged 1.2e-5 1.2e-5 unclear",
		"memory asked with a past, 12.3 k judged 0.125 0.100 rule 20 % better the rule serves",
		"gpu asked with a past, 12.3 k judged 0.300 0.400 too few to say the rule serves, until the model is clearly better",
	}
	if strings.Join(rows, "\n") != strings.Join(want, "\n") {
		t.Errorf("the workload's card says\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	for selector, want := range map[string][]string{
		"#t-duels":                  {"at 1 of 5"},
		"#t-duels-sub":              {"2 worse, 2 unclear, the rule serves at 2"},
		".workload":                 {"since the start: model 90 %, cache 9.9 %, rule 0.1 %", "partly demoted", "breaker half-open", "model and rule alike: gpu asked without a past", "better than what it said earlier, and serves: cpu"},
		".memory":                   {"last 10 s: rule 100 %", "inputs drifted: page_step, locality_score"},
		"#errors li:first-child":    {"15 times, last "},
		"#errors li:nth-child(2)":   {"1 h ago"},
		"#facts dd:nth-of-type(4)":  {"http://127.0.0.1:9005 down"},
		"#t-budget-sub, #c-latency": {"no answers in the last minute"},
	} {
		for _, want := range want {
			if got := strings.ReplaceAll(b.text(selector), "\u00a0", " "); !strings.Contains(got, want) {
				t.Errorf("%s says %q, want %q", selector, got, want)
			}
		}
	}
	if text := b.text(".memory"); strings.Contains(text, "breaker") {
		t.Errorf("a breaker that is closed is told:\n%s", text)
	}
	b.everywhere()
	for _, width := range []int64{640, 768, 1920} { // 640 is a desk's 1280 at 200 %
		b.look(width, 450, "light")
		b.fits(fmt.Sprint(width, " px"))
		b.picture(fmt.Sprint("apart-", width))
	}

	mu.Lock()
	doc.Kinds[0].Model.State = "off"
	mu.Unlock()
	b.until(`document.getElementById("t-duels-sub").innerText.endsWith("the models are off")`)

	// What somebody selects to copy stays selected while the numbers go on.
	b.do(chromedp.Evaluate(`getSelection().selectAllChildren(document.querySelector(".workload .mono"))`, nil))
	mu.Lock()
	doc.Kinds[0].Score.Targets = doc.Kinds[0].Score.Targets[:1]
	doc.Kinds[0].Score.Targets[0].Judged = 77
	mu.Unlock()
	b.until(`document.querySelector(".workload").innerText.includes("77 judged")`)
	if got := eval[string](b, `getSelection().toString()`); got != longModel {
		t.Errorf("selected is %q, want the model's name", got)
	}
	if n := eval[int](b, `document.querySelectorAll(".workload tbody tr").length`); n != 1 {
		t.Errorf("%d rows, want 1: the others are gone", n)
	}
	b.quiet()
}
