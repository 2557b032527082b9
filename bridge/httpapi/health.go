package httpapi

import (
	"encoding/json"
	"net/http"

	"github.com/mlbridge/mlbridge/ipc"
)

// Health is what the bridge knows about itself.
type Health struct {
	Version string
	// Live is false when the process should be restarted, Ready when it should not
	// be sent work (starting, draining). A bridge without its daemon is both: it
	// answers by rule, and restarting it would not help.
	Live, Ready bool
	// Reasons say in a phrase each what is not as it should be.
	Reasons  []string
	HTTP     string // address of the HTTP API, "none" without one; "" is not told
	Upstream Upstream
	Models   map[ipc.Kind]string // "name@version" of the model that answered last
	// Drifted are the inputs that are no longer as they were when the model came. That
	// is no reason to worry by itself: how well the model does is.
	Drifted map[ipc.Kind][]string
}

// Upstream is where the models are.
type Upstream struct {
	Address string `json:"address"`              // URL of the daemon, or "in process"
	State   string `json:"state"`                // "up", "down" or "unknown" before the first call
	Format  string `json:"format,omitempty"`     // "msgpack" or "json"
	Error   string `json:"last_error,omitempty"` // why it is down
	// Endpoints are all daemons that may be asked, in the order of preference.
	Endpoints []Endpoint `json:"endpoints,omitempty"`
}

// Endpoint is one daemon.
type Endpoint struct {
	Address  string            `json:"address"`
	State    string            `json:"state"`
	Error    string            `json:"last_error,omitempty"`
	Breakers map[string]string `json:"breakers"` // by kind: "closed", "half-open" or "open"
}

// Status is "healthy", or "degraded" when there is any reason to say so.
func (h *Health) Status() string {
	if h.Live && h.Ready && len(h.Reasons) == 0 {
		return "healthy"
	}
	return "degraded"
}

// MarshalJSON writes the document of GET /health.
func (h Health) MarshalJSON() ([]byte, error) {
	models := make(map[string]string, len(h.Models))
	for k, name := range h.Models {
		models[k.String()] = name
	}
	drifted := make(map[string][]string, len(h.Drifted))
	for k, inputs := range h.Drifted {
		drifted[k.String()] = inputs
	}
	reasons := h.Reasons
	if reasons == nil {
		reasons = []string{} // an empty list, not null
	}
	return json.Marshal(struct {
		Status   string              `json:"status"`
		Service  string              `json:"service"`
		Version  string              `json:"version"`
		Live     bool                `json:"live"`
		Ready    bool                `json:"ready"`
		Reasons  []string            `json:"reasons"`
		HTTP     string              `json:"http,omitempty"`
		Upstream Upstream            `json:"upstream"`
		Models   map[string]string   `json:"models"`
		Drifted  map[string][]string `json:"drifted"`
	}{h.Status(), "ml-bridge", h.Version, h.Live, h.Ready, reasons, h.HTTP, h.Upstream, models, drifted})
}

// health answers 200 also when degraded: calls are answered, from lower rungs, and
// the document says so. Only a bridge that should be replaced answers 503.
func (x *exchange) health() {
	h := x.cfg.Health()
	body, err := json.Marshal(h)
	if err != nil {
		x.failError(err)
		return
	}
	x.json(healthCode(h.Live), body)
}

func (x *exchange) livez() {
	h := x.cfg.Health()
	x.probe("live", h.Live)
}

func (x *exchange) readyz() {
	h := x.cfg.Health()
	x.probe("ready", h.Ready)
}

func (x *exchange) probe(what string, yes bool) {
	body := []byte(`{"` + what + `":false}`)
	if yes {
		body = []byte(`{"` + what + `":true}`)
	}
	x.json(healthCode(yes), body)
}

func healthCode(well bool) int {
	if well {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// metrics leaves the answer to the handler that the command gave.
func (x *exchange) metrics() {
	if x.cfg.Metrics == nil {
		x.fail(http.StatusNotFound, "metrics are off")
		return
	}
	x.cfg.Metrics.ServeHTTP(noting{x.w, x}, x.r)
	if x.code == 0 {
		x.code = http.StatusOK // what net/http writes for a handler that names none
	}
}

// noting is a ResponseWriter that tells the exchange the code.
type noting struct {
	http.ResponseWriter
	x *exchange
}

func (n noting) WriteHeader(code int) {
	n.x.code = code
	n.ResponseWriter.WriteHeader(code)
}
