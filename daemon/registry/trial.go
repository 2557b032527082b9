package registry

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"path"
	"time"
)

// trial is a model that was validated, or why it is not valid.
type trial struct {
	model *Model
	err   error
	// young are the files that it was read from, by name, as long as they are: nil for
	// those that cannot be written again without a change of their mark.
	young map[string][sha256.Size]byte
}

// settled is how old a file is whose time tells it from what it may become: file systems
// count in ticks of the kernel, 1 to 10 ms, or in up to two seconds (FAT).
const settled = 2 * time.Second

// maxTried bounds the models that are kept in memory for coming back to, besides those that
// the folder has: who dropped these would validate them anew at each look.
const maxTried = 32

// forgetTrials drops the trials of what the folder does not have, where they are too many.
func (d *Folder) forgetTrials(list []found) {
	if len(d.tried) <= len(list)+maxTried {
		return
	}
	has := make(map[string]bool, len(list))
	for i := range list {
		has[list[i].mark] = true
	}
	maps.DeleteFunc(d.tried, func(mark string, _ *trial) bool { return !has[mark] })
}

// model validates the entry's model, unless it did before.
func (d *Folder) model(f *found) (*Model, error) {
	now := time.Now()
	t := d.tried[f.mark]
	if t != nil && t.young != nil {
		switch {
		case !d.same(t.young):
			t = nil
		case d.settled(t.young, now):
			t.young = nil
		}
	}
	if t == nil {
		t = &trial{young: make(map[string][sha256.Size]byte)}
		t.model, t.err = d.read(f, t.young)
		if d.settled(t.young, now) {
			t.young = nil
		}
		d.tried[f.mark] = t
	}
	return t.model, t.err
}

// read loads and validates a model, and notes what it read.
func (d *Folder) read(f *found, files map[string][sha256.Size]byte) (*Model, error) {
	get := func(name string) ([]byte, error) {
		data, err := readFile(d.fsys, name, maxModelFile)
		files[name] = sha256.Sum256(data)
		return data, err
	}
	data, err := get(f.File)
	if err != nil {
		return nil, err
	}
	if err := f.Verify(data); err != nil {
		return nil, err
	}
	p, err := parse(f.kind, &f.Entry, data, func(name string) ([]byte, error) { return get(path.Join(path.Dir(f.File), name)) })
	if err != nil {
		return nil, err
	}
	return newModel(f.kind, p, d.dir+"/"+f.File, time.Now())
}

// settled reports whether none of the files can have been written again, before now, without
// another time.
func (d *Folder) settled(files map[string][sha256.Size]byte, now time.Time) bool {
	for name := range files {
		// One that is not there has a mark of its own.
		if info, err := fs.Stat(d.fsys, name); err == nil && now.Sub(info.ModTime()) < settled {
			return false
		}
	}
	return true
}

// same reports whether the files are what they were.
func (d *Folder) same(files map[string][sha256.Size]byte) bool {
	for name, sum := range files {
		if data, _ := readFile(d.fsys, name, maxModelFile); sha256.Sum256(data) != sum {
			return false
		}
	}
	return true
}
