package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParsePacer reads a schedule as people write it in a flag:
//
//	2000                     2000 calls a second, evenly spaced
//	constant:2000            the same
//	poisson:2000             exponential gaps, from seed
//	steps:1000x10s,4000x10s  one rate after the other
//	ramp:100-5000x30s        in a straight line, then the second rate
//
// The last two have a [Length] of their own.
func ParsePacer(spec string, seed uint64) (Pacer, error) {
	name, args, found := strings.Cut(spec, ":")
	if !found {
		name, args = "constant", spec
	}
	switch name {
	case "constant", "poisson":
		rate, err := parseRate(args)
		if err != nil {
			return nil, err
		}
		if name == "poisson" {
			return Poisson(rate, seed)
		}
		return Constant(rate)
	case "steps":
		var list []Step
		for part := range strings.SplitSeq(args, ",") {
			rates, lasts, err := cutStretch(part)
			if err != nil {
				return nil, err
			}
			rate, err := parseRate(rates)
			if err != nil {
				return nil, err
			}
			list = append(list, Step{rate, lasts})
		}
		return Steps(list...)
	case "ramp":
		rates, over, err := cutStretch(args)
		if err != nil {
			return nil, err
		}
		a, b, found := strings.Cut(rates, "-")
		if !found {
			return nil, fmt.Errorf("load: ramp %q: want FROM-TOxDURATION", args)
		}
		from, err := parseRate(a)
		if err != nil {
			return nil, err
		}
		to, err := parseRate(b)
		if err != nil {
			return nil, err
		}
		return Ramp(from, to, over)
	}
	return nil, fmt.Errorf("load: schedule %q: want constant, poisson, steps or ramp", name)
}

// cutStretch splits "1000x10s".
func cutStretch(s string) (rates string, lasts time.Duration, err error) {
	rates, d, found := strings.Cut(s, "x")
	if !found {
		return "", 0, fmt.Errorf("load: %q: want RATExDURATION", s)
	}
	if lasts, err = time.ParseDuration(d); err != nil {
		return "", 0, fmt.Errorf("load: %q: %w", s, err)
	}
	return rates, lasts, nil
}

func parseRate(s string) (float64, error) {
	rate, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, fmt.Errorf("load: rate %q is not a number", s)
	}
	return rate, nil
}
