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

	variables := strings.NewReplacer("$__rate_interval", "5s", "$instance", p.values(t, "mlbridge_connections"), "$mld", p.values(t, "mld_connections_open"))
	asked := 0
	for _, panel := range panels(t) {
		for _, target := range panel.Targets {
			asked++
			graph, err := p.last(30*time.Second, variables.Replace(target.Expr))
			if err != nil {
				t.Errorf("%s: %s: %v", panel.Title, target.Expr, err)
			} else if len(graph) == 0 {
				t.Errorf("%s: nothing to draw: %s", panel.Title, target.Expr)
			}
			t.Logf("%3d series  %s: %s", len(graph), panel.Title, target.Expr)
		}
	}
	if asked < 30 {
		t.Errorf("the dashboard asks only %d questions: it is not read right", asked)
	}
	p.rules(t)
	p.histograms(t, native)
	p.exemplars(t, seen)
}

type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var d struct{ Panels []panel }
	if err := json.Unmarshal([]byte(shipped(t, "dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d.Panels
}

// values is what Grafana puts in place of a variable whose values are the instances of a
// metric, where all of them are chosen: alternatives of a regular expression in a string.
func (p *prometheus) values(t *testing.T, metric string) string {
	t.Helper()
	var names []string
	if err := p.get("/api/v1/label/instance/values", url.Values{"match[]": {metric}}, &names); err != nil || len(names) != 1 {
		t.Fatalf("instances of %s: %v, %v", metric, names, err)
	}
	return "(" + strings.ReplaceAll(regexp.QuoteMeta(names[0]), `\`, `\\`) + ")"
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
