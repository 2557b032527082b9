package bridge

import (
	"strings"
	"testing"
	"time"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/cachekey"
)

func adaptiveCache() *cache {
	return newCache(&Config{Subjects: 8, CacheBytes: 64 << 20, TTL: 100 * time.Millisecond, MaxTTL: time.Minute})
}

// A successor knows every kind's answers, as old as they are, with what was learnt
// about them.
func TestCacheStateGoesAlong(t *testing.T) {
	const bound = time.Second
	now := ipc.Now()
	old := adaptiveCache()
	questions := oneOfEach()
	for i, q := range questions {
		key, p := cachekey.Of(q), predictionFor(q)
		for range i + 2 { // the level grows with each answer that agrees
			old.put(&key, &p, "model@"+string(rune('a'+i)), now.Add(-time.Duration(i+1)*10*time.Millisecond))
		}
	}
	tooOld := cachekey.Of(workload(99, 0.5))
	old.put(&tooOld, &ipc.Prediction{Kind: ipc.Workload}, "older@1", now.Add(-bound))

	next := adaptiveCache()
	n, err := next.restore(old.save(now, bound), now)
	if err != nil || n != len(questions) {
		t.Fatalf("restore() = %d, %v; want %d", n, err, len(questions))
	}
	for _, q := range questions {
		key, want := cachekey.Of(q), predictionFor(q)
		was, e := old.get(&key), next.get(&key)
		if !e.known() || e.inputs != key.Inputs || next.model(e) != old.model(was) || e.level != was.level {
			t.Fatalf("%v: %+v, want what was known: %+v", q.Kind(), e.record, was.record)
		}
		if d := e.age(now) - was.age(now); d < 0 || d > 10*time.Second {
			t.Errorf("%v: %v older than it was", q.Kind(), d)
		}
		if next.models[next.current[q.Kind()-1].model] != next.model(e) {
			t.Errorf("%v: current model %q", q.Kind(), next.models[next.current[q.Kind()-1].model])
		}
		var got ipc.Prediction
		if next.load(e, &got); got != want {
			t.Errorf("load() = %+v, want %+v", got, want)
		}
	}
	if next.get(&tooOld).known() {
		t.Error("an answer that serves nobody went along")
	}
}

// Whatever the bytes are, they cost no more than the answers in them.
func TestCacheStateCutAnywhere(t *testing.T) {
	c := adaptiveCache()
	for _, q := range oneOfEach() {
		key, p := cachekey.Of(q), predictionFor(q)
		c.put(&key, &p, "m", ipc.Now())
	}
	whole := c.save(ipc.Now(), time.Second)
	bad := 0
	for n := range whole {
		next := adaptiveCache()
		if _, err := next.restore(whole[:n], ipc.Now()); err != nil {
			bad++
		}
		if next.len() > len(ipc.Kinds) {
			t.Fatalf("%d answers from %d bytes", next.len(), n)
		}
	}
	// Cuts between entries are no damage that can be seen.
	if bad < len(whole)-len(ipc.Kinds)-1 {
		t.Errorf("%d of %d cuts were noticed", bad, len(whole))
	}
	whole[0]++
	if n, err := adaptiveCache().restore(whole, ipc.Now()); n != 0 || err == nil {
		t.Errorf("another version: %d, %v", n, err)
	}
}

// What is damaged is said, also at the very end, and no answer is younger than it can be.
func TestCacheStateDamaged(t *testing.T) {
	now := ipc.Now()
	c := adaptiveCache()
	q := workload(1, 0.5)
	key, p := cachekey.Of(q), predictionFor(q)
	c.put(&key, &p, "m", now)
	whole := c.save(now, time.Second)
	const saved, name, age, place = 1, 1 + 8 + 2 + 1, 1 + 8 + 2 + 2 + 1, 1 + 8 + 2 + 2 + 1 + 8 + 8
	bent := func(at int, bytes ...byte) []byte {
		b := append([]byte(nil), whole...)
		copy(b[at:], bytes)
		return b
	}
	for line, b := range map[string][]byte{
		"an age below 0":            bent(age+7, 0x80),
		"older than any that serve": bent(age+7, 0x7f),
		"a model that is not there": bent(place, 1),
		"a name that is no text":    bent(name, 0xff),
	} {
		if n, err := adaptiveCache().restore(b, now); n != 0 || err == nil {
			t.Errorf("%s: %d answers, %v; want none and an error", line, n, err)
		}
	}
	for line, b := range map[string][]byte{
		"saved as the machine started": bent(saved, 1, 0, 0, 0, 0, 0, 0, 0),
		"saved in times to come":       bent(saved+7, 0x7f),
		"and long after those":         bent(saved+7, 0xff),
	} {
		next := adaptiveCache()
		if n, err := next.restore(b, now); n != 1 || err != nil {
			t.Errorf("%s: %d answers, %v; want 1", line, n, err)
		}
		if e := next.get(&key); !e.known() || e.age(now) < 0 || e.age(now) > bootTime() {
			t.Errorf("%s: %+v is %v old", line, e.record, e.age(now))
		}
	}
}

// Of several models that answered, the one whose answer is the youngest is the current one,
// whatever the order in which the answers are saved.
func TestCacheStateKnowsTheCurrentModel(t *testing.T) {
	now := ipc.Now()
	for _, ages := range [][2]time.Duration{{10, 20}, {20, 10}} {
		c := adaptiveCache()
		for i, age := range ages {
			key, p := keyOf(workload(uint64(i), 0.5)), predictionFor(workload(uint64(i), 0.5))
			c.put(&key, &p, "m@"+string(rune('0'+i)), now.Add(-age*time.Millisecond))
		}
		next := adaptiveCache()
		if _, err := next.restore(c.save(now, time.Second), now); err != nil {
			t.Fatal(err)
		}
		want := "m@0"
		if ages[1] < ages[0] {
			want = "m@1"
		}
		if got := next.models[next.current[0].model]; got != want {
			t.Errorf("answers of ages %v: the current model is %s, want %s", ages, got, want)
		}
	}
}

// What does not fit together is said, and what came before it is kept.
func TestCacheStateThatDoesNotFit(t *testing.T) {
	now := ipc.Now()
	saved := func(model string, qs ...ipc.Request) []byte {
		c := adaptiveCache()
		for _, q := range qs {
			key, p := keyOf(q), predictionFor(q)
			c.put(&key, &p, model, now)
		}
		return c.save(now, time.Second)
	}
	const header, subject = 1 + 8 + 2 + 2, 1 + 8 + 8 + 2 + 1 // of one model with a name of a letter; of an entry up to there
	whole := saved("m", workload(1, 0.5))
	cut := func(b []byte, at, n int, put ...byte) []byte {
		return append(append(append([]byte(nil), b[:at]...), put...), b[at+n:]...)
	}
	first := len(whole)
	two := saved("m", workload(1, 0.5), workload(2, 0.5))
	wire := header + subject + 1 + 8 // the length of the prediction
	component := saved("m", &ipc.FailureRequest{Component: "io"})
	for line, v := range map[string]struct {
		b []byte
		n int
	}{
		"a prediction that is none":           {cut(whole, wire+2, 1, 0xc1), 0},
		"more than a prediction":              {append(cut(whole, wire, 2, whole[wire]+1, 0), 0xc0), 0},
		"of another kind":                     {cut(whole, header, 1, byte(ipc.Failure)), 0},
		"of no kind":                          {cut(whole, header, 1, 9), 0},
		"an agent of seven bytes":             {cut(whole, header+subject, 2, 7), 0},
		"an agent of nine":                    {cut(whole, header+subject, 1, 9, 0), 0},
		"a component of 65 bytes":             {cut(component, header+subject, 3, append([]byte{65}, make([]byte, 65)...)...), 0},
		"the second of two":                   {cut(two, first-header+wire+2, 1, 0xc1), 1},
		"a model's name that nobody may have": {saved(strings.Repeat("m", ipc.MaxModelBytes+1), workload(1, 0.5)), 0},
	} {
		if n, err := adaptiveCache().restore(v.b, now); n != v.n || err == nil {
			t.Errorf("%s: %d answers, %v; want %d and an error", line, n, err, v.n)
		}
	}
	for _, b := range [][]byte{whole, component, saved(strings.Repeat("m", ipc.MaxModelBytes), workload(1, 0.5))} {
		if n, err := adaptiveCache().restore(b, now); n != 1 || err != nil {
			t.Errorf("%d answers, %v; want one", n, err)
		}
	}
}

func FuzzCacheState(f *testing.F) {
	c := adaptiveCache()
	for _, q := range oneOfEach() {
		key, p := cachekey.Of(q), predictionFor(q)
		c.put(&key, &p, "m", ipc.Now())
	}
	f.Add(c.save(ipc.Now(), time.Second))
	f.Add([]byte{cacheStateVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		next, now := adaptiveCache(), ipc.Now()
		if n, err := next.restore(b, now); n < next.len() || err == nil && len(b) < 11 {
			t.Errorf("restore() = %d, %v with %d answers known", n, err, next.len())
		}
		for i := range next.workload.n {
			if age := next.workload.at(i).age(now); age < 0 {
				t.Errorf("an answer that is %v old", age)
			}
		}
		_ = next.save(ipc.Now(), time.Second)
	})
}
