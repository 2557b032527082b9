// Package systemd is what a daemon says to its service manager and takes from it:
// sockets by name (sd_listen_fds(3)), readiness, status and watchdog (sd_notify(3)), and
// the descriptor store, which keeps what one process leaves for the next.
//
// Where no service manager is there, all of it does nothing.
package systemd
