package modeldesk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// Keeper tells what models there are and takes decisions about them.
type Keeper interface {
	View() (View, error)
	// Do takes a decision and gives the view after it. An error that wraps
	// registry.ErrUnknown is about a model that is not there.
	Do(Decision) (View, error)
}

// Desk looks after the models of this process.
type Desk struct {
	registry *registry.Registry
	folder   *registry.Folder // nil with the built-in models alone
	listen   []string         // where the models answer, for View
	log      zerolog.Logger

	loading sync.Mutex // one Load at a time; guards what follows
	loaded  string     // the folder's mark at the start of the last Load
	broke   string     // what was wrong with the folder as a whole at the last Load
	memo    string     // why decisions were not written then
}

// New prefers the folder's models, where one is named, to the built-in ones. Nothing is
// loaded before Load.
func New(dir string, log zerolog.Logger) *Desk {
	d := &Desk{log: log}
	if dir == "" {
		d.registry = registry.New(registry.Embedded())
	} else {
		d.folder = registry.Dir(dir)
		d.registry = registry.New(d.folder, registry.Embedded())
	}
	d.registry.OnInvalid = d.sayInvalid
	return d
}

// sayInvalid says that a model gave n answers to a call that nobody gets.
func (d *Desk) sayInvalid(m *registry.Model, n int, why string) {
	d.log.Warn().Stringer("kind", m.Kind).Str("model", m.Label).Int("questions", n).Str("reason", why).Msg("invalid output of a model: not delivered")
}

// Registry is what serves.
func (d *Desk) Registry() *registry.Registry { return d.registry }

// Listens says on which addresses the models answer, before anybody asks for the view.
func (d *Desk) Listens(addresses []string) { d.listen = addresses }

// Load loads the models and says which serve now, and what was wrong with others. What
// is as it was before is only said where all is.
func (d *Desk) Load(all bool) {
	d.loading.Lock()
	defer d.loading.Unlock()
	before := d.registry.Snapshot()
	// The joined error is left aside: the snapshot has it kind by kind.
	_ = d.registry.Reload()
	now := d.registry.Snapshot()
	broken := unreadable(now)
	if d.folder != nil {
		// What comes while the folder is read may be missed. With the mark of before it is
		// looked at again, which costs little where all was tried before.
		d.loaded = d.folder.Seen()
	}
	for _, k := range ipc.Kinds {
		d.say(k, before, now, all)
		if c := now.Candidate(k); c != nil && (all || !c.Same(before.Candidate(k))) {
			d.log.Info().Stringer("kind", k).Str("model", c.Label).Float64("share", c.Share).Str("from", c.Source).Msg("candidate loaded")
		}
	}
	if broken != nil && (all || broken.Error() != d.broke) {
		d.log.Warn().Str("folder", d.folder.Name()).AnErr("reason", broken).Msg("models not replaced: the folder cannot be read")
	}
	d.broke = text(broken)
	d.sayUnwritten(all)
}

// sayUnwritten says whether decisions outlive this process, when that has changed.
func (d *Desk) sayUnwritten(all bool) {
	if d.folder == nil {
		return
	}
	err := d.folder.Unwritten()
	switch {
	case err != nil && (all || err.Error() != d.memo):
		d.log.Warn().Err(err).Str("folder", d.folder.Name()).Msg("the folder cannot be written: what is decided about its models ends with this process")
	case err == nil && d.memo != "":
		d.log.Info().Str("folder", d.folder.Name()).Msg("what is decided about the folder's models outlives this process again")
	}
	d.memo = text(err)
}

// keep writes what could not be written, if the folder can be by now.
func (d *Desk) keep() {
	if d.folder.Unwritten() == nil || !d.folder.Keep() {
		return
	}
	d.loading.Lock()
	defer d.loading.Unlock()
	d.sayUnwritten(false)
}

// unreadable says what is wrong with the folder as a whole: a manifest that nobody can read,
// mostly. It is the problem of every kind.
func unreadable(s *registry.Snapshot) error {
	var whole *registry.UnreadableError
	if errors.As(s.Problem(ipc.Kinds[0]), &whole) {
		return whole
	}
	return nil
}

// say tells of the model of kind k that serves, and of what is wrong with others: what has
// changed, or all. What is wrong with the folder as a whole is said once and not here.
func (d *Desk) say(k ipc.Kind, before, now *registry.Snapshot, all bool) {
	model, problem := now.Model(k), now.Problem(k)
	replaced, news := all || model != before.Model(k), all || text(problem) != text(before.Problem(k))
	switch {
	case model == nil && (replaced || news):
		d.log.Warn().Stringer("kind", k).AnErr("reason", problem).Msg("no model: calls get 503")
	case model == nil:
	case replaced:
		d.log.Info().Stringer("kind", k).Str("model", model.Label).Str("from", model.Source).Msg("model loaded")
	case news && problem == nil:
		d.log.Info().Stringer("kind", k).Str("model", model.Label).Msg("nothing is wrong with the other models any more")
	}
	if model != nil && news && problem != nil && unreadable(now) == nil {
		d.log.Warn().Stringer("kind", k).Str("model", model.Label).AnErr("reason", problem).Msg("model not replaced")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// lookEvery is how often the folder is looked at.
const lookEvery = time.Second

// Watch loads the models when the folder has changed and then stayed the same from one
// look to the next: files that are being copied are not loaded half. Load must have been
// called. It returns when ctx ends, and at once where there is no folder.
func (d *Desk) Watch(ctx context.Context) {
	if d.folder == nil {
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := d.folder.Mark()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		d.keep()
		mark := d.folder.Mark()
		if mark == last && mark != d.mark() {
			d.Load(false)
		}
		last = mark
	}
}

// mark is the folder's as it was loaded last.
func (d *Desk) mark() string {
	d.loading.Lock()
	defer d.loading.Unlock()
	return d.loaded
}
