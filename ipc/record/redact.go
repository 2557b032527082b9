package record

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/mlbridge/mlbridge/ipc"
	"github.com/mlbridge/mlbridge/ipc/rules"
)

// redactor replaces ids by hashes under a key that dies with it.
type redactor struct{ key [32]byte }

func newRedactor() *redactor {
	d := new(redactor)
	_, _ = rand.Read(d.key[:]) // cannot fail (package crypto/rand)
	return d
}

// subject is what ipc.MapSubjects asks for. An agent is the same one in all kinds.
func (d *redactor) subject(kind ipc.Kind, s ipc.Subject) ipc.Subject {
	if kind != ipc.Failure {
		var id [8]byte
		binary.BigEndian.PutUint64(id[:], s.Agent)
		sum := d.sum('a', id[:])
		return ipc.Subject{Agent: binary.BigEndian.Uint64(sum[:])}
	}
	sum := d.sum('c', []byte(s.Component))
	return ipc.Subject{Component: class(s.Component) + "-" + hex.EncodeToString(sum[:8])}
}

func (d *redactor) sum(domain byte, id []byte) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, d.key[:])
	h.Write([]byte{domain})
	h.Write(id)
	h.Sum(out[:0])
	return out
}

// classes are words by which rule and models tell the types of components apart, by
// ipc's failure types.
var classes = [...]string{
	ipc.FailureMemory: "memory", ipc.FailureCPU: "cpu", ipc.FailureIO: "io",
	ipc.FailureNetwork: "network", ipc.FailureService: "service", ipc.FailureKernel: "kernel",
}

func class(component string) string { return classes[rules.FailureType(component)] }
