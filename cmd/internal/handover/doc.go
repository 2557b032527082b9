// Package handover puts what a bridge leaves to its successor into one descriptor, for
// a service manager to keep between the two processes.
//
// The descriptor is the reading end of a socket in whose queue everything lies: a
// message of one byte with a memfd, then messages of one byte with up to 253
// descriptors each (SCM_MAX_FD of the kernel), the connections in the order in which
// the memfd describes them. The writing end is closed; so the queue is either whole or
// not there, and however many connections there are, the service manager keeps one
// descriptor. systemd compares every descriptor it is given with all it has, which for
// thousands would take seconds.
//
// Descriptors on their way count against the sender's RLIMIT_NOFILE.
package handover
