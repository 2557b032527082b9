package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// security.md names all fuzz targets there are, by package.
func TestFuzzTargetsAreListed(t *testing.T) {
	text, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	names := regexp.MustCompile("`([a-z/]+)`:|(Fuzz[A-Za-z]+)")
	for line := range strings.Lines(string(text)) {
		pkg := ""
		for _, m := range names.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				pkg = m[1]
			} else if pkg != "" {
				listed[pkg] = append(listed[pkg], m[2])
			}
		}
	}
	found := map[string][]string{}
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "out" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, m := range target.FindAllSubmatch(source, -1) {
			found[pkg] = append(found[pkg], string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for pkg, targets := range found {
		for _, f := range targets {
			total++
			if !slices.Contains(listed[pkg], f) {
				t.Errorf("security.md does not name %s of %s", f, pkg)
			}
		}
	}
	for pkg, targets := range listed {
		for _, f := range targets {
			if !slices.Contains(found[pkg], f) {
				t.Errorf("security.md names %s of %s, which is not there", f, pkg)
			}
		}
	}
	if total < 30 {
		t.Errorf("only %d targets were found", total)
	}
}
