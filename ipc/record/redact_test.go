package record

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// Redacted, the same id is the same again, in questions of all kinds, and its component
// is still one of its class; no byte of the name is in the file.
func TestIDsAreRedacted(t *testing.T) {
	r := start(t, Config{})
	secret := &ipc.FailureRequest{Component: "io-of-customer-4711", HealthScore: 0.5}
	const agent = 0x1122334455667788
	now := ipc.Now()
	for i, q := range []ipc.Request{ipctest.Request(ipc.Workload, agent), ipctest.Request(ipc.Memory, agent), secret, secret} {
		r.Message(1, false, now, message(uint64(i+1), q))
	}
	r.Message(1, false, now, message(9, ipctest.Request(ipc.Workload, agent+1)))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(r.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("customer")) || bytes.Contains(data, []byte{0x11, 0x22, 0x33, 0x44, 0x55}) {
		t.Error("an id is in the file")
	}
	rec := load(t, r.cfg.Path)
	var subjects []ipc.Subject
	for _, c := range rec.Calls {
		m, err := ipc.ParsePredict(c.Question)
		if err != nil {
			t.Fatal(err)
		}
		subjects = append(subjects, m.Requests[0].Subject())
	}
	if !rec.Header.Redacted || len(subjects) != 5 || subjects[0] != subjects[1] || subjects[2] != subjects[3] || subjects[0] == subjects[4] {
		t.Errorf("subjects are %v", subjects)
	}
	if got := subjects[2].Component; !strings.HasPrefix(got, "io-") || class(got) != "io" {
		t.Errorf("the component is %q, want one of class io", got)
	}
}

func TestClassesSurviveRedaction(t *testing.T) {
	d := newRedactor()
	for _, name := range []string{"memory-bank-3", "cpu0", "disk io", "network", "session-service", "scheduler", "x"} {
		got := d.subject(ipc.Failure, ipc.Subject{Component: name}).Component
		if class(got) != class(name) || len(got) > ipc.MaxComponentBytes || strings.Contains(got, name) && len(name) > 8 {
			t.Errorf("%q becomes %q of class %s, want %s", name, got, class(got), class(name))
		}
	}
}

// A message whose ids cannot be found is left out rather than kept as it is.
func TestUnreadableIsLeftOut(t *testing.T) {
	r := start(t, Config{})
	r.Message(1, false, ipc.Now(), ipctest.Message(ipctest.TypePredict, 1, 0, []any{[]any{77, []any{"secret"}}})[4:])
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if rec := load(t, r.cfg.Path); len(rec.Calls) != 0 || rec.Lost != 1 || r.Stats().Unreadable != 1 {
		t.Errorf("%d calls, %d lost, stats %+v; want 0, 1 and 1 unreadable", len(rec.Calls), rec.Lost, r.Stats())
	}
}
