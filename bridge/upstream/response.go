package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// response takes an HTTP/1.1 answer apart as it arrives (RFC 9112). It is strict:
// an answer whose length is not beyond doubt ends the connection, because the next
// one could not be told from it.
type response struct {
	status      int
	contentType string // kept while it stays the same
	close       bool   // the daemon will hang up

	head    int  // bytes of the head, 0 until it is complete
	length  int  // of the body, -1 when chunked
	chunked bool // body comes in chunks
	body    []byte
}

var (
	errIncomplete = errors.New("incomplete") // more bytes are needed
	crlf          = []byte("\r\n")
)

// parse looks at all bytes received so far. It returns how many of them the answer
// takes, or errIncomplete.
func (r *response) parse(b []byte) (int, error) {
	if r.head == 0 {
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

func (r *response) parseHead(b []byte) error {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		if len(b) > MaxHead {
			return fmt.Errorf("head of more than %d bytes", MaxHead)
		}
		return errIncomplete
	}
	if end > MaxHead {
		return fmt.Errorf("head of more than %d bytes", MaxHead)
	}
	line, fields, _ := bytes.Cut(b[:end], crlf)
	if err := r.parseStatus(line); err != nil {
		return err
	}
	r.length = -1
	for len(fields) > 0 {
		line, fields, _ = bytes.Cut(fields, crlf)
		if err := r.parseField(line); err != nil {
			return err
		}
	}
	if r.chunked == (r.length >= 0) {
		return errors.New("the answer must have a Content-Length or be chunked, and not both")
	}
	r.head = end + len("\r\n\r\n")
	return nil
}

// parseStatus reads "HTTP/1.1 200 OK".
func (r *response) parseStatus(line []byte) error {
	const prefix = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || string(line[:len(prefix)]) != prefix || line[8] != ' ' {
		return fmt.Errorf("not an HTTP/1 answer: %q", line[:min(len(line), 32)])
	}
	r.close = line[7] == '0' // HTTP/1.0 closes unless told otherwise; it is not asked to
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || status < 200 || status > 599 {
		return fmt.Errorf("status %q", line[9:12])
	}
	r.status = status
	return nil
}

func (r *response) parseField(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return fmt.Errorf("header line %q", line[:min(len(line), 64)])
	}
	value = bytes.TrimSpace(value)
	switch len(name) { // the four fields that matter have four different lengths
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			return r.parseLength(value)
		}
	case len("Content-Type"):
		if bytes.EqualFold(name, []byte("Content-Type")) && string(value) != r.contentType {
			r.contentType = string(value)
		}
	case len("Connection"):
		if bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")) {
			r.close = true
		}
	case len("Transfer-Encoding"):
		if bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			if !bytes.EqualFold(value, []byte("chunked")) {
				return fmt.Errorf("transfer encoding %q", value)
			}
			r.chunked = true
		}
	}
	return nil
}

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

// parseChunks reads a chunked body from its start; daemons that chunk are the slow
// path, and their answers are short.
func (r *response) parseChunks(b []byte) (int, error) {
	r.body = r.body[:0]
	at := r.head
	for {
		i := bytes.Index(b[at:], crlf)
		if i < 0 {
			if len(b)-at > 1<<10 {
				return 0, errors.New("chunk size line too long")
			}
			return 0, errIncomplete
		}
		size, _, _ := bytes.Cut(b[at:at+i], []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(size)), 16, 31)
		if err != nil || len(r.body)+int(n) > MaxAnswer {
			return 0, fmt.Errorf("chunk of size %q", size[:min(len(size), 32)])
		}
		at += i + len(crlf)
		if n == 0 {
			return r.parseTrailer(b, at)
		}
		if len(b) < at+int(n)+len(crlf) {
			return 0, errIncomplete
		}
		r.body = append(r.body, b[at:at+int(n)]...)
		at += int(n)
		if !bytes.HasPrefix(b[at:], crlf) {
			return 0, errors.New("chunk without its line end")
		}
		at += len(crlf)
	}
}

// parseTrailer steps over trailer fields to the empty line behind them.
func (r *response) parseTrailer(b []byte, at int) (int, error) {
	for {
		i := bytes.Index(b[at:], crlf)
		if i < 0 {
			if len(b)-at > MaxHead {
				return 0, errors.New("trailer too long")
			}
			return 0, errIncomplete
		}
		at += i + len(crlf)
		if i == 0 {
			return at, nil
		}
	}
}
