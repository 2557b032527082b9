package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

// HelperPlan says what a process that stands beside the bridge does: one thing. It is
// its command line.
type HelperPlan struct {
	// Mode is to be a hostile peer of the socket, or, with so many tasks, to do the same at
	// home.
	Mode, Socket string
	Home         int
	// Watch has it note for so long, from After on, what it uses itself, and say so on
	// descriptor 3.
	After, Watch time.Duration
}

// startHelper starts this program as a helper.
func (e *Env) startHelper(p HelperPlan, prepare func(*exec.Cmd)) (*Process, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return spawn(prepare, e.Self, "helper", string(text))
}

// Help does what the plan, the argument of a helper, says until ctx ends; it has said
// READY before.
func Help(ctx context.Context, plan string) error {
	var p HelperPlan
	if err := json.Unmarshal([]byte(plan), &p); err != nil {
		return err
	}
	for _, m := range append(slices.Clone(Modes), Nobody) {
		if m.Name != p.Mode {
			continue
		}
		fmt.Fprintln(os.Stderr, "READY")
		if p.Watch > 0 {
			go sayUse(ctx, p) // until the process ends
		}
		if p.Home > 0 {
			if m.home == nil {
				return fmt.Errorf("chaos: %s has no home", m.Name)
			}
			return m.home(ctx, p.Home)
		}
		return m.live(ctx, p.Socket)
	}
	return fmt.Errorf("chaos: no mode %q", p.Mode)
}
