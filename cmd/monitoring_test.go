package cmd_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// what is watched in deploy/monitoring.
const monitoring = "../deploy/monitoring/"

// seldom are metrics that only appear once something has happened, which is not made
// to happen here: models that were judged.
var seldom = map[string]bool{
	"mlbridge_prediction_error": true, "mlbridge_model_demoted": true,
}

var metricName = regexp.MustCompile(`\b(?:mlbridge|mld|process|go)_[a-z0-9_]+\b`)

// Every metric that an alert or a panel speaks of is one that the real processes have,
// so that a metric that is renamed is not watched in vain.
func TestWhatIsWatchedExists(t *testing.T) {
	chain := startChain(t)
	until(t, dial(t, chain.socket), fresh(1)[0], 1)
	exists := make(map[string]bool)
	for _, address := range []string{chain.bridge.at.HTTP, chain.mld.at.Listen[0]} {
		for name, f := range scrape(t, "http://"+address+"/metrics") {
			exists[name] = true
			if f.GetType() == dto.MetricType_HISTOGRAM {
				exists[name+"_bucket"], exists[name+"_count"], exists[name+"_sum"] = true, true, true
			}
			if strings.HasSuffix(name, "_call_duration_seconds") {
				for _, m := range f.Metric {
					if h := m.GetHistogram(); h.GetSchema() != 3 || (len(h.GetPositiveSpan()) == 0 && h.GetZeroThreshold() == 0) || len(h.GetBucket()) == 0 {
						t.Errorf("%s %v is not both a native and a classic histogram: %v", name, m.Label, h)
					}
				}
			}
		}
	}
	for _, file := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
		text, err := os.ReadFile(monitoring + file)
		if err != nil {
			t.Fatal(err)
		}
		names := metricName.FindAllString(string(text), -1)
		if len(names) < 10 {
			t.Errorf("%s speaks of %d metrics: it is not read right", file, len(names))
		}
		for _, name := range names {
			if !exists[name] && !seldom[name] {
				t.Errorf("%s speaks of %s, which neither process has", file, name)
			}
		}
	}
}

// scrape reads /metrics as Prometheus does, over protobuf: native histograms and all.
func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", string(expfmt.NewFormat(expfmt.TypeProtoDelim)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	families := make(map[string]*dto.MetricFamily)
	decoder := expfmt.NewDecoder(resp.Body, expfmt.ResponseFormat(resp.Header))
	for {
		f := new(dto.MetricFamily)
		if err := decoder.Decode(f); err == io.EOF {
			return families
		} else if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		families[f.GetName()] = f
	}
}

// dashboard is what is looked at of Grafana's dashboard JSON.
type dashboard struct {
	UID, Title    string
	SchemaVersion int
	Panels        []struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Datasource  struct{ Type, UID string }
		Targets     []struct{ RefID, Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Type string }
	}
}

// The dashboard has what Grafana needs to load it: panels with numbers of their own that
// do not lie on each other, queries for the chosen data source, and every variable that
// they use.
func TestDashboardLoads(t *testing.T) {
	text, err := os.ReadFile(monitoring + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 || len(d.Panels) < 15 {
		t.Errorf("uid %q, title %q, schema %d, %d panels", d.UID, d.Title, d.SchemaVersion, len(d.Panels))
	}
	variables := map[string]bool{"__rate_interval": true, "__all": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
	}
	for _, m := range regexp.MustCompile(`\$\{?([a-z_]+)`).FindAllStringSubmatch(string(text), -1) {
		if !variables[m[1]] {
			t.Errorf("variable %s is used and not declared", m[1])
		}
	}
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d %q: no number or title of its own", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q at column %d, row %d: lies on %q, or outside", p.Title, x, y, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource.Type != "prometheus" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %q: data source %+v, %d queries", p.Title, p.Datasource, len(p.Targets))
		}
		for _, q := range p.Targets {
			if q.RefID == "" || strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") {
				t.Errorf("panel %q: query %q %q", p.Title, q.RefID, q.Expr)
			}
		}
	}
}

// Every alert has a severity, a summary, and a section of the handbook; the tests of
// the rules, which promtool runs (make monitoring), know alerts that exist.
func TestAlertsLeadToTheHandbook(t *testing.T) {
	rules, err := os.ReadFile(monitoring + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	handbook, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	anchors := make(map[string]bool)
	for line := range bytes.Lines(handbook) {
		if title, ok := bytes.CutPrefix(line, []byte("#")); ok {
			anchors[anchor(strings.TrimLeft(string(title), "# "))] = true
		}
	}
	alerts := strings.Split(string(rules), "- alert: ")[1:]
	if len(alerts) < 15 {
		t.Fatalf("%d alerts: the file is not read right", len(alerts))
	}
	names := make(map[string]bool)
	for _, a := range alerts {
		name, _, _ := strings.Cut(a, "\n")
		names[name] = true
		if !regexp.MustCompile(`severity: (page|ticket)`).MatchString(a) || !strings.Contains(a, "summary: ") {
			t.Errorf("%s has no severity or no summary", name)
		}
		link := regexp.MustCompile(`runbook: docs/operations\.md#(\S+)`).FindStringSubmatch(a)
		if link == nil || !anchors[link[1]] {
			t.Errorf("%s leads to %v, which is no section of docs/operations.md", name, link)
		}
	}
	tests, err := os.ReadFile(monitoring + "alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`alertname: (\w+)`).FindAllStringSubmatch(string(tests), -1) {
		if !names[m[1]] {
			t.Errorf("alerts_test.yaml tests %s, which there is not", m[1])
		}
	}
}

// anchor is how GitHub names a heading in links.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(title))
}
