package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// App describes a command to the parser, to --help, to the manual and to the shells'
// completion.
type App struct {
	Name        string // "ml-bridge"
	Title       string // "answer prediction requests inside their budget"
	Description string // a paragraph
	Env         string // prefix of its environment variables, "MLBRIDGE"
	File        string // usual place of its settings file, "" where it has none
	Section     int    // of the manual: 8 for daemons, 1 for others
	Groups      []kong.Group
	Sections    []Section // further ones of the manual and the end of --help
	SeeAlso     string
}

// Section is a titled text: paragraphs, of which those that start with a blank are
// kept as they are, for commands to copy.
type Section struct {
	Title, Text string
	ManualOnly  bool
}

// Daemon are the flags that every daemon has; embed it.
type Daemon struct {
	Config string `help:"Settings file, TOML, with the flags' names as keys." placeholder:"FILE" group:"other" type:"path"`
	Common
}

// Common are the flags that every command has; embed it.
type Common struct {
	Version kong.VersionFlag `help:"Print the version and exit." group:"other" env:"-"`
}

// Pages are the commands that the build makes manual and completion with; embed it.
type Pages struct {
	Completion CompletionCmd `cmd:"" help:"Print the completion for a shell."`
	Manual     ManualCmd     `cmd:"" hidden:"" help:"Print a manual page."`
}

// Parsed is a command line with the environment and the file.
type Parsed struct {
	*kong.Context
	File  *config.File // nil where none was named
	Stray []string     // variables that look like settings and are none
	flags any          // as given to Parse
	wrong error        // with the file; what is right in it is looked at all the same
}

// Parse fills flags, a pointer to a struct as kong takes it, from args, the
// environment and the settings file; more are kong's own options.
func (a *App) Parse(flags any, args []string, more ...kong.Option) (*Parsed, error) {
	p := &Parsed{flags: flags}
	parser, err := kong.New(flags, append([]kong.Option{
		kong.Name(a.Name), kong.Description(a.Description),
		kong.Vars{"version": a.Name + " " + Build()},
		kong.DefaultEnvars(a.Env), kong.Help(a.printHelp),
		kong.ExplicitGroups(append(a.Groups, kong.Group{Key: "other", Title: "Other"})),
		kong.WithBeforeResolve(p.readFile), kong.Bind(a, p),
	}, more...)...)
	if err != nil {
		panic(err) // the flags' declaration is wrong, which every test would see
	}
	parser.Model.HelpFlag.Help = "Print this help, or after a command its own."
	if p.Context, err = parser.Parse(args); err != nil {
		err = p.placed(a.suggest(err))
	}
	if err = errors.Join(p.wrong, err); err != nil {
		return nil, err
	}
	p.Stray = config.StrayEnvironment(a.Env, p.Model)
	return p, nil
}

// Setting gives the value of a flag that is a text, wherever it was set; "" where not.
func (p *Parsed) Setting(name string) string {
	for _, f := range p.Model.Flags {
		if f.Name == name {
			text, _ := p.FlagValue(f).(string)
			return text
		}
	}
	return ""
}

// Complain writes an error, of which each line may be one of its own.
func (a *App) Complain(w io.Writer, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintf(w, "%s: %s\n", a.Name, line)
	}
}

// readFile is called by kong when the flags were traced and the environment was read,
// once for each of them.
func (p *Parsed) readFile(ctx *kong.Context) error {
	if p.File != nil {
		return nil
	}
	path := ""
	for _, f := range ctx.Model.Flags {
		if f.Name == "config" {
			path = ctx.FlagValue(f).(string)
		}
	}
	if path == "" {
		return nil
	}
	file, err := config.Read(path)
	if file == nil {
		return err
	}
	p.wrong = errors.Join(err, file.Check(config.Settings(ctx.Model)))
	p.File = file
	ctx.AddResolver(file)
	return nil
}

// placed says where in the file the settings are that err's lines are about.
func (p *Parsed) placed(err error) error {
	failed, ok := errors.AsType[*kong.ParseError](err)
	if !ok || p.File == nil {
		return err
	}
	var lines []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		for _, s := range config.Settings(failed.Context.Model) {
			rest, ok := strings.CutPrefix(line, "--"+s.Name)
			at := config.Origin(failed.Context, p.File, s)
			if ok && strings.HasPrefix(at, p.File.Path+":") && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " ")) {
				line = at + ": " + s.Name + rest
				break
			}
		}
		lines = append(lines, errors.New(line))
	}
	return errors.Join(lines...)
}
