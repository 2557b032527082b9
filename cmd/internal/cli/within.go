package cli

import (
	"cmp"
	"fmt"
)

// Within reports a flag's value outside its range, which has both its ends.
func Within[T cmp.Ordered](flag string, v, least, most T) error {
	if v < least || v > most {
		return fmt.Errorf("%s: %v is outside %v..%v", flag, v, least, most)
	}
	return nil
}
