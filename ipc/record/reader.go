package record

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reader reads a recording record by record.
type Reader struct {
	Header Header
	// Frames, Lost and Why are the end record's, once Next has given io.EOF and Ended
	// is set. A recording that was cut off has none; Lost then sums the gaps up.
	Frames, Lost uint64
	Why          Why
	Ended        bool

	in      *bufio.Reader
	payload []byte
}

// NewReader reads the header. The error wraps ErrFormat, or is in's.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 64<<10)}
	var head [headerBytes]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, notAFile(err)
	}
	n, err := parseHeader(&head, &r.Header)
	if err != nil {
		return nil, err
	}
	name := make([]byte, n)
	if _, err := io.ReadFull(r.in, name); err != nil {
		return nil, notAFile(err)
	}
	r.Header.Name = string(name)
	return r, nil
}

func notAFile(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends in its header", ErrFormat)
	}
	return err
}

// Next gives the next message; gaps are added to Lost and unknown records skipped. The
// payload is valid until the call after. At the end of a recording the error is io.EOF,
// also where there is no end record; it is ErrCut where a record is not whole.
func (r *Reader) Next() (Record, error) {
	for {
		rec, err := r.record()
		if err != nil {
			return Record{}, err
		}
		switch rec.Type {
		case ToBridge, FromBridge:
			return rec, nil
		case Gap:
			if len(rec.Payload) < 8 {
				return Record{}, fmt.Errorf("%w: a gap of %d bytes", ErrFormat, len(rec.Payload))
			}
			r.Lost += binary.BigEndian.Uint64(rec.Payload)
		case End:
			if len(rec.Payload) < endBytes {
				return Record{}, fmt.Errorf("%w: an end of %d bytes", ErrFormat, len(rec.Payload))
			}
			r.Frames, r.Lost = binary.BigEndian.Uint64(rec.Payload), binary.BigEndian.Uint64(rec.Payload[8:])
			r.Why, r.Ended = Why(rec.Payload[16]), true
		}
	}
}

func (r *Reader) record() (rec Record, err error) {
	if r.Ended {
		return rec, io.EOF
	}
	var head [recordHead]byte
	switch _, err := io.ReadFull(r.in, head[:]); {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return rec, ErrCut
	case err != nil:
		return rec, err
	}
	n, err := parseRecordHead(head[:], &rec)
	if err != nil {
		return rec, err
	}
	r.payload = r.payload[:0]
	for len(r.payload) < n { // no more than is there is allocated, whatever the length says
		step := min(n-len(r.payload), 64<<10)
		from := len(r.payload)
		r.payload = append(r.payload, make([]byte, step)...)
		switch _, err := io.ReadFull(r.in, r.payload[from:]); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return rec, ErrCut
		case err != nil:
			return rec, err
		}
	}
	rec.Payload = r.payload
	return rec, nil
}
