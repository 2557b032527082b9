package scale

import (
	"context"
	"errors"

	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// mostScrapes bounds collect: at about 100 kB of garbage each they are several GB.
const mostScrapes = 50_000

// collect makes a Go process's collector run once more and gives the bytes that it kept.
// No process lets itself be told to collect; but reading its metrics leaves garbage, and
// when there is as much garbage as live memory the collector runs.
func collect(ctx context.Context, address string) (int64, error) {
	before, err := system.Scrape(address, cycles)
	if err != nil {
		return 0, err
	}
	for range mostScrapes {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		now, err := system.Scrape(address, cycles)
		if err != nil {
			return 0, err
		}
		if now > before {
			return collected(address)
		}
	}
	return 0, errors.New("scale: the bridge's collector does not run")
}

// cycles counts the runs of the collector.
const cycles = "go_gc_duration_seconds_count"

// collected gives the bytes that the collector kept when it last ran. They follow from
// the goal that it set for its next run: goal = kept × (1 + GOGC/100), with the roots
// (stacks, globals) counted in, which do not change between two measurements.
func collected(address string) (int64, error) {
	gogc, err := system.Scrape(address, "go_gc_gogc_percent")
	if err != nil {
		return 0, err
	}
	goal, err := system.Scrape(address, "go_memstats_next_gc_bytes")
	return int64(goal / (1 + gogc/100)), err
}
