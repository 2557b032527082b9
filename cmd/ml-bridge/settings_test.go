package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// One name for each setting, three places: the flag, the variable and the key.
func TestSettingsHaveOneName(t *testing.T) {
	var c commands
	p, err := app.Parse(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range config.Settings(p.Model) {
		want := app.Env + "_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		if len(s.Envs) != 1 || s.Envs[0] != want {
			t.Errorf("--%s has the variables %q, want %s", s.Name, s.Envs, want)
		}
		if strings.HasPrefix(s.Tag.Type, "existing") {
			t.Errorf("--%s is of the type %s: what a settings file says of it is left out", s.Name, s.Tag.Type)
		}
		if s.Group == nil || s.Help == "" {
			t.Errorf("--%s has no group or no help", s.Name)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ml-bridge.toml")
	for _, c := range []struct {
		text string
		code int
		want []string // all that it says
	}{
		{"ttl = '50ms'\nmax-conns = 10\n", cli.ExitOK, []string{": good; settings changed from their defaults: 2"}},
		{"\nttl = '0s'\n", cli.ExitUsage, []string{":2: ttl: 0s is outside"}},
		{"upstraem = 'http://mld:9005'\n", cli.ExitUsage, []string{`:1: unknown key "upstraem": did you mean "upstream"?`}},
		{"upstream = 'http://mld:9005'\nmodels = 'embedded'\n", cli.ExitUsage, []string{":2: models and --upstream"}},
		{"http = '[::]:9006'\nallow-host = ['node-7', 'node-7:9006']\n", cli.ExitUsage, []string{`:2: allow-host: "node-7:9006" is no name or address of a host alone`}},
		// What cannot be read, what nobody knows and what cannot be are said together.
		{"[bridge]\nsokcet = 'x'\nttl = 'fast'\nhttp = 'nowhere'\nmax-conns = 0\ntime-slice = '1us'\n", cli.ExitUsage, []string{
			":1: there are no tables here", ":2: unknown key", ":3: ttl: ", ":4: http: ", ":5: max-conns: ", ":6: time-slice ",
		}},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := command(t, "config", "check", file)
		out, _ := cmd.CombinedOutput()
		said := string(out)
		for _, want := range c.want {
			if !strings.Contains(said, file+want) {
				t.Errorf("%q: it does not say %s", c.text, want)
			}
		}
		if code := cmd.ProcessState.ExitCode(); code != c.code || strings.Count(said, "\n") != len(c.want) {
			t.Errorf("%q: exit code %d, %s; want %d and %d lines", c.text, code, said, c.code, len(c.want))
		}
	}
}

// config show prints what is in force, defaults that follow from others included, as a
// file that says the same when it is read again.
func TestConfigShowIsWhatIsInForce(t *testing.T) {
	show := func(args ...string) string {
		t.Helper()
		out, err := command(t, append([]string{"config", "show", "--config", emptyFile(t), "--socket", "/run/x/b.sock"}, args...)...).Output()
		if err != nil {
			t.Fatalf("config show %q: %v", args, err)
		}
		return string(out)
	}
	for _, args := range [][]string{{"--ttl=70ms"}, {"--ttl=70ms", "--models=embedded"}} {
		text := show(args...)
		for _, want := range []string{`stale-bound = "700ms"`, `negative-ttl = "70ms"`, `admin = "/run/x/b-admin.sock"`} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("config show %q does not say %s:\n%s", args, want, text)
			}
		}
		// Who has its models in this process asks no mld.
		if looked := strings.Contains(text, "\n#upstream-admin = \"/run/x/mld-admin.sock\" "); looked != (len(args) == 1) {
			t.Errorf("config show %q has another admin socket of mld than is asked:\n%s", args, text)
		}
		file := filepath.Join(t.TempDir(), "shown.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := command(t, "config", "show", "--config", file).Output()
		if err != nil {
			t.Fatalf("what config show printed is no settings file: %v\n%s", err, text)
		}
		if got, want := values(string(again)), values(text); got != want {
			t.Errorf("read again:\n%s\nwant\n%s", got, want)
		}
	}
}

// values leaves out where settings come from.
func values(shown string) string {
	var b strings.Builder
	for line := range strings.Lines(shown) {
		setting, _, _ := strings.Cut(line, " # ")
		b.WriteString(strings.TrimSpace(setting) + "\n")
	}
	return b.String()
}

// SIGHUP puts in force what can change, says what waits for a restart, and takes
// nothing from a file that is wrong.
func TestReload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ml-bridge.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ttl = '100ms'\n")
	p := startBridge(t, "--socket", filepath.Join(t.TempDir(), "s"), "--http", "", "--config", file)
	reload := func(text, message string) logLine {
		t.Helper()
		write(text)
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return p.await(t, message)
	}
	if l := reload("ttl = '70ms'\n", "setting changed"); l.Setting != "ttl" || l.To != `"70ms"` {
		t.Errorf("after a change of ttl: %+v", l)
	}
	if l := reload("ttl = '70ms'\nmax-conns = 3\n", "setting waits for a restart"); l.Setting != "max-conns" || l.To != "3" {
		t.Errorf("after a change of max-conns: %+v", l)
	}
	if l := reload("tl = '1s'\n", "settings are wrong: those of before stay in force"); !strings.Contains(l.Error, `did you mean "ttl"?`) {
		t.Errorf("after a wrong key: %+v", l)
	}
	if l := reload("ttl = '60ms'\n", "setting changed"); l.From != `"70ms"` {
		t.Errorf("after a mistake in between: %+v, want a change from 70ms", l)
	}
}

// The completion is asked as bash asks it.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	script, err := command(t, "completion", "bash").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"ml-bridge --ttl":             "--ttl",
		"ml-bridge --log-format=js":   "--log-format=json",
		"ml-bridge conf":              "config",
		"ml-bridge config sh":         "show",
		"ml-bridge --ttl=5s config c": "check",
		"ml-bridge completion z":      "zsh",
		"ml-bridge doctor --js":       "--json",
		"ml-bridge --js":              "",
	} {
		words := strings.Fields(line)
		ask := string(script) + "\nCOMP_WORDS=(" + line + ") COMP_CWORD=" + string(rune('0'+len(words)-1)) + "\n_ml_bridge\necho \"${COMPREPLY[*]}\""
		if out, err := exec.Command(bash, "-c", ask).CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q completes to %q (%v), want %q", line, out, err, want)
		}
	}
}

// Every flag has its place in the manual, the manual of the file, and the completions.
func TestPagesNameEverySetting(t *testing.T) {
	var c commands
	p, err := app.Parse(&c, nil)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, args := range [][]string{{"manual"}, {"manual", "--file"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"config", "example"}} {
		out, err := command(t, args...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		pages[strings.Join(args, " ")] = string(out)
	}
	for _, s := range config.Settings(p.Model) {
		for name, page := range pages {
			if strings.HasPrefix(name, "manual") {
				page = strings.ReplaceAll(page, `\-`, "-")
			}
			if !strings.Contains(page, s.Name) {
				t.Errorf("%q does not name %s", name, s.Name)
			}
		}
	}
}
