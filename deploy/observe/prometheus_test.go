package observe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// prometheus is one that scrapes two daemons.
type prometheus struct {
	url string
}

// scrape runs a Prometheus with the settings that are shipped, but that the daemons are
// elsewhere and are looked at once a second. $PROMETHEUS names the program.
func scrape(t *testing.T, features, bridge, mld string) *prometheus {
	t.Helper()
	name := os.Getenv("PROMETHEUS")
	if name == "" {
		name = "prometheus"
	}
	program, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: apt-get install prometheus, or name one with PROMETHEUS=path", err)
	}
	dir := t.TempDir()
	settings := shipped(t, "prometheus.yaml")
	for old, now := range map[string]string{
		"127.0.0.1:9006": bridge, "127.0.0.1:9005": mld, "scrape_interval: 15s": "scrape_interval: 1s\n  evaluation_interval: 1s",
	} {
		if !strings.Contains(settings, old) {
			t.Fatalf("prometheus.yaml has no %q", old)
		}
		settings = strings.Replace(settings, old, now, 1)
	}
	for file, text := range map[string]string{"prometheus.yaml": settings, "alerts.yaml": shipped(t, "alerts.yaml")} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := free(t)
	cmd := exec.Command(program, "--config.file="+filepath.Join(dir, "prometheus.yaml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--enable-feature="+features)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
		log.Close()
		if said, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("prometheus said:\n%s", said)
		}
	})
	p := &prometheus{url: "http://" + address}
	eventually(t, "both daemons are scraped", func() error {
		up, err := p.query(`count(up == 1)`)
		if err == nil && (len(up) != 1 || up[0].latest() != "2") {
			err = fmt.Errorf("%v are up", up)
		}
		return err
	})
	return p
}

func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../monitoring/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// free gives an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func eventually(t *testing.T, what string, is func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = is(); err == nil {
			return
		}
	}
	t.Fatalf("not within %v: %s: %v", patience, what, err)
}

// get asks the API, and reads the part of the answer that is called data.
func (p *prometheus) get(path string, with url.Values, data any) error {
	resp, err := http.Get(p.url + path + "?" + with.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Warnings      []string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", resp.Status, err)
	}
	if answer.Status != "success" || len(answer.Warnings) > 0 {
		return errors.New(answer.Error + strings.Join(answer.Warnings, "; "))
	}
	return nil
}

// series is a line of a graph.
type series struct {
	Metric map[string]string
	Value  []any   // of an instant
	Values [][]any // of a range
}

// latest is the last value, "" for none.
func (s *series) latest() string {
	v := s.Value
	if n := len(s.Values); n > 0 {
		v = s.Values[n-1]
	}
	if len(v) != 2 {
		return ""
	}
	text, _ := v[1].(string)
	return text
}

// most is the largest value of any line, 0 without any.
func most(graph []series) (v float64) {
	for _, s := range graph {
		for _, point := range s.Values {
			text, _ := point[1].(string)
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				v = max(v, f)
			}
		}
	}
	return v
}

// least is the smallest value of any line, 1 without any.
func least(graph []series) float64 {
	v := 1.0
	for _, s := range graph {
		for _, point := range s.Values {
			text, _ := point[1].(string)
			if f, err := strconv.ParseFloat(text, 64); err == nil {
				v = min(v, f)
			}
		}
	}
	return v
}

func (p *prometheus) query(expr string) ([]series, error) {
	var data struct{ Result []series }
	err := p.get("/api/v1/query", url.Values{"query": {expr}}, &data)
	return data.Result, err
}

// last is the graph of the last d.
func (p *prometheus) last(d time.Duration, expr string) ([]series, error) {
	var data struct{ Result []series }
	now := time.Now()
	err := p.get("/api/v1/query_range", url.Values{
		"query": {expr}, "step": {"1"}, "start": {fmt.Sprint(now.Add(-d).Unix())}, "end": {fmt.Sprint(now.Unix())},
	}, &data)
	return data.Result, err
}
