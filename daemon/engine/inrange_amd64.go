package engine

// allWithin says whether all of n numbers, at least 8, are not further from zero than most. A
// NaN is. Nothing is checked: inRange is its only caller.
//
//go:noescape
func allWithin(x *float32, n int, most float32) bool
