package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// ManualCmd prints the manual page that the build installs. It is made from the flags
// themselves, so that it cannot fall behind them.
type ManualCmd struct {
	File bool `help:"The page of the settings file instead."`
}

func (c *ManualCmd) Run(a *App, p *Parsed) error {
	if c.File {
		return a.writeFileManual(os.Stdout, p.Model)
	}
	return a.writeManual(os.Stdout, p.Model)
}

// roff writes a manual page in the macros of man(7).
type roff struct{ strings.Builder }

// escape keeps roff from reading text as its own: a backslash, a leading dot or quote,
// and hyphens, which it would print as something that cannot be copied.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

func (r *roff) title(name string, section int) {
	fmt.Fprintf(r, ".TH %s %d \"\" \"mlbridge %s\" \"mlbridge\"\n", escape(strings.ToUpper(name)), section, escape(Version()))
}

func (r *roff) heading(title string) { fmt.Fprintf(r, ".SH %s\n", strings.ToUpper(title)) }

func (r *roff) paragraph(text string) { fmt.Fprintf(r, ".PP\n%s\n", escape(text)) }

func (r *roff) entry(term, text string) {
	fmt.Fprintf(r, ".TP\n\\fB%s\\fR\n%s\n", escape(term), escape(text))
}

// text writes paragraphs; lines that start with a blank stay as they are.
func (r *roff) text(text string) {
	verbatim := false
	for line := range strings.SplitSeq(text, "\n") {
		switch indented := strings.HasPrefix(line, " "); {
		case indented && !verbatim:
			r.WriteString(".PP\n.nf\n")
			verbatim = true
		case !indented && verbatim:
			r.WriteString(".fi\n")
			verbatim = false
		}
		if verbatim {
			fmt.Fprintln(r, escape(line))
		} else {
			r.paragraph(line)
		}
	}
	if verbatim {
		r.WriteString(".fi\n")
	}
}

func (a *App) writeManual(w io.Writer, app *kong.Application) error {
	var r roff
	r.title(a.Name, a.Section)
	r.heading("Name")
	fmt.Fprintf(&r, "%s \\- %s\n", escape(a.Name), escape(a.Title))
	r.heading("Synopsis")
	fmt.Fprintf(&r, ".B %s\n[\\fIflags\\fR]\n.br\n.B %s\n\\fIcommand\\fR [\\fIflags\\fR]\n", escape(a.Name), escape(a.Name))
	r.heading("Description")
	r.paragraph(a.Description)
	root := branches(app)[0]
	r.heading("Commands")
	for _, n := range visible(app.Node) {
		r.entry(strings.TrimSuffix(n.Summary(), " [flags]"), n.Help)
		if flags := own(n, root); len(flags) > 0 {
			r.WriteString(".RS\n")
			for _, f := range flags {
				r.entry(form(f), explained(f))
			}
			r.WriteString(".RE\n")
		}
	}
	r.heading("Options")
	for _, f := range root.flags {
		if !f.Hidden {
			r.entry(form(f), explained(f))
		}
	}
	r.heading("Environment")
	r.paragraph(fmt.Sprintf("Every option --some-name is also the variable %s_SOME_NAME, which the option wins over.", a.Env))
	for _, s := range a.Sections {
		r.heading(s.Title)
		r.text(s.Text)
	}
	r.heading("See also")
	see := a.SeeAlso
	if a.File != "" {
		see = a.Name + ".toml(5), " + see
	}
	r.paragraph(see)
	_, err := io.WriteString(w, r.String())
	return err
}
