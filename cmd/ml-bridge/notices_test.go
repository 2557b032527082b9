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
	"github.com/rs/zerolog"

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
	if got := n.list(true); got == nil || len(got) != 0 {
		t.Errorf("%v, want an empty list", got)
	}
	before := time.Now()
	log.Info().Msg("daemon answers")
	log.Log().Msg("no level")
	log.Warn().Str("reason", "timeout").Int("kind", 3).Msg("daemon does not answer")
	log.Error().Err(errors.New("accept: too many")).Msg("http server")
	want := []status.Notice{
		{Level: "warn", Text: "daemon does not answer", Detail: "kind=3 reason=timeout", Times: 1},
		{Level: "error", Text: "http server", Detail: "error=accept: too many", Times: 1},
	}
	got := n.list(true)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(status.Notice{}, "At")); diff != "" {
		t.Error(diff)
	}
	if at := got[0].At; at.Before(before.Add(-time.Second)) || at.After(time.Now()) {
		t.Errorf("at %v, want now", at)
	}
	for i := range 3 * maxNotices {
		log.Warn().Str("what", strings.Repeat("ü", i*10)).Msg(fmt.Sprint(i))
	}
	got = n.list(true)
	if len(got) != maxNotices || got[maxNotices-1].Text != fmt.Sprint(3*maxNotices-1) {
		t.Errorf("%d notices, the last %q", len(got), got[len(got)-1].Text)
	}
	if d := got[maxNotices-1].Detail; len(d) > maxDetail+len("…") || !strings.HasSuffix(d, "ü…") {
		t.Errorf("detail of %d bytes: %q", len(d), d)
	}
}

// What the log says of model files names paths and what stands in files: those who are no
// operators see the kind.
func TestNoticesOfModelFiles(t *testing.T) {
	n := new(notices)
	log := zerolog.New(n)
	log.Warn().Str("reason", "timeout").Msg("daemon does not answer")
	log = log.With().Str("part", modelsPart).Logger()
	log.Warn().Str("kind", "threat").Str("folder", "/srv/secret").Int("line", 3).Msg("model not replaced")
	want := []status.Notice{
		{Level: "warn", Text: "daemon does not answer", Detail: "reason=timeout", Times: 1},
		{Level: "warn", Text: "model not replaced", Detail: "folder=/srv/secret kind=threat line=3", Times: 1},
	}
	if diff := cmp.Diff(want, n.list(true), cmpopts.IgnoreFields(status.Notice{}, "At")); diff != "" {
		t.Error("an operator: " + diff)
	}
	want[1].Detail = "kind=threat"
	if diff := cmp.Diff(want, n.list(false), cmpopts.IgnoreFields(status.Notice{}, "At")); diff != "" {
		t.Error("others: " + diff)
	}
}

// A model that is demoted again and again is one notice, with the last figures in digits
// that people read, and pushes nothing else out; another model is another.
func TestRepeatedNoticesAreOne(t *testing.T) {
	n := new(notices)
	log := zerolog.New(n) // the log of the command leaves repetitions out
	demoted := func(model string, advantage float64, judged int) {
		log.Warn().Str("model", model).Float64("advantage", advantage).Int("judged", judged).Msg("model demoted")
	}
	demoted("m@1", -0.5, 9)
	log.Warn().Str("reason", "timeout").Msg("daemon does not answer")
	for i := range 2 * maxNotices {
		demoted("m@1", -0.001522460960334813, 3_000_000+i)
	}
	demoted("m@2", -0.25, 700)
	for _, reasons := range [][]string{{"threat"}, {"threat", "memory"}} {
		log.Warn().Strs("reasons", reasons).Msg("daemon fails")
	}
	want := []status.Notice{
		{Level: "warn", Text: "daemon does not answer", Detail: "reason=timeout", Times: 1},
		{Level: "warn", Text: "model demoted", Detail: "advantage=-0.00152 judged=3000099 model=m@1", Times: 2*maxNotices + 1},
		{Level: "warn", Text: "model demoted", Detail: "advantage=-0.25 judged=700 model=m@2", Times: 1},
		{Level: "warn", Text: "daemon fails", Detail: "reasons=[threat memory]", Times: 2},
	}
	if diff := cmp.Diff(want, n.list(true), cmpopts.IgnoreFields(status.Notice{}, "At")); diff != "" {
		t.Error(diff)
	}
}
