package ipc

// Call is one question on its way through a server: the request, the time by which
// it must be answered, and room for the reply.
//
// Calls belong to the event loop's goroutine and are reused: whoever is given one
// may use it until it calls Finish, once, and not after.
type Call struct {
	Request      Request
	Arrived      Instant
	Deadline     Instant
	RequireModel bool
	Class        Class    // what its caller said, at most what its quota lets it
	Account      *Account // of the peer; nil for a call of this process
	Trace        Trace    // of its caller; the zero Trace when it named none
	Reply        Reply

	// Note is the backend's own, for instance the span it records; nil when a call
	// arrives, and to be nil again when it is finished.
	Note any

	owner CallOwner
	store requestStore
}

// CallOwner is who made a Call and wants its reply.
type CallOwner interface {
	// CallDone is told that c.Reply is complete. It runs on the loop.
	CallDone(c *Call)
}

// NewCall makes a call that did not come over a socket. q must stay unchanged
// until the call is done.
func NewCall(q Request, owner CallOwner) *Call { return &Call{Request: q, owner: owner} }

// Finish hands c.Reply to whoever asked. It must be called exactly once for every
// call that was submitted, on the loop.
func (c *Call) Finish() { c.owner.CallDone(c) }

// Fail finishes the call with a status and a text for people.
func (c *Call) Fail(s Status, text string) { c.Refuse(s, ReasonNone, text) }

// Refuse is Fail for a call that required a model, which did not answer for reason why.
func (c *Call) Refuse(s Status, why Reason, text string) {
	c.Reply = Reply{Status: s, Reason: why, Error: text}
	c.Finish()
}

// Backend answers the calls of a Server. Both methods run on the loop.
type Backend interface {
	// Round is called once at the end of every round of the loop with the calls
	// that arrived in it, perhaps none: the place to send in one go what queued up.
	// The slice is valid during the call; every Call must be finished, now or later.
	Round(calls []*Call)
	// Observe takes what really happened. The slice is valid during the call.
	Observe(outcomes []Outcome)
}
