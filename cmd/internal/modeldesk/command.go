package modeldesk

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// Command is the command models of a daemon. It asks the running one on its admin
// socket; where a folder is named it works on that, and a daemon that serves it sees
// that within a second or two.
type Command struct {
	List     listCmd     `cmd:"" help:"List the models of the folder: what each is for, whether it is valid, how long it takes."`
	Validate validateCmd `cmd:"" help:"Try the models of a folder on recorded questions, without serving them; exit status 1 when one is not valid."`
	Promote  promoteCmd  `cmd:"" help:"Let a model serve."`
	Rollback rollbackCmd `cmd:"" help:"Take the model of a kind that serves out of service: the one before it serves again."`
	Try      tryCmd      `cmd:"" help:"Try a model beside the one that serves: in the shadow, asked and scored but not given, or on a share of the agents. One that serves is taken out of service for it, and one that was tried before is stopped."`
	Stop     stopCmd     `cmd:"" help:"Neither serve nor try a model."`
}

// Place is where the command finds the models; the daemon's commands bind it.
type Place struct {
	Daemon string                 // its name, for messages
	Folder string                 // "": ask the daemon
	Socket func() (string, error) // the running daemon's admin socket
}

type (
	listCmd struct {
		JSON bool `name:"json" help:"Write the list as JSON."`
	}
	validateCmd struct {
		Dir string `arg:"" type:"existingdir" help:"Folder with manifests and models."`
	}
	promoteCmd struct {
		Model string `arg:"" help:"name@version"`
	}
	rollbackCmd struct {
		Kind string `arg:"" help:"workload, threat, failure or memory" enum:"workload,threat,failure,memory"`
	}
	tryCmd struct {
		Model string  `arg:"" help:"name@version"`
		Share float64 `help:"Share of the agents or components that it answers; 0: none, it is asked in the shadow." default:"0"`
	}
	stopCmd struct {
		Model string `arg:"" help:"name@version"`
	}
)

// lookPatience is how long a daemon may take to list its models, whose files it may have
// to try first.
const lookPatience = 30 * time.Second

func (p *Place) keeper() (Keeper, error) {
	if p.Folder != "" {
		return Dir(p.Folder), nil
	}
	socket, err := p.Socket()
	if err != nil {
		return nil, cli.Failure{Err: p.hint(err)}
	}
	return At(socket, lookPatience), nil
}

// hint says what to do where no daemon is found.
func (p *Place) hint(err error) error {
	return fmt.Errorf("no %s answers: start it, name its socket with --admin, or the folder with --models (%w)", p.Daemon, err)
}

// Run is called by kong.
func (l *listCmd) Run(p *Place) error {
	k, err := p.keeper()
	if err != nil {
		return err
	}
	v, err := k.View()
	if errors.Is(err, ErrUnreachable) {
		err = p.hint(err)
	}
	if err != nil {
		return cli.Failure{Err: err}
	}
	if v.Error != "" && len(v.Models)+len(v.Serving) == 0 {
		return cli.Failure{Err: errors.New(v.Error)}
	}
	if l.JSON {
		return json.NewEncoder(os.Stdout).Encode(v)
	}
	return v.print(os.Stdout)
}

// Run is called by kong.
func (c *validateCmd) Run() error {
	v, err := Dir(c.Dir).View()
	if err != nil {
		return cli.Failure{Err: err}
	}
	bad := 0
	for _, m := range v.Models {
		if !m.Valid {
			bad++
		}
	}
	if err := v.print(os.Stdout); err != nil {
		return err
	}
	if bad > 0 { // each was named with its fault above
		return cli.Failure{Err: fmt.Errorf("%d of %d models are not valid", bad, len(v.Models))}
	}
	return nil
}

// decide takes a decision and says what it led to.
func (p *Place) decide(x Decision) error {
	k, err := p.keeper()
	if err != nil {
		return err
	}
	before, err := k.View()
	if errors.Is(err, ErrUnreachable) {
		return cli.Failure{Err: p.hint(err)}
	}
	if err != nil {
		return cli.Failure{Err: err}
	}
	v, err := k.Do(x)
	if err != nil {
		return cli.Failure{Err: before.suggest(x, err)}
	}
	kind := x.Kind
	for _, m := range v.Models {
		if m.Model == x.Model {
			kind = m.Kind
		}
	}
	fmt.Println(strings.Join(v.led(x, kind, p.Daemon), "\n"))
	return nil
}

// Run is called by kong.
func (c *promoteCmd) Run(p *Place) error { return p.decide(Decision{What: Promote, Model: c.Model}) }

// Run is called by kong.
func (c *rollbackCmd) Run(p *Place) error { return p.decide(Decision{What: Rollback, Kind: c.Kind}) }

// Run is called by kong.
func (c *tryCmd) Run(p *Place) error {
	return p.decide(Decision{What: Try, Model: c.Model, Share: c.Share})
}

// Run is called by kong.
func (c *stopCmd) Run(p *Place) error { return p.decide(Decision{What: Stop, Model: c.Model}) }
