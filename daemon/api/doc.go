// Package api is the contract of mld's HTTP API: routes, content types, limits,
// and the JSON and msgpack forms of calls and answers, in both directions. The
// daemon decodes calls and encodes answers; the bridge does the opposite with the
// same package, so the two cannot drift apart.
//
// # Forms
//
// JSON is the contract of the system this one replaces: camelCase field names,
// agents as "agent-<u64>", times in milliseconds, -1 for "none". A single call is
// the features object itself, a batch is {"features":[…]}. What the names alone do
// not say:
//
//   - u64 fields are JSON integers or decimal strings and never pass through a
//     floating-point number, so 2^53+1 and 2^64-1 survive.
//   - agentId is "agent-<u64>", a decimal string or an integer.
//   - Absent and null mean the same. Histories, anomalies and flags may be absent:
//     there is none. currentGpu may be absent: no GPU. timeSinceLastThreat and
//     timeSinceLastFailure may be absent, null or -1: never. Everything else is
//     required, and its absence is an error that names it: nothing is replaced by
//     a default, so hour 0 and a reading of 0.0 are values like any other.
//   - A known field twice is an error; unknown fields are ignored and counted.
//   - addressForm is "u64" (the default) or "normalised32", see [AddressForm]. An
//     answer about memory repeats the form it was asked in.
//
// msgpack is the bridge's fast path. A request is the positional array of the wire
// protocol (ipc/PROTOCOL.md, "Predictions"), with no names at all:
//
//	call, single   request
//	call, batch    [request, …]                       1 to 256
//	answer, single [model, latency_ns, slot]
//	answer, batch  [model, latency_ns, [slot, …]]
//	slot           [0, prediction] or [status, text]  status as on the wire
//
// The prediction is the wire's array with one difference: predicted_time is in
// milliseconds here, as everywhere in this API. [ipc.MillisToNanos] and [ipc.NanosToMillis] are the rule.
//
// # Errors
//
// A call that fails as a whole is answered with a status from [HTTPStatus] and
// {"success":false,"error":"…"}, always in JSON, whatever the call's form was. In a
// batch one bad slot fails alone: {"error":"…","status":"…"} or [status, text]. Only
// a body that cannot be taken apart at all fails as a whole.
//
// All errors of this package are *ipc.StatusError: StatusInvalidArgument for what
// the asking side got wrong, StatusInternal for what the answering side did.
// [ErrorText] gives the sentence without the prefixes.
package api
