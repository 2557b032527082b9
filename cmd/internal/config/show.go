package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Origin says where a parsed setting has its value from: "flag", an environment
// variable, a place in the file, or "default". f may be nil.
func Origin(ctx *kong.Context, f *File, flag *kong.Flag) string {
	for _, p := range ctx.Path {
		if p.Flag == flag && !p.Resolved {
			return "flag"
		}
	}
	for _, env := range flag.Envs {
		if _, ok := os.LookupEnv(env); ok {
			return "$" + env
		}
	}
	if f != nil {
		if e, ok := f.entries[flag.Name]; ok {
			return fmt.Sprintf("%s:%d", f.Path, e.line)
		}
	}
	return "default"
}

// Show writes the settings in force as a settings file, each with its origin. What has
// no value, and needs none, is a comment in it: read again, the file says the same. usual
// has what settings without a value come to that would mean another thing if they were given.
func Show(w io.Writer, ctx *kong.Context, f *File, usual map[string]string) error {
	for _, s := range Settings(ctx.Model) {
		line, origin := fmt.Sprintf("%s = %s", s.Name, Literal(s.Target)), Origin(ctx, f, s)
		if origin == "default" && (s.Target.Kind() == reflect.String || s.IsSlice()) && s.Target.Len() == 0 {
			line, origin = "#"+line, "not set"
			if v, ok := usual[s.Name]; ok {
				line, origin = fmt.Sprintf("#%s = %q", s.Name, v), "default"
			}
		}
		if _, err := fmt.Fprintf(w, "%-48s # %s\n", line, origin); err != nil {
			return err
		}
	}
	return nil
}

// Example writes a settings file with every setting explained, and left out where the
// command line, the environment and the file say nothing about it.
func Example(w io.Writer, ctx *kong.Context, f *File, title string) error {
	app := ctx.Model
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n# What is commented out has its default. After a change: %s config check FILE\n", title, app.Name)
	group := ""
	for _, s := range Settings(app) {
		if s.Group != nil && s.Group.Title != group {
			group = s.Group.Title
			fmt.Fprintf(&b, "\n# --- %s\n", group)
		}
		value := s.Default
		for _, line := range Wrap(s.Help, 76) {
			fmt.Fprintf(&b, "\n# %s", line)
		}
		trial := reflect.New(s.Target.Type()).Elem()
		if s.HasDefault {
			if err := s.Parse(kong.Scan().PushTyped(value, kong.FlagValueToken), trial); err != nil {
				return fmt.Errorf("default of %s: %w", s.Name, err)
			}
		}
		mark := "#"
		if Origin(ctx, f, s) != "default" {
			mark, trial = "", s.Target
		}
		fmt.Fprintf(&b, "\n%s%s = %s\n", mark, s.Name, Literal(trial))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Literal writes a value as TOML.
func Literal(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return fmt.Sprintf("%q", x.String())
	case string:
		return fmt.Sprintf("%q", x)
	case []string:
		quoted := make([]string, len(x))
		for i, s := range x {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprint(v.Interface())
}

// Wrap breaks text into lines of at most width columns.
func Wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
