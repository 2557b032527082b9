// Package modeldesk is where a daemon's models are looked after: what is in its folder,
// what of it serves, and what an operator decides about it. mld has one, and so has an
// ml-bridge that hosts the engine. The same questions can be asked of a running daemon
// through its admin socket (Remote) and of a folder alone (Shelf), so that the commands
// and the live page need not know which.
package modeldesk
