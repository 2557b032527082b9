package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// build makes everything that is measured, in the folder bench/bin below the results.
// This program goes there too, as a copy: go run's own binary has no fixed place.
func build(ctx context.Context, s *process.Starter, o *options) (*system.Env, error) {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(out, "bench", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if _, err := s.Output(ctx, false, "gcc", "-O2", "-Wall", "-Wextra", "-o", filepath.Join(bin, "floor"), "cfloor/floor.c"); err != nil {
		return nil, fmt.Errorf("the floor needs a C compiler, and this command the benchmark's folder: %w", err)
	}
	if err := copyDaemons(ctx, s, o, bin); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err == nil {
		err = copyFile(self, filepath.Join(bin, "chain"))
	}
	if err != nil {
		return nil, err
	}
	toy, err := filepath.Abs("toy")
	return &system.Env{Starter: s, Bin: bin, Toy: toy}, err
}

// copyDaemons builds ml-bridge and mld, or takes those that were given.
func copyDaemons(ctx context.Context, s *process.Starter, o *options, bin string) error {
	for _, name := range []string{"ml-bridge", "mld"} {
		to := filepath.Join(bin, name)
		if o.bin != "" {
			if err := copyFile(filepath.Join(o.bin, name), to); err != nil {
				return err
			}
			continue
		}
		// From the product's own module: its versions of everything, not this one's.
		if _, err := s.Output(ctx, false, "go", "build", "-C", "..", "-trimpath", "-o", to, "./cmd/"+name); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	// Another run may be executing the old file: it is replaced, not written over.
	if err := os.WriteFile(to+".new", data, 0o755); err != nil {
		return err
	}
	return os.Rename(to+".new", to)
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
		if err := copyFile(filepath.Join("origin", name), filepath.Join(dir, name)); err != nil {
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
