package cmd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shown is a command of docs/http.md and the answer that the page shows for it.
type shown struct {
	port, path, body string
	headers          http.Header
	answer           string
}

var (
	shownPattern  = regexp.MustCompile("(?s)\ncurl -s '?127\\.0\\.0\\.1:(\\d+)([^ ']*)'? ((?:[^\n]|\\\\\n)*?)-d '\n([^']*?)'\n```\n\n```json\n(.*?)```")
	headerPattern = regexp.MustCompile(`-H '([^:']*): ([^']*)'`)
)

// answersShown gives every answer of docs/http.md with the command before it.
func answersShown(t *testing.T) []shown {
	t.Helper()
	text, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []shown
	for _, m := range shownPattern.FindAllStringSubmatch(string(text), -1) {
		s := shown{port: m[1], path: m[2], body: m[4], answer: m[5], headers: http.Header{}}
		for _, h := range headerPattern.FindAllStringSubmatch(m[3], -1) {
			s.headers.Set(h[1], h[2])
		}
		list = append(list, s)
	}
	if n := strings.Count(string(text), "\n```json\n"); n != len(list) || n == 0 {
		t.Fatalf("docs/http.md shows %d answers, %d can be read with the command before", n, len(list))
	}
	return list
}

// The answers of docs/http.md are those that mld and the bridge in front of it give: text and
// members exactly, numbers to six digits. Another model that ships changes them.
func TestDocumentedAnswers(t *testing.T) {
	_, address := startMld(t, "127.0.0.1:0")
	b := startBridge(t, "http://"+address, "--upstream-timeout", startup.String())
	base := map[string]string{"9005": "http://" + address, "9006": "http://" + b.at.HTTP}
	for _, s := range answersShown(t) {
		// An ellipsis stands for the members that the page leaves out.
		var want any
		if err := json.Unmarshal([]byte(strings.ReplaceAll(s.answer, ", …", `,"…":null`)), &want); err != nil {
			t.Errorf("%s: the page shows no JSON: %v\n%s", s.path, err, s.answer)
			continue
		}
		got := askModel(t, base[s.port]+s.path, s.body, s.headers)
		for _, d := range differences("", want, got) {
			t.Errorf("%s%s: %s", s.port, s.path, d)
		}
	}
}

// TestDocumentedOutcome: the script of docs/http.md that asks, and reports under the id it got,
// is accepted and scored.
func TestDocumentedOutcome(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	text, err := os.ReadFile("../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	scripts := regexp.MustCompile("(?s)\n```sh\n(post\\(\\).*?)```").FindAllSubmatch(text, -1)
	if len(scripts) != 1 {
		t.Fatalf("docs/http.md has %d scripts that define post, want one", len(scripts))
	}
	b := startBridge(t, "http://127.0.0.1:1")
	script := strings.ReplaceAll(string(scripts[0][1]), "127.0.0.1:9006", b.at.HTTP)
	out, err := exec.CommandContext(t.Context(), "sh", "-euc", script).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"accepted":1`) || !strings.Contains(string(out), "\nmlbridge_outcomes_unknown_total{") {
		t.Fatalf("%v: %s", err, out)
	}
	for deadline := time.Now().Add(startup); ; time.Sleep(time.Millisecond) {
		if _, page := get(t, "http://"+b.at.HTTP+"/metrics"); strings.Contains(page, `mlbridge_outcomes_total{kind="workload"} 1`) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the outcome was accepted and not scored: %s", out)
		}
	}
}

// askModel asks until only models have answered: on a machine that does ten other things the
// rule may be sooner. An answer of the model's that came to be cached behind an earlier ask is
// the model's.
func askModel(t *testing.T, url, body string, headers http.Header) any {
	t.Helper()
	for deadline := time.Now().Add(startup); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = headers
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answer := strings.ReplaceAll(string(text), `"source":"cache"`, `"source":"model"`)
		if !strings.Contains(answer, `"source":"rule"`) && !strings.Contains(answer, `"source":"stale"`) {
			var v any
			if err := json.Unmarshal([]byte(answer), &v); err != nil {
				t.Fatalf("%s: %v: %s", url, err, text)
			}
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: no model answered within %v: %s", url, startup, text)
		}
	}
}

// everyTime are the members that differ each time.
var everyTime = []string{"prediction_id", "age_ns", "latency_ms"}

// differences says where an answer is not what was shown.
func differences(at string, want, got any) []string {
	var list []string
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		_, more := w["…"]
		for name := range g {
			if _, ok := w[name]; !ok && !more {
				list = append(list, fmt.Sprintf("%s.%s is not shown", at, name))
			}
		}
		for name, v := range w {
			switch x, ok := g[name]; {
			case name == "…":
			case !ok:
				list = append(list, fmt.Sprintf("%s.%s is not answered", at, name))
			case !slices.Contains(everyTime, name):
				list = append(list, differences(at+"."+name, v, x)...)
			}
		}
		return list
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			break
		}
		for i := range w {
			list = append(list, differences(fmt.Sprintf("%s[%d]", at, i), w[i], g[i])...)
		}
		return list
	case float64:
		if g, ok := got.(float64); ok && math.Abs(w-g) <= 1e-6*math.Abs(w) {
			return nil
		}
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s is %v, shown is %v", at, got, want)}
}
