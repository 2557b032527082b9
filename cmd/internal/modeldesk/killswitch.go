package modeldesk

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// Switch is the kill switch of a bridge, as commands beside those of Command. It is the
// running bridge's: a folder has none.
type Switch struct {
	Off offCmd `cmd:"" help:"The kill switch: rules answer everything, from the next call on."`
	On  onCmd  `cmd:"" help:"Models answer again, as far as they are trusted."`
}

type (
	offCmd struct{}
	onCmd  struct{}
)

// Run is called by kong.
func (offCmd) Run(p *Place) error {
	return p.turn("off", "models are off: rules answer everything until models on")
}

// Run is called by kong.
func (onCmd) Run(p *Place) error {
	return p.turn("on", "models are on: they answer as far as they are trusted")
}

// turn asks the running daemon, and says what is so when it has.
func (p *Place) turn(to, done string) error {
	socket, err := p.Socket()
	if err == nil {
		r := At(socket, lookPatience)
		_, err = r.ask(r.http, http.MethodPost, "/models/"+to)
	} else {
		err = fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch {
	case errors.Is(err, ErrUnreachable):
		return cli.Failure{Err: fmt.Errorf("no %s answers: start it, or name its socket with --admin (%w)", p.Daemon, err)}
	case err != nil:
		return cli.Failure{Err: err}
	}
	fmt.Println(done)
	return nil
}
