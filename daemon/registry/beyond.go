package registry

import (
	"errors"

	"github.com/mlbridge/mlbridge/daemon/engine"
)

// beyond loads what is outside the engine's subset; nil without another engine.
var beyond func(data []byte) (*engine.Model, error)

// load loads a model for the engine, or, where that refuses an operator, for another one
// that this program was built with.
func load(data []byte) (*engine.Model, error) {
	m, err := engine.Load(data, engine.Limits{})
	if beyond == nil || !errors.Is(err, engine.ErrUnsupported) {
		return m, err
	}
	m, other := beyond(data)
	if other != nil {
		return nil, errors.Join(err, other)
	}
	return m, nil
}
