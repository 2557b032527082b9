package registry

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

var lives = flag.Int("lives", 10, "how many random lives of a folder TestLivesOfAFolder plays")

// A life is what happens to a folder, three bytes a step: what, to which model, and how. It
// is played to a Folder and to a reference (reference_test.go), which are compared after
// each step, and looked at again and again.
type life []byte

const stepBytes = 3

// TestLivesOfAFolder plays random lives, more with -lives=1000, and faster where TMPDIR is in
// memory, for each decision is synced. One that goes wrong is made
// short and printed: it belongs among knownLives then.
func TestLivesOfAFolder(t *testing.T) {
	dir := t.TempDir()
	for seed := range *lives {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		l := make(life, stepBytes*(5+random.IntN(60)))
		for i := range l {
			l[i] = byte(random.Uint32())
		}
		if wrong := l.play(dir); wrong != "" {
			l, wrong = l.shorten(dir, wrong)
			t.Fatalf("seed %d: %s\n%s: life(%q)", seed, wrong, l, []byte(l))
		}
	}
}

// FuzzLivesOfAFolder is the same for longer: go test -fuzz LivesOfAFolder ./daemon/registry.
func FuzzLivesOfAFolder(f *testing.F) {
	for _, l := range knownLives {
		f.Add([]byte(l))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := life(text[:min(len(text), 200*stepBytes)])
		if wrong := l.play(t.TempDir()); wrong != "" {
			t.Fatalf("%s\n%s", wrong, l)
		}
	})
}

// shorten leaves out what the fault does not need: the end, then each step by itself.
func (l life) shorten(dir, wrong string) (life, string) {
	for again := true; again; {
		again = false
		for i := len(l)/stepBytes*stepBytes - stepBytes; i >= 0; i -= stepBytes {
			less := slices.Concat(l[:i], l[i+stepBytes:])
			if w := less.play(dir); w != "" {
				l, wrong, again = less, w, true
			}
		}
	}
	return l, wrong
}

// What may happen to a folder.
const (
	bring        = iota // a model: a good file and a manifest
	describe            // a model gets a manifest, perhaps another role
	touch               // a manifest
	withdraw            // a manifest is taken away
	replace             // a model's file is written again, good or not
	remove              // a model's file
	relist              // manifest.json is written
	spoil               // a manifest that nobody can read, or takes for a copy, comes or goes
	promote             // and so on: an operator's commands, through the daemon or beside it
	try                 //
	stop                //
	rollback            //
	restart             // of the daemon
	spoilState          // state.json becomes unreadable
	restoreState        // and readable again
	removeState         //
	pass                // models come and go again, more than a folder remembers
	recall              // one of those comes back
	steps
)

var stepNames = [steps]string{
	"bring", "describe", "touch", "withdraw", "replace", "remove", "relist", "spoil", "promote", "try", "stop",
	"rollback", "restart", "spoilState", "restoreState", "removeState", "pass", "recall",
}

// String gives the steps, for people.
func (l life) String() string {
	var b strings.Builder
	for i := 0; i+stepBytes <= len(l); i += stepBytes {
		fmt.Fprintf(&b, "%s %s %d, ", stepNames[l[i]%steps], labels[int(l[i+1])%len(labels)], l[i+2])
	}
	return strings.TrimSuffix(b.String(), ", ")
}

// labels are the models that most steps are about, failure's last.
var labels = []string{"a@1", "a@2", "a@3", "b@1", "b@2", "f@1", "f@2"}

// kindOf is the kind of a label's model.
func kindOf(label string) ipc.Kind {
	if label[0] == 'f' {
		return ipc.Failure
	}
	return ipc.Workload
}

// The states of a model's file: what a good one says, whatever it is asked, and two that are
// no good.
var says = []float32{0.25, 0.5, 0.75}

const (
	outOfRange = 3 // by their index behind those of says
	cutShort   = 4
	fileStates = 5
)

// knownLives are those that once went wrong, and how.
var knownLives = []life{
	// What was rolled back served on while another one was bad.
	{bring, 0, 0, describe, 1, 0, rollback, 0, 1},
	// So did what was stopped.
	{bring, 0, 0, describe, 1, 0, stop, 0, 1},
	// That another was passed over was not written down, and after a restart it served.
	{spoil, 0, 0, bring, 0, 0, bring, 1, 4, spoil, 0, 2, touch, 0, 5, restart, 0, 1},
	// A newer file whose manifest said so was tried instead of the one that was named.
	{bring, 0, 0, replace, 1, 0, describe, 1, 1, try, 1, 1, replace, 2, 0, describe, 2, 21},
	// Of two that were named one after the other, the first came back, and was tried.
	{bring, 3, 0, bring, 1, 4, try, 1, 1, withdraw, 1, 0, bring, 2, 8, try, 2, 1, describe, 1, 28},
	// A model that was taken away served again, from memory, when a bad file of its name came.
	{bring, 0, 0, withdraw, 0, 0, replace, 0, outOfRange, describe, 0, 0},
	// Beside the daemon, the only model of a folder could not be rolled back.
	{bring, 0, 0, rollback, 0, 0},
	// A model that had been taken away could be.
	{bring, 0, 0, withdraw, 0, 0, rollback, 0, 1},
	// One that was passed over, was taken away and came back, served.
	{spoil, 0, 0, bring, 0, 0, bring, 1, 4, spoil, 0, 2, bring, 3, 8, withdraw, 0, 0, bring, 4, 12, bring, 0, 0},
	// A model that was no good could not be stopped.
	{describe, 6, 0, stop, 6, 1},
	// What was wrong with a candidate was not told while no model of the folder served.
	{describe, 0, 1},
	// The role of a serving model's manifest, which does not count any more, did after a restart.
	{bring, 0, 0, describe, 0, 3, restart, 0, 1},
	// Decisions were forgotten with a state.json that was taken away while the daemon ran.
	{bring, 0, 0, bring, 1, 4, rollback, 0, 1, removeState, 0, 0, restart, 0, 1},
}
