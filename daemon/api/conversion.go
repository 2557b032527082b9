package api

import (
	"math"

	"github.com/mlbridge/mlbridge/ipc"
)

// nsPerMs is the ratio between the units of latency inside and in JSON.
const nsPerMs = 1_000_000

// AddressForm says how a memory call writes addresses in JSON.
type AddressForm uint8

// The address forms.
const (
	// AddressU64 is the address itself, exact.
	AddressU64 AddressForm = iota
	// AddressNormalised32 is the origin's form: the address divided by 2^32, as a
	// number in [0, 1]. Read as a 64-bit float it is exact for every address below
	// 2^32. What is lost: a client that holds it in 32 bits keeps 24 bits of the
	// address, which is a granularity of 256 bytes at best; and an address above
	// 2^32 cannot be asked about. An answer above 2^32 is a number above 1, exact
	// up to 2^53. Timestamps may have a fraction in this form; it is dropped.
	AddressNormalised32
)

const normalised32 = 1 << 32

// FromNormalised gives the address that a normalised number stands for, to the
// nearest: a quotient that was rounded finds back. The number must be in [0, 1].
func FromNormalised(v float64) uint64 { return uint64(math.Round(v * normalised32)) }

// Normalise divides an address by 2^32.
func Normalise(address uint64) float64 { return float64(address) / normalised32 }

// String gives the form's name in JSON.
func (f AddressForm) String() string {
	if f == AddressNormalised32 {
		return "normalised32"
	}
	return "u64"
}

func parseAddressForm(name []byte) (AddressForm, bool) {
	switch string(name) {
	case "u64":
		return AddressU64, true
	case "normalised32":
		return AddressNormalised32, true
	}
	return 0, false
}

// truncate64 drops the fraction of a number in [0, 2^64).
func truncate64(v float64) (uint64, bool) {
	// 2^64 is the first float that does not fit; written so that NaN fails.
	if !(v >= 0 && v < 1<<64) {
		return 0, false
	}
	return uint64(v), true
}

// toMs gives p with its time in milliseconds, as this API writes it.
func toMs(p ipc.FailurePrediction) ipc.FailurePrediction {
	p.PredictedTime.Value = ipc.NanosToMillis(p.PredictedTime.Value)
	return p
}

// fromMs turns the time of a prediction that was read here into nanoseconds.
func fromMs(p *ipc.FailurePrediction) error {
	if !p.PredictedTime.Valid {
		return nil
	}
	ns, err := ipc.MillisToNanos(p.PredictedTime.Value)
	p.PredictedTime.Value = ns
	return err
}
