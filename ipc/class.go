package ipc

import "fmt"

// Class is how much a call matters when not all can be answered by the model: those
// of a lower class are answered from a lower rung first.
type Class uint8

// The classes. ClassDefault leaves it to the server, which has one for every kind.
const (
	ClassDefault Class = 0
	ClassLow     Class = 1 // may be shed first: background, speculation
	ClassNormal  Class = 2
	ClassHigh    Class = 3 // is shed last
)

// Classes lists the classes, ClassDefault aside, in the order in which they are shed.
var Classes = [...]Class{ClassLow, ClassNormal, ClassHigh}

var classNames = [...]string{"default", "low", "normal", "high"}

// Valid reports whether c is a class.
func (c Class) Valid() bool { return int(c) < len(classNames) }

// String gives the name used in flags, JSON and metrics.
func (c Class) String() string {
	if c.Valid() {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// ParseClass reads "low", "normal" or "high".
func ParseClass(s string) (Class, error) {
	for _, c := range Classes {
		if s == c.String() {
			return c, nil
		}
	}
	return 0, fmt.Errorf("ipc: %q is no class, want low, normal or high", s)
}
