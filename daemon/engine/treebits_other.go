//go:build !amd64

package engine

// hasBits: without vector instructions a walk is faster.
const hasBits = false

func (b *bitForest) sum(*[maxBitColumns]lanes, *lanes) bool { return false }
