package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// lockedBuffer takes a process's output while a test reads it.
type lockedBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	grown chan struct{} // has room for one
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grown <- struct{}{}:
	default:
	}
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// await returns when the text has been written.
func (b *lockedBuffer) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(10 * time.Minute)
	for !strings.Contains(b.String(), text) {
		select {
		case <-b.grown:
		case <-late:
			t.Fatalf("%q is not in\n%s", text, b)
		}
	}
}
