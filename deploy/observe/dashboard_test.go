package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/consumer/consumertest"
)

// Every panel of the dashboard has something to draw when kernelsim drives the two daemons,
// every rule can be evaluated, and an exemplar's trace is one that the collector has: with a
// Prometheus that takes classic histograms and with one that takes native ones, which then
// has no series of their buckets and counts.
func TestPanelsHaveData(t *testing.T) {
	for _, c := range []struct{ histograms, features string }{
		{"classic", "exemplar-storage"}, {"native", "exemplar-storage,native-histograms"},
	} {
		t.Run(c.histograms, func(t *testing.T) { panelsHaveData(t, c.features, c.histograms == "native") })
	}
}

func panelsHaveData(t *testing.T, features string, native bool) {
	collector, seen := collect(t)
	socket := filepath.Join(t.TempDir(), "bridge.sock")
	mld, _ := start(t, "mld", "--listen=127.0.0.1:0", "--trace="+collector)
	bridge, _ := start(t, "ml-bridge", "--socket="+socket, "--http=127.0.0.1:0", "--upstream=http://"+mld.Listen[0], "--trace="+collector, "--trace-share=0.05")
	p := scrape(t, features, bridge.HTTP, mld.Listen[0])
	// Whether its answers came in time is nothing that this test asks: 1 and 3 are verdicts.
	out, err := exec.Command(filepath.Join(bin, "kernelsim"), "run", "--socket="+socket, "--rate=200", "--duration=10s", "--quiet", "--no-color").CombinedOutput()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() == 2) {
		t.Fatalf("kernelsim: %v\n%s", err, out)
	}

	d := readDashboard(t)
	variables := p.variables(t, d)
	asked := 0
	var flat []string
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			asked++
			graph, err := p.last(30*time.Second, variables.Replace(target.Expr))
			if err != nil {
				t.Errorf("%s: %s: %v", panel.Title, target.Expr, err)
			} else if len(graph) == 0 {
				t.Errorf("%s: nothing to draw: %s", panel.Title, target.Expr)
			}
			checkLegend(t, panel.Title, target, graph)
			if most(graph) == 0 {
				flat = append(flat, panel.Title+" "+target.RefID)
			}
			t.Logf("%3d series  %s: %s", len(graph), panel.Title, target.Expr)
		}
	}
	t.Logf("nothing but zero, as it should be while all is well: %s", strings.Join(flat, ", "))
	if asked < 30 {
		t.Errorf("the dashboard asks only %d questions: it is not read right", asked)
	}
	p.rules(t)
	p.histograms(t, native)
	p.exemplars(t, seen)
}

// dashboard is what is shipped, as far as it asks for something.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []target
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any // a text for the kind of a data source, else an object with one
		}
	}
}

type target struct{ RefID, Expr, LegendFormat string }

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(shipped(t, "dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// query gives the question of the panel with that title and reference.
func (d *dashboard) query(t *testing.T, title, ref string) string {
	t.Helper()
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			if p.Title == title && q.RefID == ref {
				return q.Expr
			}
		}
	}
	t.Fatalf("no panel %q asks a question %s", title, ref)
	return ""
}

var (
	labelValues = regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`)
	legendLabel = regexp.MustCompile(`{{\s*(\w+)\s*}}`)
)

// variables puts in place of the dashboard's variables what Grafana's Prometheus source
// does: the values that the variable's own question gives, where all of them are chosen, as
// alternatives of a regular expression in a string; and for $__rate_interval the longer of
// four scrapes and one scrape with one step of the graph, here a second each.
func (p *prometheus) variables(t *testing.T, d dashboard) *strings.Replacer {
	t.Helper()
	swap := []string{"$__rate_interval", "4s"}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		question, _ := v.Query.(map[string]any)["query"].(string)
		m := labelValues.FindStringSubmatch(question)
		if m == nil {
			t.Fatalf("variable %s asks %q", v.Name, question)
		}
		var values []string
		if err := p.get("/api/v1/label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &values); err != nil || len(values) != 1 {
			t.Fatalf("variable %s: %v, %v; want one value", v.Name, values, err)
		}
		swap = append(swap, "$"+v.Name, "("+strings.ReplaceAll(regexp.QuoteMeta(values[0]), `\`, `\\`)+")")
	}
	if len(swap) != 6 {
		t.Errorf("variables %q: the dashboard is not read right", swap)
	}
	return strings.NewReplacer(swap...)
}

// checkLegend looks for the labels that the legend names: Grafana leaves out what is not
// there, and several lines would have one name.
func checkLegend(t *testing.T, title string, q target, graph []series) {
	t.Helper()
	names := make(map[string]bool)
	for _, s := range graph {
		for _, m := range legendLabel.FindAllStringSubmatch(q.LegendFormat, -1) {
			if s.Metric[m[1]] == "" {
				t.Errorf("%s %s: the legend %q names a label that %v has not", title, q.RefID, q.LegendFormat, s.Metric)
			}
		}
		name := legendLabel.ReplaceAllStringFunc(q.LegendFormat, func(l string) string {
			return s.Metric[legendLabel.FindStringSubmatch(l)[1]]
		})
		if names[name] {
			t.Errorf("%s %s: two lines are called %q", title, q.RefID, name)
		}
		names[name] = true
	}
}

// rules looks at the rules and alerts: all are evaluated, and the SLO's has a value.
func (p *prometheus) rules(t *testing.T) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Type, Health, State, LastError string }
		}
	}
	if err := p.get("/api/v1/rules", nil, &data); err != nil {
		t.Fatal(err)
	}
	rules := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			rules++
			if r.Health != "ok" {
				t.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if rules < 10 {
		t.Errorf("%d rules are loaded", rules)
	}
	if late, err := p.query("mlbridge:late:ratio_rate5m"); err != nil || len(late) != 1 {
		t.Errorf("what the alerts about late answers look at: %v, %v", late, err)
	}
	t.Logf("%d rules are evaluated", rules)
}

// histograms makes sure that they are of the kind that this Prometheus is to take.
func (p *prometheus) histograms(t *testing.T, native bool) {
	t.Helper()
	for _, metric := range []string{"mlbridge_call_duration_seconds", "mld_call_duration_seconds"} {
		graph, err := p.last(30*time.Second, "histogram_quantile(0.99, sum(rate("+metric+"[5s])))")
		if err != nil || (len(graph) == 1) != native {
			t.Errorf("%s as a native histogram: %v, %v; want native %v", metric, graph, err, native)
		}
	}
}

// exemplars looks for a traced call behind a latency.
func (p *prometheus) exemplars(t *testing.T, seen *consumertest.TracesSink) {
	t.Helper()
	eventually(t, "an exemplar's trace is in the collector", func() error {
		var found []struct {
			Exemplars []struct{ Labels map[string]string }
		}
		now := time.Now()
		err := p.get("/api/v1/query_exemplars", url.Values{
			"query": {`{__name__=~"mlbridge_call_duration_seconds(_bucket)?"}`}, "start": {now.Add(-time.Minute).Format(time.RFC3339)}, "end": {now.Format(time.RFC3339)},
		}, &found)
		if err != nil {
			return err
		}
		traces := make(map[string]bool)
		for at := range byParent(seen) {
			traces[at.trace] = true
		}
		for _, s := range found {
			for _, e := range s.Exemplars {
				if traces[e.Labels["trace_id"]] {
					t.Logf("trace %s is an exemplar of a latency", e.Labels["trace_id"])
					return nil
				}
			}
		}
		return fmt.Errorf("none of %d series with exemplars has one", len(found))
	})
}
