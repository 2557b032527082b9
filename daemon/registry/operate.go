package registry

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/predict"
	"github.com/mlbridge/mlbridge/ipc"
)

// ErrUnknown says that a folder has no such model.
var ErrUnknown = errors.New("no such model")

// Listed is what a folder knows about one of its models.
type Listed struct {
	Kind     string        `json:"kind"`
	Model    string        `json:"model"` // name@version
	File     string        `json:"file"`
	Role     string        `json:"role"` // one of the Role constants
	Share    float64       `json:"share,omitempty"`
	Valid    bool          `json:"valid"`
	Error    string        `json:"error,omitempty"` // why it is not valid
	Single   time.Duration `json:"single_ns"`       // median time of one recorded question
	PerItem  time.Duration `json:"per_item_ns"`     // of one in a batch of all of them
	Terms    string        `json:"terms,omitempty"`
	Features string        `json:"features"`
}

// What a folder's models are doing, besides those of an operator's or a manifest's word
// (models.RoleShadow, RoleShare, RoleOff).
const (
	RoleServing  = "serving"
	RoleWaiting  = "waiting"  // to serve or to be tried, when the one that does or is is taken away
	RoleRejected = "rejected" // rolled back
	RoleInvalid  = "invalid"  // to serve or to be tried, if it were valid
)

// Name is the folder's path, as it was given.
func (d *Folder) Name() string { return d.dir }

// List gives the folder's models, by kind and then oldest first.
func (d *Folder) List() ([]Listed, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, err := d.look()
	if err != nil {
		return nil, err
	}
	list := []Listed{}
	for _, k := range ipc.Kinds {
		serves, tried := d.serving(k, all.list), d.candidate(k, all.list)
		for i := range all.list {
			if f := &all.list[i]; f.kind == k {
				list = append(list, d.listed(serves, f, tried))
			}
		}
	}
	return list, nil
}

// listed says what the model is for, given the label of the one of its kind that serves, and
// the one that is tried, or nil.
func (d *Folder) listed(serves string, f *found, tried *Candidate) Listed {
	st := d.state.of(f.kind)
	r := st.roleOf(&f.Entry)
	l := Listed{
		Kind: f.Predictor, Model: f.Label(), File: f.File, Role: r.Role, Share: r.Share,
		Terms: f.Terms, Features: f.Features,
	}
	t, _ := d.try(f)
	l.Valid = t.err == nil
	switch {
	case slices.Contains(st.Rejected, l.Model):
		l.Role = RoleRejected
	case l.Role != models.RoleOff && !l.Valid:
		l.Role = RoleInvalid
	case serves == l.Model:
		l.Role = RoleServing
	case l.Role == models.RoleServe:
		l.Role = RoleWaiting
	case l.Role != models.RoleOff && (tried == nil || tried.Label != l.Model):
		l.Role, l.Share = RoleWaiting, 0
	}
	if !l.Valid {
		l.Error = t.err.Error()
		return l
	}
	l.Single, l.PerItem = t.took.Single, t.took.PerItem
	return l
}

// Promote lets the model serve, whatever it was for; it must be valid. Reload the
// registry for it to take effect.
func (d *Folder) Promote(label string) error {
	return d.decide(label, true, func(st *kindState, ofKind []found) {
		st.served(label)
		d.passOver(ofKind[0].kind, ofKind)
	})
}

// Try gives the model a role beside the one that serves: in the shadow with share 0, or
// on a share of the subjects. One of a kind is tried at a time: those that were before are
// stopped.
func (d *Folder) Try(label string, share float64) error {
	if !(share >= 0 && share < 1) {
		return fmt.Errorf("share %v is not in [0, 1)", share)
	}
	r := role{Role: models.RoleShadow}
	if share > 0 {
		r = role{Role: models.RoleShare, Share: share}
	}
	off := role{Role: models.RoleOff}
	return d.decide(label, true, func(st *kindState, ofKind []found) {
		for i := range ofKind {
			if e := &ofKind[i].Entry; st.roleOf(e).tries() && !slices.Contains(st.Rejected, e.Label()) {
				st.give(e.Label(), off)
			}
		}
		for l, given := range st.Roles { // one that is not there may come back
			if given.tries() {
				st.Roles[l] = off
			}
		}
		st.give(label, r)
	})
}

// Stop takes the model out of service and out of trial: it waits to be promoted. It need not
// be valid.
func (d *Folder) Stop(label string) error {
	return d.decide(label, false, func(st *kindState, _ []found) { st.give(label, role{Role: models.RoleOff}) })
}

// decide changes the state about a model, by all models of its kind.
func (d *Folder) decide(label string, valid bool, change func(st *kindState, ofKind []found)) error {
	all, end, err := d.begin()
	defer end()
	if err != nil {
		return err
	}
	var meant []*found
	for i := range all.list {
		if all.list[i].Label() == label {
			meant = append(meant, &all.list[i])
		}
	}
	switch len(meant) {
	case 0:
		return fmt.Errorf("%s: %w", label, ErrUnknown)
	case 1:
	default:
		return fmt.Errorf("%s: %s brings a %v and %s a %v model of this name: give one another", label,
			meant[0].place(), meant[0].kind, meant[1].place(), meant[1].kind)
	}
	f := meant[0]
	t, _ := d.try(f)
	if valid && errors.Is(t.err, predict.ErrSlow) { // or the machine was, and now somebody wants this one
		delete(d.tried, f.mark)
		t, _ = d.try(f)
	}
	if valid && t.err != nil {
		return fmt.Errorf("%s: %w", label, t.err)
	}
	k := f.kind
	change(d.state.of(k), slices.DeleteFunc(all.list, func(f found) bool { return f.kind != k }))
	d.keep()
	return nil
}

// Rollback takes the model of kind k that serves out of service. Of those that served before
// it the latest that is still there, and good, serves again; without one the newest that was
// passed over, or what the next source has. It gives the label of the former, "" for the
// others. Where none serves the error is an ErrUnknown.
func (d *Folder) Rollback(k ipc.Kind) (string, error) {
	all, end, err := d.begin()
	defer end()
	if err != nil {
		return "", err
	}
	st := d.state.of(k)
	label := d.inService(k, all.list)
	if label == "" {
		return "", noneServes(k)
	}
	st.reject(label)
	before := ""
	for _, f := range d.inOrder(k, all.list) {
		if t, _ := d.try(&f); t.err == nil && slices.Contains(st.History, f.Label()) {
			before = f.Label()
			break
		}
	}
	d.keep()
	return before, nil
}

// noneServes is the ErrUnknown of a folder of which no model of the kind serves.
type noneServes ipc.Kind

func (k noneServes) Error() string {
	return ipc.Kind(k).String() + ": no model of the folder serves: there is nothing to roll back"
}

func (noneServes) Is(target error) bool { return target == ErrUnknown }

// inService is the label of the model of kind k that serves, "" for none, as far as the
// folder tells: it may be served by another process.
func (d *Folder) inService(k ipc.Kind, list []found) string {
	st := d.state.of(k)
	last := d.serving(k, list)
	if last != st.serves() {
		return last
	}
	order := d.inOrder(k, list)
	good := false
	for _, f := range order {
		t, _ := d.try(&f)
		if slices.Contains(st.History, f.Label()) && (t.err == nil || f.Label() == last) {
			return f.Label()
		}
		good = good || t.err == nil
	}
	if len(order) == 0 || good {
		return ""
	}
	return last // which is not there, and serves on while all that would take its place is bad
}

// serving is the label of the model of kind k that serves by what was noted, "" for none; of
// a folder where nothing was, as with one model, that which will.
func (d *Folder) serving(k ipc.Kind, list []found) string {
	last := d.state.of(k).serves()
	if last == "" && !d.looked {
		if m, err := d.choose(k, list); err == nil {
			return m.Label
		}
	}
	return last
}
