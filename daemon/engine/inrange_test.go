package engine

import (
	"math"
	"slices"
	"testing"
)

// TestInRange: any number of a row counts, and none beside it, by both forms.
func TestInRange(t *testing.T) {
	const bound = float32(farthest)
	nan := float32(math.NaN())
	for _, width := range []int{1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 203} {
		room := slices.Repeat([]float32{nan}, width+2)
		row := room[1:][:width:width]
		check := func(at int, v float32, want bool) {
			t.Helper()
			if got, plain := inRange(row), allInRange(row); got != want || plain != want {
				t.Errorf("%v at %d of %d: in range %v, without vector code %v, want %v", v, at, width, got, plain, want)
			}
		}
		for i := range row {
			row[i] = []float32{0, float32(math.Copysign(0, -1)), bound, -bound, 1e-45, -3}[i%6]
		}
		check(0, row[0], true)
		for at, ordinary := range row {
			for _, v := range []float32{nan, -nan, inf32, -inf32, math.MaxFloat32, math.Nextafter32(bound, inf32), math.Nextafter32(-bound, -inf32)} {
				row[at] = v
				check(at, v, false)
			}
			row[at] = ordinary
		}
	}
}
