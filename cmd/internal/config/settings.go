package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/bridge/nearest"
)

// Settings are the flags of a command that may stand in its file: those of the command
// itself, less the ones that only make sense on a command line.
func Settings(app *kong.Application) []*kong.Flag {
	var out []*kong.Flag
	for _, f := range app.Flags {
		if f.Name != "help" && f.Name != "version" && f.Name != "config" {
			out = append(out, f)
		}
	}
	return out
}

func names(flags []*kong.Flag) []string {
	var out []string
	for _, f := range flags {
		out = append(out, f.Name)
	}
	return out
}

// Check compares the file with the settings there are. The error joins all that is
// wrong, and the file is then without it, so that the rest can be looked at.
func (f *File) Check(settings []*kong.Flag) error {
	var problems []error
	for _, key := range f.order {
		e := f.entries[key]
		i := slices.IndexFunc(settings, func(s *kong.Flag) bool { return s.Name == key })
		if i < 0 {
			problems = append(problems, f.unknown(key, e.line, names(settings)))
			continue
		}
		if err := fits(settings[i].Value, e.value); err != nil {
			problems = append(problems, f.at(e.line, "%s: %v", key, err))
			delete(f.entries, key)
		}
	}
	return errors.Join(problems...)
}

func (f *File) unknown(key string, line int, known []string) error {
	if near := nearest.Name(key, known); near != "" {
		return f.at(line, "unknown key %q: did you mean %q?", key, near)
	}
	return f.at(line, "unknown key %q", key)
}

// fits tries a value on a setting without setting it.
func fits(v *kong.Value, value any) error {
	if _, list := value.([]any); list != v.IsSlice() {
		if list {
			return errors.New("takes one value, not a list")
		}
		value = []any{value} // one value for a list is plain enough
	}
	trial := reflect.New(v.Target.Type()).Elem()
	if err := v.Parse(kong.Scan().PushTyped(value, kong.FlagValueToken), trial); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "--"+v.Name+": "))
	}
	if v.Enum != "" && !v.EnumMap()[fmt.Sprint(trial.Interface())] {
		return fmt.Errorf("must be one of %s, not %q", strings.Join(v.EnumSlice(), ", "), value)
	}
	return nil
}

// Resolve gives kong what the file says about a setting that neither the command line
// nor the environment has.
func (f *File) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	e, ok := f.entries[flag.Name]
	if !ok || parent.App == nil || inEnvironment(flag) {
		return nil, nil
	}
	if _, list := e.value.([]any); flag.IsSlice() && !list {
		return []any{e.value}, nil
	}
	return e.value, nil
}

// Validate has nothing to add to Check; kong asks for it.
func (f *File) Validate(*kong.Application) error { return nil }

func inEnvironment(flag *kong.Flag) bool {
	return slices.ContainsFunc(flag.Envs, func(name string) bool { _, ok := os.LookupEnv(name); return ok })
}

// StrayEnvironment names the variables with the command's prefix that no setting has,
// each with what was probably meant. A process may have variables for others in its
// environment, so that they are no error by themselves.
func StrayEnvironment(prefix string, app *kong.Application) []string {
	var known, out []string
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			known = append(known, f.Envs...)
		}
		return next(nil)
	})
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, prefix+"_") || strings.HasPrefix(name, prefix+"_TEST_") || slices.Contains(known, name) {
			continue
		}
		text := name + " is no setting"
		if near := nearest.Name(name, known); near != "" {
			text += ": did you mean " + near + "?"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return out
}
