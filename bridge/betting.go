package bridge

// betting tells when a model has become worse than its rule, by betting against it
// (Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting,
// Journal of the Royal Statistical Society B 86, 2024). A player stakes part of its
// wealth on "the model errs more than the rule this time", at odds that are fair or
// worse as long as that is not so on average. Then wealth can hardly grow: whatever the
// number of outcomes looked at, it reaches w times what it began with in at most one
// game of w (Ville's inequality). No outcome count has to be waited for, and looking
// all the time costs nothing.
//
// A model may turn bad at any time, so games begin again whenever nothing is left over
// from the last (the CUSUM of Shin, Ramdas and Rinaldo, E-detectors: a nonparametric
// framework for sequential change detection, New England Journal of Statistics in Data
// Science 2, 2024). Of those, by the same paper, a model that is no worse is caught at
// most once in w outcomes, w being what wealth has to reach.
//
// That needs outcomes that are news. Where they come in bursts, stakes are cut to the part
// of an outcome that is (see bursts).
//
// Two games are played:
//
//	anew    against "the model is no worse than the rule". It needs much to be sure.
//	change  against "the model is at least half as much better as it has been".
//	        It is over soon for a model that was good, and says that something
//	        happened, not that the model is worse: for that a third game, against "no
//	        worse" again and begun with it, has to be won too. Little is enough there.
//
// A model is worse when anew or the third is won, and it erred more than the rule in
// that game taken together.
type betting struct {
	scale  float64 // the largest difference possible lately
	record float64 // mean difference so far, in units of scale; below 0 where the model is better
	cases  int     // in record, up to recordCases

	anew, change game
	doubt        game // the third
	doubting     bool

	bursts bursts
}

// game is wealth won by fixed stakes, and what was played for.
type game struct {
	wealth [len(stakes)]float64
	n      int // outcomes
	sum    float64
}

// stakes are the parts of the wealth that are put on an outcome: the best one depends
// on how clearly the model is worse, so each has a part of the money.
var stakes = [...]float64{0.25, 0.8}

const (
	// Of models that are no worse than the rule one is demoted in 10,000 outcomes at
	// most by the first game. The second is won at most once in 1,000 outcomes while a
	// model is what it was; that the third is won too is rarer (betting_test counts).
	anewWealth   = 10_000
	changeWealth = 1_000
	doubtWealth  = 10
	// enough bounds wealth, so that a game goes on however it was won.
	enough = 1e6
	// doubtCases ends the third game: who has not won by then starts a new record.
	doubtCases = 512
	// recordCases is how far the record looks back, and fewRecords what it takes to
	// have one.
	recordCases, fewRecords = 1024, 128
	// clearly is the record from which a model was clearly better: of others, chance that
	// hangs together would too often look like a change.
	clearly = -0.1
	// scaleDecay makes the scale forget: by half in 138 outcomes.
	scaleDecay = 0.995
)

// newGame begins with a wealth of 1, divided among the stakes.
func newGame() (g game) {
	for i := range g.wealth {
		g.wealth[i] = 1. / float64(len(stakes))
	}
	return g
}

func (g *game) total() (w float64) {
	for _, v := range g.wealth {
		w += v
	}
	return w
}

// play bets that x, in [-1, 1], is above 0; d is the difference it stands for.
func (g *game) play(x, d float64) {
	for i, s := range stakes {
		g.wealth[i] = min(g.wealth[i]*(1+s*x), enough)
	}
	g.n++
	g.sum += d
}

// add takes model's error − rule's error on a case, and the most by which the two could
// differ there, which both answers say before the outcome is known. Where the model is
// worse beyond chance it gives how many outcomes say so, else 0, and their mean.
func (b *betting) add(d, most float64) (cases int, mean float64) {
	if most <= 0 {
		return 0, 0 // they say the same: nothing to learn
	}
	b.scale = max(most, scaleDecay*b.scale)
	x := min(max(d/b.scale, -1), 1) // rounding may take tiny differences further apart than they are
	// Of outcomes that hang together each is worth a part of the stake.
	worth := 1 / b.bursts.together()
	b.bursts.add(x)
	if b.anew.won(worth*x, d, anewWealth) {
		return b.anew.n, b.anew.sum / float64(b.anew.n)
	}
	if !b.doubting {
		if b.cases < fewRecords || b.record > clearly {
			b.remember(x)
			return 0, 0
		}
		if b.change.total() < 1 {
			b.change, b.doubt = newGame(), newGame()
		}
		b.change.play(worth*(x-b.record/2), d)
		if b.doubting = b.change.total() >= changeWealth; !b.doubting {
			b.remember(x)
		}
	}
	b.doubt.play(worth*x, d)
	switch {
	case b.doubting && b.doubt.total() >= doubtWealth && b.doubt.sum > 0:
		return b.doubt.n, b.doubt.sum / float64(b.doubt.n)
	case b.doubt.n >= doubtCases: // a change, but not for the worse: a new record
		b.doubting, b.cases, b.change = false, 0, game{}
	}
	return 0, 0
}

// remember keeps the record.
func (b *betting) remember(x float64) {
	b.cases = min(b.cases+1, recordCases)
	b.record += (x - b.record) / float64(b.cases)
}

// won plays a game that begins again whenever nothing is left over.
func (g *game) won(x, d, wealth float64) bool {
	if g.total() < 1 {
		*g = newGame()
	}
	g.play(x, d)
	return g.total() >= wealth && g.sum > 0
}
