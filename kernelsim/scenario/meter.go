package scenario

import "time"

// meterInterval is how long a rate is counted before it is told.
const meterInterval = time.Second

// meter tells the rate of a count that is read now and then: that of the last
// interval, so that it falls to nothing when the traces have ended. It belongs to
// one goroutine.
type meter struct {
	at   time.Duration // when the interval began
	n    uint64        // the count then
	rate float64
}

// read tells the rate a second, given the count and the time since the start.
// Before the first interval is over, the mean so far has to do.
func (m *meter) read(now time.Duration, n uint64) float64 {
	if past := now - m.at; past >= meterInterval {
		m.rate = float64(n-m.n) / past.Seconds()
		m.at, m.n = now, n
	}
	if m.at == 0 && now > 0 {
		return float64(n) / now.Seconds()
	}
	return m.rate
}
