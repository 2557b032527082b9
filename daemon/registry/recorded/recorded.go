// Package recorded holds questions that were asked while the recordings of
// testdata/traces were replayed: what a model is tried on before it may serve. They are
// request arrays as the wire has them (ipc/PROTOCOL.md, "Predictions"), one behind the
// other.
//
// The files come from the test of package kernelsim/scenario that compares them:
//
//	go test ./kernelsim/scenario -run RecordedQuestions -record
package recorded

import (
	"embed"
	"fmt"

	"github.com/mlbridge/mlbridge/ipc"
)

//go:embed *.bin
var files embed.FS

// Requests gives the recorded questions of kind k. They are the caller's.
func Requests(k ipc.Kind) ([]ipc.Request, error) {
	text, err := files.ReadFile(k.String() + ".bin")
	if err != nil {
		return nil, fmt.Errorf("recorded: %w", err)
	}
	return Parse(k, text)
}

// Parse reads questions of kind k, one behind the other; each is valid.
func Parse(k ipc.Kind, rest []byte) (list []ipc.Request, err error) {
	for len(rest) > 0 {
		q := ipc.NewRequest(k)
		if rest, err = ipc.ParseRequest(rest, q); err != nil {
			return nil, fmt.Errorf("recorded: %v question %d: %w", k, len(list), err)
		}
		list = append(list, q)
	}
	return list, nil
}
