// Package admin is the operator's side of a daemon: HTTP over a Unix socket of mode
// 0600, whose peers are, besides, checked to be the daemon's own user or root. What
// changes a daemon or looks inside it (drain, profiles, models) is served here and
// nowhere else, so that no browser and no other user can reach it.
//
// Features hang their handlers on it by Handle; GET / lists them. By hand:
//
//	curl --unix-socket /run/mlbridge/bridge-admin.sock http://admin/
package admin
