package drive

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlbridge/mlbridge/ipc"
)

// maxWeight bounds a kind's weight in a mix.
const maxWeight = 100

// Mix is how often each kind is asked, as small whole weights.
type Mix struct {
	kinds   []ipc.Kind
	pattern []int // labels, one round
}

// ParseMix reads "workload=2,memory=1". Kinds that are not named are not asked;
// the empty string asks all four equally.
func ParseMix(text string) (*Mix, error) {
	weights := map[ipc.Kind]int{}
	if strings.TrimSpace(text) == "" {
		text = "workload=1,threat=1,failure=1,memory=1"
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		kind, err := ipc.ParseKind(name)
		if err != nil {
			return nil, fmt.Errorf("drive: mix: %w", err)
		}
		n := 1
		if found {
			if n, err = strconv.Atoi(value); err != nil || n < 0 || n > maxWeight {
				return nil, fmt.Errorf("drive: mix: weight %q of %s is not in 0-%d", value, name, maxWeight)
			}
		}
		if _, twice := weights[kind]; twice {
			return nil, fmt.Errorf("drive: mix: %s twice", name)
		}
		weights[kind] = n
	}
	return newMix(weights)
}

// newMix lays out a round in which each kind comes as evenly as it can: always the
// kind that is furthest behind its share (smooth weighted round robin).
func newMix(weights map[ipc.Kind]int) (*Mix, error) {
	m := &Mix{}
	var weight []int
	total := 0
	for _, k := range ipc.Kinds {
		if n := weights[k]; n > 0 {
			m.kinds = append(m.kinds, k)
			weight = append(weight, n)
			total += n
		}
	}
	if total == 0 {
		return nil, fmt.Errorf("drive: mix: nothing is asked")
	}
	behind := make([]int, len(weight))
	for range total {
		next := 0
		for i, n := range weight {
			if behind[i] += n; behind[i] > behind[next] {
				next = i
			}
		}
		behind[next] -= total
		m.pattern = append(m.pattern, next)
	}
	return m, nil
}

// Kinds are what is asked, by label.
func (m *Mix) Kinds() []ipc.Kind { return m.kinds }

// Labels names the labels.
func (m *Mix) Labels() []string {
	var out []string
	for _, k := range m.kinds {
		out = append(out, k.String())
	}
	return out
}

// LabelOf is the label of call n (load.Options.LabelOf).
func (m *Mix) LabelOf(n uint64) int { return m.pattern[n%uint64(len(m.pattern))] }

// String writes the mix as shares, for reports.
func (m *Mix) String() string {
	var parts []string
	for label, k := range m.kinds {
		n := 0
		for _, l := range m.pattern {
			if l == label {
				n++
			}
		}
		parts = append(parts, fmt.Sprintf("%s %.0f %%", k, 100*float64(n)/float64(len(m.pattern))))
	}
	return strings.Join(parts, ", ")
}
