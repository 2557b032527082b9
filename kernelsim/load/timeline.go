package load

import "time"

// timeline cuts a run into intervals.
type timeline struct {
	begin    int64 // ns, start of the measured part
	interval int64 // ns
	points   []Point
}

// roll closes all intervals that have ended by now. Calls that are recorded a
// little late, for an interval already closed, count in the next one.
func (t *timeline) roll(now int64, w *window) {
	for end := t.openEnd(); now >= end && len(t.points) < 2*maxPoints; end = t.openEnd() {
		p := w.close(time.Duration(end - t.begin))
		p.For = time.Duration(t.interval)
		t.points = append(t.points, p)
	}
}

// openEnd is the end of the interval that is going on.
func (t *timeline) openEnd() int64 {
	return t.begin + int64(len(t.points)+1)*t.interval
}

// flush closes what is left of the last interval if anything happened in it.
func (t *timeline) flush(now int64, w *window) {
	t.roll(now, w)
	if w.empty() {
		return
	}
	p := w.close(max(time.Duration(now-t.begin), 1))
	p.For = max(p.At-time.Duration(len(t.points))*time.Duration(t.interval), 1)
	t.points = append(t.points, p)
}

// describe fills in where s is on the timeline.
func (t *timeline) describe(s *Snapshot, now int64, total time.Duration) {
	s.Total = total
	s.Warming = now < t.begin
	s.Elapsed = min(max(time.Duration(now-t.begin), 0), total)
	if len(t.points) > 0 {
		s.Last = t.points[len(t.points)-1]
	}
}
