package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/daemon/models"
)

// stateFile is where a folder keeps what was decided about its models, newState begins the
// name of what is to become it.
const (
	stateFile = "state.json"
	newState  = "." + stateFile + "."
)

// maxState bounds the state file, which has a line for each model that is remembered.
const maxState = 4 << 20

// readState takes the folder's word, or, where it has none, or it is older than a decision
// that could not be written, our own. With an error what was known before stays.
func (d *Folder) readState() error {
	text, err := readFile(d.fsys, stateFile, maxState)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.noted, d.text = false, nil
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", stateFile, err)
	case d.memo != nil && bytes.Equal(text, d.text):
		return nil
	}
	s, err := parseState(text)
	if err != nil {
		return fmt.Errorf("%w; put a good copy back, or take it away (a running daemon writes again what it remembers; without one the manifests' dates count)", err)
	}
	d.state, d.noted, d.text, d.memo = s, true, text, nil
	return nil
}

func parseState(text []byte) (state, error) {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("%s: %w", stateFile, err)
	}
	for kind, k := range s.Kinds {
		if k == nil {
			continue
		}
		for label, r := range k.Roles {
			if err := models.CheckRole(r.Role, r.Share); err != nil {
				return state{}, fmt.Errorf("%s: %s: %s: %w", stateFile, kind, label, err)
			}
		}
	}
	return s, nil
}

// keep writes the state. A folder that cannot be written keeps it in this process, until it
// can, or until somebody else who can has decided.
func (d *Folder) keep() {
	text, err := json.MarshalIndent(&d.state, "", "\t")
	if err == nil {
		if text = append(text, '\n'); len(text) > maxState {
			err = errTooLarge // for who reads it
		} else {
			err = d.replace(text)
		}
	}
	if err != nil {
		d.memo = fmt.Errorf("%s cannot be written: %w", stateFile, cause(err))
		return
	}
	d.noted, d.text, d.memo = true, text, nil
}

// Keep tries again to write what could not be written. It reports whether that is written now.
func (d *Folder) Keep() bool {
	_, end, err := d.begin()
	defer end()
	if err != nil || d.memo == nil {
		return false
	}
	d.keep()
	return d.memo == nil
}

// Unwritten says why decisions do not outlive this process; nil when they do.
func (d *Folder) Unwritten() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memo
}

// replace puts a new state file in the place of the old one in one step: a reader sees one or
// the other, also after a crash. All who reach the folder may read it: an operator decides as
// root, the daemon is another user.
func (d *Folder) replace(text []byte) error {
	if d.alone { // who was ended in the middle has left this behind
		left, _ := fs.Glob(d.fsys, newState+"*")
		for _, name := range left {
			os.Remove(filepath.Join(d.dir, name))
		}
	}
	f, err := os.CreateTemp(d.dir, newState+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(d.dir, stateFile))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// cause is err without the names of files that nobody knows.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
