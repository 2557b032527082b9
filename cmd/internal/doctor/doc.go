// Package doctor looks at a host the way somebody would who was asked why the bridge
// does not do well on it: the socket and who may use it, mld and its models, limits,
// how precisely the host's timers fire, what the service manager says, cgroups,
// pressure, and what the kernel offers. Each finding says what to do about it.
//
// It changes nothing, and needs no privileges; where it has too few to look, it says so.
package doctor
