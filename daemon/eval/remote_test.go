package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// without has the embedded models but for one kind's.
type without struct {
	models registry.Look
	kind   ipc.Kind
}

func (w without) Look() registry.Look { return w }

func (without) Problem(ipc.Kind) error { return nil }

func (without) Candidate(ipc.Kind) (*registry.Candidate, error) { return nil, nil }

func (w without) Load(k ipc.Kind) (registry.Predictor, string, error) {
	if k == w.kind {
		return nil, "", registry.ErrNone
	}
	return w.models.Load(k)
}

// broken is an mld that fails at questions of one kind.
func broken(t *testing.T, kind ipc.Kind) string {
	to, err := url.Parse(mld(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, kind.String()) {
			http.Error(w, `{"success":false,"error":"out of order"}`, http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestWhatALiveDaemonLacks: the kinds that are there are judged, and the end says of the
// others what there is to say.
func TestWhatALiveDaemonLacks(t *testing.T) {
	dir := data(t)
	writeSet(t, dir, "threat/adfa_test", "1,0,0,"+strings.Repeat("3 4 5 6 ", 75)+"\n2,1,0,"+strings.Repeat("3 4 11 6 ", 75)+"\n")
	some := serve(t, without{registry.Embedded().Look(), ipc.Threat})
	all := "threat,workload,failure,memory"
	for _, c := range []struct {
		what, url, only string
		want            string // the error; "" for none
		rows            string // the predictors that have some
	}{
		{"all that there is", some, "", "", "workload"},
		{"by name", some, "threat,workload", "nothing answers threat", "workload"},
		{"nothing else", some, "threat", "nothing answers threat", ""},
		{"one that fails", broken(t, ipc.Threat), all, "threat: http://127.0.0.1", "workload"},
		{"one that fails, not by name", broken(t, ipc.Workload), "", "500 Internal Server Error: out of order", "threat"},
		{"no such paths", some + "/elsewhere", "", "nothing answers workload or threat or failure or memory", ""},
		{"nobody", "http://127.0.0.1:1", "", "connection refused", ""},
		{"no socket", "unix:" + dir + "/none", "", "no such file", ""},
		{"all kinds", mld(t), all, "", "threat workload"},
	} {
		out := t.TempDir()
		args := []string{"-data", dir, "-parts", "test", "-out", out, "-url", c.url}
		if c.only != "" {
			args = append(args, "-only", c.only)
		}
		err := run(args)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if got := predictors(t, filepath.Join(out, "eval.json")); got != c.rows {
			t.Errorf("%s: rows of %q, want %q", c.what, got, c.rows)
		}
	}
}

// predictors gives those that a file has rows of, in its order.
func predictors(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	var rows []row
	if err == nil {
		err = json.Unmarshal(text, &rows)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range rows {
		if len(names) == 0 || names[len(names)-1] != r.Predictor {
			names = append(names, r.Predictor)
		}
	}
	return strings.Join(names, " ")
}
