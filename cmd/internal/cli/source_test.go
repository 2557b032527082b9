package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What looks at the service that runs here looks with the service's settings, unless
// others are named; the daemon itself reads no file that nobody named.
func TestCommandsAboutTheService(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	packaged, mine := write("packaged.toml", "rate = 7\n"), write("mine.toml", "rate = 8\n")
	type flags struct {
		Rate int
		Daemon
		Serve    struct{}  `cmd:"" default:"1"`
		Settings ConfigCmd `cmd:"" name:"config"`
	}
	for _, c := range []struct {
		args []string
		file string // of the package
		want string
	}{
		{[]string{"config", "show"}, packaged, "rate = 7"},
		{[]string{"config", "show", "--config", mine}, packaged, "rate = 8"},
		{[]string{"config", "show", "--rate", "9"}, packaged, "rate = 9"},
		{[]string{"config", "show"}, filepath.Join(dir, "none"), "rate = 0"},
		{nil, packaged, ""},
	} {
		app := App{Name: "app", Title: "a test", Env: "CLI_TEST", File: c.file}
		out, code, serves := printed(t, func() (int, bool) {
			_, _, code, ok := Start[flags](&app, c.args)
			return code, ok
		})
		if code != ExitOK || serves != (c.args == nil) || !strings.HasPrefix(out, c.want) {
			t.Errorf("%q: exit %d, serves %v, said %q; want %q", c.args, code, serves, out, c.want)
		}
	}
	app := App{Name: "app", Title: "a test", Env: "CLI_TEST", File: packaged}
	c, _, _, _ := Start[flags](&app, nil)
	if c.Rate != 0 {
		t.Errorf("the daemon has rate %d from a file that nobody named", c.Rate)
	}
}

// printed gives what do writes to standard output, and its results.
func printed(t *testing.T, do func() (int, bool)) (string, int, bool) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdout := os.Stdout
	os.Stdout = f
	defer func() { os.Stdout = stdout }()
	code, ok := do()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code, ok
}
