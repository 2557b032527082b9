package pages

// chances predicts which slot names the next page from which slots named the
// last ones: prediction by partial matching (Cleary and Witten, IEEE Trans.
// Communications 1984) over the alphabet of slots. Contexts of zero to four slots
// are blended, each shrunk towards the next shorter one with the strength of
// four observations. Whole numbers throughout, so a kernel without an FPU
// can do the same.
type chances struct {
	context [contexts]context
}

const (
	orders   = 5
	contexts = 1 << 10
	one      = 1 << 16 // chances are in 1/65536
	strength = 4
	most     = 200 // observations a context holds before it forgets half
)

type context struct {
	check uint32
	sum   uint32
	count [slots + 1]uint8
}

// key is the hash of the newest n slots of the history.
func key(h *[orders - 1]uint8, n int) uint64 {
	k := uint64(n + 1)
	for _, s := range h[:n] {
		k = k<<8 | uint64(s)
	}
	return mix(k)
}

// find gives the context of n slots, nil where another one has its place.
func (c *chances) find(h *[orders - 1]uint8, n int) *context {
	k := key(h, n)
	x := &c.context[k%contexts]
	if x.sum == 0 || x.check != uint32(k>>32) {
		return nil
	}
	return x
}

// learn counts the slot hit in every context. A context that is in another's
// place takes it over once that one has faded.
func (c *chances) learn(h *[orders - 1]uint8, hit uint8) {
	for n := range orders {
		k := key(h, n)
		x := &c.context[k%contexts]
		if x.check != uint32(k>>32) || x.sum == 0 {
			if x.sum > 1 {
				x.fade()
				continue
			}
			*x = context{check: uint32(k >> 32)}
		}
		x.count[hit]++
		if x.sum++; x.sum >= most {
			x.fade()
		}
	}
}

func (x *context) fade() {
	x.sum = 0
	for i := range x.count {
		x.count[i] /= 2
		x.sum += uint32(x.count[i])
	}
}

// of gives each slot's chance, in units of 1/65536.
func (c *chances) of(h *[orders - 1]uint8, p *[slots + 1]uint32) {
	for i := range p {
		p[i] = one / (slots + 1)
	}
	for n := range orders {
		x := c.find(h, n)
		if x == nil {
			continue
		}
		for i := range p {
			p[i] = (uint32(x.count[i])*one + strength*p[i]) / (x.sum + strength)
		}
	}
}
