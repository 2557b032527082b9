package cli

import (
	"slices"

	"github.com/alecthomas/kong"
)

// branch is a command as it is typed, for the pages and the shells: the root, or a
// command below it together with its own commands.
type branch struct {
	name  string   // "" for the root
	words []string // that may follow: commands, or the values of the argument
	flags []*kong.Flag
}

// branches are the root, whose flags hold everywhere and which has those of its default
// command too, and what is below it.
func branches(app *kong.Application) []branch {
	root := branch{words: words(app.Node), flags: slices.Clone(app.Flags)}
	if app.DefaultCmd != nil {
		root.flags = append(root.flags, app.DefaultCmd.Flags...)
	}
	out := []branch{root}
	for _, c := range app.Children {
		if c.Hidden {
			continue
		}
		b := branch{name: c.Name, words: words(c)}
		if len(c.Positional) > 0 {
			b.words = choices(c.Positional[0])
		}
		for _, leaf := range append(c.Leaves(true), c) {
			for _, f := range leaf.Flags {
				if !slices.ContainsFunc(b.flags, named(f.Name)) {
					b.flags = append(b.flags, f)
				}
			}
		}
		out = append(out, b)
	}
	return out
}

// every are the flags of all branches, each name once.
func every(list []branch) (flags []*kong.Flag) {
	for _, b := range list {
		for _, f := range b.flags {
			if !slices.ContainsFunc(flags, named(f.Name)) {
				flags = append(flags, f)
			}
		}
	}
	return flags
}

// own are the flags of a command that the root does not have.
func own(node *kong.Node, root branch) (flags []*kong.Flag) {
	for _, f := range node.Flags {
		if !f.Hidden && !slices.ContainsFunc(root.flags, named(f.Name)) {
			flags = append(flags, f)
		}
	}
	return flags
}

func named(name string) func(*kong.Flag) bool {
	return func(f *kong.Flag) bool { return f.Name == name }
}

// words are the commands below node as typed.
func words(node *kong.Node) (out []string) {
	for _, c := range node.Children {
		if !c.Hidden {
			out = append(out, c.Name)
		}
	}
	return out
}

// choices are the values a flag or an argument takes; none where it takes anything.
func choices(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}
