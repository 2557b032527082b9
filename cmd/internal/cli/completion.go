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

// bash writes a function that looks at the word under the cursor: a value, a flag, or a
// command, by the command that is there already.
func (a *App) bash(b *strings.Builder, app *kong.Application) {
	name, list := strings.ReplaceAll(a.Name, "-", "_"), branches(app)
	fmt.Fprintf(b, "# bash completion for %s\n_%s() {\n", a.Name, name)
	b.WriteString("  local cur prev words cword command=\"\" i flags more\n  _get_comp_words_by_ref -n = cur prev words cword 2>/dev/null ||\n" +
		"    { cur=${COMP_WORDS[COMP_CWORD]}; prev=${COMP_WORDS[COMP_CWORD-1]}; words=(\"${COMP_WORDS[@]}\"); cword=$COMP_CWORD; }\n")
	b.WriteString("  case $cur in\n")
	for _, f := range every(list) {
		if values := choices(f.Value); values != nil {
			fmt.Fprintf(b, "  --%s=*) COMPREPLY=($(compgen -P '--%s=' -W '%s' -- \"${cur#*=}\")); return ;;\n", f.Name, f.Name, strings.Join(values, " "))
		} else if !f.IsBool() {
			fmt.Fprintf(b, "  --%s=*) COMPREPLY=($(compgen -P '--%s=' -f -- \"${cur#*=}\")); return ;;\n", f.Name, f.Name)
		}
	}
	b.WriteString("  esac\n  for ((i = 1; i < cword; i++)); do [[ ${words[i]} == -* ]] || { command=${words[i]}; break; }; done\n  case $command in\n")
	for _, c := range list[1:] {
		fmt.Fprintf(b, "  %s) flags='%s' more='%s' ;;\n", c.name, strings.Join(typed(app.Flags, c.flags), " "), strings.Join(c.words, " "))
	}
	fmt.Fprintf(b, "  *) flags='%s' more='%s' ;;\n", strings.Join(typed(list[0].flags), " "), strings.Join(list[0].words, " "))
	b.WriteString("  esac\n  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")); return; fi\n" +
		"  COMPREPLY=($(compgen -W \"$more\" -- \"$cur\"))\n")
	fmt.Fprintf(b, "  [[ ${COMPREPLY[0]} ]] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F _%s %s\n", name, a.Name)
}

// typed are flags as they are typed.
func typed(lists ...[]*kong.Flag) (out []string) {
	for _, list := range lists {
		for _, f := range list {
			out = append(out, "--"+f.Name)
		}
	}
	return out
}

// zsh gives _arguments the flags of the command that is there already.
func (a *App) zsh(b *strings.Builder, app *kong.Application) {
	list := branches(app)
	fmt.Fprintf(b, "#compdef %s\nlocal -a flags more\nlocal command=${${words[2,CURRENT-1]:#-*}[1]}\ncase $command in\n", a.Name)
	for _, c := range list[1:] {
		fmt.Fprintf(b, "%s)\n", c.name)
		zshFlags(b, app.Flags, c.flags)
		fmt.Fprintf(b, "  more=(%s) ;;\n", strings.Join(c.words, " "))
	}
	b.WriteString("*)\n")
	zshFlags(b, list[0].flags)
	fmt.Fprintf(b, "  more=() ;;\nesac\n_arguments -S $flags '1:command:(%s)' '2:argument:{(($#more)) && compadd -a more || _files}' '*:file:_files'\n", strings.Join(list[0].words, " "))
}

func zshFlags(b *strings.Builder, lists ...[]*kong.Flag) {
	b.WriteString("  flags=(\n")
	for _, list := range lists {
		for _, f := range list {
			value := ":value:_files"
			if values := choices(f.Value); values != nil {
				value = ":value:(" + strings.Join(values, " ") + ")"
			}
			if f.IsBool() {
				fmt.Fprintf(b, "    '--%s[%s]'\n", f.Name, zshText(f.Help))
			} else {
				fmt.Fprintf(b, "    '--%s=[%s]%s'\n", f.Name, zshText(f.Help), value)
			}
		}
	}
	b.WriteString("  )\n")
}

// zshText takes out of a help text what _arguments would read.
func zshText(text string) string {
	return strings.NewReplacer("'", "’", "[", "(", "]", ")", ":", "∶", `\`, "").Replace(text)
}

func (a *App) fish(b *strings.Builder, app *kong.Application) {
	list := branches(app)
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
	flags := func(condition string, list []*kong.Flag) {
		for _, f := range list {
			fmt.Fprintf(b, "complete -c %s%s -l %s -d %s", a.Name, condition, f.Name, quote(f.Help))
			switch values := choices(f.Value); {
			case values != nil:
				fmt.Fprintf(b, " -x -a %s", quote(strings.Join(values, " ")))
			case !f.IsBool():
				b.WriteString(" -r")
			}
			b.WriteByte('\n')
		}
	}
	flags("", app.Flags)
	flags(" -n __fish_use_subcommand", list[0].flags[len(app.Flags):])
	for i, c := range list {
		condition := "__fish_use_subcommand"
		if i > 0 {
			condition = "__fish_seen_subcommand_from " + c.name
			flags(" -n "+quote(condition), c.flags)
		}
		if len(c.words) > 0 {
			fmt.Fprintf(b, "complete -c %s -f -n %s -a %s\n", a.Name, quote(condition), quote(strings.Join(c.words, " ")))
		}
	}
}
