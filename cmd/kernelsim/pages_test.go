package main

import (
	"strings"
	"testing"
)

// Every flag of every command has its place in the manual and the completions, and every
// one is a variable too.
func TestPagesNameEveryFlag(t *testing.T) {
	var c commands
	p, err := app.Parse(&c, []string{"run"})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, args := range [][]string{{"manual"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}} {
		cmd, stdout, stderr := command(t, args...)
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v, %s", args, err, stderr)
		}
		pages[strings.Join(args, " ")] = strings.ReplaceAll(stdout.String(), `\-`, "-")
	}
	flags := 0
	for _, node := range p.Model.Leaves(true) {
		for _, f := range node.Flags {
			flags++
			if f.Help == "" || len(f.Envs) == 0 {
				t.Errorf("%s --%s has no help or no variable", node.Name, f.Name)
			}
			for name, page := range pages {
				if !strings.Contains(page, f.Name) {
					t.Errorf("%q does not name %s --%s", name, node.Name, f.Name)
				}
			}
		}
	}
	if flags < 40 {
		t.Errorf("only %d flags were looked at", flags)
	}
}

// A variable sets what its flag would; one that looks like it is named.
func TestVariables(t *testing.T) {
	cmd, _, stderr := command(t, "load")
	cmd.Env = append(cmd.Env, "KERNELSIM_DURATION=-1s", "KERNELSIM_RATES=5")
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "--duration -1s is not in") {
		t.Errorf("with a wrong KERNELSIM_DURATION: %v, %s", err, stderr)
	}
	cmd, _, stderr = command(t, "sources")
	cmd.Env = append(cmd.Env, "KERNELSIM_RATES=5")
	if err := cmd.Run(); err != nil || !strings.Contains(stderr.String(), "KERNELSIM_RATES is no setting: did you mean KERNELSIM_RATE?") {
		t.Errorf("with KERNELSIM_RATES: %v, %s", err, stderr)
	}
}
