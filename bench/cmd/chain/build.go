package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	builds "github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// build makes everything that is measured, in the folder bench/bin below the results.
// This program goes there too, as a copy.
func build(ctx context.Context, s *process.Starter, o *options) (*system.Env, error) {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(out, "bench", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	err = errors.Join(
		builds.C(ctx, s, "cfloor/floor.c", bin, "floor"),
		builds.DaemonsOr(ctx, s, o.bin, bin),
		builds.Self(bin, "chain"),
	)
	if err != nil {
		return nil, err
	}
	toy, err := filepath.Abs("toy")
	return &system.Env{Starter: s, Bin: bin, Toy: toy}, err
}

// installOrigin puts the origin and its packages into the results' folder, once.
func installOrigin(ctx context.Context, s *process.Starter, o *options) (string, error) {
	dir, err := filepath.Abs(filepath.Join(o.out, "bench", "origin"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for _, name := range system.OriginFiles {
		if err := builds.Copy(filepath.Join("origin", name), dir, name); err != nil {
			return "", err
		}
	}
	if system.Exists(filepath.Join(dir, "node_modules", "@tensorflow", "tfjs", "package.json")) {
		return dir, nil
	}
	fmt.Fprintln(os.Stderr, "installing the origin's packages (once, about 300 MB)")
	_, err = s.Output(ctx, false, "npm", "install", "--prefix", dir, "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
	if err != nil {
		return "", fmt.Errorf("npm: %w", err)
	}
	return dir, nil
}
