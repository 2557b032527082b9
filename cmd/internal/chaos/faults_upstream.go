package chaos

import (
	"context"
	"errors"
	"maps"
	"slices"
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
				t.liar.tell(nil)
				n := t.liar.told.Load()
				t.note("%d lies", n)
				if n == 0 {
					return errors.New("no lie was told")
				}
				return nil
			},
		})
	}
	return out
}
