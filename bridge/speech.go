package bridge

import (
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// speech is the form in which a lane speaks: msgpack, until the daemon says that
// it takes only JSON, and after a while msgpack again, for the daemon may have been
// replaced by a newer one.
type speech struct {
	format api.Format
	until  ipc.Instant // before it, JSON is not doubted
}

// speechTest is how long JSON is not doubted. The test costs one HTTP call.
const speechTest = 30 * time.Second

// refused notes that the daemon does not take msgpack.
func (s *speech) refused(now ipc.Instant) {
	s.format, s.until = api.JSON, now.Add(speechTest)
}

// now gives the form of the next call.
func (s *speech) now(now ipc.Instant) api.Format {
	if s.format != api.Msgpack && now >= s.until {
		s.format = api.Msgpack
	}
	return s.format
}

// encode appends the batch to b. In msgpack that is the request arrays side by side;
// a daemon that speaks only JSON gets them translated.
func encode(b []byte, format api.Format, kind ipc.Kind, batch []*question) ([]byte, error) {
	if format == api.Msgpack {
		b = appendArrayHeader(b, len(batch))
		for _, q := range batch {
			b = append(b, q.body...)
		}
		return b, nil
	}
	reqs := make([]ipc.Request, len(batch))
	for i, q := range batch {
		reqs[i] = ipc.NewRequest(kind)
		if _, err := ipc.ParseRequest(q.body, reqs[i]); err != nil {
			return nil, fmt.Errorf("bridge: own encoding: %w", err)
		}
	}
	return format.AppendCall(b, kind, reqs, true), nil
}

// appendArrayHeader writes a msgpack array header of n ≤ 65,535.
func appendArrayHeader(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x90|byte(n))
	}
	return append(b, 0xdc, byte(n>>8), byte(n))
}
