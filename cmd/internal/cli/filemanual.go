package cli

import (
	"fmt"
	"io"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// writeFileManual writes the page of the settings file.
func (a *App) writeFileManual(w io.Writer, app *kong.Application) error {
	var r roff
	r.title(a.Name+".toml", 5)
	r.heading("Name")
	fmt.Fprintf(&r, "%s.toml \\- settings of %s\n", escape(a.Name), escape(a.Name))
	r.heading("Synopsis")
	r.paragraph(a.File)
	r.heading("Description")
	r.paragraph("The file is TOML without tables: a key, an equals sign and a value on a line. Texts and times are quoted, " +
		"times with their unit (\"250ms\", \"10s\"); a list is in brackets; # starts a comment. The keys are the names of " + a.Name + "'s options; " +
		"options and environment variables win over the file. A key that is none is an error.")
	r.paragraph("After a change: " + a.Name + " config check, then systemctl reload " + a.Name +
		", which changes what is marked live; the rest waits for systemctl restart " + a.Name + ".")
	r.heading("Keys")
	for _, s := range config.Settings(app) {
		live := ""
		if s.Tag.Has("live") {
			live = " Live."
		}
		r.entry(s.Name+" = "+kindOf(s.Target.Type()), s.Help+defaultText(s)+live)
	}
	r.heading("Files")
	r.paragraph(a.File)
	r.heading("See also")
	r.paragraph(fmt.Sprintf("%s(%d)", a.Name, a.Section))
	_, err := io.WriteString(w, r.String())
	return err
}

func kindOf(t reflect.Type) string {
	switch {
	case t.String() == "time.Duration":
		return "time"
	case t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Slice:
		return "list of texts"
	case t.Kind() == reflect.Bool:
		return "true or false"
	}
	return "number"
}

func defaultText(f *kong.Flag) string {
	if !f.HasDefault || f.Default == "" {
		return ""
	}
	return " Default: " + f.Default + "."
}
