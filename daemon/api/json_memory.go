package api

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

var memoryFields = fields{
	"agentId", "accessHistory", "accessTypes", "accessTimestamps", "currentAddress",
	"localityScore", "candidates", "addressForm", "candidateChances",
}

const memoryRequired seen = 1<<0 | 1<<4 | 1<<5

// memory reads a request and the form of its addresses. The form may stand behind
// the addresses, so a request that turns out to be in the other form is read again
// from its start.
func (r *jsonReader) memory(q *ipc.MemoryRequest) AddressForm {
	start := *r
	form := r.memoryAs(q, AddressU64)
	if form != AddressU64 && r.err == nil {
		scratch := r.scratch
		*r = start
		r.scratch = scratch
		r.memoryAs(q, form)
	}
	return form
}

func (r *jsonReader) memoryAs(q *ipc.MemoryRequest, form AddressForm) AddressForm {
	*q = ipc.MemoryRequest{
		AccessHistory:    q.AccessHistory[:0],
		AccessTypes:      q.AccessTypes[:0],
		AccessTimestamps: q.AccessTimestamps[:0],
		Candidates:       q.Candidates[:0],
		CandidateChances: q.CandidateChances[:0],
	}
	found := AddressU64
	if !r.open('{', "") {
		return found
	}
	address := func(field string) uint64 { return r.address(field, form) }
	timestamp := func(field string) uint64 { return r.timestamp(field, form) }
	var had seen
	for r.member() {
		switch r.index(memoryFields, &had) {
		case 0:
			q.AgentID = r.agent("agentId")
		case 1:
			q.AccessHistory = r.integers(q.AccessHistory, "accessHistory", ipc.MaxAccessHistory, address)
		case 2:
			q.AccessTypes = r.small(q.AccessTypes, "accessTypes", ipc.MaxAccessHistory, uint64(ipc.AccessExecute))
		case 3:
			q.AccessTimestamps = r.integers(q.AccessTimestamps, "accessTimestamps", ipc.MaxAccessHistory, timestamp)
		case 4:
			q.CurrentAddress = address("currentAddress")
		case 5:
			q.LocalityScore = r.f32("localityScore")
		case 6:
			q.Candidates = r.integers(q.Candidates, "candidates", ipc.MaxCandidates, address)
		case 7:
			found = r.addressForm()
		case 8:
			q.CandidateChances = r.f32s(q.CandidateChances, "candidateChances", ipc.MaxCandidates)
		}
	}
	r.require(memoryFields, had, memoryRequired)
	return found
}

func (r *jsonReader) addressForm() AddressForm {
	if r.peek() != '"' {
		r.mismatch("addressForm", "a string")
		return AddressU64
	}
	name := r.string()
	form, ok := parseAddressForm(name)
	if !ok {
		r.bad("addressForm", "%s is neither \"u64\" nor \"normalised32\"", quoted(name))
	}
	return form
}

// timestamp reads a time in ns, whose fraction the origin's form drops.
func (r *jsonReader) timestamp(field string, form AddressForm) uint64 {
	if form == AddressNormalised32 {
		return r.whole(field)
	}
	return r.u64(field)
}

func appendMemoryRequest(b []byte, q *ipc.MemoryRequest) []byte {
	b = appendAgent(b, q.AgentID)
	b = appendIntsMember(b, "accessHistory", q.AccessHistory)
	b = appendIntsMember(b, "accessTypes", q.AccessTypes)
	b = appendIntsMember(b, "accessTimestamps", q.AccessTimestamps)
	b = appendU64Member(b, "currentAddress", q.CurrentAddress)
	b = appendF32Member(b, "localityScore", q.LocalityScore)
	if len(q.Candidates) > 0 {
		b = appendIntsMember(b, "candidates", q.Candidates)
	}
	if len(q.CandidateChances) > 0 {
		b = appendF32sMember(b, "candidateChances", q.CandidateChances)
	}
	return append(b, `,"addressForm":"u64"}`...)
}

var (
	memoryAnswer = fields{"nextAddress", "accessProbability", "accessType", "confidence", "more", "addressForm"}
	moreFields   = fields{"address", "probability"}
)

const (
	memoryAnswerRequired seen = 1<<4 - 1
	moreRequired         seen = 1<<2 - 1
)

// memoryMember reads a member of an answer's prediction. We always ask with u64
// addresses; a daemon that answers in the origin's form says so or sends a number
// with a fraction, and either is a fault: such an address names no page.
func (r *jsonReader) memoryMember(p *ipc.MemoryPrediction, had *seen) {
	switch r.index(memoryAnswer, had) {
	case 0:
		p.NextAddress = r.u64("nextAddress")
	case 1:
		p.Probability = r.f32("accessProbability")
	case 2:
		p.Type = uint8(r.uint("accessType", math.MaxUint8))
	case 3:
		p.Confidence = r.f32("confidence")
	case 4:
		r.furtherAddresses(p)
	case 5:
		if r.addressForm() != AddressU64 {
			r.bad("addressForm", "not the form that was asked for")
		}
	}
}

func (r *jsonReader) furtherAddresses(p *ipc.MemoryPrediction) {
	if !r.list("more") {
		return
	}
	for r.next(ipc.MaxMore) {
		m := &p.More[p.MoreLen]
		p.MoreLen++
		if !r.open('{', "more") {
			continue
		}
		var had seen
		for r.member() {
			switch r.index(moreFields, &had) {
			case 0:
				m.Address = r.u64("address")
			case 1:
				m.Probability = r.f32("probability")
			}
		}
		r.require(moreFields, had, moreRequired)
	}
}

func appendMemoryPrediction(b []byte, p *ipc.MemoryPrediction, form AddressForm) []byte {
	b = append(b, `{"nextAddress":`...)
	b = appendAddress(b, p.NextAddress, form)
	b = appendF32Member(b, "accessProbability", p.Probability)
	b = appendU64Member(b, "accessType", uint64(p.Type))
	b = appendF32Member(b, "confidence", p.Confidence)
	if p.MoreLen > 0 {
		b = append(b, `,"more":[`...)
		for i, m := range p.More[:p.MoreLen] {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"address":`...)
			b = appendAddress(b, m.Address, form)
			b = appendF32Member(b, "probability", m.Probability)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	b = appendStringMember(b, "addressForm", form.String())
	return append(b, '}')
}
