package busypoll

// First decides whether a waiter looks at once, before it has offered the processor to
// others. On a processor that it shares with the one who answers that is a system call
// for nothing; where several others send, or the answer comes while the question is being
// written, there is something more often than not.
//
// So a first look has to have found something lately. Now and then one is made all the
// same, to see whether that has changed. The zero First begins with looking.
type First struct {
	vain    int // first looks in a row that found nothing
	skipped int // since the latest
}

const (
	vainMost    = 8
	skippedMost = 32
)

// Worth reports whether to look first. Found must be told what came of it.
func (f *First) Worth() bool {
	if f.vain < vainMost || f.skipped >= skippedMost {
		return true
	}
	f.skipped++
	return false
}

// Found notes whether a first look found something.
func (f *First) Found(something bool) {
	f.skipped = 0
	if something {
		f.vain = 0
	} else {
		f.vain++
	}
}
