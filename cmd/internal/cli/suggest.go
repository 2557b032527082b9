package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/mlbridge/mlbridge/bridge/nearest"
)

// asFlags are what other programs have as commands, and as short flags.
var asFlags = map[string]string{"help": "--help", "version": "--version", "-v": "--version", "-V": "--version"}

// suggest names the command or flag that was probably meant, or says where all of them
// are. kong guesses too, but not where there is a default command that has arguments or
// flags, for it takes the word for one of its; and of a single letter, which is a guess
// at nothing.
func (a *App) suggest(err error) error {
	failed, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return err
	}
	word, isWord := strings.CutPrefix(err.Error(), "unexpected argument ")
	flag, isFlag := strings.CutPrefix(err.Error(), "unknown flag ")
	flag, _, guessed := strings.Cut(flag, ",")
	var meant string
	switch {
	case isWord && slices.Contains(words(failed.Context.Model.Node), word):
		return fmt.Errorf("%w: there is one command, before its flags", err)
	case isWord && !strings.Contains(word, " "):
		meant = nearest.Name(word, slices.Concat(words(failed.Context.Model.Node), []string{"help", "version"}))
		meant = cmp.Or(asFlags[meant], meant)
	case isFlag && (!guessed || len(flag) == len("-v")):
		err, meant = errors.New("unknown flag "+flag), asFlags[flag]
	default: // kong has said what is near, or it is about something else
		return err
	}
	if meant == "" {
		return fmt.Errorf("%w: %s --help lists what there is", err, a.Name)
	}
	return fmt.Errorf("%w, did you mean %q?", err, meant)
}
