package hiccup

import (
	"encoding/json"
	"fmt"
	"os"
)

// Save writes the log, for Load to read in the process that measures.
func (l *Log) Save(path string) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// Load reads what Save wrote.
func Load(path string) (*Log, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	l := new(Log)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}
