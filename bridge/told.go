package bridge

// Ruled gives the targets that the serving model is demoted for, and whether nothing is left
// of its answers: these are all that decide that, of those it was judged on. What its stale
// answers alone are demoted for is not among them.
func (s *Score) Ruled() (targets []string, all bool) {
	some := false
	all = true
	for i := range s.Standings {
		m := &s.Standings[i]
		first := decides(s.Kind, m.Target)
		switch {
		case !m.Serving, m.Stale:
		case m.Demoted:
			targets = append(targets, m.Name())
			some = some || first
		case m.Judged > 0:
			all = all && !first
		}
	}
	return targets, all && some
}

// Outdated reports whether nothing is left of the serving model's stale answers, of those of
// their targets that it was judged on: they are demoted with the model, and by themselves.
func (s *Score) Outdated() bool {
	const stale, ruled, trusted = 1, 2, 4
	of := make(map[string]int) // by target, whatever its questions tell
	for i := range s.Standings {
		m, is := &s.Standings[i], 0
		switch {
		case !m.Serving, !decides(s.Kind, m.Target), !m.Demoted && m.Judged == 0:
			continue
		case m.Demoted && m.Stale:
			is = stale
		case m.Demoted:
			is = ruled
		case !m.Stale:
			is = trusted
		}
		of[m.Target] |= is
	}
	for _, is := range of {
		if is&stale == 0 && is&(ruled|trusted) != ruled {
			return false
		}
	}
	return len(of) > 0
}
