//go:build !amd64

package engine

// hasBits: without vector instructions a walk is faster.
const hasBits = false

func (b *bitForest) sum([]column, *column, int) bool { return false }
