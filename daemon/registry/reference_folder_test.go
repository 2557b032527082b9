package registry

import (
	"cmp"
	"maps"
	"slices"
)

type refManifest struct {
	at      int
	broken  bool
	entries []refEntry
}

type refEntry struct {
	label string
	role  role
}

func manifestOf(at int, entries ...refEntry) refManifest {
	return refManifest{at: at, entries: entries}
}

// listed gives the entries by age: by the manifest's time, then by its name, the last of a
// list being the newest.
func (r *reference) listed() []refEntry {
	var all []refEntry
	names := slices.SortedFunc(maps.Keys(r.manifests), func(a, b string) int {
		first := func(name string) int {
			if name == "manifest.json" {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(r.manifests[a].at, r.manifests[b].at), cmp.Compare(first(a), first(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		all = append(all, r.manifests[name].entries...)
	}
	return all
}

// readable reports whether the folder says anything.
func (r *reference) readable() bool {
	if len(r.manifests) == 0 || r.spoilt {
		return false
	}
	for _, m := range r.manifests {
		if m.broken {
			return false
		}
	}
	seen := make(map[string]bool)
	for _, e := range r.listed() {
		if seen[e.label] {
			return false
		}
		seen[e.label] = true
	}
	return true
}

func (r *reference) valid(label string) bool {
	state, ok := r.files[label]
	return ok && state < len(says)
}

func (r *reference) has(label string) bool {
	return slices.ContainsFunc(r.listed(), func(e refEntry) bool { return e.label == label })
}
