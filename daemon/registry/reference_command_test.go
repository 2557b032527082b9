package registry

import (
	"maps"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// command is an operator's, taken by the daemon or beside it, who knows no more than the
// folder does. It reports whether it may be taken.
func (r *reference) command(what byte, label string, share float64, beside bool) bool {
	if !r.readable() {
		return false
	}
	d := r.decided
	if r.kept != nil || beside {
		d = maps.Clone(r.kept)
	}
	if d == nil {
		d = make(decisions)
	}
	if !r.commanded(d, what, label, share, beside || !r.looked) {
		return false
	}
	r.kept = d
	return true
}

func (r *reference) commanded(d decisions, what byte, label string, share float64, stranger bool) bool {
	k := kindOf(label)
	if what == rollback {
		if label = r.serving(k, d, stranger); label != "" {
			d.set(label, "rejected")
		}
		return label != ""
	}
	if !r.has(label) || what != stop && !r.valid(label) {
		return false
	}
	switch what {
	case promote:
		delete(d, label)
		d.set(label, "served")
		before := r.decided
		r.decided = d
		r.chosen(k, d, label)
		r.decided = before
	case stop:
		d[label] = standing{hand: role{Role: models.RoleOff}}
	case try:
		off := standing{hand: role{Role: models.RoleOff}}
		for _, e := range r.listed() {
			if kindOf(e.label) == k && d.roleOf(e).tries() && d[e.label].known != "rejected" {
				d[e.label] = off
			}
		}
		for l, s := range d {
			if kindOf(l) == k && s.hand.tries() {
				d[l] = off
			}
		}
		is := role{Role: models.RoleShadow}
		if share > 0 {
			is = role{Role: models.RoleShare, Share: share}
		}
		d[label] = standing{hand: is}
	}
	return true
}

// serving is who a rollback is about: of those that served the latest that is still there,
// and good, or the latest of all, which may serve on from memory. Who has not looked yet and
// finds nothing decided takes the one that a look would choose.
func (r *reference) serving(k ipc.Kind, d decisions, stranger bool) string {
	latest := d.latest(k)
	order := r.order(k, d)
	if latest == "" {
		for _, label := range order {
			if stranger && r.valid(label) {
				return label
			}
		}
		return ""
	}
	good := false
	for _, label := range order {
		if d[label].known == "served" && (label == latest || r.valid(label)) {
			return label
		}
		good = good || r.valid(label)
	}
	if len(order) > 0 && !good {
		return latest
	}
	return ""
}

// restart is of the daemon; it reports for which kinds a model served that is not good in the
// folder, or not there, or that nobody can tell about.
func (r *reference) restart() (held [len(ipc.Kinds) + 1]bool) {
	for _, k := range []ipc.Kind{ipc.Workload, ipc.Failure} {
		label := r.now[k].label
		held[k] = !r.readable() || label != "" && (!r.valid(label) || !r.has(label))
	}
	r.decided, r.looked = make(decisions), false
	r.now = [len(ipc.Kinds) + 1]refNow{}
	return held
}
