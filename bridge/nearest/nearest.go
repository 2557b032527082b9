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

// distance is Levenshtein's: the least number of letters to insert, remove or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
