package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// self is the bridge's own client: it asks what others ask, the way they ask it.
type self struct {
	path string

	mu     sync.Mutex
	client *ipc.Client // guarded by mu; kept, so that a full house does not look like a dead one
}

// selfBudget is the budget of the questions a bridge asks itself.
const selfBudget = 100 * time.Millisecond

// question is about a component that nobody has.
var question = ipc.FailureRequest{Component: "ml-bridge-self", HealthScore: 1, TimeSinceLastFailure: ^uint64(0)}

// ask gets a prediction through the socket. Whatever answers counts: a rule where the
// model was too slow, and a refusal.
func (s *self) ask(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.predict(ctx)
	if _, refused := errors.AsType[*ipc.StatusError](err); refused {
		return nil
	}
	if err != nil && s.client != nil {
		s.client.Close()
		s.client = nil
	}
	return err
}

func (s *self) predict(ctx context.Context) error {
	if s.client == nil {
		c, err := ipc.Dial(ctx, s.path, ipc.ClientConfig{Name: "ml-bridge itself"})
		if err != nil {
			return err
		}
		s.client = c
	}
	// A budget of its own would be cut to the caller's time: the loop must come round
	// within that, and no faster.
	replies := make([]ipc.Reply, 1)
	return s.client.Predict(ctx, []ipc.Request{&question}, replies, ipc.Options{Budget: selfBudget})
}

// close hangs up.
func (s *self) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}
