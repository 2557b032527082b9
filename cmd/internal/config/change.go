package config

import (
	"reflect"

	"github.com/alecthomas/kong"
)

// Change is a setting that a reload found different.
type Change struct {
	Name     string
	Old, New string // as TOML
	Live     bool   // can change in a running process; the others need a restart
}

// Changes compares the settings of a command as parsed before and now. A flag with the
// struct tag live:"" can change in a running process.
func Changes(before, now *kong.Application) []Change {
	var out []Change
	old := Settings(before)
	for i, s := range Settings(now) {
		if reflect.DeepEqual(old[i].Target.Interface(), s.Target.Interface()) {
			continue
		}
		out = append(out, Change{s.Name, Literal(old[i].Target), Literal(s.Target), s.Tag.Has("live")})
	}
	return out
}
