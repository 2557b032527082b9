package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/daemon"
)

// Off is what --admin says for no admin socket.
const Off = "off"

// Beside is where the admin socket of a daemon is whose own socket is path:
// bridge.sock has bridge-admin.sock.
func Beside(path string) string {
	return filepath.Join(filepath.Dir(path), strings.TrimSuffix(filepath.Base(path), ".sock")+"-admin.sock")
}

// Listen opens the admin socket: named, or usual where named is "". A usual place
// that cannot be had, because another daemon has it for instance, is no reason not
// to serve; the log says so, and the listener is nil, as it is where named is Off.
func Listen(ctx context.Context, named, usual string, log zerolog.Logger) (net.Listener, error) {
	if named == Off {
		return nil, nil
	}
	place := cmp.Or(named, usual)
	ln, err := daemon.Listen(ctx, "unix:"+place)
	taken := errors.Is(err, daemon.ErrInUse)
	switch {
	case taken && named != "":
		return nil, fmt.Errorf("admin: another daemon answers on %s", place)
	case named != "":
		return ln, err
	case taken:
		log.Warn().Str("place", place).Msg("no admin socket: another daemon has its usual place, and commands that do not name --admin are for that one; give this one a place with --admin")
		return nil, nil
	case err != nil:
		log.Warn().Err(err).Msg("no admin socket: give it a place with --admin")
		return nil, nil
	}
	return ln, nil
}
