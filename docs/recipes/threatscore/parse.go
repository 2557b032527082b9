package main

import (
	"strconv"
	"strings"
)

// parse reads "pid number", or a call as strace -f -n -o writes it: "pid [ number]
// name(…". Whatever else strace says about a process is no call.
func parse(line string) (pid uint64, number int, ok bool) {
	first, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	rest = strings.TrimSpace(rest)
	if inner, found := strings.CutPrefix(rest, "["); found {
		text, after, closed := strings.Cut(inner, "]")
		if !closed || strings.HasPrefix(strings.TrimSpace(after), "<...") { // "resumed": counted when it began
			return 0, 0, false
		}
		rest = strings.TrimSpace(text)
	}
	number, err = strconv.Atoi(rest)
	return pid, number, err == nil && number >= 0
}
