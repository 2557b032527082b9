package registry

import "fmt"

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
	return all, d.unreadable(err)
}

// unreadable makes an error about the folder as a whole of err, nil of nil.
func (d *Folder) unreadable(err error) error {
	if err == nil {
		return nil
	}
	return &UnreadableError{d.dir, err}
}
