package loads

// Memory is how many readings of a signal are remembered.
const Memory = 1024

// Width is the length of a past.
const Width = habitsWidth + analogsWidth + foretellers

// Series is one signal of an agent. The zero value is ready. All its readings are shares,
// or all are bytes.
type Series struct {
	past    []float64 // the last readings, oldest first, the current one at the end
	base    uint64    // bytes: what past is relative to
	begun   bool
	since   int // readings since the last gap, at most window
	habits  habits
	analogs analogs // of the last reading, if it is the last of ten
}

// spare is how much longer than Memory past may grow before the oldest are dropped, all
// at once.
const spare = Memory / 4

// AddShare notes a share. One that is not in [0, 1], or not a number, says nothing and is
// an interval without a reading: it would stay in the averages for good.
func (s *Series) AddShare(v float32) {
	if v >= 0 && v <= 1 {
		s.add(float64(v))
	} else {
		s.Break()
	}
}

// AddBytes notes an amount of bytes.
func (s *Series) AddBytes(v uint64) {
	if !s.begun {
		s.base = v
	}
	// A difference between integers: the float of 2^53+1 is not 2^53+1, that of a small
	// difference is the difference.
	if v < s.base {
		s.add(-float64(s.base - v))
	} else {
		s.add(float64(v - s.base))
	}
}

// Break says that the next reading does not follow the last one.
func (s *Series) Break() { s.since = 0 }

func (s *Series) add(v float64) {
	s.begun = true
	if s.since == window {
		s.habits.learn(s.past[len(s.past)-window:], v, &s.analogs)
	}
	if len(s.past) == Memory+spare {
		s.past = s.past[:copy(s.past, s.past[spare:])]
	}
	s.past = append(s.past, v)
	s.since = min(s.since+1, window)
	s.habits.settle(v)
	if s.since == window {
		s.analogs.look(s.past[max(0, len(s.past)-1-Memory):])
	}
}

// AppendPast appends Width numbers, or none where too little is known: the last ten
// readings must be in a row, and one more must have come after ten in a row.
func (s *Series) AppendPast(dst []float32) []float32 {
	if s.since < window || s.habits.errors == 0 {
		return dst
	}
	dst = s.habits.append(dst, s.past[len(s.past)-1])
	dst = append(dst, s.analogs.numbers[:]...)
	return s.habits.appendForetold(dst)
}
