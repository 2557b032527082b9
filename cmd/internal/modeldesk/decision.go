package modeldesk

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// What can be decided about models.
const (
	Reload   = "reload"   // look at the folder now
	Promote  = "promote"  // Model serves
	Rollback = "rollback" // of Kind: the one before serves again
	Try      = "try"      // Model answers Share of the subjects; with 0 it is asked in the shadow
	Stop     = "stop"     // Model neither serves nor is tried
)

// Decision is what an operator wants. On an admin socket it is POST /models/What with
// the rest as the query.
type Decision struct {
	What  string
	Model string // name@version
	Kind  string
	Share float64
}

// query is the decision's, for a URL.
func (d Decision) query() url.Values {
	q := make(url.Values)
	for name, value := range map[string]string{"model": d.Model, "kind": d.Kind} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if d.Share != 0 {
		q.Set("share", strconv.FormatFloat(d.Share, 'g', -1, 64))
	}
	return q
}

// Path is where on an admin socket the decision is asked for.
func (d Decision) Path() string {
	path := "/models/" + d.What
	if q := d.query().Encode(); q != "" {
		path += "?" + q
	}
	return path
}

// parse reads what query made.
func parse(what string, q url.Values) (Decision, error) {
	d := Decision{What: what, Model: q.Get("model"), Kind: q.Get("kind")}
	if text := q.Get("share"); text != "" {
		var err error
		if d.Share, err = strconv.ParseFloat(text, 64); err != nil {
			return d, fmt.Errorf("share %q is no number", text)
		}
	}
	return d, nil
}

// in takes the decision in the folder.
func (d Decision) in(f *registry.Folder) error {
	switch d.What {
	case Reload:
		return nil
	case Promote:
		return f.Promote(d.Model)
	case Rollback:
		k, err := ipc.ParseKind(d.Kind)
		if err == nil {
			_, err = f.Rollback(k)
		}
		return err
	case Try:
		return f.Try(d.Model, d.Share)
	case Stop:
		return f.Stop(d.Model)
	}
	return fmt.Errorf("nothing is called %q", d.What)
}

// ErrNoFolder says that nothing can be decided about built-in models.
var ErrNoFolder = errors.New("only the built-in models serve here: name a folder with --models=DIR")

// Do takes the decision and loads what serves by it.
func (d *Desk) Do(x Decision) (View, error) {
	if d.folder == nil {
		return View{}, ErrNoFolder
	}
	if err := x.in(d.folder); err != nil {
		return View{}, err
	}
	d.log.Info().Str("asked_by", "operator").Str("what", x.What).Str("which", x.Model+x.Kind).Msg("models change")
	d.Load(false)
	return d.View()
}

// Shelf is a folder without a daemon of its own: one that serves it follows by itself.
type Shelf struct{ folder *registry.Folder }

// Dir gives the folder's keeper.
func Dir(dir string) *Shelf { return &Shelf{registry.Dir(dir)} }

// View lists the folder. What serves is known by the daemon alone.
func (s *Shelf) View() (View, error) {
	list, err := s.folder.List()
	return View{Folder: s.folder.Name(), Models: list}, err
}

// Do takes the decision; a folder that cannot be written is an error, for there is no
// process to keep it.
func (s *Shelf) Do(x Decision) (View, error) {
	if err := x.in(s.folder); err != nil {
		return View{}, err
	}
	if err := s.folder.Unwritten(); err != nil {
		return View{}, fmt.Errorf("%s: nothing was decided: %w", s.folder.Name(), err)
	}
	return s.View()
}
