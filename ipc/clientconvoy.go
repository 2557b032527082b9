package ipc

import "time"

// Calls that are answered by the same bytes are woken together, and most of their
// callers ask again at once. If each wrote its frame itself, that would be a system
// call a frame, and the server would be woken for the first and find it alone. So
// while others of the same waking are still on their way out of Predict, a frame is
// left for them: the last one out writes all there are. It is runnable and runs
// nothing but the end of Predict, so it does come; should the scheduler run a
// caller's own code before it, the next one in or out writes after holdFor.
const (
	holdFor = 20 * time.Microsecond
	// holdLeft is the time left below which a call holds nothing back.
	holdLeft = 16 * holdFor
)

// convoy is the state of that. Client.mu guards it.
type convoy struct {
	returning int     // callers woken together who have not left Predict yet
	since     Instant // when the oldest frame was held back, 0 when there is none
}

// wake lets the callers of answered calls go on, and writes what was queued when
// their places were given to others. It belongs to the reader.
func (c *Client) wake(calls []*clientCall, queued bool) {
	if len(calls) > 1 || queued {
		c.mu.Lock()
		if len(calls) > 1 {
			c.convoy.returning += len(calls)
			for _, call := range calls {
				call.together = true
			}
		}
		c.flush()
	}
	for _, call := range calls {
		call.done <- struct{}{}
	}
}

// mayHold reports whether the frames in the queue may wait for another caller, one
// of whom has so much time left at now. c.mu is held.
func (c *Client) mayHold(now Instant, left time.Duration) bool {
	v := &c.convoy
	if v.returning == 0 || left < holdLeft || len(c.out) == 0 {
		return false
	}
	if v.since == 0 {
		v.since = now
	}
	return now.Sub(v.since) < holdFor
}

// returned notes that one of the callers has left Predict, and reports whether it has
// to write what others held back. c.mu is held.
func (c *Client) returned() bool {
	v := &c.convoy
	v.returning--
	return v.since != 0 && (v.returning == 0 || Now().Sub(v.since) >= holdFor)
}
