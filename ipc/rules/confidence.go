package rules

// Confidence is the probability that the verdict is right, so the constants here
// are shares counted on recorded data, not opinions.

// levels says how often the workload rule's cpu error was at most 0.05, by the
// standard deviation of the history. Counted over ten values on hosts (SMD), busy
// programs and VMs (Bitbrains), training parts, one window in eleven:
//
//	deviation  < 0.01      < 0.03      < 0.1       ≥ 0.1
//	hosts      0.995       0.957       0.623       0.430
//	programs   1.000       0.841       0.358       0.298
//	VMs        0.997       0.945       0.652       0.650
var levels = [...]struct {
	below      float64
	confidence float32
}{
	{0.01, 0.99},
	{0.03, 0.90},
	{0.1, 0.55},
	{2, 0.40}, // no history of shares deviates by more than 0.5
}

// unknownLevel stands for a history too short to have a deviation. Repeating one
// value was right for 0.88 of the hosts' and 0.59 of the programs' windows.
const unknownLevel = 0.6

// deviationSamples is the shortest history whose deviation is believed.
const deviationSamples = 3

// workloadConfidence grows with the number n of samples towards the level of the
// deviation, as level × n/(n+½). The ½ was chosen to meet the shares counted with
// three values (0.96, 0.81, 0.43, 0.32 averaged over the sets, where it gives
// 0.85, 0.77, 0.47, 0.34). The current value alone is one sample.
func workloadConfidence(history []float32) float32 {
	n := max(len(history), 1)
	level := float32(unknownLevel)
	if n >= deviationSamples {
		_, stdDev := moments(history)
		for i := range levels {
			level = levels[i].confidence
			if stdDev < levels[i].below {
				break
			}
		}
	}
	return level * float32(n) / (float32(n) + 0.5)
}

// Shares of recorded page faults (training programs) whose page the memory rule
// named: behind two steps of one page, 164,289 of 177,911; else, where it repeats
// the address, 12,538 of 415,240.
const (
	nextPageConfidence = 0.92
	samePageConfidence = 0.03
)

// pageConfidence needs no growth of its own: the two steps that make the rule name
// the next page are the samples.
func pageConfidence(nextPage bool) float32 {
	if nextPage {
		return nextPageConfidence
	}
	return samePageConfidence
}
