package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mlbridge/mlbridge/ipc"
)

// Config says what is recorded where. Zero fields take the defaults given with them.
type Config struct {
	Path  string // a regular file that is there already is kept as Path + ".old", in place of an older one
	Limit int64  // bytes of the file, at least MinLimit; 256 MiB
	Name  string // of the bridge
	// Plain keeps ids as they are.
	Plain bool
	// OnEnd is told once when recording ends before Close: with nil when the limit was
	// reached, else with what went wrong. It runs on the recorder's goroutine.
	OnEnd func(error)
}

// MinLimit is the smallest limit of a file.
const MinLimit = 64 << 10

const (
	// bufferBytes is how much may wait to be written; there are two such buffers. At
	// 300,000 small calls a second they last for a sixth of a second.
	bufferBytes = 8 << 20
	// flushEvery is how much a killed bridge loses of its recording.
	flushEvery = 50 * time.Millisecond
)

// Recorder writes a recording. It is an ipc.Tap: give it to one server.
type Recorder struct {
	cfg    Config
	file   *os.File
	redact *redactor // nil for plain ids
	began  ipc.Instant

	frames, bytes, lost, unreadable atomic.Uint64
	over                            atomic.Bool // nothing is taken any more

	mu  sync.Mutex
	buf []byte // guarded by mu: records that wait

	// These belong to the writing goroutine.
	spare []byte
	clean []byte // storage for a redacted message
	out   []byte
	size  int64
	noted uint64 // messages whose loss the file tells

	wake chan struct{} // has room for one; never closed
	stop chan struct{} // closed by Close
	once sync.Once
	done chan struct{} // closed when the file is
	err  error         // valid after done
}

// Start creates the file and begins. What is shown to Message from then on is kept.
func Start(cfg Config) (*Recorder, error) {
	if cfg.Limit == 0 {
		cfg.Limit = 256 << 20
	}
	if cfg.Limit < MinLimit {
		return nil, fmt.Errorf("record: a limit of %d bytes, want at least %d", cfg.Limit, MinLimit)
	}
	if cfg.OnEnd == nil {
		cfg.OnEnd = func(error) {}
	}
	file, err := create(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	r := &Recorder{
		cfg: cfg, file: file, began: ipc.Now(),
		buf: make([]byte, 0, bufferBytes), spare: make([]byte, 0, bufferBytes),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if !cfg.Plain {
		r.redact = newRedactor()
	}
	r.out = appendHeader(r.out, &Header{Began: time.Now(), Redacted: !cfg.Plain, Name: cfg.Name})
	if err := r.flush(); err != nil {
		file.Close()
		return nil, err
	}
	go r.run()
	return r, nil
}

// create makes a new file for its owner alone, and keeps one earlier file. What is no file, a
// folder or /dev/null, is not moved out of the way.
func create(path string) (*os.File, error) {
	if old, err := os.Lstat(path); err == nil && !old.Mode().IsRegular() {
		return nil, fmt.Errorf("record: %s is no regular file", path)
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
}

// Message implements ipc.Tap. It copies the payload, or counts it as lost.
func (r *Recorder) Message(conn uint64, fromServer bool, at ipc.Instant, payload []byte) {
	if r.over.Load() {
		return
	}
	// The other side holds the lock while it exchanges two slices. To wait for it, were
	// it for the microsecond that it may have been put to sleep in, is not the loop's job.
	if !r.mu.TryLock() {
		r.lost.Add(1)
		return
	}
	if len(r.buf)+recordHead+len(payload) > cap(r.buf) {
		r.mu.Unlock()
		r.lost.Add(1)
		return
	}
	rec := Record{Type: ToBridge, At: at.Sub(r.began), Conn: conn, Payload: payload}
	if fromServer {
		rec.Type = FromBridge
	}
	r.buf = appendRecord(r.buf, &rec)
	urgent := len(r.buf) > cap(r.buf)/2
	r.mu.Unlock()
	if urgent {
		select {
		case r.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// Stats are a recorder's numbers.
type Stats struct {
	Frames     uint64 // messages in the file
	Bytes      uint64 // of the file
	Lost       uint64 // messages for which there was no room in the buffer
	Unreadable uint64 // messages left out because their ids could not be found to be redacted
}

// Stats takes a snapshot. Any goroutine may call it.
func (r *Recorder) Stats() Stats {
	return Stats{Frames: r.frames.Load(), Bytes: r.bytes.Load(), Lost: r.lost.Load(), Unreadable: r.unreadable.Load()}
}

// Close writes what waits and ends the file. The error says why the recording is not
// whole, if it is not; a file that has reached its limit is.
func (r *Recorder) Close() error {
	r.once.Do(func() { close(r.stop) })
	<-r.done
	return r.err
}

// errLimit ends the writing of a file that is full.
var errLimit = errors.New("record: the limit is reached")

func (r *Recorder) run() {
	defer close(r.done)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for stopped := false; ; {
		select {
		case <-tick.C:
		case <-r.wake:
		case <-r.stop:
			r.over.Store(true)
			stopped = true
		}
		err := r.drain()
		if err == nil && !stopped {
			continue
		}
		r.over.Store(true)
		r.end(err)
		if !stopped {
			r.cfg.OnEnd(r.err)
		}
		return
	}
}

// drain writes what waits.
func (r *Recorder) drain() error {
	r.mu.Lock()
	waiting := r.buf
	r.buf = r.spare[:0]
	r.mu.Unlock()
	defer func() { r.spare = waiting }()
	if lost := r.lost.Load() + r.unreadable.Load(); lost > r.noted {
		gap := Record{Type: Gap, At: ipc.Now().Sub(r.began), Payload: binary.BigEndian.AppendUint64(nil, lost-r.noted)}
		if err := r.put(&gap); err != nil {
			return errors.Join(err, r.flush())
		}
		r.noted = lost
	}
	for rest := waiting; len(rest) > 0; {
		var rec Record
		n, err := parseRecordHead(rest, &rec)
		if err != nil {
			return err
		}
		rec.Payload, rest = rest[recordHead:recordHead+n], rest[recordHead+n:]
		if err := r.keep(&rec); err != nil {
			return errors.Join(err, r.flush())
		}
	}
	return r.flush()
}

// keep puts a message into the file, redacted.
func (r *Recorder) keep(rec *Record) error {
	if r.redact != nil {
		clean, err := ipc.MapSubjects(r.clean[:0], rec.Payload, r.redact.subject)
		if err != nil {
			r.unreadable.Add(1)
			return nil
		}
		r.clean, rec.Payload = clean, clean
	}
	if err := r.put(rec); err != nil {
		return err
	}
	r.frames.Add(1)
	return nil
}

// put gathers a record for the next write. Room for the end is always left.
func (r *Recorder) put(rec *Record) error {
	if r.size+int64(len(r.out)+recordHead+len(rec.Payload)+endRecordSize) > r.cfg.Limit {
		return errLimit
	}
	r.out = appendRecord(r.out, rec)
	if len(r.out) > 256<<10 {
		return r.flush()
	}
	return nil
}

func (r *Recorder) flush() error {
	n, err := r.file.Write(r.out)
	r.size += int64(n)
	r.bytes.Store(uint64(r.size))
	r.out = r.out[:0]
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// end writes the end record, unless writing has failed, and closes the file.
func (r *Recorder) end(cause error) {
	why := Closed
	if errors.Is(cause, errLimit) {
		why, cause = Limited, nil
	}
	if cause == nil {
		end := binary.BigEndian.AppendUint64(nil, r.frames.Load())
		end = binary.BigEndian.AppendUint64(end, r.lost.Load()+r.unreadable.Load())
		r.out = appendRecord(r.out, &Record{Type: End, At: ipc.Now().Sub(r.began), Payload: append(end, byte(why))})
		cause = r.flush()
	}
	if err := r.file.Close(); err != nil && cause == nil {
		cause = fmt.Errorf("record: %w", err)
	}
	r.err = cause
}
