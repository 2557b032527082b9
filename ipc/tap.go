package ipc

// Tap is told of the messages about predictions that a server takes and answers:
// predict and outcome messages from peers, replies and refusals to them. Messages that
// break the protocol are not among them, nor hellos and pings.
type Tap interface {
	// Message is given one message as it crossed the wire, without its frame's length.
	// conn numbers the connections of the server from 1. It runs on the loop, for every
	// message, and must not block; payload is valid during the call.
	Message(conn uint64, fromServer bool, at Instant, payload []byte)
}

// tapped shows a message of the peer's to the tap, if there is one. What the message
// brings about must be shown after it.
func (c *serverConn) tapped(payload []byte) {
	if tap := c.server.cfg.Tap; tap != nil {
		tap.Message(c.number, false, Instant(c.server.loop.Time()), payload)
	}
}

// tapOut shows what was just put into c.out, as one frame that begins at start. The
// clock is read anew: the round that answers may be long.
func (c *serverConn) tapOut(start int) {
	if tap := c.server.cfg.Tap; tap != nil && start+frameHeader < len(c.out) {
		tap.Message(c.number, true, Now(), c.out[start+frameHeader:])
	}
}
