package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Version is the version of the format that is written and read here.
const Version = 1

const (
	magic         = "MLBREC"
	headerBytes   = 24
	recordHead    = 24
	maxName       = 255
	maxPayload    = 64 << 20
	flagRedacted  = 1 << 0
	endBytes      = 17
	endRecordSize = recordHead + endBytes
)

// Header is what a recording says about itself.
type Header struct {
	Began    time.Time
	Redacted bool   // the ids are hashes
	Name     string // of the bridge
}

// Type says what a record is.
type Type uint8

// The types of records.
const (
	ToBridge   Type = 1
	FromBridge Type = 2
	Gap        Type = 3
	End        Type = 4
)

// Record is one record of a file.
type Record struct {
	Type    Type
	At      time.Duration // since recording began
	Conn    uint64
	Payload []byte
}

// Why says how a recording ended.
type Why uint8

// The ways in which a recording ends.
const (
	Closed  Why = 0 // the bridge ended
	Limited Why = 1 // the file was full
)

// Errors of readers.
var (
	ErrFormat = errors.New("record: not a recording of a version that is known here")
	// ErrCut means that the file stops inside a record: the writer was killed, or its
	// disk was full. What came before is whole.
	ErrCut = errors.New("record: the file stops inside a record")
)

func appendHeader(b []byte, h *Header) []byte {
	name := h.Name[:min(len(h.Name), maxName)]
	flags := uint32(0)
	if h.Redacted {
		flags = flagRedacted
	}
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint16(b, Version)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Began.UnixNano()))
	b = binary.BigEndian.AppendUint32(b, flags)
	b = binary.BigEndian.AppendUint32(b, uint32(len(name)))
	return append(b, name...)
}

// parseHeader reads the fixed part and gives the length of the name.
func parseHeader(b *[headerBytes]byte, h *Header) (name int, err error) {
	if string(b[:6]) != magic {
		return 0, ErrFormat
	}
	if v := binary.BigEndian.Uint16(b[6:]); v != Version {
		return 0, fmt.Errorf("%w: version %d, want %d", ErrFormat, v, Version)
	}
	h.Began = time.Unix(0, int64(binary.BigEndian.Uint64(b[8:])))
	h.Redacted = binary.BigEndian.Uint32(b[16:])&flagRedacted != 0
	n := binary.BigEndian.Uint32(b[20:])
	if n > maxName {
		return 0, fmt.Errorf("%w: a name of %d bytes", ErrFormat, n)
	}
	return int(n), nil
}

func appendRecord(b []byte, r *Record) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Payload)))
	b = append(b, byte(r.Type), 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(max(r.At, 0)))
	b = binary.BigEndian.AppendUint64(b, r.Conn)
	return append(b, r.Payload...)
}

// parseRecordHead reads all but the payload, whose length it gives.
func parseRecordHead(b []byte, r *Record) (payload int, err error) {
	n := binary.BigEndian.Uint32(b)
	if n > maxPayload {
		return 0, fmt.Errorf("%w: a record of %d bytes", ErrFormat, n)
	}
	r.Type = Type(b[4])
	at := binary.BigEndian.Uint64(b[8:])
	if at > 1<<63-1 {
		return 0, fmt.Errorf("%w: a time of %d ns", ErrFormat, at)
	}
	r.At, r.Conn = time.Duration(at), binary.BigEndian.Uint64(b[16:])
	return int(n), nil
}
