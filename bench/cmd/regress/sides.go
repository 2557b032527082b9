package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/checkout"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// side is a state of the product, built.
type side struct {
	tree checkout.Tree
	env  *system.Env
	own  bool // its client program is its own, not the other side's
}

// The sides' places in an array of two.
const (
	old = iota
	fresh
)

// prepare builds both sides below temp.
func prepare(ctx context.Context, s *process.Starter, o *options, temp string) (sides [2]side, err error) {
	repo := &checkout.Repository{Starter: s, Folder: "."}
	against := o.against
	if against == "" {
		if against, err = repo.LastRelease(ctx); err != nil {
			return sides, err
		}
	}
	for i, name := range [2]string{against, o.fresh} {
		if sides[i].tree, err = repo.Find(ctx, name, temp); err != nil {
			return sides, err
		}
		if sides[i].env, err = newEnv(s, temp, i); err != nil {
			return sides, err
		}
		if sides[i].env.Toy, err = toy(sides[old].tree.Root); err != nil {
			return sides, err
		}
		fmt.Fprintf(os.Stderr, "building %s\n", sides[i].tree.Label)
		if err := sides[i].build(ctx); err != nil {
			return sides, err
		}
	}
	if !sides[fresh].own {
		return sides, fmt.Errorf("%s has no bench/cmd/chain", sides[fresh].tree.Label)
	}
	if !sides[old].own {
		err = build.Copy(filepath.Join(sides[fresh].env.Bin, "chain"), sides[old].env.Bin, "chain")
	}
	return sides, err
}

// newEnv makes the folders of a side. The names are of one length: a path that is longer
// by a byte is a stack that begins elsewhere.
func newEnv(s *process.Starter, temp string, i int) (*system.Env, error) {
	e := &system.Env{
		Starter: s, Pinned: true,
		Bin: filepath.Join(temp, fmt.Sprintf("bin%d", i)), Temp: filepath.Join(temp, fmt.Sprintf("run%d", i)),
	}
	var err error
	for _, dir := range []string{e.Bin, e.Temp} {
		if err == nil {
			err = os.Mkdir(dir, 0o755)
		}
	}
	return e, err
}

// toy is the folder of the model that both sides serve: the older side's, because a
// program knows the layouts of earlier models and not those of later ones.
func toy(root string) (string, error) {
	theirs := filepath.Join(root, "bench", "toy")
	if system.Exists(theirs) {
		return filepath.Abs(theirs)
	}
	return filepath.Abs("toy")
}

func (d *side) build(ctx context.Context) error {
	s, bin := d.env.Starter, d.env.Bin
	if err := build.Daemons(ctx, s, d.tree.Root, bin); err != nil {
		return err
	}
	if err := build.C(ctx, s, "cfloor/floor.c", bin, "floor"); err != nil {
		return err
	}
	d.own = system.Exists(filepath.Join(d.tree.Root, "bench", "cmd", "chain"))
	if !d.own {
		return nil
	}
	return build.Chain(ctx, s, d.tree.Root, bin)
}
