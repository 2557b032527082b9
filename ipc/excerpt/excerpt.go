// Package excerpt cuts text for messages: errors repeat of what somebody sent only as
// much as helps to find it, and never half a character.
package excerpt

import "unicode/utf8"

// Cut gives text, or as many of its characters as fit into most bytes. Bytes that are no
// UTF-8 count as characters.
func Cut(text string, most int) string { return text[:end(text, most)] }

// Of gives text, or its beginning, of at most most bytes, and an ellipsis.
func Of[T string | []byte](text T, most int) string {
	n := end(text, most)
	if n == len(text) {
		return string(text)
	}
	return string(text[:n]) + "…"
}

// end is where to cut.
func end[T string | []byte](text T, most int) int {
	if len(text) <= most {
		return len(text)
	}
	for n := most; n >= 0 && n > most-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return most
}
