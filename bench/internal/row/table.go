// Package row knows the rows of the benchmark: which system each is about, how it is
// asked, and how its figures come about.
package row

import (
	"github.com/mlbridge/mlbridge/bench/internal/client"
	"github.com/mlbridge/mlbridge/bench/internal/system"
	"github.com/mlbridge/mlbridge/ipc"
)

// Row is one line of the result.
type Row struct {
	Name  string
	Note  string
	Start system.Start
	Ask   client.Spec // without address, times and PIDs
	Cold  bool        // asks ml-bridge about all subjects in turn
	Ratio bool        // one call in flight, so that a ratio to the floor makes sense
	Slow  bool        // needs a warm-up in seconds; left out in a quick run
	Needs Need
}

// Need is what a row cannot do without.
type Need int

// The needs.
const (
	Nothing  Need = iota
	Embedded      // an ml-bridge that can host the engine
	Node          // node, npm and the origin's packages
)

var (
	hit      = system.StartChain(system.Chain{Cached: true})
	coldUnix = system.StartChain(system.Chain{})
	coldTCP  = system.StartChain(system.Chain{TCP: true})
	embedded = system.StartChain(system.Chain{Embedded: true})
	shipped  = system.StartChain(system.Chain{Shipped: true})
)

func ask(protocol string, conns, inFlight int) client.Spec {
	return client.Spec{Protocol: protocol, Conns: conns, InFlight: inFlight}
}

func hot(s client.Spec) client.Spec {
	s.Hot = true
	return s
}

// batch asks by one connection, as a subsystem does that has questions by the batch, and
// does nothing else. Its goroutines take turns on one of Go's processors: with two, each
// answer wakes a second thread that finds nothing to do. In one run, alternating, batches
// of 64 made 1.00-1.03 million predictions a second with two and 1.12-1.20 with one.
func batch(n, inFlight int) client.Spec {
	return client.Spec{Protocol: "bridge", Batch: n, InFlight: inFlight, Procs: 1}
}

func about(k ipc.Kind) client.Spec { return client.Spec{Protocol: "bridge", Kind: k} }

func failures(n, inFlight int) client.Spec {
	s := batch(n, inFlight)
	s.Kind = ipc.Failure
	return s
}

// FloorName is the row that all ratios are to.
const FloorName = "c-floor"

const (
	procNote  = "the client on one of Go's processors"
	batchNote = "8 batches in flight on one connection, " + procNote + "; latency is a batch's, the rest a prediction's"
	rawNote   = "asked by the C client: what the server alone costs"
	peerNote  = "one hop, no model behind it"
)

// All gives every row in the order of the table.
func All() []Row {
	rows := []Row{
		{Name: FloorName, Start: system.StartFloor, Ask: hot(ask(client.Floor, 1, 1)), Ratio: true, Note: "C, frames of the same size, no encoding"},
		{Name: "client-hit", Start: hit, Ask: hot(ask("lookup", 1, 1)), Ratio: true, Note: "in process, 64 lookups timed together"},
		{Name: "bridge-hit", Start: hit, Ask: hot(ask("bridge", 1, 1)), Ratio: true},
		{Name: "bridge-hit-raw", Start: hit, Ask: hot(ask(client.Floor, 1, 1)), Ratio: true, Note: rawNote},
		{Name: "cold-http-unix", Start: coldUnix, Cold: true, Ask: ask("bridge", 1, 1), Ratio: true},
		{Name: "cold-http-tcp", Start: coldTCP, Cold: true, Ask: ask("bridge", 1, 1), Ratio: true},
		{Name: "cold-embedded", Start: embedded, Cold: true, Ask: ask("bridge", 1, 1), Ratio: true, Needs: Embedded},
		{Name: "cold-http-unix-1ms", Start: coldUnix, Cold: true, Ask: client.Spec{Protocol: "bridge", Default: true}, Ratio: true, Note: "with the default budget of 1 ms"},
		{Name: "cold-failure", Start: coldUnix, Cold: true, Ask: about(ipc.Failure), Ratio: true, Note: "a toy of 41-32-16-4"},
		{Name: "cold-http-unix-raw", Start: coldUnix, Cold: true, Ask: ask(client.Floor, 1, 1), Ratio: true, Note: rawNote},
	}
	for _, k := range ipc.Kinds {
		rows = append(rows, Row{Name: "shipped-" + k.String(), Start: shipped, Cold: true, Ask: about(k), Ratio: true, Note: "the built-in model, mld on a Unix socket"})
	}
	rows = append(rows, peers()...)
	return append(rows, many()...)
}

// peers are the others, one call in flight, and 64.
func peers() []Row {
	row := func(name, protocol string, tcp bool) Row {
		return Row{Name: name, Start: system.StartPeer(protocol, tcp), Ask: hot(ask(protocol, 1, 1)), Ratio: true, Note: peerNote}
	}
	at64 := func(name, protocol string, conns, inFlight int) Row {
		return Row{Name: name, Start: system.StartPeer(protocol, false), Ask: hot(ask(protocol, conns, inFlight)), Note: peerNote}
	}
	return []Row{
		row("ttrpc", "ttrpc", false),
		row("grpc", "grpc", false),
		row("net-http-json", "net/http", false),
		row("net-http-json-tcp", "net/http", true),
		row("fasthttp-json", "fasthttp", false),
		row("fasthttp-json-tcp", "fasthttp", true),
		{Name: "origin", Start: system.StartOrigin, Ask: ask("fasthttp", 1, 1), Ratio: true, Slow: true, Needs: Node, Note: "express, axios, express, TensorFlow.js; asked through fasthttp"},
		at64("ttrpc-1x64", "ttrpc", 1, 64),
		at64("grpc-1x64", "grpc", 1, 64),
		at64("net-http-json-64x1", "net/http", 64, 1),
		at64("fasthttp-json-64x1", "fasthttp", 64, 1),
	}
}

// many are the rows with more than one question under way.
func many() []Row {
	return []Row{
		{Name: "hit-1x64", Start: hit, Ask: hot(ask("bridge", 1, 64)), Note: "one connection, 64 goroutines"},
		{Name: "hit-1x64-raw", Start: hit, Ask: hot(ask(client.Floor, 1, 64)), Note: "pipelined; " + rawNote},
		{Name: "hit-8x1", Start: hit, Ask: hot(ask("bridge", 8, 1))},
		{Name: "hit-64x1", Start: hit, Ask: hot(ask("bridge", 64, 1))},
		{Name: "hit-64x1-raw", Start: hit, Ask: hot(ask(client.Floor, 64, 1)), Note: rawNote},
		{Name: "cold-8x1", Start: coldUnix, Cold: true, Ask: ask("bridge", 8, 1)},
		{Name: "cold-64x1", Start: coldUnix, Cold: true, Ask: ask("bridge", 64, 1)},
		{Name: "cold-64x1-raw", Start: coldUnix, Cold: true, Ask: ask(client.Floor, 64, 1), Note: rawNote},
		{Name: "cold-1x64", Start: coldUnix, Cold: true, Ask: batch(1, 64), Note: "one connection, 64 goroutines, " + procNote},
		{Name: "cold-1x64-raw", Start: coldUnix, Cold: true, Ask: ask(client.Floor, 1, 64), Note: "pipelined; " + rawNote},
		{Name: "batch-1", Start: coldUnix, Cold: true, Ask: batch(1, 8), Note: batchNote},
		{Name: "batch-16", Start: coldUnix, Cold: true, Ask: batch(16, 8), Note: batchNote},
		{Name: "batch-64", Start: coldUnix, Cold: true, Ask: batch(64, 8), Note: batchNote},
		{Name: "batch-64-single", Start: coldUnix, Cold: true, Ask: batch(64, 1), Note: "one batch in flight, " + procNote + "; latency is a batch's"},
		{Name: "batch-64-failure", Start: coldUnix, Cold: true, Ask: failures(64, 8), Note: batchNote},
		{Name: "batch-256", Start: coldUnix, Cold: true, Ask: batch(256, 4), Note: "4 batches in flight on one connection, " + procNote + "; latency is a batch's, the rest a prediction's"},
	}
}
