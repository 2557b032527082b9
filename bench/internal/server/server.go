// Package server holds the peers' servers: what ml-bridge is to its clients, each as
// its library is meant to be used. They answer every question from its own values, so
// that a row shows the cost of the trip and of the encoding and nothing else.
package server

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
)

// protocols are the peers by name.
var protocols = map[string]func(net.Listener) error{
	"ttrpc":    serveTTRPC,
	"grpc":     serveGRPC,
	"net/http": serveNetHTTP,
	"fasthttp": serveFastHTTP,
}

// Run serves the protocol at an address, "unix:/path" or "host:port", until the
// process is killed. It says "READY address" on standard output, and then answers each
// line of standard input with the number of its allocations so far.
func Run(protocol, address string) error {
	serve := protocols[protocol]
	if serve == nil {
		return fmt.Errorf("no peer is called %q", protocol)
	}
	network, at := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, at = "unix", path
	}
	ln, err := net.Listen(network, at)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(ln) }()
	fmt.Println("READY", ln.Addr())
	go count()
	return <-failed
}

func count() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		fmt.Println(m.Mallocs)
	}
}

// model is as long as the name of the toy model in ml-bridge's replies.
const model = "toy-mlp@35-32-16-4"
