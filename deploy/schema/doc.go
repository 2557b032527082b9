// Package schema holds what this repository writes for other systems against the types
// that those publish: the DaemonSet against Kubernetes', the dashboard against Grafana's.
// It is a module of its own, so that nothing else gets their dependencies; make schema
// runs it.
package schema
