package tfjs

import "errors"

// Convert is to come.
func Convert(model []byte, more func(string) ([]byte, error)) ([]byte, error) {
	return nil, errors.New("tfjs")
}
