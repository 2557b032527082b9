package httploop

import "bytes"

// Call is one request. Its slices are valid until Answer returns.
type Call struct {
	Path        []byte // as it was sent, whatever that is: to be looked up, and never cleaned
	Host        []byte
	ContentType []byte
	Traceparent []byte // the caller's place in a trace; nil for none
	Body        []byte
	Guarded     bool // the Host has to be checked
	Alone       bool // the peer has never had a second call under way on this connection

	length int // of the body
}

const (
	// maxHead is how long a request line and its fields may be; ml-bridge's take 150
	// bytes.
	maxHead = 2 << 10
	// maxBody holds the largest batch that a bridge can ask. What is longer keeps a
	// loop for so long that its other connections would notice, and is read elsewhere.
	maxBody = 512 << 10
)

var (
	crlf    = []byte("\r\n")
	post    = []byte("POST ")
	version = []byte(" HTTP/1.1\r\n")
)

// parse reads the request that b begins with and gives its size, head and body; the
// body is there when b is no shorter. It reports false for everything that it does not
// know to the byte, an incomplete head among it: peers write a head at once, and one
// that dribbles in is not worth a state here.
func (c *Call) parse(b []byte) (size int, ok bool) {
	head := b[:min(len(b), maxHead)]
	rest, ok := bytes.CutPrefix(head, post)
	if !ok {
		return 0, false
	}
	c.Host, c.ContentType, c.Traceparent, c.Body, c.length = nil, nil, nil, nil, 0
	if c.Path, rest, ok = bytes.Cut(rest, version); !ok {
		return 0, false
	}
	for {
		line, next, ok := bytes.Cut(rest, crlf)
		if !ok {
			return 0, false
		}
		rest = next
		if len(line) == 0 {
			break
		}
		if !c.field(line) {
			return 0, false
		}
	}
	if c.Host == nil || c.ContentType == nil || c.length == 0 {
		return 0, false
	}
	start := len(head) - len(rest)
	size = start + c.length
	if size <= len(b) {
		c.Body = b[start:size]
	}
	return size, true
}

// field reads one header field and reports whether it is known and harmless: each of
// those that matter once, and those that cannot change how a call is answered.
func (c *Call) field(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 || !printable(line) {
		return false
	}
	name, value := line[:colon], bytes.Trim(line[colon+1:], " ")
	switch {
	case is(name, "Content-Length"):
		return c.length == 0 && c.setLength(value)
	case is(name, "Content-Type"):
		first := c.ContentType == nil
		c.ContentType = value
		return first && len(value) > 0
	case is(name, "Host"):
		first := c.Host == nil
		c.Host = value
		return first && plainHost(value)
	case is(name, "Traceparent"):
		first := c.Traceparent == nil
		c.Traceparent = value
		return first
	case is(name, "Connection"):
		return is(value, "keep-alive")
	}
	return is(name, "User-Agent") || is(name, "Accept") || is(name, "Accept-Encoding")
}

// is compares as field names are compared: without regard to case. The compiler makes
// no string of b.
func is(b []byte, name string) bool {
	return len(b) == len(name) && (string(b) == name || bytes.EqualFold(b, []byte(name)))
}

// printable excludes control characters, and with them lines that end in half a line
// end, and what is not ASCII.
func printable(line []byte) bool {
	for _, b := range line {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// setLength takes what is a length beyond doubt: digits, no leading zero, in bounds.
func (c *Call) setLength(digits []byte) bool {
	if len(digits) == 0 || len(digits) > len("524288") || digits[0] == '0' {
		return false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return false
		}
		c.length = 10*c.length + int(d-'0')
	}
	return c.length <= maxBody
}

// plainHost reports whether a host is a name or an IPv4 address, with or without a
// port, or [::1]: what can be anything else is for who checks it in full.
func plainHost(host []byte) bool {
	if after, ok := bytes.CutPrefix(host, []byte("[::1]")); ok {
		host = after
		if len(host) == 0 {
			return true
		}
	} else {
		n := 0
		for n < len(host) && (isLetter(host[n]) || isDigit(host[n]) || host[n] == '-' || host[n] == '.') {
			n++
		}
		if host = host[n:]; n == 0 || len(host) == 0 {
			return n > 0
		}
	}
	port := host[1:]
	for _, b := range port {
		if !isDigit(b) {
			return false
		}
	}
	return host[0] == ':' && len(port) > 0 && len(port) <= 5
}

func isLetter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }
func isDigit(b byte) bool  { return '0' <= b && b <= '9' }
