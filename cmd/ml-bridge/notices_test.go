package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
)

// Warnings and errors are kept with their fields in order, other lines are not, and
// neither their number nor their length grows without bound.
func TestNotices(t *testing.T) {
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	n := new(notices)
	log := cli.NewLogger(quiet, "json", n)
	if got := n.list(); got == nil || len(got) != 0 {
		t.Errorf("%v, want an empty list", got)
	}
	before := time.Now()
	log.Info().Msg("daemon answers")
	log.Log().Msg("no level")
	log.Warn().Str("reason", "timeout").Int("kind", 3).Msg("daemon does not answer")
	log.Error().Err(errors.New("accept: too many")).Msg("http server")
	want := []status.Notice{
		{Level: "warn", Text: "daemon does not answer", Detail: "kind=3 reason=timeout"},
		{Level: "error", Text: "http server", Detail: "error=accept: too many"},
	}
	got := n.list()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(status.Notice{}, "At")); diff != "" {
		t.Error(diff)
	}
	if at := got[0].At; at.Before(before.Add(-time.Second)) || at.After(time.Now()) {
		t.Errorf("at %v, want now", at)
	}
	for i := range 3 * maxNotices {
		log.Warn().Str("what", strings.Repeat("ü", i*10)).Msg(fmt.Sprint(i))
	}
	got = n.list()
	if len(got) != maxNotices || got[maxNotices-1].Text != fmt.Sprint(3*maxNotices-1) {
		t.Errorf("%d notices, the last %q", len(got), got[len(got)-1].Text)
	}
	if d := got[maxNotices-1].Detail; len(d) > maxDetail+len("…") || !strings.HasSuffix(d, "ü…") {
		t.Errorf("detail of %d bytes: %q", len(d), d)
	}
}
