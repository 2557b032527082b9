package mlbridge_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mlbridge/mlbridge"

// rule says what the packages under a folder may use of this module, and what of
// the outside they must not.
type rule struct {
	folder string
	may    []string // prefixes of this module's packages; its own folder is always allowed
	never  []string // import paths that are out of bounds
	why    string
}

// The longest folder that holds a package gives its rule. Dependencies point one
// way: commands → bridge, daemon, kernelsim → ipc.
var rules = []rule{
	{"ipc", []string{"ipc/eventloop", "ipc/busypoll", "ipc/rawio", "ipc/excerpt", "ipc/freelist"}, []string{"net/http", "github.com/rs/zerolog", "github.com/valyala/fasthttp"}, "the wire knows neither HTTP nor logging"},
	{"ipc/eventloop", []string{"ipc/busypoll", "ipc/rawio"}, []string{"net/http", "github.com/rs/zerolog"}, "the loop knows nobody"},
	{"ipc/busypoll", nil, []string{"os", "net", "net/http"}, "when to look again is arithmetic"},
	{"ipc/excerpt", nil, []string{"os", "net", "net/http"}, "cutting text is arithmetic"},
	{"ipc/freelist", nil, []string{"os", "net", "net/http", "sync"}, "a stack of records, of one goroutine"},
	{"ipc/timeslice", nil, []string{"net", "net/http", "github.com/rs/zerolog"}, "a system call and its reasons"},
	{"ipc/rawio", nil, []string{"net/http", "github.com/rs/zerolog"}, "raw reads and writes know nobody"},
	{"ipc/rules", []string{"ipc"}, []string{"os", "net", "net/http", "math/rand", "math/rand/v2"}, "rules are pure: no I/O, no clock, no chance"},
	{"ipc/ladder", []string{"ipc"}, []string{"os", "net", "net/http"}, "the ladder is pure"},
	{"ipc/freshness", []string{"ipc"}, []string{"os", "net", "net/http"}, "the policy is arithmetic"},
	{"ipc/cachekey", []string{"ipc"}, []string{"os", "net", "net/http", "time"}, "keys are pure"},
	{"ipc/ipctest", []string{"ipc"}, []string{"net/http"}, "test kits speak the wire"},
	{"ipc/record", []string{"ipc", "ipc/rules"}, []string{"net", "net/http", "github.com/rs/zerolog"}, "recordings are files"},
	{"ipc/mlclient", []string{"ipc", "ipc/rules", "ipc/ladder", "ipc/cachekey", "ipc/freshness"}, []string{"net/http", "github.com/rs/zerolog"}, "the kernel's side links no HTTP"},
	{"bridge", []string{"ipc", "ipc/eventloop", "ipc/rawio", "ipc/excerpt", "ipc/freelist", "ipc/rules", "ipc/ladder", "ipc/cachekey", "ipc/freshness", "daemon/api"}, []string{"github.com/rs/zerolog"}, "the bridge talks to the daemon over the network"},
	{"daemon", []string{"ipc", "ipc/eventloop", "ipc/rawio", "ipc/excerpt", "ipc/rules", "ipc/mlclient/syscalls", "ipc/mlclient/pages", "ipc/mlclient/loads"}, []string{"github.com/rs/zerolog"}, "the daemon does not know the bridge"},
	{"daemon/api", []string{"ipc", "ipc/excerpt"}, []string{"net/http/httptest", "github.com/valyala/fasthttp", "github.com/rs/zerolog"}, "the contract knows neither side"},
	{"daemon/api/apitest", nil, nil, "a test kit holds APIs against documents"},
	{"daemon/engine", []string{"ipc/excerpt"}, []string{"net/http", "os", "github.com/rs/zerolog"}, "the engine knows only model files"},
	{"kernelsim", []string{"ipc", "ipc/rules", "ipc/ladder", "ipc/mlclient", "ipc/record", "testdata/traces"}, nil, "kernelsim measures through the socket or not at all"},
	{"cmd", []string{"ipc", "bridge", "daemon", "kernelsim", "testdata/traces"}, nil, "commands wire everything"},
	{"deploy", []string{"ipc"}, []string{"net/http"}, "what tries a package is a client like others"},
	{"testdata", nil, nil, "recordings"},
	{"docs", []string{"ipc", "ipc/mlclient"}, []string{"net/http"}, "recipes are what a user writes: the client and nothing else"},
}

func ruleFor(folder string) *rule {
	var best *rule
	for i := range rules {
		r := &rules[i]
		if (folder == r.folder || strings.HasPrefix(folder, r.folder+"/")) && (best == nil || len(r.folder) > len(best.folder)) {
			best = r
		}
	}
	return best
}

// allows reports whether a package under r may import the module's package in folder.
func (r *rule) allows(folder string) bool {
	if folder == r.folder || strings.HasPrefix(folder, r.folder+"/") {
		return true
	}
	for _, p := range r.may {
		// A bare "ipc" is the wire package alone; other names include what is below.
		if folder == p || (p != "ipc" && strings.HasPrefix(folder, p+"/")) || (r.folder == "cmd" && strings.HasPrefix(folder, p+"/")) {
			return true
		}
	}
	return false
}

// TestImportsPointOneWay parses the files itself: a test that shells out to the go
// command is cached and stays green after a violation.
func TestImportsPointOneWay(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "out" || name == "bench") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		folder := path.Dir(filepath.ToSlash(name))
		if folder == "." {
			return nil
		}
		files++
		r := ruleFor(folder)
		if r == nil {
			t.Errorf("%s: no rule says what %s may import; add one to layout_test.go", name, folder)
			return nil
		}
		checkImports(t, name, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were checked: is the test in the module's root?", files)
	}
}

func checkImports(t *testing.T, name string, r *rule) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(r.never, imported) {
			t.Errorf("%s imports %s: %s", name, imported, r.why)
		}
		folder, own := strings.CutPrefix(imported, module+"/")
		if own && !r.allows(folder) {
			t.Errorf("%s imports %s: %s", name, folder, r.why)
		}
	}
}

// TestRulesAreChecked makes sure that the check above can fail.
func TestRulesAreChecked(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"ipc", "bridge", false},
		{"ipc", "ipc/eventloop", true},
		{"ipc/rules", "ipc", true},
		{"ipc/rules", "ipc/mlclient", false},
		{"ipc/mlclient", "bridge", false},
		{"bridge", "daemon", false},
		{"bridge", "daemon/api", true},
		{"bridge/httpapi", "bridge/translate", true},
		{"daemon", "bridge", false},
		{"daemon/api", "daemon", false},
		{"kernelsim", "bridge", false},
		{"kernelsim", "daemon/api", false},
		{"cmd/ml-bridge", "daemon/registry", true},
	} {
		if got := ruleFor(c.from).allows(c.to); got != c.ok {
			t.Errorf("may %s import %s? %v, want %v", c.from, c.to, got, c.ok)
		}
	}
}
