package config_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// settings stands for a daemon's.
type settings struct {
	Socket          string        `help:"Where to answer."`
	UpstreamTimeout time.Duration `default:"1s" live:""`
	MaxConns        int           `default:"12000"`
	AllowHost       []string
	Quiet           bool
	LogFormat       string `enum:"auto,json,console" default:"auto"`
}

func model(t *testing.T) *kong.Kong {
	t.Helper()
	k, err := kong.New(&settings{}, kong.DefaultEnvars("T"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// check gives what is wrong with a text, line by line.
func check(t *testing.T, text string) []string {
	t.Helper()
	f, err := config.Parse("f", []byte(text))
	var out []string
	for _, err := range []error{err, f.Check(config.Settings(model(t).Model))} {
		if err != nil {
			out = append(out, strings.Split(err.Error(), "\n")...)
		}
	}
	return out
}

func TestWhatIsWrongIsSaidWithItsLine(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sokcet = 'x'", `f:1: unknown key "sokcet": did you mean "socket"?`},
		{"\n\nUpstreamTimeout = '1s'", `f:3: unknown key "UpstreamTimeout": did you mean "upstream-timeout"?`},
		{"max_conns = 3", `f:1: unknown key "max_conns": did you mean "max-conns"?`},
		{"colour = 'red'", `f:1: unknown key "colour"`},
		{"help = true", `f:1: unknown key "help"`},
		{"a.b = 1", `f:1: unknown key "a.b"`},
		{"socket = 'x'\nsocket = 'y'", "f:2: socket is set on line 1 already"},
		{"[socket]", "f:1: there are no tables here, only keys: remove [socket]"},
		{"[[socket]]", "f:1: there are no tables here, only keys: remove [socket]"},
		{"upstream-timeout = 'fast'", "f:1: upstream-timeout: expected duration but got \"fast\""},
		{"max-conns = 'many'", "f:1: max-conns: expected a valid 64 bit int but got \"many\""},
		{"max-conns = [1]", "f:1: max-conns: a list is of strings"},
		{"socket = ['a']", "f:1: socket: takes one value, not a list"},
		{"socket = {a = 1}", "f:1: socket: want a string, a number, true, false, or a list of strings"},
		{"log-format = 'xml'", "f:1: log-format: must be one of auto, json, console, not \"xml\""},
		{"socket", "f:1: "},
		{"quiet = true\nsocket = 'x", "f:2: "},
	} {
		got := check(t, c.text)
		if len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := check(t, "sokcet = 1\n[x]\nmax-conns = 'a'"); len(got) != 3 {
		t.Errorf("three mistakes: %q, want each", got)
	}
}

func TestEveryPrefixOfAFile(t *testing.T) {
	text := "# comment\nsocket = \"/run/x\"\nupstream-timeout = '250ms'\nmax-conns = 5\nallow-host = [\"a\", \"b\"]\nquiet = true\n"
	if got := check(t, text); len(got) != 0 {
		t.Fatalf("good file: %q", got)
	}
	for n := range text {
		check(t, text[:n]) // must not panic
	}
}

// The flag wins over the environment, that over the file, that over the default.
func TestPrecedence(t *testing.T) {
	file := "socket = 'file'\nupstream-timeout = '2s'\nmax-conns = 7\nallow-host = 'one'\n"
	t.Setenv("T_UPSTREAM_TIMEOUT", "3s")
	t.Setenv("T_SOCKET", "environment")
	t.Setenv("T_SOKCET", "stray")
	f, err := config.Parse("f", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	var s settings
	k, err := kong.New(&s, kong.DefaultEnvars("T"), kong.Resolvers(f))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := k.Parse([]string{"--socket=flag"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Socket != "flag" || s.UpstreamTimeout != 3*time.Second || s.MaxConns != 7 || s.LogFormat != "auto" || len(s.AllowHost) != 1 {
		t.Errorf("settings = %+v", s)
	}
	var shown bytes.Buffer
	if err := config.Show(&shown, ctx, f, nil); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"socket = \"flag\"": "# flag", "upstream-timeout = \"3s\"": "# $T_UPSTREAM_TIMEOUT", "max-conns = 7": "# f:3",
		"allow-host = [\"one\"]": "# f:4", "log-format = \"auto\"": "# default",
	} {
		if i := strings.Index(shown.String(), key); i < 0 || !strings.Contains(strings.SplitN(shown.String()[i:], "\n", 2)[0], want) {
			t.Errorf("show does not say %s %s:\n%s", key, want, shown.String())
		}
	}
	if got := config.StrayEnvironment("T", k.Model); len(got) != 1 || got[0] != "T_SOKCET is no setting: did you mean T_SOCKET?" {
		t.Errorf("stray = %q", got)
	}
	// What is shown is a file that says the same.
	again, err := config.Parse("shown", shown.Bytes())
	if err != nil || again.Check(config.Settings(k.Model)) != nil {
		t.Errorf("what show prints is no settings file: %v\n%s", err, shown.String())
	}
}

// The example is a good file, as it is and with every line put in force.
func TestExampleIsAFile(t *testing.T) {
	var b bytes.Buffer
	ctx, err := model(t).Parse([]string{"--quiet"})
	if err != nil {
		t.Fatal(err)
	}
	if err := config.Example(&b, ctx, nil, "Settings."); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\nquiet = true\n") {
		t.Errorf("what was set is not in force:\n%s", b.String())
	}
	if got := check(t, b.String()); len(got) != 0 {
		t.Errorf("the example: %q", got)
	}
	var all []string
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") {
			all = append(all, line[1:])
		}
	}
	if got := check(t, strings.Join(all, "")); len(all) != 5 || len(got) != 0 {
		t.Errorf("%d settings put in force: %q", len(all), got)
	}
}

func TestChanges(t *testing.T) {
	before, now := model(t), model(t)
	if _, err := before.Parse([]string{"--allow-host=a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := now.Parse([]string{"--allow-host=a", "--upstream-timeout=2s", "--max-conns=1"}); err != nil {
		t.Fatal(err)
	}
	got := config.Changes(before.Model, now.Model)
	want := []config.Change{{"upstream-timeout", `"1s"`, `"2s"`, true}, {"max-conns", "12000", "1", false}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("Changes = %v, want %v", got, want)
	}
}

func TestReadRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "none"), big, os.DevNull} {
		if _, err := config.Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("Read(%s) = %v, want an error with the path", path, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("socket = 'x'\nmax-conns = 5 # few\nallow-host = ['a']\n")
	f.Add("[a.b]\n'' = 1\n\"\\u00e9\" = 2020-01-01")
	k, err := kong.New(&settings{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if file, _ := config.Parse("f", []byte(text)); file != nil {
			_ = file.Check(config.Settings(k.Model))
		}
	})
}
