package translate

import "github.com/mlbridge/mlbridge/ipc"

var memoryRequest = []field[ipc.MemoryRequest]{
	kindField[ipc.MemoryRequest](ipc.Memory),
	addressFormField[ipc.MemoryRequest](),
	{
		name: "agent_id",
		get:  func(s *scanner, q *ipc.MemoryRequest) { q.AgentID = s.u64() },
		put:  func(w *writer, q *ipc.MemoryRequest) { w.u64(q.AgentID) },
	},
	{
		name: "access_history", optional: true, // no history
		get: func(s *scanner, q *ipc.MemoryRequest) {
			q.AccessHistory = list(s, ipc.MaxAccessHistory, s.address)
		},
		put: func(w *writer, q *ipc.MemoryRequest) { each(w, q.AccessHistory, w.address) },
	},
	{
		name: "access_types", optional: true, // not known
		get: func(s *scanner, q *ipc.MemoryRequest) {
			q.AccessTypes = list(s, ipc.MaxAccessHistory, func() uint8 { return s.u8(ipc.AccessExecute) })
		},
		put: func(w *writer, q *ipc.MemoryRequest) { each(w, q.AccessTypes, w.u8) },
	},
	{
		name: "access_timestamps", optional: true, // not known
		get: func(s *scanner, q *ipc.MemoryRequest) {
			q.AccessTimestamps = list(s, ipc.MaxAccessHistory, s.u64)
		},
		put: func(w *writer, q *ipc.MemoryRequest) { each(w, q.AccessTimestamps, w.u64) },
	},
	{
		name: "current_address",
		get:  func(s *scanner, q *ipc.MemoryRequest) { q.CurrentAddress = s.address() },
		put:  func(w *writer, q *ipc.MemoryRequest) { w.address(q.CurrentAddress) },
	},
	{
		name: "locality_score",
		get:  func(s *scanner, q *ipc.MemoryRequest) { q.LocalityScore = s.f32() },
		put:  func(w *writer, q *ipc.MemoryRequest) { w.f32(q.LocalityScore) },
	},
	{
		name: "candidates", optional: true, // the client keeps no tables
		get: func(s *scanner, q *ipc.MemoryRequest) {
			q.Candidates = list(s, ipc.MaxCandidates, s.address)
		},
		put:  func(w *writer, q *ipc.MemoryRequest) { each(w, q.Candidates, w.address) },
		omit: func(_ *writer, q *ipc.MemoryRequest) bool { return len(q.Candidates) == 0 },
	},
	{
		name: "candidate_chances", optional: true, // the tables count nothing
		get: func(s *scanner, q *ipc.MemoryRequest) {
			q.CandidateChances = list(s, ipc.MaxCandidates, s.f32)
		},
		put:  func(w *writer, q *ipc.MemoryRequest) { each(w, q.CandidateChances, w.f32) },
		omit: func(_ *writer, q *ipc.MemoryRequest) bool { return len(q.CandidateChances) == 0 },
	},
}

var memoryPrediction = []field[ipc.MemoryPrediction]{
	addressFormField[ipc.MemoryPrediction](),
	{
		name: "next_address",
		get:  func(s *scanner, p *ipc.MemoryPrediction) { p.NextAddress = s.address() },
		put:  func(w *writer, p *ipc.MemoryPrediction) { w.address(p.NextAddress) },
	},
	{
		name: "access_probability", optional: true, // an observation has none
		get: func(s *scanner, p *ipc.MemoryPrediction) { p.Probability = s.f32() },
		put: func(w *writer, p *ipc.MemoryPrediction) { w.f32(p.Probability) },
	},
	{
		name: "access_type", optional: true, // not seen
		get:  func(s *scanner, p *ipc.MemoryPrediction) { p.Type = s.u8(ipc.AccessExecute) },
		put:  func(w *writer, p *ipc.MemoryPrediction) { w.integer(int64(p.Type)) },
		omit: unless[ipc.MemoryPrediction](ipc.TargetAccessType),
	},
	{
		name: "confidence", optional: true, // an observation has none
		get: func(s *scanner, p *ipc.MemoryPrediction) { p.Confidence = s.f32() },
		put: func(w *writer, p *ipc.MemoryPrediction) { w.f32(p.Confidence) },
	},
	{
		name: "more", optional: true, // nothing further
		get: func(s *scanner, p *ipc.MemoryPrediction) {
			for i := range s.array(ipc.MaxMore) {
				read(s, memoryCandidate, &p.More[i])
				p.MoreLen = i + 1
			}
		},
		put: func(w *writer, p *ipc.MemoryPrediction) {
			each(w, p.More[:p.MoreLen], func(c ipc.MemoryCandidate) { write(w, memoryCandidate, &c) })
		},
	},
}

var memoryCandidate = []field[ipc.MemoryCandidate]{
	{
		name: "address",
		get:  func(s *scanner, c *ipc.MemoryCandidate) { c.Address = s.address() },
		put:  func(w *writer, c *ipc.MemoryCandidate) { w.address(c.Address) },
	},
	{
		name: "probability",
		get:  func(s *scanner, c *ipc.MemoryCandidate) { c.Probability = s.f32() },
		put:  func(w *writer, c *ipc.MemoryCandidate) { w.f32(c.Probability) },
	},
}
