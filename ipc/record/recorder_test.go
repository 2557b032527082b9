package record

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/ipctest"
)

// message and reply are a call and its answer, as bytes of another encoder.
func message(id uint64, q ipc.Request) []byte {
	return ipctest.Message(ipctest.TypePredict, id, 5000, []any{[]any{uint8(q.Kind()), msgpack.RawMessage(ipc.AppendRequest(nil, q))}})[4:]
}

func reply(id uint64, q ipc.Request) []byte {
	return ipctest.ReplyTo(id, []ipc.Reply{ipctest.ModelReply(q)})[4:]
}

func start(t *testing.T, cfg Config) *Recorder {
	t.Helper()
	cfg.Path = filepath.Join(t.TempDir(), "r")
	r, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func load(t *testing.T, path string) *Recording {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// Two connections use the same id, one call gets no answer, and one answer's question
// was lost.
func TestCallsAreKeptWithTheirAnswers(t *testing.T) {
	r := start(t, Config{Name: "b", Plain: true})
	a, b := ipctest.Request(ipc.Workload, 7), ipctest.Request(ipc.Failure, 8)
	now := ipc.Now()
	r.Message(1, false, now, message(5, a))
	r.Message(2, false, now.Add(10), message(5, b))
	r.Message(2, true, now.Add(30), reply(5, b))
	r.Message(1, true, now.Add(70), reply(5, a))
	r.Message(1, false, now.Add(80), message(6, a))
	r.Message(3, true, now.Add(90), reply(9, a))
	r.Message(3, false, now.Add(95), ipctest.Message(ipctest.TypeOutcome, []any{})[4:])
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	rec := load(t, r.cfg.Path)
	if rec.Header.Redacted || rec.Header.Name != "b" || rec.Cut || rec.Why != Closed || rec.Lost != 0 || rec.Outcomes != 1 || len(rec.Calls) != 3 {
		t.Fatalf("recording = %+v", rec)
	}
	for i, want := range []struct {
		conn   uint64
		took   time.Duration
		answer []byte
	}{{1, 70, reply(5, a)}, {2, 20, reply(5, b)}, {1, 0, nil}} {
		c := &rec.Calls[i]
		if c.Conn != want.conn || c.Took != want.took || !bytes.Equal(c.Answer, want.answer) {
			t.Errorf("call %d = %+v, want %+v", i, c, want)
		}
	}
	if !bytes.Equal(rec.Calls[0].Question, message(5, a)) || rec.Calls[1].At-rec.Calls[0].At != 10 {
		t.Errorf("the first calls are %+v", rec.Calls[:2])
	}
	if s := r.Stats(); s.Frames != 7 || s.Lost != 0 {
		t.Errorf("stats = %+v", s)
	}
	info, err := os.Stat(r.cfg.Path)
	if err != nil || info.Mode().Perm() != 0o600 || uint64(info.Size()) != r.Stats().Bytes {
		t.Errorf("the file is %v, %v; want 0600 and %d bytes", info, err, r.Stats().Bytes)
	}
}

// The file ends within its limit with all that fits, and says so; the bridge is told.
func TestLimit(t *testing.T) {
	ended := make(chan error, 2)
	r := start(t, Config{Limit: MinLimit, OnEnd: func(err error) { ended <- err }})
	q := message(1, ipctest.Request(ipc.Workload, 1))
	for range 2 * MinLimit / len(q) {
		r.Message(1, false, ipc.Now(), q)
	}
	if err := <-ended; err != nil {
		t.Errorf("OnEnd(%v), want nil", err)
	}
	r.Message(1, false, ipc.Now(), q) // is not taken and does no harm
	if err := r.Close(); err != nil || len(ended) != 0 {
		t.Errorf("Close() = %v, OnEnd was called %d more times", err, len(ended))
	}
	rec := load(t, r.cfg.Path)
	info, err := os.Stat(r.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Why != Limited || rec.Cut || info.Size() > MinLimit || info.Size() < MinLimit-2*int64(recordHead+len(q)) {
		t.Errorf("%d bytes of %d, why %d, cut %v", info.Size(), MinLimit, rec.Why, rec.Cut)
	}
	if n := uint64(len(rec.Calls)); n == 0 || n != r.Stats().Frames {
		t.Errorf("%d calls, stats %+v", n, r.Stats())
	}
}

// Who shows more than the buffer holds is not made to wait: the rest is counted, in the
// file too.
func TestLossIsCounted(t *testing.T) {
	r := start(t, Config{Plain: true})
	big := message(1, ipctest.Request(ipc.Workload, 1))
	r.mu.Lock() // the writer cannot exchange the buffers, nor can Message
	r.Message(1, false, ipc.Now(), big)
	room := cap(r.buf)
	r.buf = r.buf[:room-recordHead] // not quite room for one
	for i := range r.buf {
		r.buf[i] = 0
	}
	r.buf = r.buf[:0]
	r.mu.Unlock()
	r.Message(1, false, ipc.Now(), make([]byte, room)) // never fits
	r.Message(1, false, ipc.Now(), big)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	rec := load(t, r.cfg.Path)
	// The writer may have had the lock when the last one came.
	if s := r.Stats(); rec.Lost != s.Lost || s.Lost < 2 || s.Lost+s.Frames != 3 || len(rec.Calls) != int(s.Frames) {
		t.Errorf("stats %+v, recording %d calls and %d lost; want 2 or 3 lost of 3", s, len(rec.Calls), rec.Lost)
	}
}

// A file of an earlier run is not lost, and one before that makes room for it.
func TestEarlierFileIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	for i := range 3 {
		r, err := Start(Config{Path: path, Name: string(rune('a' + i))})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if now, old := load(t, path), load(t, path+".old"); now.Header.Name != "c" || old.Header.Name != "b" {
		t.Errorf("%q is there and %q is old, want c and b", now.Header.Name, old.Header.Name)
	}
}

func TestStartRefuses(t *testing.T) {
	for _, cfg := range []Config{{Path: filepath.Join(t.TempDir(), "r"), Limit: MinLimit - 1}, {Path: filepath.Join(t.TempDir(), "no", "r")}} {
		if _, err := Start(cfg); err == nil {
			t.Errorf("Start(%+v) succeeded", cfg)
		}
	}
}

// A disk that is full ends the recording and nothing else. /dev/full stands for it.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	r := start(t, Config{OnEnd: func(err error) { ended <- err }})
	r.Message(1, false, ipc.Now(), message(1, ipctest.Request(ipc.Workload, 1)))
	r.mu.Lock()
	own := r.file
	r.file = full
	r.mu.Unlock()
	defer own.Close()
	for {
		r.Message(1, false, ipc.Now(), message(2, ipctest.Request(ipc.Workload, 1)))
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "no space") {
				t.Errorf("OnEnd(%v), want no space", err)
			}
			if err := r.Close(); err == nil {
				t.Error("Close() = nil")
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// What the loop does for a message allocates nothing.
func TestMessageAllocatesNothing(t *testing.T) {
	r := start(t, Config{Plain: true})
	q := message(1, ipctest.Request(ipc.Workload, 1))
	r.once.Do(func() { close(r.stop) })
	<-r.done // nobody else allocates meanwhile
	r.over.Store(false)
	if got := testing.AllocsPerRun(1000, func() { r.Message(1, false, 1, q) }); got != 0 {
		t.Errorf("%v allocations a message", got)
	}
}

func BenchmarkMessage(b *testing.B) {
	r, err := Start(Config{Path: filepath.Join(b.TempDir(), "r"), Limit: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	q := message(1, ipctest.Request(ipc.Workload, 1))
	for b.Loop() {
		r.Message(1, false, 1, q)
	}
	b.ReportMetric(float64(r.Stats().Lost)/float64(b.N), "lost/op")
}

// TestOnlyFilesAreMovedAway: a recorder of root's must not replace a device, nor move a folder.
func TestOnlyFilesAreMovedAway(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, folder} {
		before, _ := os.Lstat(path)
		if r, err := Start(Config{Path: path}); err == nil {
			r.Close()
			t.Errorf("%s is recorded to", path)
		}
		if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s is %v now, %v; want it untouched", path, after, err)
		}
	}
}
