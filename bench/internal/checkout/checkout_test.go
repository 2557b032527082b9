package checkout

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/bench/internal/process"
)

// repository makes one with two commits and gives the first one's hash.
func repository(t *testing.T) (*Repository, string) {
	t.Helper()
	s, err := process.NewStarter()
	if err != nil {
		t.Fatal(err)
	}
	r := &Repository{s, t.TempDir()}
	git := func(args ...string) string { return gitAs(t, r, args...) }
	write := func(text string) {
		for _, name := range []string{"go.mod", "below/file.go"} {
			path := filepath.Join(r.Folder, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "-q", "-m", text)
	}
	git("init", "-q")
	write("old")
	git("tag", "v0.9.0")
	git("tag", "v0.10.0-rc1")
	old := git("rev-parse", "HEAD")
	write("new")
	git("tag", "v1.0.0")
	return r, old
}

// gitAs runs git as somebody of its own, who needs no settings of this machine.
func gitAs(t *testing.T, r *Repository, args ...string) string {
	t.Helper()
	out, err := r.git(t.Context(), append([]string{"-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"}, args...)...)
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return out
}

func TestFind(t *testing.T) {
	r, old := repository(t)
	below := &Repository{r.Starter, filepath.Join(r.Folder, "below")}
	tree, err := below.Find(t.Context(), "v0.9.0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(tree.Root, "below", "file.go")); string(got) != "old" {
		t.Errorf("the file of the old commit says %q", got)
	}
	if want := "v0.9.0 (" + old[:7] + ")"; tree.Label != want {
		t.Errorf("Label = %q, want %q", tree.Label, want)
	}
	if tree, err = r.Find(t.Context(), r.Folder, t.TempDir()); err != nil || tree.Root != r.Folder || strings.Contains(tree.Label, "changes") {
		t.Errorf("Find of a folder = %+v, %v", tree, err)
	}
	if err := os.WriteFile(filepath.Join(r.Folder, "go.mod"), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	if tree, _ = r.Find(t.Context(), r.Folder, t.TempDir()); !strings.Contains(tree.Label, "with changes") {
		t.Errorf("Label of a changed folder = %q", tree.Label)
	}
	if _, err := r.Find(t.Context(), "v7.7.7", t.TempDir()); err == nil {
		t.Error("Find found a commit that does not exist")
	}
}

// TestLastRelease: HEAD's own tag is not the release before it, and a candidate is none.
func TestLastRelease(t *testing.T) {
	r, _ := repository(t)
	if got, err := r.LastRelease(t.Context()); err != nil || got != "v0.9.0" {
		t.Errorf("LastRelease = %q, %v, want v0.9.0", got, err)
	}
	if _, err := newestRelease([]string{"v1.0.0", "v2-draft"}, []string{"v1.0.0"}); !errors.Is(err, ErrNoRelease) {
		t.Errorf("newestRelease = %v, want ErrNoRelease", err)
	}
}

// TestReleaseWithoutTags: the change log says when there was one.
func TestReleaseWithoutTags(t *testing.T) {
	r, _ := repository(t)
	git := func(args ...string) string { return gitAs(t, r, args...) }
	write := func(text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(r.Folder, "CHANGELOG.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", "CHANGELOG.md")
		git("commit", "-q", "-m", "changes")
		return git("rev-parse", "HEAD")
	}
	for _, tag := range strings.Fields(git("tag")) {
		git("tag", "-d", tag)
	}
	write("# Changelog\n\n## Unreleased\n\n- new: all\n")
	if got, err := r.LastRelease(t.Context()); !errors.Is(err, ErrNoRelease) {
		t.Errorf("before the first release: %q, %v, want ErrNoRelease", got, err)
	}
	first := write("# Changelog\n\n## Unreleased\n\n## 0.1.0 (2026-11-28)\n\n- new: all\n")
	if got, err := r.LastRelease(t.Context()); !errors.Is(err, ErrNoRelease) {
		t.Errorf("at the first release: %q, %v, want ErrNoRelease", got, err)
	}
	write("# Changelog\n\n## Unreleased\n\n- fix: some\n\n## 0.1.0 (2026-11-28)\n\n- new: all\n")
	if got, err := r.LastRelease(t.Context()); err != nil || got != first {
		t.Errorf("behind the first release: %q, %v, want %s", got, err, first)
	}
}
