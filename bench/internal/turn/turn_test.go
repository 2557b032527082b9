package turn

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

func TestTake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	ours, theirs := New(path), New(path)
	if err := ours.Take(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ours.Take(t.Context()); err != nil {
		t.Errorf("a second Take in the same turn = %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := theirs.Take(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Take while another holds the lock = %v", err)
	}
	ours.Release()
	if err := theirs.Take(t.Context()); err != nil {
		t.Fatalf("Take after the release: %v", err)
	}
	theirs.Release()
	if err := New("").Take(ended); err != nil {
		t.Errorf("Take of no lock = %v", err)
	}
}
