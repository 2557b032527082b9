package bridge

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlbridge/mlbridge/ipc"
)

// career is a model at one target.
type career struct {
	targetStanding
	demoted bool
	turns   int
}

func (c *career) add(p pairCase) {
	if c.judge(p, c.demoted) {
		c.demoted = !c.demoted
		c.turns++
	}
}

// until adds cases of that difference until it turns, and gives the number.
func (c *career) until(t *testing.T, model, rule float64) (n int) {
	t.Helper()
	for before := c.turns; c.turns == before; n++ {
		if n == 100_000 {
			t.Fatalf("no turn: %+v", c.targetStanding)
		}
		c.add(pairCase{model: model, rule: rule, most: 1})
	}
	return n
}

// TestAReturnThatWasAMistakeTakesLongerTheNextTime, twice as long each time, up to eight times;
// one that was worth it makes good for all.
func TestAReturnThatWasAMistakeTakesLongerTheNextTime(t *testing.T) {
	const least = fewBlocks * blockPairs
	var c career
	for i, want := range []int{least, 2 * least, 4 * least, 8 * least, 8 * least} {
		c.until(t, 1, 0)
		if n := c.until(t, 0, 1); n != want {
			t.Errorf("return %d took %d good cases, want %d", i, n, want)
		}
	}
	for range 1000 {
		c.add(pairCase{model: 0, rule: 1, most: 1})
	}
	c.until(t, 1, 0)
	if n := c.until(t, 0, 1); n != least {
		t.Errorf("after a good time it took %d good cases, want %d", n, least)
	}
}

// TestWhoTurnsAllTheTime: how often a model turns in 220,000 cases, and what it costs beside
// the rule alone.
func TestWhoTurnsAllTheTime(t *testing.T) {
	const cases = 220_000
	r := rand.New(rand.NewPCG(1, 2))
	// A page that model and rule each find or not, right in so many cases.
	pages := func(model, rule float64) (p pairCase) {
		if r.Float64() < 0.5 {
			return p // they name the same
		}
		p.most = 1
		if r.Float64() > model {
			p.model = 1
		}
		if r.Float64() > rule {
			p.rule = 1
		}
		return p
	}
	for _, v := range []struct {
		name  string
		next  func(n int) pairCase
		turns int     // at most
		cost  float64 // at most, in shares of the rule's error
	}{
		// As the memory of kernelsim's made-up agents, which makes 50 turns with returns that are all
		// alike. All in all the model errs 2 % more.
		{"a little better in most cases, much worse in few", func(int) pairCase {
			p := pairCase{model: 0.0125, rule: 0.0125}
			switch n := r.IntN(100); {
			case n < 27:
				p.most = 0.0036 * r.Float64()
				p.model -= p.most
			case n < 32:
				p.most = min(0.0107*math.Pow(r.ExpFloat64(), 1.5), 0.9)
				p.model += p.most
			}
			return p
		}, 9, 0.01},
		{"no difference", func(int) pairCase { return pages(0.6, 0.6) }, 4, 0.01},
		// Some 340 turns, and 3 % more errors than the rule's, with returns that are all alike.
		{"good and bad by turns, each for as long as it takes to see", func(n int) pairCase {
			return pages([]float64{0.84, 0.36}[n/500%2], 0.6)
		}, 30, 0.005},
		{"good and bad by turns, each for long", func(n int) pairCase {
			return pages([]float64{0.84, 0.36}[n/5000%2], 0.6)
		}, cases / 5000, -0.2},
	} {
		var c career
		given, rule := 0.0, 0.0
		for n := range cases {
			p := v.next(n)
			if rule += p.rule; c.demoted {
				given += p.rule
			} else {
				given += p.model
			}
			c.add(p)
		}
		cost := given/rule - 1
		t.Logf("%s: %d turns, %+.2f %% of the rule's errors", v.name, c.turns, 100*cost)
		if c.turns > v.turns || cost > v.cost {
			t.Errorf("%s: %d turns and %+.2f %% of the rule's errors, want at most %d and %+.2f %%", v.name, c.turns, 100*cost, v.turns, 100*v.cost)
		}
	}
}

// TestAMistakeGoesAlong to a successor, as does what has come of the return since.
func TestAMistakeGoesAlong(t *testing.T) {
	old := new(scoreboard)
	old.init(func(Standing) {})
	old.serve(ipc.Workload, "m@1")
	st := &old.of(ipc.Workload).standing
	c := &career{targetStanding: st.serving.targets[0]}
	for range 3 {
		c.until(t, 1, 0)
		c.until(t, 0, 1)
	}
	st.serving.targets[0] = c.targetStanding
	next := new(scoreboard)
	next.init(func(Standing) {})
	if _, err := next.restore(old.save()); err != nil {
		t.Fatal(err)
	}
	if got := next.of(ipc.Workload).standing.serving.targets[0]; got != c.targetStanding || got.window.doubled != 2 || got.returned == 0 {
		t.Errorf("%+v, want what was known: %+v", got, c.targetStanding)
	}
}
