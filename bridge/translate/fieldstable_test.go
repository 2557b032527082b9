package translate

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// readFieldsTable gives, per section, the cells of each row by its Go field.
func readFieldsTable(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/fields.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := make(map[string]map[string][]string)
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
			doc[section] = make(map[string][]string)
		}
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		doc[section][firstCode(cells[0])] = cells
	}
	return doc
}

var code = regexp.MustCompile("`([^`]*)`")

func firstCode(cell string) string {
	if m := code.FindStringSubmatch(cell); m != nil {
		return m[1]
	}
	return ""
}

var number = regexp.MustCompile(`^\d+`)

func leadingNumber(cell string) int {
	n, err := strconv.Atoi(number.FindString(cell))
	if err != nil {
		return -1
	}
	return n
}
