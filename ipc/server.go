package ipc

import (
	"errors"
	"fmt"
	"time"

	"github.com/mlbridge/mlbridge/ipc/eventloop"
	"github.com/mlbridge/mlbridge/ipc/freelist"
)

// ServerConfig says how a Server treats its peers. Zero fields take the defaults
// given with them.
type ServerConfig struct {
	Name     string // announced in the hello
	Limits   Limits // zero: DefaultLimits
	MaxConns int    // connections at a time; 12,000
	MaxCalls int    // slots being answered at a time, over all connections; 65,536
	MaxQueue int    // bytes of replies that may wait for one peer before it is no longer read; 64 KiB
	MaxHeld  int    // bytes of partial frames and waiting replies, over all connections; 256 MiB
	// Stuck closes a connection that took none of its waiting replies for so long; 10 s.
	Stuck time.Duration
	// Admit refuses a peer by returning an error; nil admits whoever the socket's mode does.
	Admit func(Peer) error
	// Quota gives what a peer may take; nil limits nobody beyond the above.
	Quota func(Peer) Quota
	// identify says who is at the other end of a connection: peerOf, but in tests.
	identify func(fd int) (Peer, error)
	// ended says whether its process has ended: Peer.ended, but in tests.
	ended func(Peer) bool
	// OnFault is told of every connection that was closed for a fault of its peer.
	// It runs on the loop and must not block.
	OnFault func(Peer, error)
	// Tap sees the messages about predictions; nil for none.
	Tap Tap
}

func (c *ServerConfig) setDefaults() error {
	if c.Limits == (Limits{}) {
		c.Limits = DefaultLimits()
	}
	setDefault(&c.MaxConns, 12_000)
	setDefault(&c.MaxCalls, 65_536)
	setDefault(&c.MaxQueue, 64<<10)
	setDefault(&c.MaxHeld, 256<<20)
	setDefault(&c.Stuck, 10*time.Second)
	if c.identify == nil {
		c.identify = peerOf
	}
	if c.ended == nil {
		c.ended = Peer.ended
	}
	if c.OnFault == nil {
		c.OnFault = func(Peer, error) {}
	}
	switch l := c.Limits; {
	case l.Frame < minFrameLimit || l.Frame > maxFrameLimit:
		return fmt.Errorf("ipc: frame limit %d is outside %d..%d", l.Frame, minFrameLimit, maxFrameLimit)
	case l.Batch < 1 || l.Batch > maxBatchLimit:
		return fmt.Errorf("ipc: batch limit %d is outside 1..%d", l.Batch, maxBatchLimit)
	case l.InFlight < 1:
		return fmt.Errorf("ipc: in-flight limit %d, want at least 1", l.InFlight)
	case l.FrameIn <= 0 || l.MaxBudget <= 0 || l.Budget <= 0:
		return errors.New("ipc: time limits must be positive")
	}
	return nil
}

// The reply to the largest batch must fit the smallest frame limit: 1,024 slots of
// at most MaxErrorBytes and change.
const (
	minFrameLimit = 512 << 10
	maxFrameLimit = 64 << 20
	maxBatchLimit = 1024
)

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Server answers the wire protocol on one listener, on an event loop that it
// shares with its backend. Everything in it but Shutdown and Stats belongs to the
// loop's goroutine, so nothing is locked.
type Server struct {
	loop    *eventloop.Loop
	backend Backend
	cfg     ServerConfig
	stats   serverStats

	listener *Listener
	conns    map[*serverConn]struct{}
	arrived  []*Call       // this round's, for the backend
	dirty    []*serverConn // connections with replies to write
	outcomes []Outcome     // decode storage
	names    interner      // of components
	untaken  int32         // what the kernel says to serverConn.untaken
	readBuf  []byte        // shared by all connections: an idle one holds none

	freeCalls   freelist.List[Call]
	freePending freelist.List[pendingCall]
	freeConns   freelist.List[serverConn]
	spareOut    [][]byte // reply buffers of connections that have none waiting
	spareBlocks [][]byte // of large frames that have come, or never did
	whole       []byte   // where the blocks of a large frame are put together
	calls       int      // slots being answered
	held        int      // bytes in the buffers of all connections

	accounts map[accountKey]*Account
	lights   lights
	later    later
	resters  []*Account // with connections that rest
	peers    int        // accounts with connections, other than of this process
	round    uint64     // of the loop
	frames   uint64     // taken

	acceptPause eventloop.Timer // armed while accepting rests
	acceptFrom  Instant         // and when a round's end is an occasion to go on
	draining    bool
	shutdowns   []*shutdown // waiting for the last connection to go
	leaving     *handover   // nil unless the connections are being handed over
}

const (
	readBufSize = 64 << 10
	// maxComponents is how many names of components are known at a time.
	maxComponents = 4096
)

// NewServer makes a server on loop, whose clock must be Now's, whose calls backend
// answers. Call it before the loop runs.
func NewServer(loop *eventloop.Loop, backend Backend, cfg ServerConfig) (*Server, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		loop: loop, backend: backend, cfg: cfg,
		conns:    make(map[*serverConn]struct{}),
		accounts: make(map[accountKey]*Account),
		readBuf:  make([]byte, readBufSize),
		names:    interner{limit: maxComponents},
	}
	s.acceptPause.Fire = s.resumeAccept
	loop.AtRoundEnd(s.endRound)
	return s, nil
}

// Listen starts accepting on ln, which the server closes. Call it before the loop
// runs or on the loop.
func (s *Server) Listen(ln *Listener) error {
	if s.listener != nil {
		return errors.New("ipc: server has a listener already")
	}
	if err := s.loop.Watch(ln.fd, eventloop.Readable, (*acceptor)(s)); err != nil {
		return err
	}
	s.listener = ln
	return nil
}

// SetBudget changes Limits.Budget for the calls that come from now on. Call it on the
// loop.
func (s *Server) SetBudget(d time.Duration) { s.cfg.Limits.Budget = d }

// Discard closes the listener of a server whose loop never ran.
func (s *Server) Discard() { s.stopAccept() }

// endRound hands the round's calls to the backend and then writes what replies
// there are, one write a connection. Who is to let others go first comes behind them.
func (s *Server) endRound() {
	s.answer()
	if s.doLater() {
		s.answer()
	}
	s.round++
	s.reuse()
	if s.draining {
		s.closeIdle()
	}
	if s.leaving != nil {
		s.handIdle()
	}
}

func (s *Server) answer() {
	s.backend.Round(s.arrived)
	clear(s.arrived)
	s.arrived = s.arrived[:0]
	s.flush()
}

// flush writes replies, of light peers first: a write wakes its reader, who may take the
// processor.
func (s *Server) flush() {
	if s.peers > 1 {
		for i, c := range s.dirty {
			if c.owner.light() {
				s.dirty[i], c.dirty = nil, false
				c.flush()
			}
		}
	}
	for i := 0; i < len(s.dirty); i++ { // grows when a flush finds a fault
		if c := s.dirty[i]; c != nil {
			s.dirty[i], c.dirty = nil, false
			c.flush()
		}
	}
	s.dirty = s.dirty[:0]
}
