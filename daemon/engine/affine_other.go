//go:build !amd64

package engine

func (k *affine) vector(x, y []float32) { k.columns(x, y, 0) }
