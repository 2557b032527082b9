package registry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// reference is what docs/models.md promises about a folder, in the plainest way: every
// model has a standing, and who serves is looked for among all of them, every time.
type reference struct {
	// The folder.
	manifests map[string]refManifest
	files     map[string]int // by label: one of the states of a file
	kept      decisions      // what state.json says; nil without it
	spoilt    bool           // nobody can read state.json

	// The daemon.
	decided decisions
	looked  bool
	now     [len(ipc.Kinds) + 1]refNow
}

// refNow is what a kind's questions go to.
type refNow struct {
	label string // "" for the built-in one
	file  int    // the state that its file had when it was loaded
	tried string
	share float64
}

// standing is what is known about a model, besides what is in the folder.
type standing struct {
	known string // "served", "passed" over, "rejected", or "" for new
	when  int    // it became so
	hand  role   // what an operator gave it
}

type decisions map[string]standing

// set notes a standing as the latest.
func (d decisions) set(label, known string) {
	latest := 0
	for _, s := range d {
		latest = max(latest, s.when)
	}
	d[label] = standing{known: known, when: latest + 1}
}

// latest is the label of what served last of a kind.
func (d decisions) latest(k ipc.Kind) string {
	best := ""
	for label, s := range d {
		if kindOf(label) == k && s.known == "served" && (best == "" || s.when > d[best].when) {
			best = label
		}
	}
	return best
}

func newReference() *reference {
	return &reference{manifests: make(map[string]refManifest), files: make(map[string]int), decided: make(decisions)}
}

func (r *reference) String() string {
	return fmt.Sprintf("manifests %v, files %v, state %v, in memory %v, now %v", r.manifests, r.files, r.kept, r.decided, r.now)
}

// roleOf goes by the operator's word; then, where it served, by that; then by its manifest.
func (d decisions) roleOf(e refEntry) role {
	switch s := d[e.label]; {
	case s.hand.Role != "":
		return s.hand
	case s.known == "served" || e.role.Role == "":
		return role{Role: models.RoleServe}
	}
	return e.role
}

// order gives those that may serve, best first: new ones by age, those that served by when,
// those that were passed over by age.
func (r *reference) order(k ipc.Kind, d decisions) []string {
	var all []string
	place := make(map[string][2]int)
	for age, e := range r.listed() {
		if kindOf(e.label) != k || d.roleOf(e).Role != models.RoleServe || d[e.label].known == "rejected" {
			continue
		}
		all = append(all, e.label)
		switch s := d[e.label]; s.known {
		case "":
			place[e.label] = [2]int{2, age}
		case "served":
			place[e.label] = [2]int{1, s.when}
		case "passed":
			place[e.label] = [2]int{0, age}
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(cmp.Compare(place[b][0], place[a][0]), cmp.Compare(place[b][1], place[a][1]))
	})
	return all
}

// look is what a look at the folder comes to.
func (r *reference) look() {
	if !r.readable() {
		return
	}
	if r.kept != nil {
		r.decided = maps.Clone(r.kept)
	}
	r.looked = true
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		r.forget(k)
		r.serve(k)
		r.try(k)
	}
	// A folder that says all by itself is not written to.
	told := false
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		n := 0
		for label, s := range r.decided {
			if kindOf(label) == k {
				n++
				told = told || s.known != "served"
			}
		}
		told = told || n > 1
	}
	for _, e := range r.listed() {
		told = told || r.decided[e.label].known == "served" && e.role.Role != "" && e.role.Role != models.RoleServe
	}
	if r.kept != nil || told {
		r.kept = maps.Clone(r.decided)
	}
}

// serve chooses who serves.
func (r *reference) serve(k ipc.Kind) {
	d := r.decided
	now := &r.now[k]
	order := r.order(k, d)
	for _, label := range order {
		switch {
		case r.valid(label):
			now.label, now.file = label, r.files[label]
		case label != now.label: // which serves on
			continue
		}
		r.chosen(k, d, label)
		return
	}
	if s := d[now.label]; len(order) == 0 || s.known == "rejected" || s.hand.Role != "" && s.hand.Role != models.RoleServe {
		now.label = ""
	}
}

// chosen notes who serves, and that the others do not.
func (r *reference) chosen(k ipc.Kind, d decisions, label string) {
	if d.latest(k) != label {
		d.set(label, "served")
	}
	for _, e := range r.listed() {
		if kindOf(e.label) == k && d[e.label].known == "" && d.roleOf(e).Role == models.RoleServe && r.valid(e.label) {
			d.set(e.label, "passed")
		}
	}
	r.forget(k)
}

// forget drops what is to be forgotten: that a model was passed over whose manifest has
// another role now; and what is known of models that are not there any more, but for the
// latest 16 that served and 16 that were passed over.
func (r *reference) forget(k ipc.Kind) {
	for _, e := range r.listed() {
		if r.decided[e.label].known == "passed" && r.decided.roleOf(e).Role != models.RoleServe {
			delete(r.decided, e.label)
		}
	}
	for _, known := range []string{"served", "passed"} {
		var gone []string
		for label, s := range r.decided {
			if kindOf(label) == k && s.known == known && !r.has(label) {
				gone = append(gone, label)
			}
		}
		slices.SortFunc(gone, func(a, b string) int { return r.decided[b].when - r.decided[a].when })
		for _, label := range gone[min(len(gone), 16):] {
			delete(r.decided, label)
		}
	}
}

// try chooses who is tried: whom an operator named, else the newest whose manifest says so.
func (r *reference) try(k ipc.Kind) {
	now := &r.now[k]
	now.tried, now.share = r.candidate(k)
	if now.tried == now.label {
		now.tried, now.share = "", 0
	}
}

func (r *reference) candidate(k ipc.Kind) (label string, share float64) {
	for _, e := range r.listed() {
		is := r.decided.roleOf(e)
		if kindOf(e.label) != k || !is.tries() || !r.valid(e.label) || r.decided[e.label].known == "rejected" {
			continue
		}
		if label == "" || r.decided[e.label].hand.Role != "" || r.decided[label].hand.Role == "" {
			label, share = e.label, is.Share
		}
	}
	return label, share
}

// problem reports whether something is to be said about a kind.
func (r *reference) problem(k ipc.Kind) bool {
	if !r.readable() {
		return true
	}
	for _, e := range r.listed() {
		if kindOf(e.label) == k && r.decided.roleOf(e).Role != models.RoleOff && r.decided[e.label].known != "rejected" && !r.valid(e.label) {
			return true
		}
	}
	return false
}

// role is what a list says of a model.
func (r *reference) role(label string) string {
	k := kindOf(label)
	all := r.listed()
	is := r.decided.roleOf(all[slices.IndexFunc(all, func(e refEntry) bool { return e.label == label })])
	tried, _ := r.candidate(k)
	switch {
	case r.decided[label].known == "rejected":
		return RoleRejected
	case is.Role == models.RoleOff:
		return models.RoleOff
	case !r.valid(label):
		return RoleInvalid
	case r.now[k].label == label:
		return RoleServing
	case is.Role == models.RoleServe, tried != label:
		return RoleWaiting
	}
	return is.Role
}
