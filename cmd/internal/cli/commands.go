package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/mlbridge/mlbridge/cmd/internal/config"
)

// ConfigCmd is the command config of a daemon.
type ConfigCmd struct {
	Check   checkCmd   `cmd:"" help:"Say what is wrong with a settings file, by default the packaged service's, and the environment, all at once; exit status 2 if anything is."`
	Show    showCmd    `cmd:"" help:"Print the settings in force, the packaged service's where no file is named, each with where it comes from."`
	Example exampleCmd `cmd:"" help:"Print a settings file with every setting explained; those given as flags are in force in it."`
}

type checkCmd struct {
	File string `arg:"" optional:"" help:"File to check, instead of the one of --config; without both, the packaged service's."`
}

// Run checks the file as the daemon would read it: with the command line and the
// environment around it, for what is wrong may be how they go together.
func (c *checkCmd) Run(a *App, p *Parsed, again Again) error {
	path := c.File
	if path == "" && p.File == nil {
		path = a.File
	}
	problems := make([]error, 0, len(p.Stray)+1)
	if path != "" {
		checked, err := again("--config=" + path)
		if err != nil {
			problems = append(problems, err)
		} else {
			p = checked
		}
	}
	for _, s := range p.Stray {
		problems = append(problems, errors.New(s))
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	fmt.Printf("%s: good; settings changed from their defaults: %d\n", cmp.Or(path, p.path()), p.changed())
	return nil
}

// Again parses the command's own arguments once more with some added.
type Again func(more ...string) (*Parsed, error)

func (p *Parsed) path() string {
	if p.File == nil {
		return "no file"
	}
	return p.File.Path
}

func (p *Parsed) changed() (n int) {
	for _, s := range config.Settings(p.Model) {
		if config.Origin(p.Context, p.File, s) != "default" {
			n++
		}
	}
	return n
}

type showCmd struct{}

// computer has settings that follow from others where nothing is said about them.
type computer interface{ Compute() error }

// usual has settings whose default is looked for and is not the same as naming it.
type usual interface{ Usual() map[string]string }

func (showCmd) Run(p *Parsed) error {
	if c, ok := p.flags.(computer); ok {
		if err := c.Compute(); err != nil {
			return err
		}
	}
	var defaults map[string]string
	if u, ok := p.flags.(usual); ok {
		defaults = u.Usual()
	}
	return config.Show(os.Stdout, p.Context, p.File, defaults)
}

type exampleCmd struct{}

func (exampleCmd) Run(a *App, p *Parsed) error {
	return config.Example(os.Stdout, p.Context, p.File, "Settings of "+a.Name+": "+a.Title+".")
}
