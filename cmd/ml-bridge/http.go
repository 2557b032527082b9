package main

import (
	"errors"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mlbridge/mlbridge/bridge/httpapi"
	"github.com/mlbridge/mlbridge/bridge/status"
	"github.com/mlbridge/mlbridge/ipc"
)

// serveHTTP answers the HTTP API, and Prometheus, on ln.
func (p *process) serveHTTP(ln net.Listener, hosts []string) {
	logged := func(msg string, err error) { p.log.Error().Err(err).Msg(msg) }
	handler := httpapi.New(httpapi.Config{
		Predictor: p.bridge, Health: p.health, Status: func(since int64) status.Document { return p.status(since, false) }, Hosts: hosts, Log: logged,
		Observe: newHTTPMetrics(p.metrics).observe, Metrics: p.metricsHandler(),
	})
	p.http = httpapi.NewServer(handler, httpapi.ServerConfig{Log: logged})
	go func() {
		if err := p.http.Serve(ln); !errors.Is(err, ipc.ErrClosed) {
			p.failed <- err
		}
	}()
}

// register makes the registry that /metrics is served from.
func (p *process) register() error {
	p.metrics = prometheus.NewRegistry()
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.recorder.register(p.metrics)
	return p.bridge.Register(p.metrics)
}

func (p *process) metricsHandler() http.Handler {
	return promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{EnableOpenMetrics: true})
}
