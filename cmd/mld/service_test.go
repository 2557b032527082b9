package main

import (
	"net"
	"net/http"
	"path/filepath"
	"testing"
)

// Sockets are passed in any order, and under the packaged unit mld may connect to its Unix
// socket alone.
func TestSelfAsksOnTheUnixSocket(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp.Close() // keeps its address, and nobody answers there
	local, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	defer server.Close()
	go func() { _ = server.Serve(local) }()
	if err := newSelf([]net.Listener{tcp, local}).ask(t.Context()); err != nil {
		t.Error(err)
	}
	if newSelf([]net.Listener{tcp}).ask(t.Context()) == nil {
		t.Error("nobody answered, and that was taken for an answer")
	}
}
