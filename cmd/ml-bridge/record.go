package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/mlbridge/mlbridge/bridge"
	"github.com/mlbridge/mlbridge/cmd/internal/cli"
	"github.com/mlbridge/mlbridge/ipc/record"
)

// recording is what --record asks for; nil when it asks for nothing.
type recording struct {
	*record.Recorder
	log zerolog.Logger
}

// startRecording makes cfg show its messages to a recorder, if there is to be one.
func startRecording(f *flags, cfg *bridge.Config, log zerolog.Logger) (*recording, error) {
	if f.Record == "" {
		return nil, nil
	}
	r, err := record.Start(record.Config{
		Path: f.Record, Limit: int64(f.RecordLimit) << 20, Name: "ml-bridge " + cli.Version(), Plain: f.RecordIDs == "plain",
		OnEnd: func(err error) {
			if err != nil {
				log.Warn().Err(err).Msg("recording has ended")
				return
			}
			log.Info().Str("file", f.Record).Int("mib", f.RecordLimit).Msg("recording has ended: the limit is reached")
		},
	})
	if err != nil {
		return nil, err
	}
	log.Info().Str("file", f.Record).Str("ids", f.RecordIDs).Msg("recording")
	cfg.Server.Tap = r
	return &recording{r, log}, nil
}

// close ends the file. What is wrong with it is said, and is no failure of the bridge's.
func (r *recording) close() {
	if r == nil {
		return
	}
	err, s := r.Close(), r.Stats()
	r.log.Info().AnErr("reason", err).Uint64("messages", s.Frames).Uint64("lost", s.Lost+s.Unreadable).Msg("recorded")
}

func (r *recording) register(registry prometheus.Registerer) {
	if r == nil {
		return
	}
	for _, c := range []struct {
		name, help string
		value      func(record.Stats) uint64
	}{
		{"messages_total", "Messages in the recording.", func(s record.Stats) uint64 { return s.Frames }},
		{"lost_total", "Messages for which the recorder had no room, or whose ids it could not redact.", func(s record.Stats) uint64 { return s.Lost + s.Unreadable }},
		{"bytes_total", "Bytes of the recording.", func(s record.Stats) uint64 { return s.Bytes }},
	} {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "mlbridge", Subsystem: "record", Name: c.name, Help: c.help,
		}, func() float64 { return float64(c.value(r.Stats())) }))
	}
}
