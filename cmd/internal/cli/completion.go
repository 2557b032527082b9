package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// CompletionCmd prints the completion of the command for a shell, made from its flags.
// Of the libraries for kong one wants a binary of its own to be called at every key
// press, which a daemon's host should not need.
type CompletionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is called by kong.
func (CompletionCmd) Help() string {
	return "To try it in bash: source <(the command completion bash)."
}

func (c *CompletionCmd) Run(a *App, p *Parsed) error {
	return a.writeCompletion(os.Stdout, c.Shell, p.Model)
}

func (a *App) writeCompletion(w io.Writer, shell string, app *kong.Application) error {
	var b strings.Builder
	switch shell {
	case "bash":
		a.bash(&b, app)
	case "zsh":
		a.zsh(&b, app)
	case "fish":
		a.fish(&b, app)
	}
	_, err := io.WriteString(w, b.String())
	return err
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

// choices are the values a flag takes; none where it takes anything.
func choices(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// each calls fn for every command that has commands or arguments of its own below it,
// with what is typed there, the root first.
func each(app *kong.Application, fn func(path string, words []string)) {
	fn("", words(app.Node))
	for _, c := range app.Children {
		switch {
		case c.Hidden:
		case len(c.Children) > 0:
			fn(c.Name, words(c))
		case len(c.Positional) > 0:
			fn(c.Name, choices(c.Positional[0]))
		}
	}
}

func (a *App) bash(b *strings.Builder, app *kong.Application) {
	name := strings.ReplaceAll(a.Name, "-", "_")
	fmt.Fprintf(b, "# bash completion for %s\n_%s() {\n", a.Name, name)
	b.WriteString("  local cur prev words cword command=\"\" i\n  _get_comp_words_by_ref -n = cur prev words cword 2>/dev/null ||\n" +
		"    { cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; words=(\"${COMP_WORDS[@]}\"); cword=$COMP_CWORD; }\n")
	b.WriteString("  case $cur in\n")
	var flags []string
	for _, f := range app.Flags {
		flags = append(flags, "--"+f.Name)
		if list := choices(f.Value); list != nil {
			fmt.Fprintf(b, "  --%s=*) COMPREPLY=($(compgen -P '--%s=' -W '%s' -- \"${cur#*=}\")); return ;;\n", f.Name, f.Name, strings.Join(list, " "))
		} else if !f.IsBool() {
			fmt.Fprintf(b, "  --%s=*) COMPREPLY=($(compgen -P '--%s=' -f -- \"${cur#*=}\")); return ;;\n", f.Name, f.Name)
		}
	}
	fmt.Fprintf(b, "  -*) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n  esac\n", strings.Join(flags, " "))
	b.WriteString("  for ((i = 1; i < cword; i++)); do [[ ${words[i]} == -* ]] || { command=${words[i]}; break; }; done\n  case $command in\n")
	each(app, func(path string, list []string) {
		if path == "" {
			path = `""`
		}
		fmt.Fprintf(b, "  %s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n", path, strings.Join(list, " "))
	})
	fmt.Fprintf(b, "  esac\n  [[ ${COMPREPLY[0]} ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F _%s %s\n", name, a.Name)
}

func (a *App) zsh(b *strings.Builder, app *kong.Application) {
	fmt.Fprintf(b, "#compdef %s\n_arguments -S \\\n", a.Name)
	for _, f := range app.Flags {
		value := ":value:_files"
		if list := choices(f.Value); list != nil {
			value = ":value:(" + strings.Join(list, " ") + ")"
		}
		spec := fmt.Sprintf("--%s[%s]", f.Name, zshText(f.Help))
		if !f.IsBool() {
			spec = fmt.Sprintf("--%s=[%s]%s", f.Name, zshText(f.Help), value)
		}
		fmt.Fprintf(b, "  '%s' \\\n", spec)
	}
	fmt.Fprintf(b, "  '1:command:(%s)' \\\n  '2:argument:{case $words[2] in", strings.Join(words(app.Node), " "))
	each(app, func(path string, list []string) {
		if path != "" {
			fmt.Fprintf(b, " %s) compadd %s ;;", path, strings.Join(list, " "))
		}
	})
	b.WriteString(" esac}' \\\n  '*:file:_files'\n")
}

// zshText takes out of a help text what _arguments would read.
func zshText(text string) string {
	return strings.NewReplacer("'", "’", "[", "(", "]", ")", ":", "∶", `\`, "").Replace(text)
}

func (a *App) fish(b *strings.Builder, app *kong.Application) {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
	for _, f := range app.Flags {
		fmt.Fprintf(b, "complete -c %s -l %s -d %s", a.Name, f.Name, quote(f.Help))
		switch list := choices(f.Value); {
		case list != nil:
			fmt.Fprintf(b, " -x -a %s", quote(strings.Join(list, " ")))
		case !f.IsBool():
			b.WriteString(" -r")
		}
		b.WriteByte('\n')
	}
	each(app, func(path string, list []string) {
		condition := "__fish_use_subcommand"
		if path != "" {
			condition = "__fish_seen_subcommand_from " + path
		}
		fmt.Fprintf(b, "complete -c %s -f -n %s -a %s\n", a.Name, quote(condition), quote(strings.Join(list, " ")))
	})
}
