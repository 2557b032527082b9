package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/mlclient"
	"github.com/mlbridge/mlbridge/kernelsim/scenario"
)

// patience is how long a bridge may take to answer the first hello.
const patience = 3 * time.Second

// bridge is how the bridge is reached.
type bridge struct {
	path    string
	name    string // in its hello
	closers []func() error
}

// reach finds the bridge and says hello once, so that a bridge that is not there is
// reported before anything runs.
func reach(ctx context.Context, socket string) (*bridge, error) {
	if socket == "" {
		path, err := ipc.DefaultSocket()
		if err != nil {
			return nil, noBridge(err)
		}
		socket = path
	}
	b := &bridge{path: socket}
	c, err := ipc.Dial(ctx, socket, ipc.ClientConfig{Name: "kernelsim", Handshake: patience})
	if err != nil {
		return nil, noBridge(err)
	}
	b.name = c.ServerName()
	return b, c.Close()
}

// noBridge adds what to do about it.
func noBridge(err error) error {
	switch {
	case errors.Is(err, ipc.ErrNoSocket), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("no bridge to ask: %w\nstart ml-bridge (and mld) first, name its socket with --socket, or run everything with `make run`", err)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("this user may not ask the bridge: %w\nbe in its socket's group (usermod -aG mlbridge USER, and log in again), or the user that it runs as", err)
	}
	return fmt.Errorf("no bridge to ask: %w", err)
}

// wire opens a bare connection: what comes back is the bridge's own doing.
func (b *bridge) wire(ctx context.Context) (ipc.Predictor, error) {
	c, err := ipc.Dial(ctx, b.path, ipc.ClientConfig{Name: "kernelsim-wire", Handshake: patience})
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, c.Close)
	return c, nil
}

// client opens the kernel side's own client, which caches, reconnects and falls back
// to the rules, and waits for its connection.
func (b *bridge) client(ctx context.Context) (ipc.Predictor, error) {
	c := mlclient.New(mlclient.Config{Path: b.path, Name: "kernelsim", Thresholds: scenario.Thresholds()})
	b.closers = append(b.closers, c.Close)
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.WaitUp(patient)
	if err != nil && ctx.Err() == nil {
		if _, why := reach(ctx, b.path); why != nil { // the client keeps that to itself
			err = why
		}
	}
	return c, err
}

// open makes n ways to the bridge of a kind.
func (b *bridge) open(ctx context.Context, kind string, n int) ([]ipc.Predictor, error) {
	way := b.client
	if kind == "wire" {
		way = b.wire
	}
	var out []ipc.Predictor
	for range n {
		p, err := way(ctx)
		if err != nil {
			return nil, fmt.Errorf("connection %d to the bridge: %w", len(out)+1, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (b *bridge) close() {
	for _, c := range b.closers {
		_ = c() // nothing is lost with a connection that is over anyway
	}
}
