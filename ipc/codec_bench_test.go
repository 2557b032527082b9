package ipc

import "testing"

// BenchmarkCodec measures one request each way, with every list full.
func BenchmarkCodec(b *testing.B) {
	for _, k := range Kinds {
		q := largestRequest(k)
		frame := AppendRequest(nil, q)
		b.Run("append/"+k.String(), func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf = AppendRequest(buf[:0], q)
			}
		})
		b.Run("parse/"+k.String(), func(b *testing.B) {
			into := NewRequest(k)
			for b.Loop() {
				if _, err := ParseRequest(frame, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
