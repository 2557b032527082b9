package registry

import (
	"errors"
	"fmt"
	"io/fs"
)

// UnreadableError says that a folder does not say what is to serve: nobody can read a manifest
// or the state, or they contradict each other. What served before is then best.
type UnreadableError struct {
	Folder string // its path, as it was given
	Err    error
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s: %v; until that is mended what serves goes on serving, and nothing can be decided", e.Folder, e.Err)
}

func (e *UnreadableError) Unwrap() error { return e.Err }

// look reads manifests and state; its error is an UnreadableError.
func (d *Folder) look() (contents, error) {
	all, err := d.scan()
	if err == nil {
		err = d.readState()
	}
	if err != nil {
		return contents{mark: all.mark}, &UnreadableError{d.dir, err}
	}
	return all, nil
}

// readState takes the folder's word, or, where it has none or cannot be written, our own.
// With an error what was known before stays.
func (d *Folder) readState() error {
	if d.memo != nil {
		return nil
	}
	s, err := readState(d.fsys)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.noted = false
		return nil
	case err != nil:
		return err
	}
	d.state, d.noted = s, true
	return nil
}
