package modeldesk

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/mlbridge/mlbridge/daemon/models"
	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// print writes the view for people.
func (v View) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if len(v.Models) > 0 {
		fmt.Fprintln(w, "KIND\tMODEL\tROLE\tVALID\tONE\tOF MANY\tFILE")
	}
	for _, m := range v.Models {
		valid, one, many := "yes", m.Single.String(), m.PerItem.String()
		if !m.Valid {
			valid, one, many = "no", "-", "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.Kind, m.Model, roleText(m.Role, m.Share), valid, one, many, m.File)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, m := range v.Models {
		if !m.Valid {
			fmt.Fprintf(out, "%s %s is not valid: %s\n", m.Kind, m.Model, m.Error)
		}
	}
	if v.Error != "" {
		fmt.Fprintln(out, v.Error)
	}
	if v.Unwritten != "" {
		fmt.Fprintln(out, v.ends())
	}
	if len(v.Serving) == 0 {
		return nil
	}
	if len(v.Models) > 0 || v.Error != "" || v.Unwritten != "" {
		fmt.Fprintln(out)
	}
	for _, k := range ipc.Kinds {
		fmt.Fprintf(w, "%s\t%s\n", k, v.Serving[k.String()].text())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, k := range ipc.Kinds {
		// What is wrong with the folder as a whole, or with a model, was said above.
		if s := v.Serving[k.String()]; s.Problem != "" && !v.said(s.Problem) {
			fmt.Fprintf(out, "%s is not replaced: %s\n", k, s.Problem)
		}
	}
	return nil
}

// ends says that decisions are not written.
func (v View) ends() string {
	return fmt.Sprintf("%s: %s: what is decided ends with the process", v.Folder, v.Unwritten)
}

// said reports whether the problem is one that the list has already.
func (v View) said(problem string) bool {
	if v.Error != "" && strings.Contains(problem, v.Error) {
		return true
	}
	for _, m := range v.Models {
		if m.Error != "" && strings.Contains(problem, m.Error) {
			return true
		}
	}
	return false
}

func roleText(role string, share float64) string {
	if share > 0 {
		return role + " " + strconv.FormatFloat(share, 'g', 3, 64)
	}
	return role
}

// text says who serves a kind.
func (s Serving) text() string {
	if s.Model == "" {
		return "no model serves"
	}
	serves, answers, tried := "serves", "answers", "is tried in"
	if s.Idle {
		serves, answers, tried = "is loaded", "is loaded for", "is loaded for"
	}
	line := s.Model + " " + serves + ", from " + s.From + badly(s.Invalid)
	switch {
	case s.Candidate != "" && s.Share > 0:
		line += "; " + s.Candidate + " " + answers + " a share of " + strconv.FormatFloat(s.Share, 'g', 3, 64)
	case s.Candidate != "":
		line += "; " + s.Candidate + " " + tried + " the shadow"
	}
	line += badly(s.CandidateInvalid)
	if s.Ruled != "" {
		line += "; " + s.Ruled
	}
	return line
}

// badly says how many of a model's answers were none.
func badly(invalid uint64) string {
	switch invalid {
	case 0:
		return ""
	case 1:
		return ", 1 invalid output"
	}
	return fmt.Sprintf(", %d invalid outputs", invalid)
}

// led says what the decision, about a kind, led to.
func (v View) led(x Decision, kind, daemon string) []string {
	if s, ok := v.Serving[kind]; ok {
		lines := []string{kind + ": " + s.text()}
		switch {
		case s.Refused == 1:
			lines = append(lines, "(a "+kind+" model beside it is refused: models list says why)")
		case s.Refused > 1:
			lines = append(lines, fmt.Sprintf("(%d %s models beside it are refused: models list says why)", s.Refused, kind))
		case s.Problem != "":
			lines = append(lines, kind+": "+s.Problem)
		}
		if v.Unwritten != "" {
			lines = append(lines, v.ends())
		}
		return lines
	}
	// A folder alone: its models' roles are what a daemon will go by.
	var lines []string
	for _, m := range v.Models {
		if m.Kind == kind {
			lines = append(lines, fmt.Sprintf("%s: %s is %s", kind, m.Model, roleText(m.Role, m.Share)))
		}
	}
	// A daemon may serve one from memory whose file is bad now, but none that was rolled back.
	if !v.has(kind, registry.RoleServing) && (x.What == Rollback || !v.has(kind, registry.RoleInvalid)) {
		lines = append(lines, kind+": no model of the folder serves: the built-in one does")
	}
	return append(lines, "noted in "+v.Folder+": an "+daemon+" that serves it follows within two seconds")
}

// has reports whether a model of the kind has one of the roles.
func (v View) has(kind string, roles ...string) bool {
	return slices.ContainsFunc(v.Models, func(m registry.Listed) bool { return m.Kind == kind && slices.Contains(roles, m.Role) })
}

// suggest names the models that might have been meant, or what serves where none was.
func (v View) suggest(x Decision, err error) error {
	switch {
	case !errors.Is(err, registry.ErrUnknown):
		return err
	case x.What == Rollback && v.byBuiltIn(x.Kind):
		return fmt.Errorf("%w, and the built-in model serves already", err)
	case x.Model == "":
		return err
	}
	if builtIn(x.Model) {
		return fmt.Errorf("%s is built in: it serves when no model of the folder does, so stop or roll back those", x.Model)
	}
	var same, all []string
	name, _, _ := strings.Cut(x.Model, "@")
	for _, m := range v.Models {
		all = append(all, m.Model)
		if n, _, _ := strings.Cut(m.Model, "@"); n == name {
			same = append(same, m.Model)
		}
	}
	switch {
	case len(same) > 0:
		return fmt.Errorf("%w: did you mean %s?", err, strings.Join(newest(same), " or "))
	case len(all) > 0:
		return fmt.Errorf("%w: there are %s%s", err, strings.Join(newest(all), ", "), more(all))
	}
	return err
}

// suggestions is how many models are named to somebody who meant one of them.
const suggestions = 8

func newest(labels []string) []string { return labels[max(0, len(labels)-suggestions):] }

// more says how many newest leaves out.
func more(labels []string) string {
	if n := len(labels) - suggestions; n > 0 {
		return fmt.Sprintf(" and %d older ones", n)
	}
	return ""
}

// byBuiltIn reports whether a kind of which nothing can be rolled back is served by the model
// of this program's own. Of a folder alone a model that waits may not have been seen yet.
func (v View) byBuiltIn(kind string) bool {
	if s, ok := v.Serving[kind]; ok {
		return strings.HasPrefix(s.From, "embedded:")
	}
	return !v.has(kind, registry.RoleServing, registry.RoleWaiting)
}

// builtIn reports whether the label is of a model of this program's own.
func builtIn(label string) bool {
	list, err := models.Embedded()
	return err == nil && slices.ContainsFunc(list, func(e models.Entry) bool { return e.Label() == label })
}
