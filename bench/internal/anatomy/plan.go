package anatomy

import (
	"fmt"

	"github.com/mlbridge/mlbridge/bench/internal/row"
)

// Who is a spender of time.
type Who string

// The spenders, in the order in which a process's part of a bar has them.
const (
	Ours    Who = "ours"    // our code, as far as a micro-benchmark measures it
	Model   Who = "model"   // of which the model itself
	Rest    Who = "rest"    // the remaining user time
	Sockets Who = "sockets" // the kernel, copying bytes into and out of sockets
	Waiting Who = "waiting" // the kernel, for epoll, wake-ups, switches and all else
)

// stage is a piece of user time that a micro-benchmark measures.
type stage struct {
	name string
	who  Who
	plus []string // micro-benchmarks that it is the sum of
	less []string // and of which others are taken away
}

// part is what one process of a call is expected to do.
type part struct {
	name   string
	stages []stage
	unix   float64 // questions and answers that it writes and reads: 1 is both ways
	tcp    float64
}

// Subject is a kind of call that is taken apart.
type Subject struct {
	Row   row.Row
	Title string

	parts []part // in the order in which a question comes by
}

// ours is a stage of our code that is the sum of micro-benchmarks.
func ours(name string, benches ...string) stage {
	return stage{name: name, who: Ours, plus: benches}
}

var (
	asks   = []stage{ours("question", "question-append"), ours("answer", "prediction-parse")}
	wire   = []stage{ours("wire", "question-parse", "prediction-append")}
	hit    = append(wire[:1:1], ours("cache", "round-hit"))
	cold   = append(wire[:1:1], ours("cold round", "round-cold"))
	format = ours("call and answer", "call-parse", "answer-append")
	think  = []stage{
		ours("features", "features", "conclude"),
		{name: "network", who: Model, plus: []string{"predict"}, less: []string{"features", "conclude"}},
	}
	hosts   = append(append(cold[:2:2], format), think...)
	forward = append(cold[:2:2], ours("HTTP", "response"))
	serves  = append([]stage{ours("HTTP", "request"), format}, think...)
)

// Subjects gives what is taken apart, the floor first.
func Subjects() ([]Subject, error) {
	client := part{name: "client", stages: asks, unix: 0.5}
	bridge := func(stages []stage, upUnix, upTCP float64) part {
		return part{name: "ml-bridge", stages: stages, unix: 0.5 + upUnix, tcp: upTCP}
	}
	mld := func(unix, tcp float64) part { return part{name: "mld", stages: serves, unix: unix, tcp: tcp} }
	all := []Subject{
		{Row: row.Row{Name: row.FloorName}, Title: "C floor", parts: []part{{name: "client", unix: 0.5}, {name: "server", unix: 0.5}}},
		{Row: row.Row{Name: "bridge-hit"}, Title: "bridge hit", parts: []part{client, bridge(hit, 0, 0)}},
		{Row: row.Row{Name: "cold-embedded"}, Title: "cold, engine in the bridge", parts: []part{client, bridge(hosts, 0, 0)}},
		{Row: row.Row{Name: "cold-http-unix"}, Title: "cold, mld on a Unix socket", parts: []part{client, bridge(forward, 0.5, 0), mld(0.5, 0)}},
		{Row: row.Row{Name: "cold-http-tcp"}, Title: "cold, mld on TCP", parts: []part{client, bridge(forward, 0, 0.5), mld(0, 0.5)}},
	}
	for i := range all {
		found := false
		for _, r := range row.All() {
			if r.Name == all[i].Row.Name {
				all[i].Row, found = r, true
			}
		}
		if !found {
			return nil, fmt.Errorf("anatomy: the benchmark has no row %s", all[i].Row.Name)
		}
	}
	return all, nil
}
