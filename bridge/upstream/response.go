package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// response takes an HTTP/1.1 answer apart as it arrives (RFC 9112). It is strict:
// an answer whose length is not beyond doubt ends the connection, because the next
// one could not be told from it.
type response struct {
	status      int
	contentType string // kept while it stays the same
	typed       bool   // this answer has a Content-Type
	close       bool   // the daemon will hang up

	start   int  // where the head begins: behind interim answers
	head    int  // where the head ends, 0 until it is complete
	length  int  // of the body, -1 when it is not told
	chunked bool // body comes in chunks
	body    []byte
	at      int // chunked: how far the body has been taken apart
	trailer int // chunked: where the trailer begins, 0 until the last chunk has come
}

var (
	errIncomplete = errors.New("incomplete") // more bytes are needed
	crlf          = []byte("\r\n")
	endOfHead     = []byte("\r\n\r\n")
)

// maxChunkLine bounds the line with a chunk's size, extensions included.
const maxChunkLine = 1 << 10

// parse goes on with all bytes received so far: b begins with what it was given
// before. It returns how many of them the answer takes, or errIncomplete.
func (r *response) parse(b []byte) (int, error) {
	for r.head == 0 {
		if err := r.parseHead(b); err != nil {
			return 0, err
		}
	}
	if r.chunked {
		return r.parseChunks(b)
	}
	if len(b) < r.head+r.length {
		return 0, errIncomplete
	}
	r.body = append(r.body[:0], b[r.head:r.head+r.length]...)
	return r.head + r.length, nil
}

func (r *response) reset() {
	*r = response{contentType: r.contentType, body: r.body[:0]}
}

// parseHead reads one head. When that of an interim answer (1xx) it leaves r.head at
// 0, to be called again for the next.
func (r *response) parseHead(b []byte) error {
	n := bytes.Index(b[r.start:], endOfHead)
	if end := r.start + n; n >= 0 && end > MaxHead || n < 0 && len(b) >= MaxHead+len(endOfHead) {
		return fmt.Errorf("head of more than %d bytes", MaxHead)
	}
	if n < 0 {
		return errIncomplete
	}
	line, fields, _ := bytes.Cut(b[r.start:r.start+n], crlf)
	r.start += n + len(endOfHead)
	if err := r.parseStatus(line); err != nil {
		return err
	}
	if r.status < 200 { // e.g. 103 early hints: nothing in it concerns the answer
		return nil
	}
	r.length = -1
	for len(fields) > 0 {
		line, fields = cutField(fields)
		if err := r.parseField(line); err != nil {
			return err
		}
	}
	return r.endHead()
}

// cutField cuts off the first line. A line feed alone does not end one.
func cutField(b []byte) (line, rest []byte) {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return b, nil
		}
		if at += n; at > 0 && b[at-1] == '\r' {
			return b[:at-1], b[at+1:]
		}
		at++
	}
}

// endHead decides how long the body is (RFC 9112, 6.3).
func (r *response) endHead() error {
	if !r.typed {
		r.contentType = ""
	}
	if r.status == 204 || r.status == 304 { // have no body, whatever the fields say
		r.chunked, r.length = false, 0
	}
	if r.chunked == (r.length >= 0) {
		return errors.New("the answer must have a Content-Length or be chunked, and not both")
	}
	r.head, r.at = r.start, r.start
	return nil
}

// parseStatus reads "HTTP/1.1 200 OK".
func (r *response) parseStatus(line []byte) error {
	const prefix = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || string(line[:len(prefix)]) != prefix || line[8] != ' ' ||
		(line[7] != '0' && line[7] != '1') || (len(line) > 12 && line[12] != ' ') {
		return fmt.Errorf("not an HTTP/1 answer: %q", line[:min(len(line), 32)])
	}
	r.close = line[7] == '0' // HTTP/1.0 closes unless told otherwise; it is not asked to
	status, err := strconv.ParseUint(string(line[9:12]), 10, 16)
	if err != nil || status < 100 || status > 599 || status == 101 { // nobody asked to switch protocols
		return fmt.Errorf("status %q", line[9:12])
	}
	r.status = int(status)
	return nil
}

func (r *response) parseField(line []byte) error {
	n := bytes.IndexByte(line, ':')
	if n <= 0 || !isToken(line[:n]) {
		return fmt.Errorf("header line %q", line[:min(len(line), 64)])
	}
	name := line[:n]
	switch n { // the four fields that matter have four different lengths
	case len(contentLength):
		if named(name, contentLength) {
			return r.parseLength(trim(line[n+1:]))
		}
	case len(contentType):
		if named(name, contentType) {
			r.typed = true
			if value := trim(line[n+1:]); string(value) != r.contentType {
				r.contentType = string(value)
			}
		}
	case len(connection):
		if named(name, connection) {
			for option := range bytes.SplitSeq(line[n+1:], []byte(",")) {
				r.close = r.close || bytes.EqualFold(trim(option), []byte("close"))
			}
		}
	case len(transferEncoding):
		if named(name, transferEncoding) {
			value := trim(line[n+1:])
			if !bytes.EqualFold(value, []byte("chunked")) {
				return fmt.Errorf("transfer encoding %q", value)
			}
			r.chunked = true
		}
	}
	return nil
}

const (
	contentLength    = "Content-Length"
	contentType      = "Content-Type"
	connection       = "Connection"
	transferEncoding = "Transfer-Encoding"
)

// named reports whether name is want in any case. Most daemons write it as it is here.
func named(name []byte, want string) bool {
	return string(name) == want || strings.EqualFold(string(name), want)
}

// isToken reports whether b has no blank: between a field's name and the colon one is
// a way to smuggle fields past who reads less strictly (RFC 9112, 5.1).
func isToken(b []byte) bool {
	for _, c := range b {
		if c == ' ' || c == '\t' {
			return false
		}
	}
	return true
}

// trim cuts the blanks off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isBlank(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// isBlank holds for what bytes.TrimSpace drops of ASCII.
func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func (r *response) parseLength(value []byte) error {
	n, err := strconv.ParseUint(string(value), 10, 31)
	switch {
	case err != nil:
		return fmt.Errorf("Content-Length %q", value)
	case r.length >= 0:
		return errors.New("two Content-Lengths")
	case n > MaxAnswer:
		return fmt.Errorf("answer of %d bytes, at most %d are read", n, MaxAnswer)
	}
	r.length = int(n)
	return nil
}

// parseChunks goes on with a chunked body from where the last call left it: an
// answer that comes in many small reads must not be copied again with each.
func (r *response) parseChunks(b []byte) (int, error) {
	for r.trailer == 0 {
		line, err := cutLine(b[r.at:], maxChunkLine)
		if err != nil {
			return 0, fmt.Errorf("chunk size line: %w", err)
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || len(r.body)+int(n) > MaxAnswer {
			return 0, fmt.Errorf("chunk of size %q", size[:min(len(size), 32)])
		}
		data := r.at + len(line) + len(crlf)
		if n == 0 {
			r.at, r.trailer = data, data
			break
		}
		end := data + int(n)
		if len(b) < end+len(crlf) {
			return 0, errIncomplete
		}
		if !bytes.HasPrefix(b[end:], crlf) {
			return 0, errors.New("chunk without its line end")
		}
		r.body = append(r.body, b[data:end]...)
		r.at = end + len(crlf)
	}
	return r.parseTrailer(b)
}

// parseTrailer steps over trailer fields to the empty line behind them.
func (r *response) parseTrailer(b []byte) (int, error) {
	for {
		line, err := cutLine(b[r.at:], MaxHead-(r.at-r.trailer))
		if err != nil {
			return 0, fmt.Errorf("trailer: %w", err)
		}
		r.at += len(line) + len(crlf)
		if len(line) == 0 {
			return r.at, nil
		}
	}
}

// cutLine gives the line that b begins with, which may have max bytes.
func cutLine(b []byte, max int) ([]byte, error) {
	i := bytes.Index(b, crlf)
	switch {
	case i > max, i < 0 && len(b) >= max+len(crlf):
		return nil, fmt.Errorf("more than %d bytes", max)
	case i < 0:
		return nil, errIncomplete
	}
	return b[:i], nil
}
