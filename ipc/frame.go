package ipc

import "encoding/binary"

// frameHeader is the length prefix: u32 big-endian, the payload's bytes.
const frameHeader = 4

// beginFrame reserves the length prefix and returns where the frame starts.
func beginFrame(b []byte) ([]byte, int) {
	return append(b, 0, 0, 0, 0), len(b)
}

// endFrame fills in the length of the frame that started at start.
func endFrame(b []byte, start int) []byte {
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-frameHeader))
	return b
}

// nextFrame cuts the first whole frame off b. When there is none yet it returns a
// nil payload and how many bytes the frame will need in all (0 when even that is
// not known). The error is a *ProtocolError for a length that is not allowed.
func nextFrame(b []byte, max int) (payload, rest []byte, need int, err error) {
	if len(b) < frameHeader {
		return nil, b, 0, nil
	}
	n := binary.BigEndian.Uint32(b)
	switch {
	case n == 0:
		return nil, b, 0, faultf(FaultFrameEmpty, "length 0")
	case uint64(n) > uint64(max):
		return nil, b, 0, faultf(FaultFrameTooLarge, "%d bytes, at most %d", n, max)
	}
	need = frameHeader + int(n)
	if len(b) < need {
		return nil, b, need, nil
	}
	return b[frameHeader:need], b[need:], need, nil
}
