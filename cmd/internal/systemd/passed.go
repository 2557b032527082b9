package systemd

import (
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// Passed are the descriptors that the service manager passed, by name: the
// FileDescriptorName= of a socket unit, or what Store was told.
type Passed struct {
	names []string // in the order they came
	files map[string][]*os.File
}

// TakePassed takes the descriptors over, once for a process: children do not see them.
func TakePassed() *Passed {
	p := &Passed{files: make(map[string][]*os.File)}
	for _, f := range activation.Files(true) {
		if len(p.files[f.Name()]) == 0 {
			p.names = append(p.names, f.Name())
		}
		p.files[f.Name()] = append(p.files[f.Name()], f)
	}
	return p
}

// Names lists what is there to take, in the order it came.
func (p *Passed) Names() (names []string) {
	for _, name := range p.names {
		if len(p.files[name]) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// Take gives the descriptors of that name, which then are the caller's to close.
func (p *Passed) Take(name string) []*os.File {
	files := p.files[name]
	delete(p.files, name)
	return files
}

// Listener gives the first listening socket of that name that nobody took, nil where
// there is none.
func (p *Passed) Listener(name string) (net.Listener, error) {
	files := p.files[name]
	if len(files) == 0 {
		return nil, nil
	}
	p.files[name] = files[1:]
	defer files[0].Close() // the listener has a descriptor of its own
	ln, err := net.FileListener(files[0])
	if err != nil {
		return nil, fmt.Errorf("systemd: %q is no listening socket: %w", name, err)
	}
	return ln, nil
}

// Rest gives the names of what nobody took, and closes it.
func (p *Passed) Rest() (names []string) {
	names = p.Names()
	for _, name := range names {
		closeAll(p.Take(name))
	}
	return names
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
