package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// Lines of help are as wide as the terminal, within what reads well.
const (
	narrowest = 60
	widest    = 100
	flagWidth = 28 // of the column with the flags' names
)

// page writes help for one width.
type page struct {
	w     io.Writer
	width int
	bold  bool
}

// printHelp is the kong.HelpPrinter of every command: the commands first, for there
// are few; the flags in groups, in the order in which a newcomer needs them; then what
// does not fit a flag. kong's own printer puts the commands last and repeats for each
// flag what one sentence says for all.
func (a *App) printHelp(_ kong.HelpOptions, ctx *kong.Context) error {
	p := newPage(ctx.Stdout)
	node := ctx.Selected()
	if node == nil {
		node = ctx.Model.Node
	}
	whole := node == ctx.Model.Node
	if whole {
		p.line("%s: %s", a.Name, a.Title)
	} else {
		p.line("%s: %s", node.FullPath(), strings.TrimSuffix(node.Help, "."))
	}
	p.line("")
	if whole && len(visible(node)) > 0 {
		p.line("Usage: %s [flags]", a.Name)
		p.line("       %s <command> [flags]", a.Name)
	} else {
		p.line("Usage: %s", strings.TrimSpace(a.Name+" "+node.Summary()))
	}
	if text := cmp.Or(node.Detail, a.Description); whole || node.Detail != "" {
		p.line("")
		p.text(0, text)
	}
	p.commands(visible(node))
	if !whole {
		if a.File == "" {
			p.flags(a, append(slices.Clone(node.Flags), ctx.Model.Flags...))
			return nil
		}
		// A daemon's settings are many, and the same everywhere.
		p.flags(a, node.Flags)
		p.line("\nThe flags of %s --help hold here too.", a.Name)
		return nil
	}
	p.flags(a, branches(ctx.Model)[0].flags)
	p.names(a)
	for _, s := range a.Sections {
		if !s.ManualOnly {
			p.section(s)
		}
	}
	return nil
}

func newPage(w io.Writer) page {
	p := page{w: w, width: 80}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bold = os.Getenv("NO_COLOR") == ""
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			p.width = columns
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		p.width = columns
	}
	p.width = min(max(p.width, narrowest), widest)
	return p
}

// visible are the commands below node that somebody would call by hand.
func visible(node *kong.Node) []*kong.Node { return node.Leaves(true) }

func (p page) commands(nodes []*kong.Node) {
	if len(nodes) == 0 {
		return
	}
	p.heading("Commands")
	for _, n := range nodes {
		p.row(strings.TrimSuffix(n.Summary(), " [flags]"), n.Help)
	}
}

// flags writes flags in their groups, as the command orders them; those without one come
// last.
func (p page) flags(a *App, flags []*kong.Flag) {
	groups := map[string][]*kong.Flag{}
	for _, f := range flags {
		key := "other"
		if f.Group != nil {
			key = f.Group.Key
		}
		groups[key] = append(groups[key], f)
	}
	rest := kong.Group{Key: "other", Title: "Other"}
	if len(groups) == 1 {
		rest.Title = "Flags"
	}
	for _, g := range append(slices.Clone(a.Groups), rest) {
		if len(groups[g.Key]) == 0 {
			continue
		}
		p.heading(g.Title)
		for _, f := range groups[g.Key] {
			p.row(form(f), explained(f))
		}
	}
}

// form is a flag as it is typed, with its default where it says more than a placeholder.
func form(f *kong.Flag) string {
	text := "--" + f.Name
	if f.Short != 0 {
		text = "-" + string(f.Short) + ", " + text
	}
	switch {
	case f.IsBool():
		return text
	case f.PlaceHolder != "":
		return text + "=" + f.PlaceHolder
	case f.HasDefault && f.Default != "":
		return text + "=" + f.Default
	}
	return text + "=" + strings.ToUpper(kindOf(f.Target.Type()))
}

// explained is a flag's help, with the default where its form does not have it.
func explained(f *kong.Flag) string {
	if f.IsBool() || f.PlaceHolder == "" || !f.HasDefault || f.Default == "" || strings.Contains(f.Help, "default") {
		return f.Help
	}
	return strings.TrimSuffix(f.Help, ".") + " (default " + f.Default + ")."
}

// names says once what would otherwise stand behind each flag.
func (p page) names(a *App) {
	p.heading("Where settings come from")
	text := fmt.Sprintf("Every flag, --some-name, is also the variable %s_SOME_NAME", a.Env)
	if a.File != "" {
		text += fmt.Sprintf(" and the key some-name of the file given with --config. The flag wins, then the variable, then the file; "+
			"'%s config show' says what is in force and why.", a.Name)
	} else {
		text += "; the flag wins."
	}
	p.text(2, text)
}

func (p page) section(s Section) {
	p.heading(s.Title)
	for paragraph := range strings.SplitSeq(s.Text, "\n") {
		if strings.HasPrefix(paragraph, " ") {
			p.line("%s", paragraph)
		} else {
			p.text(2, paragraph)
		}
	}
}

func (p page) heading(title string) {
	if p.bold {
		title = "\x1b[1m" + title + "\x1b[0m"
	}
	p.line("\n%s", title)
}

// row is a name with its explanation beside it, or below where the name is long.
func (p page) row(name, help string) {
	lines := config.Wrap(help, p.width-flagWidth-2)
	if len(name) > flagWidth-2 {
		p.line("  %s", name)
		name = ""
	}
	for i, l := range lines {
		if i > 0 {
			name = ""
		}
		p.line("  %-*s%s", flagWidth, name, l)
	}
	if len(lines) == 0 {
		p.line("  %s", name)
	}
}

func (p page) text(indent int, text string) {
	for _, l := range config.Wrap(text, p.width-indent) {
		p.line("%*s%s", indent, "", l)
	}
}

func (p page) line(format string, args ...any) {
	fmt.Fprintln(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " "))
}
