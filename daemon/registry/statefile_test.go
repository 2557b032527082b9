package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/engine/enginetest"
	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// TestAStateThatCannotBeReadChangesNothing: nobody knows what was decided. Whoever wants to
// decide is told which file it is, what is wrong with it, what goes on and what to do.
func TestAStateThatCannotBeReadChangesNothing(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	const good = `{"kinds":{"workload":{"history":["mine@1"],"passed":["mine@2"]}}}`
	for text, want := range map[string]string{
		"":  d.dir + ": state.json: unexpected end of JSON input",
		"{": d.dir + ": state.json: unexpected end of JSON input",
		`{"kinds":{"workload":{"roles":{"mine@1":{"role":"king"}}}}}`: d.dir + `: state.json: workload: mine@1: role "king" is not`,
		`{"kinds":[]}`: d.dir + ": state.json: json: cannot unmarshal array",
	} {
		d.write(stateFile, []byte(text))
		d.expect(text, "mine@2", want)
		for _, err := range []error{d.Promote("mine@1"), d.Try("mine@1", 0), d.Stop("mine@1"), second(d.Rollback(ipc.Workload)), second(d.List())} {
			var whole *UnreadableError
			if !errors.As(err, &whole) {
				t.Errorf("%q: decided, %v", text, err)
				continue
			}
			for _, want := range []string{want, "what serves goes on serving", "put a good copy back, or take it away"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q: %v does not say %q", text, err, want)
				}
			}
		}
		if got, err := os.ReadFile(filepath.Join(d.dir, stateFile)); err != nil || string(got) != text {
			t.Errorf("%q was overwritten: %q, %v", text, got, err)
		}
	}
	d.write(stateFile, []byte(good))
	d.expect("a good copy put back", "mine@1", "")
	d.write(stateFile, nil)
	d.expect("spoilt again", "mine@1", stateFile)
	if err := os.Remove(filepath.Join(d.dir, stateFile)); err != nil {
		t.Fatal(err)
	}
	d.expect("taken away", "mine@1", "")
	if got, err := os.ReadFile(filepath.Join(d.dir, stateFile)); err != nil || !strings.Contains(string(got), "mine@1") {
		t.Errorf("what was remembered is not written again: %s, %v", got, err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestTheStateIsForTheDaemon: an operator decides as root, and the daemon that reads what was
// decided is another user.
func TestTheStateIsForTheDaemon(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	if err := d.Promote("mine@1"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(d.dir, stateFile))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o644 {
		t.Errorf("%s has mode %o, which keeps others from reading it", stateFile, mode)
	}
}

// TestAFolderThatCannotBeWritten: what is decided counts in this process, until it can be
// written or until somebody who can write has decided since.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	d := newDrawer(t)
	for _, version := range []string{"1", "2", "3"} {
		d.bring(version, 0.25, nil)
	}
	d.Folder.dir = filepath.Join(d.dir, "none") // where files are written
	unwritten := func(when string, want bool) {
		t.Helper()
		if err := d.Unwritten(); (err != nil) != want || want && err.Error() != "state.json cannot be written: no such file or directory" {
			t.Errorf("%s: %v, should there be an error: %v", when, err, want)
		}
	}
	d.expect("the newest", "mine@3", "")
	unwritten("the newest", true)
	operator := Dir(d.dir)
	for range 2 {
		for _, label := range []string{"mine@1", "mine@2"} {
			if err := operator.Promote(label); err != nil {
				t.Fatal(err)
			}
			d.expect("decided beside", label, "")
			unwritten("decided beside", false)
		}
	}
	if err := d.Promote("mine@3"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		d.expect("decided here", "mine@3", "")
		unwritten("decided here", true)
		if d.Keep() {
			t.Error("what cannot be written was")
		}
	}
	d.Folder.dir = d.dir
	if !d.Keep() || d.Keep() {
		t.Error("what can be written now is written once")
	}
	unwritten("kept", false)
	again := &drawer{t: t, dir: d.dir, Folder: Dir(d.dir)}
	again.Registry = New(again.Folder, Embedded())
	again.expect("after a restart", "mine@3", "")

	// A look does as well.
	d.Folder.dir = filepath.Join(d.dir, "none")
	if _, err := d.Rollback(ipc.Workload); err != nil {
		t.Fatal(err)
	}
	unwritten("rolled back", true)
	d.Folder.dir = d.dir
	d.expect("rolled back", "mine@2", "")
	unwritten("looked at", false)
	again.expect("rolled back", "mine@2", "")
}

// TestWhoWasEndedWhileWriting leaves a file behind, which is taken away; a copy of the
// operator's is not.
func TestWhoWasEndedWhileWriting(t *testing.T) {
	d := newDrawer(t)
	d.bring("1", 0.25, nil)
	d.bring("2", 0.5, nil)
	d.expect("two", "mine@2", "")
	mark := d.Mark()
	d.write(newState+"123", []byte(`{"kinds":`))
	d.write(stateFile+".old", []byte("{}"))
	if d.Mark() != mark {
		t.Error("what is no state changes the mark")
	}
	d.expect("a file left behind", "mine@2", "")
	if err := d.Promote("mine@1"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if strings.Contains(f.Name(), stateFile) {
			names = append(names, f.Name())
		}
	}
	if want := []string{stateFile, stateFile + ".old"}; !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
}

// TestTheStateIsBounded: who tries and rolls back what comes out of a pipeline, day after day,
// must not find one day that the file is too large to be read.
func TestTheStateIsBounded(t *testing.T) {
	d := newDrawer(t)
	d.bring("0001", 0.25, nil)
	d.bring("9999", 0.25, func(e *models.Entry, _ *enginetest.Dense) { e.Role = models.RoleOff })
	st := d.state.of(ipc.Workload)
	for i := range 3 * maxDecided {
		st.reject(fmt.Sprintf("mine@r%04d", i))
		st.give(fmt.Sprintf("mine@s%04d", i), role{Role: models.RoleOff})
	}
	st.give("mine@0001", role{Role: models.RoleShadow}) // the first by name
	st.reject("mine@9999")
	d.keep()
	for range 2 {
		_ = d.Reload()
		if err := d.Promote("mine@0001"); err != nil {
			t.Fatal(err)
		}
		st = d.state.of(ipc.Workload)
		if len(st.Rejected) != maxDecided+1 || st.Rejected[0] != fmt.Sprintf("mine@r%04d", 2*maxDecided) || !st.knows("mine@9999") {
			t.Errorf("%d that were rolled back are remembered, from %s", len(st.Rejected), st.Rejected[0])
		}
		if len(st.Roles) != maxDecided || !st.withdrew(fmt.Sprintf("mine@s%04d", 3*maxDecided-1)) {
			t.Errorf("%d roles are remembered", len(st.Roles))
		}
	}
	// A label may be as long as a manifest.
	d.bring(strings.Repeat("v", 100), 0.25, nil)
	if err := d.Stop("mine@" + strings.Repeat("v", 100)); err != nil || d.Unwritten() != nil {
		t.Fatal(err, d.Unwritten())
	}
	d.state.of(ipc.Workload).give(strings.Repeat("v", maxState), role{Role: models.RoleOff})
	if d.keep(); d.Unwritten() == nil || !strings.Contains(d.Unwritten().Error(), "too large") {
		t.Errorf("a file that nobody can read was written: %v", d.Unwritten())
	}
	again := Dir(d.dir)
	if _, err := again.List(); err != nil {
		t.Error(err)
	}
}
