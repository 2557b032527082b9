package daemon

import (
	"fmt"
	"testing"

	"github.com/mlbridge/mlbridge/daemon/api"
	"github.com/mlbridge/mlbridge/ipc"
)

// A call that names its trace is told about, on the loop's way and on the library's;
// one that names none, or none that is valid, is not.
func TestTraced(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, loops := range []int{-1, 1} {
		told := make(chan Traced, 10)
		r := start(t, nil, Options{Loops: loops, OnTraced: func(c Traced) { told <- c }})
		body := originBodies[0].body
		for _, header := range []string{"", "Traceparent: no trace\r\n", "Traceparent: " + parent + "\r\n"} {
			c := r.dial(t)
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
				api.PredictPath(ipc.Workload, false), header, len(body), body)
			if status, answer := readAnswer(t, c); status != 200 {
				t.Errorf("loops %d, %q: %d %s", loops, header, status, answer)
			}
			c.Close()
		}
		got := <-told
		if got.Parent.Traceparent() != parent || got.Kind != ipc.Workload || got.Slots != 1 || got.Failed != 0 || got.Err != nil || got.Took <= 0 || got.Model == "" || len(told) > 0 {
			t.Errorf("loops %d: told %+v, and %d more", loops, got, len(told))
		}
	}
}
