package httploop

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// Reply takes the answers of one read's calls; they leave in one write.
type Reply struct {
	out     []byte
	closing bool // the last answer said so

	server  string
	date    []byte // the Date field's line
	dateEnd int64  // until when it is right, in the loop's clock
}

// Send adds an answer, byte for byte as fasthttp would write it. With closing it is
// the connection's last.
func (r *Reply) Send(status int, contentType string, body []byte, closing bool) {
	b := append(r.out, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, fasthttp.StatusMessage(status)...)
	b = append(b, "\r\nServer: "...)
	b = append(b, r.server...)
	b = append(b, r.date...)
	b = append(b, "\r\nContent-Type: "...)
	b = append(b, contentType...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	if closing {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, "\r\n\r\n"...)
	r.out = append(b, body...)
	r.closing = closing
}

// begin makes room for a read's answers. The date is written once a second.
func (r *Reply) begin(now int64) {
	r.out, r.closing = r.out[:0], false
	if now < r.dateEnd {
		return
	}
	t := time.Now()
	r.date = fasthttp.AppendHTTPDate(append(r.date[:0], "\r\nDate: "...), t)
	r.dateEnd = now + int64(time.Second) - int64(t.Nanosecond())
}
