package httploop

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkRequest takes apart the head that ml-bridge sends with one question and
// writes the answer's, without the socket.
func BenchmarkRequest(b *testing.B) {
	body := strings.Repeat("x", 220)
	request := fmt.Appendf(nil, "POST /api/ml/predict/workload/batch HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer := []byte(strings.Repeat("x", 64))
	var c Call
	r := Reply{server: "mld"}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := c.parse(request); !ok {
			b.Fatal("the loop does not understand what ml-bridge sends")
		}
		r.begin(0)
		r.Send(200, "application/msgpack", answer, false)
	}
}
