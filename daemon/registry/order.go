package registry

import (
	"slices"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/ipc"
)

// passOver notes the valid models of kind k that another one now serves instead of, though
// they might: they are not new any more, and the oldest would come forward at last if they
// were. One that is no good yet may still be when it is mended.
func (d *Folder) passOver(k ipc.Kind, list []found) {
	st := d.state.of(k)
	for i := range list {
		f := &list[i]
		if f.kind != k || st.roleOf(&f.Entry).Role != models.RoleServe || st.knows(f.Label()) {
			continue
		}
		if t, _ := d.try(f); t.err == nil {
			st.Passed = append(st.Passed, f.Label())
		}
	}
	d.tidy(k, list)
}

// tidy forgets what is not to be known any more about the models of kind k: that one was
// passed over whose manifest has another role now, which may come forward when it is to serve
// again; and most of those that are not in the folder any more.
func (d *Folder) tidy(k ipc.Kind, list []found) {
	st := d.state.of(k)
	there := make(map[string]bool)
	for i := range list {
		f := &list[i]
		if f.kind != k {
			continue
		}
		there[f.Label()] = true
		if st.roleOf(&f.Entry).Role != models.RoleServe {
			st.Passed = slices.DeleteFunc(st.Passed, func(l string) bool { return l == f.Label() })
		}
	}
	st.tidy(there)
}

// inOrder gives the entries that may serve, best first: new ones, the newest first, then
// those that served, the latest first, then those that were passed over, the newest first.
func (d *Folder) inOrder(k ipc.Kind, list []found) []found {
	st := d.state.of(k)
	var fresh, served, passed []found
	for i := len(list) - 1; i >= 0; i-- {
		f := list[i]
		switch {
		case f.kind != k, st.roleOf(&f.Entry).Role != models.RoleServe, slices.Contains(st.Rejected, f.Label()):
		case slices.Contains(st.History, f.Label()):
			served = append(served, f)
		case slices.Contains(st.Passed, f.Label()):
			passed = append(passed, f)
		default:
			fresh = append(fresh, f)
		}
	}
	slices.SortStableFunc(served, func(a, b found) int {
		return slices.Index(st.History, b.Label()) - slices.Index(st.History, a.Label())
	})
	return slices.Concat(fresh, served, passed)
}
