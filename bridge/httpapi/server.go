package httpapi

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
)

// ServerConfig bounds what connections may cost. Zero fields mean the default.
type ServerConfig struct {
	Connections int           // open at once; 1024. Above it the longest idle one is closed
	HeaderIn    time.Duration // a request's header must be complete; 5 s
	BodyIn      time.Duration // and its body; 15 s from the start
	AnswerIn    time.Duration // and its answer taken by the peer; 90 s, the longest budget included
	Idle        time.Duration // a connection between requests is kept; 120 s
	HeaderBytes int           // of a request's header; 16 KiB
	Log         func(msg string, err error)
}

// Server serves a handler on any number of listeners, with every wait on a peer
// bounded.
type Server struct {
	http  *http.Server
	conns *connections
}

// NewServer makes a server for the handler.
func NewServer(handler http.Handler, cfg ServerConfig) *Server {
	conns := newConnections(or(cfg.Connections, 1024))
	return &Server{conns: conns, http: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: or(cfg.HeaderIn, 5*time.Second),
		ReadTimeout:       or(cfg.BodyIn, 15*time.Second),
		WriteTimeout:      or(cfg.AnswerIn, 90*time.Second),
		IdleTimeout:       or(cfg.Idle, 120*time.Second),
		MaxHeaderBytes:    or(cfg.HeaderBytes, 16<<10),
		ConnState:         conns.changed,
		ErrorLog:          log.New(&logWriter{cfg.Log}, "", 0),
	}}
}

// Serve accepts connections until Shutdown, after which it returns
// ipc.ErrClosed. It owns the listener.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return ipc.ErrClosed
	}
	return err
}

// Shutdown stops accepting, lets requests that are under way finish, and returns
// when all connections are gone or the context is done, with its error then; the
// rest is closed in that case.
func (s *Server) Shutdown(ctx context.Context) error {
	// Connections that never sent a byte count as busy for five seconds in
	// net/http; nothing was accepted from them, so they go at once.
	s.conns.closeUnused()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // the listeners are closed already; what is left are connections
	}
	return err
}

// logWriter passes net/http's own complaints on. Those about single peers (bad
// TLS, broken headers) are no news: a peer can cause any number of them.
type logWriter struct {
	log func(string, error)
}

func (w *logWriter) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if w.log != nil && strings.Contains(text, "Accept error") {
		w.log("http server", errors.New(text))
	}
	return len(line), nil
}
