package modeldesk

import (
	"strconv"

	"github.com/mlbridge/mlbridge/ipc"
)

// Refusals is what anybody may know of what is wrong with a folder of models: how many of
// each kind are refused, or that it cannot be read. Which, where and why is for those who
// may use the admin socket: names of files, and what stands in them, are nobody else's.
type Refusals struct {
	Models     [len(ipc.Kinds)]int // that were to serve or to be tried, in the order of ipc.Kinds
	Unreadable bool                // the folder as a whole
}

// Refusals is the view's share for everybody.
func (v *View) Refusals() (r Refusals) {
	for i, k := range ipc.Kinds {
		r.Models[i] = v.Serving[k.String()].Refused
	}
	r.Unreadable = v.Folder != "" && v.Error != ""
	return r
}

// Refusals gives what the last Load found; it never waits.
func (d *Desk) Refusals() (r Refusals) {
	snap := d.registry.Snapshot()
	for i, k := range ipc.Kinds {
		r.Models[i] = snap.Refused(k)
	}
	r.Unreadable = unreadable(snap) != nil
	return r
}

// Reasons says it in a phrase each, in the words of docs/operations.md.
func (r Refusals) Reasons() (list []string) {
	if r.Unreadable {
		list = append(list, "the models' folder cannot be read: what serves goes on serving")
	}
	for i, k := range ipc.Kinds {
		switch n := r.Models[i]; n {
		case 0:
		case 1:
			list = append(list, k.String()+": a model of the folder is refused")
		default:
			list = append(list, k.String()+": "+strconv.Itoa(n)+" models of the folder are refused")
		}
	}
	return list
}
