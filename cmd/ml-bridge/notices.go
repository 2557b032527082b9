package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge/status"
)

// notices keeps the last warnings and errors of the log for the live page. It reads
// what the log writes, so that whoever logs need not know of it.
type notices struct {
	mu   sync.Mutex
	last []status.Notice // guarded by mu, oldest first
}

// maxNotices bounds how many are kept, maxDetail how long each may be.
const (
	maxNotices = 50
	maxDetail  = 300
)

// Write is for lines without a level: none of them is a warning.
func (n *notices) Write(line []byte) (int, error) { return len(line), nil }

// WriteLevel is called by zerolog with every line.
func (n *notices) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	if level < zerolog.WarnLevel || level > zerolog.PanicLevel {
		return len(line), nil
	}
	fields := make(map[string]any)
	if err := json.Unmarshal(line, &fields); err != nil {
		return len(line), nil // not a line of ours
	}
	notice := status.Notice{Level: level.String()}
	notice.Text, _ = fields[zerolog.MessageFieldName].(string)
	if text, ok := fields[zerolog.TimestampFieldName].(string); ok {
		notice.At, _ = time.Parse(time.RFC3339Nano, text)
	}
	for _, name := range []string{zerolog.MessageFieldName, zerolog.TimestampFieldName, zerolog.LevelFieldName} {
		delete(fields, name)
	}
	var detail []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		detail = append(detail, fmt.Sprintf("%s=%v", name, fields[name]))
	}
	notice.Detail = strings.Join(detail, " ")
	if len(notice.Detail) > maxDetail {
		notice.Detail = strings.ToValidUTF8(notice.Detail[:maxDetail], "") + "…"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.last) == maxNotices {
		n.last = slices.Delete(n.last, 0, 1)
	}
	n.last = append(n.last, notice)
	return len(line), nil
}

// list gives the notices; the slice is the caller's and never nil.
func (n *notices) list() []status.Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]status.Notice{}, n.last...)
}
