// Package daemon is mld: an HTTP server in front of a registry of models.
//
// The path of a call is short and each step is a file: a connection is accepted
// (accept.go), a route found (routes.go), the body read within its limit (body.go),
// taken apart by package api, answered by the model of its kind (predict.go), and
// counted (tally.go). A call in msgpack allocates nothing on the way.
//
// The calls that ml-bridge makes come by a shorter way (lane.go): package httploop
// answers them on event loops and leaves every other connection to the library. It is
// the default because it saves a fifth of a whole cold call; Options.Loops below zero
// turns it off.
//
// mld only serves models. It keeps no cache, because the bridge in front of it has
// one; it scores nothing, because it never learns what really happened; it knows no
// rules: a kind without a model is answered with 503 and the caller has its rule.
//
// What one peer may cost is bounded: connections, header and body size, the time a
// started request and its answer may take, and how long a connection may idle. Body
// storage grows with the bytes that arrived, never with the length that was
// announced.
//
// There is no authentication. By default mld listens on loopback, where it refuses
// a Host header that is not a loopback name, so that a web page cannot reach it by
// rebinding its own name; other names are allowed one by one (Options.AllowHosts).
// A Unix socket is open to its owner only.
package daemon
