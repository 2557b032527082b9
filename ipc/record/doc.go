// Package record keeps the messages of a bridge's socket in a file, with the time of
// each, and reads such files again. ml-bridge --record writes them, kernelsim replay
// plays them back.
//
// # What is kept, and what is not
//
// Predict and outcome messages of peers and the answers to them, byte for byte as
// they crossed the wire (ipc/PROTOCOL.md). Not kept: who the peers are, hellos and
// pings, messages that broke the protocol, and what came over HTTP.
//
// Unless asked otherwise the ids in them are redacted: agents become 64 bits of
// HMAC-SHA-256 (RFC 2104) and components the word that their rule goes by ("memory",
// "io", …, "kernel") with the same behind it, under a random key that is never written
// anywhere. Within one recording an id is the same one everywhere; between two there is
// no relation. Traces are left out of redacted messages. Readings, addresses and
// timestamps are not ids and stay: without them a recording could not be replayed. The
// file is readable by its owner alone.
//
// Recording never makes the bridge wait: messages go into a bounded buffer, one that
// finds it full or in use at that moment is lost, and how many were is in the file.
//
// # The file, version 1
//
// All numbers are big-endian. First the header:
//
//	offset  size  field
//	0       6     "MLBREC"
//	6       2     version, 1; a reader refuses others
//	8       8     when recording began, ns since 1970 UTC
//	16      4     flags: bit 0, ids are redacted; others are 0 and ignored
//	20      4     bytes of the name that follow, at most 255
//	24      n     name of the bridge, UTF-8
//
// Then records, in the order in which the messages came and left:
//
//	offset  size  field
//	0       4     payload bytes, at most 64 MiB
//	4       1     type
//	5       3     0, ignored
//	8       8     ns since recording began
//	16      8     connection, numbered from 1; 0 where it means nothing
//	24      n     payload
//
//	type  payload
//	1     a message to the bridge, as in its frame but without the length
//	2     a message from the bridge, likewise
//	3     gap: u64, messages lost since the last record
//	4     end: u64, messages in the file; u64, messages lost in all;
//	      u8, why: 0 closed, 1 the limit was reached. Nothing follows.
//
// Readers skip types that they do not know. A file without an end record, or one that
// stops inside a record, is of a bridge that was killed or whose disk was full: what is
// whole in it counts.
package record
