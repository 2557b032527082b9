package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc/excerpt"
)

// notices keeps the last warnings and errors of the log for the live page. It reads
// what the log writes, so that whoever logs need not know of it. What differs from an
// earlier one by numbers or a list alone is that one again: a model that is demoted again
// and again is one line and pushes nothing out, and so is a daemon that fails for ever
// more kinds.
type notices struct {
	mu   sync.Mutex
	last []notice // guarded by mu, oldest first
}

// notice is one, under what it has in common with its repetitions.
type notice struct {
	status.Notice
	key    string
	public string // the detail that everybody may see
}

// modelsPart marks the lines about model files: "part" of the log's fields. They name files
// and say what stands in them, which is for an operator. Others see the kind alone.
const modelsPart = "models"

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
	said := notice{Notice: status.Notice{Level: level.String(), Times: 1}}
	said.Text, _ = fields[zerolog.MessageFieldName].(string)
	if text, ok := fields[zerolog.TimestampFieldName].(string); ok {
		said.At, _ = time.Parse(time.RFC3339Nano, text)
	}
	part := fields["part"]
	for _, name := range []string{"part", zerolog.MessageFieldName, zerolog.TimestampFieldName, zerolog.LevelFieldName} {
		delete(fields, name)
	}
	detail, public, key := []string{}, []string{}, []string{said.Level, said.Text}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[name].(type) {
		case float64:
			detail = append(detail, name+"="+figure(v))
		case string:
			detail, key = append(detail, name+"="+v), append(key, name+"="+v)
		default:
			detail = append(detail, fmt.Sprintf("%s=%v", name, v))
		}
		if part != modelsPart || name == "kind" {
			public = append(public, detail[len(detail)-1])
		}
	}
	said.Detail, said.public, said.key = clipped(detail), clipped(public), strings.Join(key, " ")
	n.keep(said)
	return len(line), nil
}

// clipped joins the fields, as many as there is room for.
func clipped(fields []string) string { return excerpt.Of(strings.Join(fields, " "), maxDetail) }

// figure writes a whole number as it is and another one in three digits: people read it.
func figure(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// keep puts what was said last, in the place of its repetition or of the oldest.
func (n *notices) keep(said notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if i := slices.IndexFunc(n.last, func(old notice) bool { return old.key == said.key }); i >= 0 {
		said.Times += n.last[i].Times
		n.last = slices.Delete(n.last, i, i+1)
	}
	if len(n.last) == maxNotices {
		n.last = slices.Delete(n.last, 0, 1)
	}
	n.last = append(n.last, said)
}

// list gives the notices, those about model files in full to an operator alone; the slice is
// the caller's and never nil.
func (n *notices) list(operator bool) []status.Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]status.Notice, len(n.last))
	for i := range n.last {
		if out[i] = n.last[i].Notice; !operator {
			out[i].Detail = n.last[i].public
		}
	}
	return out
}
