package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlbridge/mlbridge/kernelsim/load"
)

// noValue stands where there is no figure.
const noValue = "–"

// noAnswer stands where a call without an answer is.
const noAnswer = "none"

// unanswered is how long that took, µs.
var unanswered = micros(load.Unanswered)

// usText writes microseconds with three to four significant digits: 0.482, 41.3,
// 1,250. Zero is what an empty distribution has, and shows as no value.
func usText(us float64) string {
	switch {
	case us <= 0:
		return noValue
	case us >= unanswered:
		return noAnswer
	case us < 10:
		return strconv.FormatFloat(us, 'f', 2, 64)
	case us < 999.95:
		return strconv.FormatFloat(us, 'f', 1, 64)
	}
	return grouped(uint64(math.Round(us)))
}

// usUnit writes microseconds with a unit that keeps the figure short.
func usUnit(us float64) string {
	switch {
	case us <= 0:
		return noValue
	case us >= unanswered:
		return noAnswer
	case us < 1:
		return trimmed(us*1e3) + " ns"
	case us < 1e3:
		return trimmed(us) + " µs"
	case us < 1e6:
		return trimmed(us/1e3) + " ms"
	}
	return trimmed(us/1e6) + " s"
}

// trimmed writes v with three significant digits and no trailing zeros.
func trimmed(v float64) string {
	digits := 0
	if v > 0 && v < 100 {
		digits = min(2-int(math.Floor(math.Log10(v))), 6)
	}
	s := strconv.FormatFloat(v, 'f', max(digits, 0), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// shareText writes a share in percent, rounded down: 100 % means all of them.
func shareText(share float64) string {
	return fmt.Sprintf("%.3f %%", math.Floor(share*1e5+1e-6)/1e3)
}

// grouped writes n with a comma every three digits.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// valueText writes a metric's value with four significant digits at most.
func valueText(v *float64, unit string) string {
	if v == nil || Value(*v) == nil {
		return noValue
	}
	s := number(*v)
	if unit != "" {
		s += " " + unit
	}
	return s
}

// number writes v with up to four significant digits, whole numbers in full.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		s := grouped(uint64(math.Abs(v)))
		if v < 0 {
			s = "−" + s
		}
		return s
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return noValue
	}
	// Never in exponents: 4.6e−05 is misread among decimals.
	decimals := min(max(3-int(math.Floor(math.Log10(math.Abs(v)))), 0), 12)
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(math.Abs(v), 'f', decimals, 64), ".")
	if n, err := strconv.ParseUint(whole, 10, 64); err == nil {
		whole = grouped(n)
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if v < 0 {
		whole = "−" + whole
	}
	return whole
}

// spanText writes an interval of a difference with signs.
func spanText(s *Span) string {
	if s == nil {
		return noValue
	}
	return signed(s.Low) + " … " + signed(s.High)
}

func signed(v float64) string {
	if v > 0 {
		return "+" + number(v)
	}
	return number(v)
}

// betterText says who is better, for people.
func betterText(better string) string {
	switch better {
	case BetterML:
		return "model"
	case BetterRule:
		return "rule"
	case BetterUnclear:
		return "unclear"
	}
	return noValue
}

// clock writes a duration as mm:ss, or h:mm:ss from an hour on.
func clock(d time.Duration) string {
	s := int64(d / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// plain makes text from elsewhere safe for a terminal: control characters, which
// could move the cursor or worse, become spaces.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}
