// Package observe watches real processes with what an operator watches them with: a real
// OpenTelemetry Collector, set up by deploy/monitoring/collector.yaml, gets their traces,
// and a real Prometheus, set up by prometheus.yaml there, is asked what every panel of the
// dashboard asks, while all is well and while it is not. It is a module of its own, so
// that nothing else gets the collector's
// dependencies; make observe runs it.
package observe
