package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/bridge/nearest"
)

// suggest names the command that was probably meant. kong does so itself, but not where
// there is a default command that has arguments or flags: it takes the word for one of its.
func suggest(err error) error {
	failed, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return err
	}
	word, ok := strings.CutPrefix(err.Error(), "unexpected argument ")
	if !ok || strings.Contains(word, " ") { // kong has said what is near
		return err
	}
	if near := nearest.Name(word, words(failed.Context.Model.Node)); near != "" {
		return fmt.Errorf("%w, did you mean %q?", err, near)
	}
	return err
}
