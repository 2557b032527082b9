package observe

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// collect runs a collector with the settings that are shipped, on a port of its own, until
// the test ends. It gives its URL, and what it exports besides.
func collect(t *testing.T) (url string, seen *consumertest.TracesSink) {
	t.Helper()
	seen = new(consumertest.TracesSink)
	address := free(t)
	c, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo:               component.NewDefaultBuildInfo(),
		Factories:               func() (otelcol.Factories, error) { return factories(seen) },
		DisableGracefulShutdown: true,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			// Later ones go before: the port, an exporter more, no metrics of its own, few words.
			URIs: []string{
				"file:../monitoring/collector.yaml",
				fmt.Sprintf("yaml:receivers::otlp::protocols::http::endpoint: %q", address),
				"yaml:exporters::kept: {}",
				"yaml:service::pipelines::traces::exporters: [debug, kept]",
				"yaml:service::telemetry::metrics::level: none",
				"yaml:service::telemetry::logs::level: warn",
			},
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), yamlprovider.NewFactory()},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(context.Background()) }()
	t.Cleanup(func() {
		c.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("collector: %v", err)
		}
	})
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if c.GetState() == otelcol.StateRunning {
			return "http://" + address, seen
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the collector did not start: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the collector is %v after %v", c.GetState(), patience)
		}
	}
}

// factories is a collector of what collector.yaml names, and "kept", which exports to seen.
func factories(seen *consumertest.TracesSink) (f otelcol.Factories, err error) {
	kept := exporter.NewFactory(component.MustNewType("kept"), func() component.Config { return &struct{}{} },
		exporter.WithTraces(func(ctx context.Context, s exporter.Settings, c component.Config) (exporter.Traces, error) {
			return exporterhelper.NewTraces(ctx, s, c, seen.ConsumeTraces)
		}, component.StabilityLevelStable))
	if f.Receivers, err = otelcol.MakeFactoryMap(otlpreceiver.NewFactory()); err != nil {
		return f, err
	}
	f.Telemetry = otelconftelemetry.NewFactory()
	f.Exporters, err = otelcol.MakeFactoryMap(debugexporter.NewFactory(), kept)
	return f, err
}
