//go:build !amd64

package engine

func allWithin(*float32, int, float32) bool { panic("no vector code") }
