package ipc

import (
	"encoding/binary"
	"errors"
	"testing"
)

// TestPrefixesOfMessages cuts every good message at every byte. What is left must
// be truncated: no panic, no success, no other fault that would send somebody
// looking in the wrong place.
func TestPrefixesOfMessages(t *testing.T) {
	for _, v := range loadVectors(t) {
		if v.fault != "" {
			continue
		}
		payload, err := v.payload()
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		for i := range payload {
			// A copy with no room behind it, so that a read past the end is a panic.
			m, err := decodeEnvelope(append(make([]byte, 0, i), payload[:i]...), v.fromServer)
			if !errors.Is(err, &ProtocolError{Kind: FaultTruncated}) || m != nil {
				t.Errorf("%s: the first %d of %d bytes decode as %v, want truncated", v.name, i, len(payload), err)
			}
		}
	}
}

// TestPrefixesOfFrames cuts every good frame at every byte: there is no frame yet,
// nothing is consumed, and the length is known as soon as its four bytes are.
func TestPrefixesOfFrames(t *testing.T) {
	for _, v := range loadVectors(t) {
		if v.fault != "" {
			continue
		}
		for i := range v.frame {
			payload, rest, need, err := nextFrame(v.frame[:i], DefaultLimits().Frame)
			want := 0
			if i >= frameHeader {
				want = len(v.frame)
			}
			if payload != nil || len(rest) != i || need != want || err != nil {
				t.Errorf("%s: nextFrame of %d bytes = %d bytes, %d rest, need %d, %v; want none, %d, %d, nil",
					v.name, i, len(payload), len(rest), need, err, i, want)
			}
		}
	}
}

// TestPrefixesOfValues does the same for the exported parsers of one request or
// prediction, which other packages use without a frame.
func TestPrefixesOfValues(t *testing.T) {
	truncated := &ProtocolError{Kind: FaultTruncated}
	for _, k := range Kinds {
		request := AppendRequest(nil, largestRequest(k))
		for i := range request {
			if rest, err := ParseRequest(request[:i], NewRequest(k)); !errors.Is(err, truncated) || rest != nil {
				t.Errorf("ParseRequest(%s, %d of %d bytes) = %d rest, %v", k, i, len(request), len(rest), err)
			}
		}
		reply := largestReply(k)
		prediction := AppendPrediction(nil, &reply.Prediction)
		for i := range prediction {
			var p Prediction
			if rest, err := ParsePrediction(prediction[:i], k, &p); !errors.Is(err, truncated) || rest != nil {
				t.Errorf("ParsePrediction(%s, %d of %d bytes) = %d rest, %v", k, i, len(prediction), len(rest), err)
			}
		}
	}
}

// TestNextFrameLimit looks at both sides of the limit.
func TestNextFrameLimit(t *testing.T) {
	frame := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	tests := []struct {
		length uint32
		max    int
		fault  ProtocolFault
	}{
		{0, 8, FaultFrameEmpty},
		{1, 8, ""},
		{8, 8, ""},
		{9, 8, FaultFrameTooLarge},
		{1 << 31, 8, FaultFrameTooLarge},
		{1<<32 - 1, 1 << 20, FaultFrameTooLarge},
	}
	for _, c := range tests {
		_, _, _, err := nextFrame(frame(c.length), c.max)
		if (c.fault == "") != (err == nil) || err != nil && !errors.Is(err, &ProtocolError{Kind: c.fault}) {
			t.Errorf("nextFrame(length %d, max %d) = %v, want %q", c.length, c.max, err, c.fault)
		}
	}
}
