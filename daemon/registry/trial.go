package registry

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"path"
	"time"

	"github.com/mlbridge/mlbridge/daemon/predict"
)

// trial is what came of validating a model. The model itself is in memory only while it is
// in use: of a folder with many versions that is one or two a kind.
type trial struct {
	err   error // why it is not valid
	took  predict.Trial
	files map[string][sha256.Size]byte // what it was read from, by name
	young bool                         // these can be written again without a change of their mark
	scan  int                          // of the folder, at which that was looked after
}

// settled is how old a file is whose time tells it from what it may become: file systems
// count in ticks of the kernel, 1 to 10 ms, or in up to two seconds (FAT).
const settled = 2 * time.Second

// maxTried bounds the trials that are remembered for what comes back, besides those of what
// the folder has, which would be validated anew at each look without them.
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

// try validates the entry's model, unless it did before. The model comes with its trial where
// it was made just now; whoever wants it in any case asks for model.
func (d *Folder) try(f *found) (*trial, *Model) {
	now := time.Now()
	t := d.tried[f.mark]
	if t != nil && t.young && t.scan != d.scans {
		if !d.same(t.files) {
			t = nil
		} else {
			t.young, t.scan = !d.settled(t.files, now), d.scans
		}
	}
	if t != nil {
		return t, nil
	}
	t = &trial{files: make(map[string][sha256.Size]byte), scan: d.scans}
	p, err := d.read(f, t.files)
	var m *Model
	if err == nil {
		m, err = newModel(f.kind, p, d.source(f), now)
	}
	if t.err = err; err == nil {
		t.took, m.trial = m.Trial, t
	}
	t.young = !d.settled(t.files, now)
	d.tried[f.mark] = t
	return t, m
}

// model gives the entry's model, if it is valid: the one in use, or one made anew from the
// files that passed their trial.
func (d *Folder) model(f *found) (*Model, error) {
	t, m := d.try(f)
	if t.err != nil || m != nil {
		return m, t.err
	}
	for _, m := range []*Model{d.serves[f.kind], d.tries[f.kind]} {
		if m != nil && m.trial == t {
			return m, nil
		}
	}
	files := make(map[string][sha256.Size]byte)
	p, err := d.read(f, files)
	if err != nil {
		return nil, err
	}
	if !maps.Equal(files, t.files) { // written meanwhile: the next look has another mark of it
		delete(d.tried, f.mark)
		t, m := d.try(f)
		return m, t.err
	}
	return &Model{Kind: f.kind, Label: f.Label(), Source: d.source(f), Loaded: time.Now(), Trial: t.took, Predictor: p, trial: t}, nil
}

// source is where the entry's model comes from, for people.
func (d *Folder) source(f *found) string { return d.dir + "/" + f.File }

// read makes the entry's predictor, and notes what it read.
func (d *Folder) read(f *found, files map[string][sha256.Size]byte) (*predict.Predictor, error) {
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
	return parse(f.kind, &f.Entry, data, func(name string) ([]byte, error) { return get(path.Join(path.Dir(f.File), name)) })
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
