// Package httpapi is the bridge's HTTP face: the prediction routes with the kernel
// side's JSON, outcome reports, health, and the documents about itself. It answers
// through an ipc.Predictor and so says what the socket says: with the daemon away
// the status is still 200 and the answer's source is stale or rule.
//
// docs/http.md is the reference for people, openapi.json (served at /openapi.json)
// the one for programs; the tests hold this package to the latter.
//
// The listener is meant for this machine. A browser on it can be made to send
// requests by any page it shows, so three things stand in the way: the Host header
// must name this machine (against DNS rebinding), cross-site requests that change
// something are refused, and bodies must be declared as JSON, which no page can do
// across sites without asking first; nothing here ever answers such asking.
//
// Everything a peer can make large is bounded: header, body, nesting, slots, the
// sum of the bodies in memory, connections, and every wait on it.
package httpapi
