package pages

// recency remembers when pages faulted, lossily: a page may be forgotten when
// another falls into its place.
type recency struct {
	page [recencySize]uint64
	at   [recencySize]uint32 // fault number + 1
}

const recencySize = 1 << 12

func (r *recency) note(page, count uint64) {
	i := mix(page) % recencySize
	r.page[i], r.at[i] = page, uint32(count)+1
}

func (r *recency) lately(page, count uint64) bool {
	page &= pageMask
	i := mix(page) % recencySize
	return r.page[i] == page && r.at[i] != 0 && uint32(count)+1-r.at[i] <= lately
}

// stepTable remembers what followed a step, a pair of steps, and a page: steps
// of pages all three, in tables of their own.
type stepTable struct {
	step [stepSize]entry
	page [stepSize]entry
	pair [pairSize]entry // steps repeat, pairs of them hardly: it takes room
}

const (
	stepSize = 1 << 11
	pairSize = 1 << 13
)

// entry is the step that followed a key: the low 40 bits, signed, beside 24 bits
// of the key's hash. 2^39 pages are all of a 48-bit address space.
type entry uint64

const (
	valueBits = 40
	checkMask = entry(1<<(64-valueBits)-1) << valueBits
)

func entryOf(hash, step uint64) entry { return entry(hash)&checkMask | entry(step)&^checkMask }

// get gives the step if e is of the key with this hash. A place never written has
// none.
func (e entry) get(hash uint64) (step uint64, ok bool) {
	const rest = 64 - valueBits
	return uint64(int64(e<<rest) >> rest), e != 0 && (e^entry(hash))&checkMask == 0
}

// learn notes that page came after last, the last two steps being step and before.
func (s *stepTable) learn(step, before, last, page uint64) {
	follow := page - last
	h := mix(step)
	s.step[h%stepSize] = entryOf(h, follow)
	h = mix(last)
	s.page[h%stepSize] = entryOf(h, follow)
	h = pairHash(step, before)
	s.pair[h%pairSize] = entryOf(h, follow)
}

func (s *stepTable) afterStep(step uint64) (uint64, bool) {
	h := mix(step)
	return s.step[h%stepSize].get(h)
}

func (s *stepTable) afterPage(page uint64) (uint64, bool) {
	h := mix(page)
	return s.page[h%stepSize].get(h)
}

func (s *stepTable) afterPair(step, before uint64) (uint64, bool) {
	h := pairHash(step, before)
	return s.pair[h%pairSize].get(h)
}

func pairHash(step, before uint64) uint64 { return mix(mix(step) + before) }

// mix is the finaliser of MurmurHash3 (Appleby): every bit of v reaches every
// bit of the result.
func mix(v uint64) uint64 {
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	v *= 0xc4ceb9fe1a85ec53
	return v ^ v>>33
}
