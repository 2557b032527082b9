package recordings

import (
	"math/rand/v2"

	"github.com/mlbridge/mlbridge/ipc/mlclient/syscalls"
)

// The free build has no attack to learn from. It learns instead to tell windows
// of ordinary programs from windows in which something else happens, made here
// from ordinary ones. None of these claims to be an attack: they are the ways in
// which foreign code inside a program shows in its calls.
var corruptions = [...]func(r *rand.Rand, w []syscalls.Group){
	foreignCalls, tightLoop, shuffled, privileged,
}

// Corrupt gives a changed copy of w, and which way it was changed.
func Corrupt(r *rand.Rand, w []syscalls.Group) ([]syscalls.Group, int) {
	out := append([]syscalls.Group(nil), w...)
	how := r.IntN(len(corruptions))
	corruptions[how](r, out)
	return out, how
}

// segment is a stretch of share low … 1 of w.
func segment(r *rand.Rand, w []syscalls.Group, low float64) []syscalls.Group {
	n := max(1, int(float64(len(w))*(low+r.Float64()*(1-low))))
	at := r.IntN(len(w) - n + 1)
	return w[at : at+n]
}

// foreignCalls replaces a stretch by calls drawn from all groups alike: code
// with needs unlike the program's.
func foreignCalls(r *rand.Rand, w []syscalls.Group) {
	s := segment(r, w, 0.1)
	for i := range s {
		s[i] = syscalls.Group(r.IntN(syscalls.Groups))
	}
}

// tightLoop repeats two to six calls over a stretch: guessing, scanning,
// copying out.
func tightLoop(r *rand.Rand, w []syscalls.Group) {
	s := segment(r, w, 0.3)
	motif := make([]syscalls.Group, 2+r.IntN(5))
	for i := range motif {
		motif[i] = syscalls.Group(r.IntN(syscalls.Groups))
		if r.IntN(2) == 0 {
			motif[i] = w[r.IntN(len(w))]
		}
	}
	for i := range s {
		s[i] = motif[i%len(motif)]
	}
}

// shuffled keeps the calls of a stretch and loses their order.
func shuffled(r *rand.Rand, w []syscalls.Group) {
	s := segment(r, w, 0.3)
	r.Shuffle(len(s), func(i, k int) { s[i], s[k] = s[k], s[i] })
}

// privileged strews calls that change rights, start programs, reach other
// processes or the network.
func privileged(r *rand.Rand, w []syscalls.Group) {
	names := [...]string{
		"setuid", "setgroups", "capset", "execve", "fork", "ptrace", "kill", "chmod", "chown", "socket", "dup2", "mprotect",
	}
	for range max(2, int(float64(len(w))*(0.03+0.25*r.Float64()))) {
		w[r.IntN(len(w))] = syscalls.Named(names[r.IntN(len(names))])
	}
}
