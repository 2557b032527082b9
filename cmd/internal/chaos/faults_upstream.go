package chaos

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// upstreamFaults have the bridge ask somebody who lies until most of the time is over.
func upstreamFaults() []Fault {
	var out []Fault
	short := map[string]bool{"a second response": true, "NaN": true, "hangs mid-body": true, "another kind's answers": true, "garbage for HTTP": true}
	for _, name := range slices.Sorted(maps.Keys((*liar)(nil).lies())) {
		out = append(out, Fault{
			Group: "upstream", Name: "upstream: " + name, Short: short[name], lies: true,
			What: "instead of mld's answer, from a tenth to seven tenths of the time",
			do: func(ctx context.Context, t *Trial) error {
				t.at(ctx, 0.1)
				t.liar.tell(t.liar.lies()[name])
				t.at(ctx, mended)
				err := t.untilLiedTo(ctx)
				t.liar.tell(nil)
				t.note("%d lies", t.liar.told.Load())
				return err
			},
		})
	}
	return out
}

// untilLiedTo asks until a lie was told: where the machine stood still for most of the
// time, the load may have called nobody who lies.
func (t *Trial) untilLiedTo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for n := uint64(0); t.liar.told.Load() == 0; n++ {
		if ctx.Err() != nil {
			return errors.New("no lie was told")
		}
		i, q := t.env.Oracle.Question(n)
		if err := t.pieces(i, append(hello(), ask(7, 50*time.Millisecond, q)...)); err != nil {
			return err
		}
	}
	return nil
}
