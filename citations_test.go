package mlbridge_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What comments say of the protocol's specification: a section by its title or its number.
var (
	citedTitle  = regexp.MustCompile(`PROTOCOL\.md,\s+"([^"]+)"`)
	citedNumber = regexp.MustCompile(`PROTOCOL\.md,?\s+(?:sections?\s+)?(\d+(?:\.\d+)?)\b(?:\s+and\s+(\d+(?:\.\d+)?)\b)?`)
	heading     = regexp.MustCompile(`(?m)^##+ (\d+(?:\.\d+)?) (.+)$`)
	wrapped     = regexp.MustCompile(`\n\s*// ?`) // a comment's next line
)

// TestCitationsLead follows what comments cite of PROTOCOL.md.
func TestCitationsLead(t *testing.T) {
	spec, err := os.ReadFile("ipc/PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]bool) // by number, and by title in lower case
	for _, m := range heading.FindAllStringSubmatch(string(spec), -1) {
		sections[m[1]], sections[strings.ToLower(m[2])] = true, true
	}
	cited := 0
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "out" || strings.HasPrefix(d.Name(), ".") && name != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || name == "citations_test.go" {
			return nil
		}
		code, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text := wrapped.ReplaceAllString(string(code), " ")
		for _, m := range append(citedTitle.FindAllStringSubmatch(text, -1), citedNumber.FindAllStringSubmatch(text, -1)...) {
			for _, section := range m[1:] {
				if section == "" {
					continue
				}
				if cited++; !sections[strings.ToLower(section)] {
					t.Errorf("%s cites PROTOCOL.md, %q, which is no section of it", name, section)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if cited < 20 {
		t.Errorf("%d citations found: are they written in another way now?", cited)
	}
}
