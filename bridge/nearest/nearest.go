// Package nearest guesses the name that was meant by one that does not exist, for error
// texts: fields of requests, keys of settings files, environment variables.
package nearest

import "strings"

// longest is the length in bytes up to which a wrong name is looked at: what is longer
// is no slip of the hand, and peers choose what they send.
const longest = 64

// Name gives the name that was probably meant by wrong: one that differs only in its
// separators or case, or by at most a third of its letters. It is "" when none is near.
func Name(wrong string, names []string) string {
	if len(wrong) > longest {
		return ""
	}
	bare := plain(wrong)
	best, least := "", 0
	for _, name := range names {
		d := distance(bare, plain(name))
		if d <= max(len(bare), len(name))/3 && (best == "" || d < least) {
			best, least = name, d
		}
	}
	return best
}

func plain(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(s), "_", ""), "-", "")
}

// distance is the least number of slips: a letter inserted, removed, replaced, or changed
// places with its neighbour (optimal string alignment, Damerau 1964).
func distance(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(next[j]+1, row[j+1]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
