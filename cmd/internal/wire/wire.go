// Package wire writes and reads single frames of ipc/PROTOCOL.md, for programs that have
// more to say to a bridge than package ipc's client would: doctor, whose pings are counted
// nowhere, and the peers of chaos, which break the rules.
package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"
)

// Message gives the frame of a message of numbers, strings, lists and msgpack.RawMessage.
// Anything else in it panics: what is sent is the program's own.
func Message(elements ...any) []byte {
	b := bytes.NewBuffer(make([]byte, 4)) // the length
	e := msgpack.NewEncoder(b)
	e.UseCompactInts(true)
	if err := e.Encode(elements); err != nil {
		panic("wire: " + err.Error())
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(b.Len()-4))
	return b.Bytes()
}

// Read reads one frame and gives its payload, of 1 to most bytes.
func Read(r io.Reader, most uint32) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > most {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(r, payload)
	return payload, err
}
