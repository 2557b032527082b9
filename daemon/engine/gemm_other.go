//go:build !amd64

package engine

// hasVector: vector code exists for amd64 only.
const hasVector = false

func (g *gemm) vector(x, y []float32) { g.scalar(x, y) }
