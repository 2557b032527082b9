package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// File is a settings file that was read but not yet compared with the settings there
// are.
type File struct {
	Path    string
	entries map[string]entry
	order   []string // of the keys, as written
}

// entry is one key's value: string, or list of strings; numbers and booleans as they
// were written, for the setting knows what it takes.
type entry struct {
	value any
	line  int
}

// maxSize is far more than any settings need; a file of another kind given by mistake
// is refused rather than read.
const maxSize = 1 << 20

// Read reads path. The error joins, each with its line, what is no TOML or more than
// flat keys; the file has the rest, and is nil when it cannot be read at all.
func Read(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxSize {
		return nil, fmt.Errorf("settings file: %s is no file of at most %d bytes", path, maxSize)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("settings file: %w", err)
	}
	return Parse(path, text)
}

// Parse is Read of a text that is at hand; path is for messages.
func Parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, entries: make(map[string]entry)}
	var p unstable.Parser
	p.Reset(text)
	var problems []error
	for p.NextExpression() {
		if err := f.add(&p, p.Expression()); err != nil {
			problems = append(problems, err)
		}
	}
	if err := p.Error(); err != nil {
		line := 1
		var where *unstable.ParserError
		if errors.As(err, &where) {
			line = p.Shape(p.Range(where.Highlight)).Start.Line
		}
		problems = append(problems, f.at(line, "%s", strings.TrimPrefix(err.Error(), "toml: ")))
	}
	return f, errors.Join(problems...)
}

// add takes one expression of the document.
func (f *File) add(p *unstable.Parser, n *unstable.Node) error {
	switch n.Kind {
	case unstable.Comment:
		return nil
	case unstable.KeyValue:
	default:
		key := n.Key()
		key.Next()
		return f.at(lineOf(p, key.Node()), "there are no tables here, only keys: remove [%s]", key.Node().Data)
	}
	var parts []string
	var line int
	for key := n.Key(); key.Next(); {
		parts, line = append(parts, string(key.Node().Data)), lineOf(p, key.Node())
	}
	name := strings.Join(parts, ".")
	if before, ok := f.entries[name]; ok {
		return f.at(line, "%s is set on line %d already", name, before.line)
	}
	value, err := plain(n.Value())
	if err != nil {
		return f.at(line, "%s: %v", name, err)
	}
	f.entries[name] = entry{value, line}
	f.order = append(f.order, name)
	return nil
}

// plain gives a value as a flag would be given it.
func plain(n *unstable.Node) (any, error) {
	switch n.Kind {
	case unstable.String, unstable.Integer, unstable.Float, unstable.Bool:
		return strings.Clone(string(n.Data)), nil
	case unstable.Array:
		list := []any{}
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.String {
				return nil, errors.New("a list is of strings")
			}
			list = append(list, string(it.Node().Data))
		}
		return list, nil
	}
	return nil, errors.New("want a string, a number, true, false, or a list of strings")
}

func lineOf(p *unstable.Parser, n *unstable.Node) int { return p.Shape(n.Raw).Start.Line }

// at is an error with its place in the file.
func (f *File) at(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", f.Path, line, fmt.Sprintf(format, args...))
}
