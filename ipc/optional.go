package ipc

// Optional is a value that can be absent: no GPU, no predicted time. A zero value
// that is present stays apart from an absent one, which is the point.
type Optional[T any] struct {
	Value T
	Valid bool
}

// Some is a present value.
func Some[T any](v T) Optional[T] { return Optional[T]{Value: v, Valid: true} }

// Or gives the value, or alt where there is none.
func (o Optional[T]) Or(alt T) T {
	if o.Valid {
		return o.Value
	}
	return alt
}
