// Package checkout gives a commit's files as a folder, without touching the work tree or
// the repository: an archive of the commit is unpacked, so that nothing but the folder
// has to be taken away afterwards, however the program ends.
package checkout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// Tree is a state of the product.
type Tree struct {
	Root  string // folder with the module
	Name  string // as it was asked for
	Label string // for people: the name and the commit
}

// Repository is a git repository, by a folder inside it.
type Repository struct {
	Starter *process.Starter
	Folder  string
}

// Find gives what is called name: a folder with a go.mod is taken as it is, everything
// else must name a commit, whose files are unpacked into temp.
func (r *Repository) Find(ctx context.Context, name, temp string) (Tree, error) {
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		root, err := filepath.Abs(name)
		return Tree{Root: root, Name: name, Label: r.describe(ctx, root)}, err
	}
	commit, err := r.git(ctx, "rev-parse", "--verify", "--quiet", name+"^{commit}")
	if err != nil {
		return Tree{}, fmt.Errorf("checkout: %q is neither a folder of the product nor a commit", name)
	}
	return r.unpack(ctx, name, commit, temp)
}

func (r *Repository) unpack(ctx context.Context, name, commit, temp string) (Tree, error) {
	root := filepath.Join(temp, "tree-"+commit[:12])
	if err := os.MkdirAll(root, 0o755); err != nil {
		return Tree{}, fmt.Errorf("checkout: %w", err)
	}
	top, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return Tree{}, err
	}
	file := root + ".tar"
	// From the top: in a folder below it, an archive holds that folder alone.
	if _, err := r.Starter.Output(ctx, false, "git", "-C", top, "archive", "--format=tar", "-o", file, commit); err != nil {
		return Tree{}, fmt.Errorf("checkout: %w", err)
	}
	defer os.Remove(file)
	if _, err := r.Starter.Output(ctx, false, "tar", "-xf", file, "-C", root); err != nil {
		return Tree{}, fmt.Errorf("checkout: %w", err)
	}
	label := name + " (" + commit[:7] + ")"
	if strings.HasPrefix(commit, name) {
		label = commit[:7]
	}
	return Tree{Root: root, Name: name, Label: label}, nil
}

// describe names a folder's state: its commit, and whether something was changed since.
func (r *Repository) describe(ctx context.Context, folder string) string {
	in := Repository{r.Starter, folder}
	commit, err := in.git(ctx, "rev-parse", "--short=7", "HEAD")
	if err != nil {
		return folder
	}
	// Of what is built alone: other files change nothing that is measured.
	changes, err := in.git(ctx, "status", "--porcelain", "--", "*.go", "*.onnx", "*.json", "go.mod", "go.sum", "bench/go.mod")
	if err != nil || changes == "" {
		return "work tree (" + commit + ")"
	}
	return "work tree (" + commit + " with changes)"
}

// ErrNoRelease means that there is nothing yet to compare with.
var ErrNoRelease = errors.New("checkout: neither a tag (v1.2.3) nor a heading of CHANGELOG.md (## 1.2.3) tells of a release before this one; name a commit to compare with")

// release is what a release's tag looks like; pre-releases are none.
var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// LastRelease gives the tag of the newest release among the ancestors of HEAD, HEAD's
// own left out: a release is compared with the one before it. Copies of a repository do
// not always have its tags, so where there is none it gives the commit that put the
// newest version into CHANGELOG.md.
func (r *Repository) LastRelease(ctx context.Context) (string, error) {
	tags, err := r.git(ctx, "tag", "--merged", "HEAD", "--sort=-version:refname")
	if err != nil {
		return "", err
	}
	own, err := r.git(ctx, "tag", "--points-at", "HEAD")
	if err != nil {
		return "", err
	}
	tag, err := newestRelease(strings.Fields(tags), strings.Fields(own))
	if !errors.Is(err, ErrNoRelease) {
		return tag, err
	}
	return r.lastHeading(ctx)
}

// lastHeading gives the last commit before HEAD that added a version's heading to the
// change log.
func (r *Repository) lastHeading(ctx context.Context) (string, error) {
	top, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	// HEAD^ is unknown when HEAD is the first commit there is.
	before, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "HEAD^")
	if err != nil {
		return "", ErrNoRelease
	}
	commits, err := r.git(ctx, "log", "--format=%H", "--extended-regexp", "-G", `^## [0-9]+\.[0-9]+\.[0-9]+( |$)`,
		before, "--", filepath.Join(top, "CHANGELOG.md"))
	if err != nil {
		return "", err
	}
	for _, c := range strings.Fields(commits) {
		return c, nil
	}
	return "", ErrNoRelease
}

// newestRelease picks from tags, the highest version first, what is none of own.
func newestRelease(tags, own []string) (string, error) {
	skip := make(map[string]bool)
	for _, t := range own {
		skip[t] = true
	}
	for _, t := range tags {
		if release.MatchString(t) && !skip[t] {
			return t, nil
		}
	}
	return "", ErrNoRelease
}

func (r *Repository) git(ctx context.Context, args ...string) (string, error) {
	out, err := r.Starter.Output(ctx, false, "git", append([]string{"-C", r.Folder}, args...)...)
	if err != nil {
		return "", fmt.Errorf("checkout: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
