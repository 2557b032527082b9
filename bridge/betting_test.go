package bridge

import (
	"math"
	"math/rand/v2"
	"testing"
)

// differences draws the model's error − the rule's: mean and standard deviation in units
// of the most they could differ by, each hanging together with the one before.
type differences struct {
	r          *rand.Rand
	mean, size float64
	memory     float64 // correlation with the one before
	x          float64
}

func (d *differences) next() float64 {
	d.x = d.memory*d.x + math.Sqrt(1-d.memory*d.memory)*d.r.NormFloat64()
	return max(-1, min(1, d.mean+d.size*d.x))
}

// until plays until the model counts as worse, at most limit times; 0 when it never does.
func (d *differences) until(b *betting, limit int) int {
	for n := 1; n <= limit; n++ {
		if cases, _ := b.add(d.next(), 1); cases > 0 {
			return n
		}
	}
	return 0
}

// TestErringOftenAndLittleIsNotErringMore: a model that was wrong by a hair many times, and once
// right where the rule was quite wrong, is not worse than it, whatever the bets have won.
func TestErringOftenAndLittleIsNotErringMore(t *testing.T) {
	var b betting
	for b.anew.total() < anewWealth/4 {
		if cases, _ := b.add(0.001, 0.001); cases > 0 {
			t.Fatal("won before the test means it to be")
		}
	}
	rich := 0 // cases in which the wealth was there
	for b.add(-1, 1); b.anew.sum <= 0 && b.anew.n > 1; {
		if cases, mean := b.add(0.001, 0.001); cases > 0 && mean <= 0 {
			t.Fatalf("worse by %v over %d cases", mean, cases)
		}
		if b.anew.total() >= anewWealth {
			rich++
		}
	}
	if rich == 0 {
		t.Error("the bets won nothing while the model was better: this proves nothing")
	}
}

// TestGoodModelsAreHardlyDemoted counts false alarms over many outcomes: where one case
// says nothing about the next, no more than the wealth that is asked for allows.
func TestGoodModelsAreHardlyDemoted(t *testing.T) {
	const outcomes = 400_000
	for _, v := range []struct {
		name         string
		mean, memory float64
		most         int
	}{
		{"just as good", 0, 0, outcomes * (1./anewWealth + 1./changeWealth/doubtWealth)},
		{"better by a fifth of a deviation", -0.06, 0, 0},
		{"better by a fifth, hanging together", -0.06, 0.5, 2},
		{"better by two fifths, hanging together", -0.12, 0.5, 2},
		{"better by a whole one, hanging together", -0.3, 0.7, 2},
		{"just as good, hanging together", 0, 0.5, 30},
	} {
		d := differences{r: rand.New(rand.NewPCG(1, 2)), mean: v.mean, size: 0.3, memory: v.memory}
		alarms := 0
		for left := outcomes; left > 0; {
			var b betting
			n := d.until(&b, left)
			if n == 0 {
				break
			}
			alarms, left = alarms+1, left-n
		}
		t.Logf("%s: %d alarms in %d outcomes", v.name, alarms, outcomes)
		if alarms > v.most {
			t.Errorf("%s: %d alarms, want at most %d", v.name, alarms, v.most)
		}
	}
}

// TestGoodTypesAndTimesAreHardlyDemoted counts false alarms where losses are those of types
// and times: of a model and a rule that are right, or wrong by a factor, equally often.
func TestGoodTypesAndTimesAreHardlyDemoted(t *testing.T) {
	const outcomes, most = 400_000, 400_000 * (1./anewWealth + 1./changeWealth/doubtWealth)
	r := rand.New(rand.NewPCG(9, 10))
	// One guess is of a type, right in so many cases, or of a time, off by a factor.
	kinds := func(right float64) func() uint32 {
		return func() uint32 {
			if r.Float64() < right {
				return 1
			}
			return uint32(2 + r.IntN(4))
		}
	}
	after := func() uint32 { return number(float32(60e9 * math.Exp(0.7*r.NormFloat64()))) }
	sometimes := func() uint32 {
		if r.IntN(2) == 0 {
			return never
		}
		return after()
	}
	for _, v := range []struct {
		name  string
		part  part
		guess func() uint32
		came  uint32
	}{
		{"types, right in half", part{measure: label}, kinds(0.5), 1},
		{"types, right in nine of ten", part{measure: label}, kinds(0.9), 1},
		{"types, right in one of ten", part{measure: label}, kinds(0.1), 1},
		{"times", part{measure: duration}, after, number(60e9)},
		{"times, none in half of the cases", part{measure: duration}, sometimes, number(60e9)},
	} {
		alarms, actual := 0, values{v.came}
		var b betting
		for range outcomes {
			model, rule := values{v.guess()}, values{v.guess()}
			if cases, _ := b.add(v.part.loss(&model, &actual)-v.part.loss(&rule, &actual), v.part.apart(&model, &rule)); cases > 0 {
				alarms++
				b = betting{bursts: b.bursts}
			}
		}
		t.Logf("%s: %d alarms in %d outcomes", v.name, alarms, outcomes)
		if alarms > most {
			t.Errorf("%s: %d alarms, want at most %.0f", v.name, alarms, float64(most))
		}
	}
}

// TestOneFailureIsNotTwentyFindings: all questions in the horizon before a failure have the
// same type come, and times that are off by the same factor. Over all failures the model is as
// good as the rule. Bet on one by one, these outcomes are thousands of false alarms.
func TestOneFailureIsNotTwentyFindings(t *testing.T) {
	const failures, horizon, most = 20_000, 20, 400
	r := rand.New(rand.NewPCG(11, 12))
	types := func() uint32 { return uint32(r.IntN(2)) }
	times := func() uint32 { return number(float32(60e9 * math.Exp(0.7*r.NormFloat64()))) }
	for _, v := range []struct {
		name string
		part part
		says func() uint32
	}{{"types", part{measure: label}, types}, {"times", part{measure: duration}, times}} {
		alarms, actual := 0, values{0: 1}
		if v.part.measure == duration {
			actual[0] = number(60e9)
		}
		var b betting
		for range failures {
			model, rule := values{v.says()}, values{v.says()}
			for range horizon {
				if cases, _ := b.add(v.part.loss(&model, &actual)-v.part.loss(&rule, &actual), v.part.apart(&model, &rule)); cases > 0 {
					alarms++
					b = betting{bursts: b.bursts}
				}
			}
		}
		t.Logf("%s: %d alarms in %d failures", v.name, alarms, failures)
		if alarms > most {
			t.Errorf("%s: %d alarms in %d failures, want at most %d", v.name, alarms, failures, most)
		}
	}
}

// TestBurstsAreNotTakenForNews: an agent at a time is asked about, 10 to 60 times in a
// row, and the model is as wrong about it as it was the time before. Over all agents it is
// as good as the rule. Bet on one by one, these outcomes are 2,300 false alarms.
func TestBurstsAreNotTakenForNews(t *testing.T) {
	const outcomes = 400_000
	r := rand.New(rand.NewPCG(7, 8))
	alarms, left, x := 0, 0, 0.0
	var b betting
	for range outcomes {
		if left == 0 {
			left, x = 10+r.IntN(51), 0.3*r.NormFloat64()
		}
		left--
		if cases, _ := b.add(max(-1, min(1, x+0.1*r.NormFloat64())), 1); cases > 0 {
			alarms++
			b = betting{bursts: b.bursts}
		}
	}
	t.Logf("%d alarms in %d outcomes", alarms, outcomes)
	if alarms > 500 {
		t.Errorf("%d alarms in %d outcomes, want at most 500", alarms, outcomes)
	}
}

// TestAModelThatTurnsBadIsSeenSoon, the sooner the better it was before.
func TestAModelThatTurnsBadIsSeenSoon(t *testing.T) {
	for _, v := range []struct {
		name          string
		before, after float64
		within        int // outcomes, in nine of ten cases
	}{
		{"always right, then always wrong", -1, 1, 20},
		{"clearly better, then worse by four tenths of a deviation", -0.36, 0.12, 110},
		{"just as good, then clearly worse", 0, 0.3, 90},
	} {
		seen := 0
		for i := range 200 {
			d := differences{r: rand.New(rand.NewPCG(3, uint64(i))), mean: v.before, size: 0.3}
			var b betting
			if d.until(&b, 2000) != 0 {
				continue
			}
			d.mean = v.after
			if n := d.until(&b, v.within); n > 0 {
				seen++
			}
		}
		if seen < 180 {
			t.Errorf("%s: seen within %d outcomes in %d cases of 200", v.name, v.within, seen)
		}
	}
}

// TestBettingLearnsNothingFromAgreement: a model that says what the rule says is as good.
func TestBettingLearnsNothingFromAgreement(t *testing.T) {
	var b betting
	for range 10_000 {
		if n, _ := b.add(0, 0); n > 0 {
			t.Fatal("a model that agrees with the rule counts as worse")
		}
	}
}

// TestRareGainsOutweighManySmallLosses: a model that is a little worse in quiet times and
// far better when something happens is better.
func TestRareGainsOutweighManySmallLosses(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var b betting
	for i := range 100_000 {
		d, most := 0.0075, 0.05
		if r.IntN(50) == 0 {
			d, most = -0.8, 0.9
		}
		if n, _ := b.add(d, most); n > 0 {
			t.Fatalf("worse after %d outcomes", i)
		}
	}
}
