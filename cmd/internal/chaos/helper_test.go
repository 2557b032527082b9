package chaos

import (
	"os"
	"strings"
	"testing"
)

// Helpers are ready, do what they do until they are told to end, and end well.
func TestHelpers(t *testing.T) {
	e := &Env{Self: os.Args[0]}
	for name, p := range map[string]HelperPlan{
		"nobody": {Mode: Nobody.Name}, "comes and goes": {Mode: "comes and goes", Socket: t.TempDir() + "/nobody"},
		"dribbles at home": {Mode: "dribbles", Home: 3},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := e.startHelper(p, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Kill()
			if err := h.Drain(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHelpersSayWhatTheyCannot(t *testing.T) {
	for plan, want := range map[string]string{"{}": `no mode ""`, `{"Mode":"is kind"}`: `no mode "is kind"`, `{"Mode":"floods","Home":1}`: "floods has no home", "?": "invalid character"} {
		if err := Help(t.Context(), plan); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Help(%s) = %v, want %q", plan, err, want)
		}
	}
}
