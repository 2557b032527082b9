package cli

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Whoever mistypes a command or a flag is told what is near, or where all of them are.
func TestWhatWasMeant(t *testing.T) {
	for args, want := range map[string]string{
		"rnu":       `unexpected argument rnu, did you mean "run"?`,
		"hlep":      `unexpected argument hlep, did you mean "--help"?`,
		"help":      `unexpected argument help, did you mean "--help"?`,
		"version":   `unexpected argument version, did you mean "--version"?`,
		"walk":      "unexpected argument walk: app --help lists what there is",
		"run run":   "unexpected argument run: there is one command, before its flags",
		"-v":        `unknown flag -v, did you mean "--version"?`,
		"-x":        "unknown flag -x: app --help lists what there is",
		"--raet=1":  `unknown flag --raet, did you mean "--rate"?`,
		"--nothing": "unknown flag --nothing: app --help lists what there is",
		"--rate=x":  `--rate: expected a valid 64 bit int but got "x"`,
	} {
		var flags struct {
			Common
			Run struct {
				Rate int
			} `cmd:"" default:"withargs"`
			Replay struct{} `cmd:""`
		}
		app := App{Name: "app", Title: "a test", Env: "CLI_TEST"}
		_, err := app.Parse(&flags, strings.Fields(args), kong.Exit(func(int) { t.Errorf("%s: ends", args) }))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
