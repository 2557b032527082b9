// Package status is the document that says what the bridge is doing: GET
// /api/ml/status serves it and the live page draws it. What is to be seen there has
// its field here; the bridge fills it in, and nothing else has to change.
//
// Numbers that only grow are counted since the start, so that whoever reads twice has
// rates; the history (Sample) has them per second already, so that a page that was
// just opened has something to show.
package status

import "time"

// Document is the whole. Times are UTC, durations nanoseconds.
type Document struct {
	Host    string    `json:"host"` // the machine's name: through a tunnel all look alike
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Now     time.Time `json:"now"`
	Budget  int64     `json:"budget_ns"` // of a call on the socket that names none

	Kinds     []Kind            `json:"kinds"`     // always all four, in the wire's order
	Fallbacks map[string]uint64 `json:"fallbacks"` // questions without a fresh answer of the model, refused ones included, by reason
	Socket    Socket            `json:"socket"`

	// Notices are the last warnings and errors of the log, each once, oldest first.
	Notices []Notice `json:"notices"`

	// Window is what Recent and the latencies of Kinds, and Latency, look back over.
	Window  int64     `json:"window_ns"`
	Latency Quantiles `json:"latency"` // of all kinds together
	Every   int64     `json:"every_ns"`
	// Samples are the history, oldest first: those after the time that was asked for.
	Samples []Sample `json:"samples"`

	// Actions are what may be done through this listener: none but on the admin socket.
	Actions []Action `json:"actions"`
	// ModelFiles are what the models come from, where that can be changed: on the admin
	// socket alone.
	ModelFiles *ModelFiles `json:"model_files,omitempty"`
}

// Action is something an operator may do: a POST without a body.
type Action struct {
	Path string `json:"path"` // with its query
	Name string `json:"name"` // for a button
	Help string `json:"help"` // what it does, in a phrase
}

// ModelFiles is a folder of models.
type ModelFiles struct {
	Folder  string      `json:"folder"`            // "" for the built-in models alone
	Problem string      `json:"problem,omitempty"` // why nothing, or not all, is known of it
	Models  []ModelFile `json:"models"`
}

// ModelFile is one model of a folder.
type ModelFile struct {
	Kind    string   `json:"kind"`
	Model   string   `json:"model"` // name@version
	File    string   `json:"file"`
	Role    string   `json:"role"` // serving, waiting, shadow, share, off, rejected or invalid
	Share   float64  `json:"share,omitempty"`
	Problem string   `json:"problem,omitempty"` // why it is not valid
	Single  int64    `json:"single_ns"`         // time of one question, 0 when it is not valid
	Actions []Action `json:"actions"`
}

// Kind is one kind of prediction: who asks, who answers, and how well.
type Kind struct {
	Kind      string            `json:"kind"`
	Subsystem string            `json:"subsystem"` // of the kernel, that asks
	Answers   map[string]uint64 `json:"answers"`   // by source: model, cache, stale, rule; none: refused
	Recent    map[string]uint64 `json:"recent"`    // the same, in the window
	Late      uint64            `json:"late"`      // answers that left after their deadline
	Latency   Quantiles         `json:"latency"`   // from arrival to answer, inside the bridge
	Upstream  Upstream          `json:"upstream"`
	Model     Model             `json:"model"`
	Score     Score             `json:"score"`
}

// Quantiles of the durations in the window; all 0 when there was none.
type Quantiles struct {
	N    uint64 `json:"n"`
	P50  int64  `json:"p50_ns"`
	P99  int64  `json:"p99_ns"`
	P999 int64  `json:"p999_ns"`
}

// Upstream is how the daemon treats a kind.
type Upstream struct {
	Breaker   string `json:"breaker"` // closed: it is asked; open: it failed and rests; half-open: the next question probes it
	Failing   string `json:"failing"` // why its last call gave no usable answer, "" when it did
	Calls     uint64 `json:"calls"`
	Questions uint64 `json:"questions"`
	Failures  uint64 `json:"failures"`
	Retries   uint64 `json:"retries"`
	Invalid   uint64 `json:"invalid_outputs"`
}

// Model is who answers for a kind.
type Model struct {
	Name string `json:"name"` // "name@version" of the model that answered last, "" when none did or it has no name
	// State is "serving"; "demoted" while the rule stands in for it; "partly demoted" while
	// it does for some of a prediction's values; "off" while the operator has rules answer
	// everything; "none" when no model has answered yet.
	State string   `json:"state"`
	Ruled []string `json:"ruled"` // the targets of Score for which the rule stands in for it, as people are told: "cpu", "cpu of questions without a past"
}

// Score is how model and rule did on the same cases. The errors are means; smaller is
// better, null where nothing was judged yet. Those that stand here are of the kind's first
// value, a workload's cpu, whatever the questions told: of several targets, such as a failure's
// components, the mean by how often each was judged.
type Score struct {
	Measure     string   `json:"measure"` // what the error is, for people
	Joined      uint64   `json:"joined"`  // outcomes that found their prediction
	Unknown     uint64   `json:"unknown"` // outcomes that found none
	Judged      uint64   `json:"judged"`  // predictions of a model among the joined
	Model       *float64 `json:"model_error"`
	Rule        *float64 `json:"rule_error"`
	RecentModel *float64 `json:"recent_model_error"` // over about the last 1,000
	RecentRule  *float64 `json:"recent_rule_error"`
	Missing     uint64   `json:"missing"` // predictions forgotten without an outcome

	// Targets are the values of a prediction that are judged, each by itself, and apart
	// where questions tell more; of the model that serves, where it was judged.
	Targets []Target `json:"targets"`
	// Standings are of the models that answered lately and of each target, the one that
	// serves first; the errors above are its.
	Standings []Standing `json:"standings"`
	// Drift is the population stability index of inputs, by name: above 0.25 the
	// questions are others than at first.
	Drift map[string]float64 `json:"drift"`
}

// Target is how model and rule did at one value of a prediction.
type Target struct {
	Target      string   `json:"target"`  // cpu, memory or gpu; score or type; the type of component, or that and time or type; page or type
	With        string   `json:"with"`    // what the questions told besides: past, calls, rates or candidates; empty where they did not
	Measure     string   `json:"measure"` // what the error is, for people
	Demoted     bool     `json:"demoted"` // the rule's value is given
	Judged      uint64   `json:"judged"`
	Model       *float64 `json:"model_error"`
	Rule        *float64 `json:"rule_error"`
	RecentModel *float64 `json:"recent_model_error"`
	RecentRule  *float64 `json:"recent_rule_error"`
}

// Standing is whether a model is trusted with a target, and on what grounds.
type Standing struct {
	Model      string `json:"model"` // name@version
	Target     string `json:"target"`
	With       string `json:"with"`
	Stale      bool   `json:"stale"` // it is about what the model said earlier, to another question about the subject
	Serving    bool   `json:"serving"`
	Demoted    bool   `json:"demoted"`
	Judged     uint64 `json:"judged"` // cases that it and the rule were judged on
	Tries      uint64 `json:"tries"`  // of these, answers that nobody got
	Demotions  uint64 `json:"demotions"`
	Recoveries uint64 `json:"recoveries"`
	// Advantage is the rule's error less the model's over the last Window cases, Low
	// and High its one-sided 99 % bounds; null while there are too few cases.
	Window    int      `json:"window"`
	Advantage *float64 `json:"advantage"`
	Low       *float64 `json:"low"`
	High      *float64 `json:"high"`
}

// Socket is the kernel's side.
type Socket struct {
	Connections int    `json:"connections"`
	Accepted    uint64 `json:"accepted"`
	Refused     uint64 `json:"refused"`
	Faults      uint64 `json:"faults"` // connections closed for breaking the protocol
	Stuck       uint64 `json:"stuck"`  // connections closed for not taking their replies
	Messages    uint64 `json:"messages"`
	Invalid     uint64 `json:"invalid"` // questions refused as invalid
}

// Notice is a warning or an error of the log, and those like it but for numbers and lists.
type Notice struct {
	At    time.Time `json:"at"`    // of the last one
	Times uint64    `json:"times"` // how often the log has had it
	Level string    `json:"level"` // warn or error
	Text  string    `json:"text"`
	// Detail has the log's fields, "name=value" separated by spaces.
	Detail string `json:"detail,omitempty"`
}

// Sample is what happened in one interval of Every.
type Sample struct {
	At      int64             `json:"t"`       // its end, Unix ms
	Answers map[string]uint64 `json:"answers"` // by source
	Kinds   map[string]uint64 `json:"kinds"`   // by kind, refused ones included
	Late    uint64            `json:"late"`
	P50     int64             `json:"p50_ns"`
	P99     int64             `json:"p99_ns"`
	P999    int64             `json:"p999_ns"`
}
