package engine

import "math"

// compileSlice cuts columns. Bounds are attributes before opset 10 and inputs
// since. A full slice of axis 0 (the rows) is accepted as the no-op it is.
func compileSlice(a *args) error {
	x, err := a.matrix(0)
	if err != nil {
		return err
	}
	var lists [4][]int64 // starts, ends, axes, steps
	for i, name := range [...]string{"starts", "ends", "axes", "steps"} {
		if a.opset < 10 {
			lists[i], err = a.n.intsAttr(name)
		} else {
			lists[i], err = a.constantInts(i + 1)
		}
		if err != nil {
			return err
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if len(starts) == 0 || len(starts) > 2 || len(ends) != len(starts) ||
		axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return malformed("%d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	pick := span(0, math.MaxInt64, 1, x.width())
	seen := [2]bool{}
	for i := range starts {
		axis, step := int64(i), int64(1)
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		at, err := positiveAxis(axis, 2)
		if err != nil || seen[at] || step == 0 {
			return malformed("axis twice or out of range, or step 0")
		}
		seen[at] = true
		if at == 0 {
			if starts[i] != 0 || ends[i] < math.MaxInt32 || step != 1 {
				return unsupported("slice of the rows")
			}
			continue
		}
		pick = span(starts[i], ends[i], step, x.width())
	}
	return emitColumns(a, x, pick, 2)
}

// span lists the indices of a Python-like slice of width columns.
func span(start, end, step int64, width int) []int64 {
	w := int64(width)
	low, high := int64(0), w // range that bounds are clamped to
	if step < 0 {
		low, high = -1, w-1
	}
	clamp := func(v int64) int64 {
		if v < 0 {
			v += w
		}
		return max(low, min(v, high))
	}
	var out []int64
	start, end = clamp(start), clamp(end)
	// The step is clamped too: beyond the width it means one column, and an
	// extreme one would overflow the sum.
	step = max(-w, min(step, w))
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		out = append(out, i)
	}
	return out
}
