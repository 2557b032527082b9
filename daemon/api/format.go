package api

import "bytes"

// Format is how a body is written.
type Format uint8

// The two formats. Zero is none, so that a forgotten one is refused.
const (
	JSON    Format = 1
	Msgpack Format = 2
)

// ContentType gives the media type sent with bodies of this format.
func (f Format) ContentType() string {
	switch f {
	case JSON:
		return "application/json"
	case Msgpack:
		return "application/msgpack"
	}
	return ""
}

// String gives "json" or "msgpack", for metrics and messages.
func (f Format) String() string {
	switch f {
	case JSON:
		return "json"
	case Msgpack:
		return "msgpack"
	}
	return "none"
}

// mediaTypes lists what is understood. The two aliases of msgpack are older than
// its registration and still what many libraries send.
var mediaTypes = [...]struct {
	name   []byte
	format Format
}{
	{[]byte("application/msgpack"), Msgpack},
	{[]byte("application/json"), JSON},
	{[]byte("application/vnd.msgpack"), Msgpack},
	{[]byte("application/x-msgpack"), Msgpack},
}

// ParseContentType gives the format of a Content-Type header; parameters such as
// charset are ignored. An absent header is not taken for JSON: a page in a browser
// can send a body without a type, or as text, to any address without being asked
// for permission, and must not be able to call this API.
func ParseContentType(header []byte) (Format, bool) {
	if i := bytes.IndexByte(header, ';'); i >= 0 {
		header = header[:i]
	}
	header = bytes.TrimSpace(header)
	for i := range mediaTypes {
		if bytes.EqualFold(header, mediaTypes[i].name) {
			return mediaTypes[i].format, true
		}
	}
	return 0, false
}
