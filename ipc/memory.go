package ipc

import "slices"

// MemoryRequest asks which page an agent touches next.
//
// Addresses are u64 virtual addresses: a 24-bit float mantissa cannot name a page
// of a 48-bit space, so no address ever becomes a float on this wire.
type MemoryRequest struct {
	AgentID          uint64
	AccessHistory    []uint64 // ≤ 20 addresses, oldest first
	AccessTypes      []uint8  // as many as AccessHistory, or none: AccessRead …
	AccessTimestamps []uint64 // ns, as many as AccessHistory, or none
	CurrentAddress   uint64
	LocalityScore    float32   // share of the window's steps of at most 16 pages, [0, 1]
	Candidates       []uint64  // optional, ≤ 16 addresses from the client's own tables
	CandidateChances []float32 // optional, as many as Candidates, or none: what the tables give each, in [0, 1]
}

// Values of MemoryRequest.AccessTypes and MemoryPrediction.Type.
const (
	AccessRead uint8 = iota
	AccessWrite
	AccessExecute
	accessTypes // how many there are
)

// MemoryPrediction names the page expected next.
type MemoryPrediction struct {
	NextAddress uint64
	Probability float32 // access_probability in [0, 1]
	Type        uint8   // AccessRead …
	Confidence  float32 // = Probability
	// More holds further addresses worth fetching, best first, with the chance that each is
	// accessed soon; MoreLen of them are set.
	More    [MaxMore]MemoryCandidate
	MoreLen int
}

// MemoryCandidate is a further address with its probability.
type MemoryCandidate struct {
	Address     uint64
	Probability float32
}

// Kind returns Memory.
func (q *MemoryRequest) Kind() Kind { return Memory }

// Subject returns the agent.
func (q *MemoryRequest) Subject() Subject { return Subject{Agent: q.AgentID} }

// Validate checks the ranges stated with the fields.
func (q *MemoryRequest) Validate() error {
	n := len(q.AccessHistory)
	if n > MaxAccessHistory {
		return tooMany("access_history", n, MaxAccessHistory)
	}
	if t := len(q.AccessTypes); t != 0 && t != n {
		return invalidf("access_types: %d for %d addresses", t, n)
	}
	if t := len(q.AccessTimestamps); t != 0 && t != n {
		return invalidf("access_timestamps: %d for %d addresses", t, n)
	}
	for i, t := range q.AccessTypes {
		if t >= accessTypes {
			return invalidf("access_types[%d]: %d is outside 0-%d", i, t, accessTypes-1)
		}
	}
	if len(q.Candidates) > MaxCandidates {
		return tooMany("candidates", len(q.Candidates), MaxCandidates)
	}
	if n := len(q.CandidateChances); n != 0 && n != len(q.Candidates) {
		return invalidf("candidate_chances: %d for %d candidates", n, len(q.Candidates))
	}
	return firstError(
		checkUnit("locality_score", q.LocalityScore),
		checkUnits("candidate_chances", q.CandidateChances, MaxCandidates),
	)
}

// Copy returns a deep copy.
func (q *MemoryRequest) Copy() Request {
	c := *q
	c.AccessHistory = slices.Clone(q.AccessHistory)
	c.AccessTypes = slices.Clone(q.AccessTypes)
	c.AccessTimestamps = slices.Clone(q.AccessTimestamps)
	c.Candidates = slices.Clone(q.Candidates)
	c.CandidateChances = slices.Clone(q.CandidateChances)
	return &c
}

const memoryRequestFields = 6 // candidates and their chances follow when there are any

func (q *MemoryRequest) append(b []byte) []byte {
	switch {
	case len(q.CandidateChances) > 0:
		b = appendArray(b, memoryRequestFields+2)
	case len(q.Candidates) > 0:
		b = appendArray(b, memoryRequestFields+1)
	default:
		b = appendArray(b, memoryRequestFields)
	}
	b = appendUint(b, q.AgentID)
	b = appendUints(b, q.AccessHistory)
	b = appendSmall(b, q.AccessTypes)
	b = appendUints(b, q.AccessTimestamps)
	b = appendUint(b, q.CurrentAddress)
	b = appendF32(b, q.LocalityScore)
	if len(q.Candidates) > 0 || len(q.CandidateChances) > 0 {
		b = appendUints(b, q.Candidates)
	}
	if len(q.CandidateChances) > 0 {
		b = appendF32s(b, q.CandidateChances)
	}
	return b
}

func (q *MemoryRequest) parse(r *reader) {
	n := r.tuple("memory request", memoryRequestFields)
	q.AgentID = r.u64("agent_id")
	q.AccessHistory = r.u64s(q.AccessHistory, "access_history", MaxAccessHistory)
	q.AccessTypes = r.small(q.AccessTypes, "access_types", MaxAccessHistory, accessTypes-1)
	q.AccessTimestamps = r.u64s(q.AccessTimestamps, "access_timestamps", MaxAccessHistory)
	q.CurrentAddress = r.u64("current_address")
	q.LocalityScore = r.f32("locality_score")
	q.Candidates = q.Candidates[:0]
	known := memoryRequestFields
	if r.optional(n, &known) {
		q.Candidates = r.u64s(q.Candidates, "candidates", MaxCandidates)
	}
	q.CandidateChances = q.CandidateChances[:0]
	if r.optional(n, &known) {
		q.CandidateChances = r.f32s(q.CandidateChances, "candidate_chances", MaxCandidates)
	}
	r.skipRest(n, known)
}

const (
	memoryPredictionFields = 4 // more follows when there is any
	memoryMoreFields       = 2
)

func (p *MemoryPrediction) append(b []byte) []byte {
	if p.MoreLen > 0 {
		b = appendArray(b, memoryPredictionFields+1)
	} else {
		b = appendArray(b, memoryPredictionFields)
	}
	b = appendUint(b, p.NextAddress)
	b = appendF32(b, p.Probability)
	b = appendUint(b, uint64(p.Type))
	b = appendF32(b, p.Confidence)
	if p.MoreLen > 0 {
		b = appendArray(b, p.MoreLen)
		for _, m := range p.More[:p.MoreLen] {
			b = appendArray(b, memoryMoreFields)
			b = appendUint(b, m.Address)
			b = appendF32(b, m.Probability)
		}
	}
	return b
}

func (p *MemoryPrediction) parse(r *reader) {
	n := r.tuple("memory prediction", memoryPredictionFields)
	p.NextAddress = r.u64("next_address")
	p.Probability = r.f32("access_probability")
	p.Type = uint8(r.uint("access_type", uint64(accessTypes-1)))
	p.Confidence = r.f32("confidence")
	p.More, p.MoreLen = [MaxMore]MemoryCandidate{}, 0
	known := memoryPredictionFields
	if r.optional(n, &known) {
		p.parseMore(r)
	}
	r.skipRest(n, known)
}

func (p *MemoryPrediction) parseMore(r *reader) {
	p.MoreLen = r.array("more", MaxMore)
	for i := range p.MoreLen {
		n := r.tuple("more", memoryMoreFields)
		p.More[i] = MemoryCandidate{Address: r.u64("more.address"), Probability: r.f32("more.probability")}
		r.skipRest(n, memoryMoreFields)
	}
}

// Validate checks the ranges stated with the fields.
func (p *MemoryPrediction) Validate() error {
	if p.Type >= accessTypes {
		return invalidf("access_type: %d is outside 0-%d", p.Type, accessTypes-1)
	}
	for i := range p.MoreLen {
		if err := checkUnit("more.probability", p.More[i].Probability); err != nil {
			return err
		}
	}
	return firstError(checkUnit("access_probability", p.Probability), checkUnit("confidence", p.Confidence))
}
