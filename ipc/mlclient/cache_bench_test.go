package mlclient

import (
	"testing"

	"github.com/maypok86/otter/v2"

	"github.com/mlbridge/mlbridge/ipc"
)

// BenchmarkCache keeps the reason for a table of our own checkable: the same
// 1000 subjects, found and copied, in it and in otter.
func BenchmarkCache(b *testing.B) {
	const subjects = 1000
	b.Run("table", func(b *testing.B) {
		c := newCache(16_384, 16<<20)
		for i := range uint64(subjects) {
			subject := ipc.Subject{Agent: i}
			c.of(ipc.Memory, subject).obtain(ipc.Memory, subject)
		}
		var r ipc.Reply
		i := uint64(0)
		for b.Loop() {
			subject := ipc.Subject{Agent: i % subjects}
			s := c.of(ipc.Memory, subject)
			s.mu.Lock()
			s.find(ipc.Memory, subject).give(ipc.SourceCache, ipc.ReasonNone, 0, &r)
			s.mu.Unlock()
			i++
		}
	})
	b.Run("otter", func(b *testing.B) {
		type key struct {
			kind    ipc.Kind
			subject ipc.Subject
		}
		c := otter.Must(&otter.Options[key, *entry]{MaximumSize: 16_384})
		defer c.StopAllGoroutines()
		for i := range uint64(subjects) {
			c.Set(key{ipc.Memory, ipc.Subject{Agent: i}}, &entry{})
		}
		var r ipc.Reply
		i := uint64(0)
		for b.Loop() {
			e, _ := c.GetIfPresent(key{ipc.Memory, ipc.Subject{Agent: i % subjects}})
			e.give(ipc.SourceCache, ipc.ReasonNone, 0, &r)
			i++
		}
	})
}
