package chaos

import (
	"context"
	"fmt"
)

const (
	// proofs is the group of rows that prove a figure.
	proofs = "proofs"
	// void is the verdict that the machine was too busy for one.
	void = "void"
)

// prove has do find a figure on a chain of its own, which must be well before and after.
func (e *Env) prove(ctx context.Context, row Row, args []string, do func(context.Context, *Chain, *Row) error) (Row, error) {
	row.Group, row.Ran = proofs, true
	c, err := e.newChain(false, args...)
	if err != nil {
		return row, err
	}
	defer c.Stop()
	if _, err := c.recover(ctx); err != nil {
		return row, fmt.Errorf("before anything was broken: %w", err)
	}
	before, err := c.settled(anything)
	if err != nil {
		return row, err
	}
	row.GoroutinesBefore, row.DescriptorsBefore, row.RSSMBBefore = before.goroutines, before.descriptors, before.rss
	if err := do(ctx, c, &row); err != nil {
		return row, err
	}
	t := &Trial{Chain: c, row: &row}
	t.finish(ctx, before)
	row.judge()
	return row, context.Cause(ctx)
}
