package cli

import (
	"strings"
	"testing"
)

// TestCheckHosts: a name that no Host header can be is refused, and not kept for nothing.
func TestCheckHosts(t *testing.T) {
	good := []string{"node-7", "Node-7.example", "node-7.example.", "a_b", "10.1.2.3", "fd00::1", "FD00::1", "xn--bcher-kva.example", "bücher.example"}
	if err := CheckHosts("--allow-host", good); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"":                         "is no name or address of a host alone",
		"node-7:9006":              `--allow-host: "node-7:9006" is no name or address of a host alone`,
		"10.1.2.3:9006":            "is no name or address",
		"[fd00::1]":                "is no name or address",
		"[fd00::1]:9006":           "is no name or address",
		"http://node-7":            "is no name or address",
		"node-7/":                  "is no name or address",
		"*.example":                "is no name or address",
		"10.0.0.0/8":               "is no name or address",
		" node-7":                  "is no name or address",
		"user@node-7":              "is no name or address",
		"fd00:0::1":                `"fd00:0::1" is written fd00::1`,
		"fd00:0:0:0:0:0:0:0000001": "is no name or address",
	} {
		if err := CheckHosts("--allow-host", []string{"node-7", name}); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}
