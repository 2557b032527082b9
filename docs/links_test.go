// Package docs_test checks what the documents say about each other.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder of the module, seen from this one.
const root = ".."

var (
	fenced  = regexp.MustCompile("(?s)```.*?```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	// dropped is what a heading's anchor has not: all but letters, digits, _, - and blanks.
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// documents are all Markdown files of the repository. What runs produce or a package
// manager fetches is none of ours.
func documents(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (name == "out" || name == "node_modules" || strings.HasPrefix(name, ".")):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"):
			list = append(list, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// prose is a document without its code blocks, in which # and ]( mean other things.
func prose(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fenced.ReplaceAllString(string(text), "")
}

// hasAnchor reports whether a heading of the document has the anchor that GitHub and
// most other renderers give it.
func hasAnchor(t *testing.T, path, anchor string) bool {
	t.Helper()
	for _, m := range heading.FindAllStringSubmatch(prose(t, path), -1) {
		title := dropped.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		if strings.ReplaceAll(title, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// Every link to a file of the repository leads somewhere, and so does its anchor.
func TestLinks(t *testing.T) {
	checked := 0
	for _, doc := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(prose(t, doc), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			checked++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := doc
			if file != "" {
				target = filepath.Join(filepath.Dir(doc), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
			} else if anchor != "" && !hasAnchor(t, target, anchor) {
				t.Errorf("%s links to %s, but no heading has that anchor", doc, m[1])
			}
		}
	}
	if checked == 0 {
		t.Error("no link was found: the pattern is wrong")
	}
}

// unlisted are documents that the index need not name: itself, a template, and notes
// that lie beside a test's data.
var unlisted = map[string]bool{
	"README.md":                              true,
	"../daemon/train/cards.md":               true,
	"../kernelsim/source/testdata/README.md": true,
}

// Every document is in the index.
func TestIndex(t *testing.T) {
	index := prose(t, "README.md")
	for _, doc := range documents(t) {
		rel, err := filepath.Rel(filepath.Join(root, "docs"), doc)
		if err != nil {
			t.Fatal(err)
		}
		if !unlisted[rel] && !strings.Contains(index, "]("+rel+")") && !strings.Contains(index, "]("+rel+"#") {
			t.Errorf("docs/README.md does not mention %s", rel)
		}
	}
}
