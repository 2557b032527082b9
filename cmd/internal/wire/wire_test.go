package wire

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestMessageAndRead(t *testing.T) {
	got := Message(1, uint64(300), "x", []any{})
	want := "\x00\x00\x00\x08\x94\x01\xcd\x01\x2c\xa1x\x90"
	if string(got) != want {
		t.Fatalf("Message() = %x, want %x", got, want)
	}
	payload, err := Read(bytes.NewReader(append(got, 0xff)), 8)
	if err != nil || string(payload) != want[4:] {
		t.Errorf("Read() = %x, %v", payload, err)
	}
	if _, err := Read(bytes.NewReader(got), 7); err == nil || !strings.Contains(err.Error(), "8 bytes") {
		t.Errorf("a frame that is too long: %v", err)
	}
	if _, err := Read(strings.NewReader("\x00\x00\x00\x00"), 8); err == nil {
		t.Error("an empty frame is read")
	}
	for n := range len(got) {
		if _, err := Read(bytes.NewReader(got[:n]), 8); err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}
