package tail

import (
	"context"
	"strconv"
)

// Condition is something that goes on while calls are measured.
type Condition struct {
	Name  string
	Title string // for tables
	What  string // a sentence for people
	GOGC  string // of the daemons; "" for the default
	Short bool   // client and daemons take short turns on the processor

	// Restarts says that the bridge goes away: the client has to connect again, and what
	// the bridge counted is lost.
	Restarts bool

	// begin starts the disturbance; end stops it. nil for calm.
	begin func(ctx context.Context, e *Env, c *chain) (end func() error, err error)
	// proof says, from the daemons' counters, that it took place.
	proof func(d *change) Proof
}

// Proof is a count that shows that the disturbance took place.
type Proof struct {
	Count float64 `json:"count"`
	What  string  `json:"what"`
}

// change is what the daemons' pages said before and after.
type change struct {
	bridge, daemon [2]counters
	restarts       int
}

func (d *change) of(pages [2]counters, name string) float64 { return pages[1][name] - pages[0][name] }

// The rates of the disturbances.
const (
	requestsPerSecond = 400 // HTTP requests with JSON to ml-bridge
	scrapesPerSecond  = 20  // of the Prometheus pages of either daemon
	reloadsPerSecond  = 5
	clientsPerSecond  = 500
)

// Conditions gives all of them, calm first.
func Conditions() []Condition {
	return []Condition{
		{Name: "calm", Title: "calm", What: "nothing but the calls"},
		{
			Name: "http", Title: "HTTP beside it", begin: beginHTTP, proof: collected,
			What: strconv.Itoa(requestsPerSecond) + " HTTP requests a second with JSON to ml-bridge and " + strconv.Itoa(scrapesPerSecond) + " scrapes a second of both daemons: they allocate",
		},
		{
			Name: "gc", Title: "garbage collection", begin: beginHTTP, proof: collected, GOGC: "5",
			What: "the same with GOGC=5 in both daemons, which collect many times as often",
		},
		{
			Name: "contention", Title: "busy loops", begin: beginLoops(0), proof: busyLoops,
			What: "a loop on each core that never sleeps, at normal priority",
		},
		{
			Name: "contention-short", Title: "busy loops, short turns", begin: beginLoops(0), proof: busyLoops, Short: true,
			What: "the same loops; client, ml-bridge and mld have time slices of 100 µs",
		},
		{
			Name: "contention-nice", Title: "busy loops, nice 19", begin: beginLoops(19), proof: busyLoops,
			What: "the same loops at the lowest priority",
		},
		{
			Name: "reload", Title: "model reload", begin: beginReloads, proof: swapped,
			What: "the toy's files replaced and SIGHUP to mld " + strconv.Itoa(reloadsPerSecond) + " times a second; every reload reads and tries all four models",
		},
		{
			Name: "clients", Title: "clients come and go", begin: beginChurn, proof: accepted,
			What: strconv.Itoa(clientsPerSecond) + " other clients a second connect, say hello, ask once and leave",
		},
		{
			Name: "restart", Title: "bridge restarts", begin: beginRestarts, Restarts: true, proof: restarted,
			What: "ml-bridge ends by SIGTERM and starts again once a second; the client connects again by itself and answers by rule meanwhile",
		},
	}
}

func collected(d *change) Proof {
	const name = "go_gc_duration_seconds_count"
	return Proof{d.of(d.bridge, name) + d.of(d.daemon, name), "garbage collections"}
}

func swapped(d *change) Proof {
	return Proof{d.of(d.daemon, "mld_registry_generation"), "swaps of the models"}
}

func accepted(d *change) Proof {
	return Proof{d.of(d.bridge, "mlbridge_connections_accepted_total"), "connections admitted"}
}

func restarted(d *change) Proof { return Proof{float64(d.restarts), "restarts"} }

func busyLoops(*change) Proof { return Proof{float64(Cores()), "busy loops"} }
