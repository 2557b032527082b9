// Package build makes the programs that a measurement starts, from any checkout of the
// tree: the two daemons, the benchmark's own client and the programs in C.
package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// Daemons builds ml-bridge and mld of the tree at root into the folder bin. They are
// built in the product's own module, with its versions of everything, and without paths
// or commit in them: the same code gives the same bytes.
func Daemons(ctx context.Context, s *process.Starter, root, bin string) error {
	for _, name := range []string{"ml-bridge", "mld"} {
		if err := command(ctx, s, root, "./cmd/"+name, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// DaemonsOr is Daemons of this tree, or takes those in the folder given where one is named.
func DaemonsOr(ctx context.Context, s *process.Starter, given, bin string) error {
	if given == "" {
		return Daemons(ctx, s, "..", bin)
	}
	return errors.Join(
		Copy(filepath.Join(given, "ml-bridge"), bin, "ml-bridge"),
		Copy(filepath.Join(given, "mld"), bin, "mld"),
	)
}

// Self puts this program into the folder bin, as name: go run's own binary has no fixed
// place.
func Self(bin, name string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return Copy(self, bin, name)
}

// Chain builds the client program of the tree at root, which must have the benchmark.
func Chain(ctx context.Context, s *process.Starter, root, bin string) error {
	return command(ctx, s, filepath.Join(root, "bench"), "./cmd/chain", filepath.Join(bin, "chain"))
}

func command(ctx context.Context, s *process.Starter, module, path, to string) error {
	_, err := s.Output(ctx, false, "go", "build", "-C", module, "-trimpath", "-buildvcs=false", "-o", to, path)
	if err != nil {
		return fmt.Errorf("build: %s of %s: %w", path, module, err)
	}
	return nil
}

// C compiles a source file into the folder bin, as name.
func C(ctx context.Context, s *process.Starter, source, bin, name string) error {
	_, err := s.Output(ctx, false, "gcc", "-O2", "-Wall", "-Wextra", "-o", filepath.Join(bin, name), source)
	if err != nil {
		return fmt.Errorf("build: %s needs a C compiler, and this command the benchmark's folder: %w", source, err)
	}
	return nil
}

// Copy puts a program into the folder bin, as name.
func Copy(from, bin, name string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	// Another run may be executing the old file: it is replaced, not written over.
	to := filepath.Join(bin, name)
	if err := os.WriteFile(to+".new", data, 0o755); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return os.Rename(to+".new", to)
}
