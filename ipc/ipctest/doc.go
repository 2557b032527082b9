// Package ipctest is a fake bridge for tests of whatever speaks the wire protocol
// as a client. It speaks the real protocol over real connections; a Script says
// what it expects and what it sends, step by step, so it can also lie, dribble,
// hang and die:
//
//	bridge := ipctest.Listen(t, ipctest.Script(
//		ipctest.Handshake(ipctest.DefaultHello()),
//		ipctest.ExpectPredict(),
//		ipctest.SendReply(ipctest.ModelReply),
//		ipctest.Hang(),
//	))
//	client, err := ipc.Dial(ctx, bridge.Path, ipc.ClientConfig{})
//
// Envelopes are written and read with the msgpack library and PROTOCOL.md, not
// with the code of package ipc: an error made there on both sides shows here.
package ipctest
