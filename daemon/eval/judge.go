package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/mlbridge/mlbridge/daemon/registry"
	"github.com/mlbridge/mlbridge/ipc"
)

// judges are by kind.
var judges = map[ipc.Kind]func(*evaluation) error{
	ipc.Workload: judgeWorkload, ipc.Memory: judgeMemory, ipc.Failure: judgeFailure, ipc.Threat: judgeThreat,
}

// judge judges the kinds that were asked for, each whole or not at all. One that nothing
// answers is left out, and one that fails is without rows: neither keeps the others from
// being judged. failed says which failed, and, where they were asked for by name, which were
// left out, or that all were; err is about a name that is none.
func (e *evaluation) judge(asked []string, named bool) (failed, err error) {
	kinds := make([]ipc.Kind, len(asked))
	for i, name := range asked {
		if kinds[i], err = ipc.ParseKind(name); err != nil {
			return nil, err
		}
	}
	var absent []string
	var faults []error
	for _, k := range kinds {
		err := e.judgeKind(k)
		switch {
		case errors.Is(err, registry.ErrNone):
			fmt.Fprintf(os.Stderr, "eval: %v: left out: %v\n", k, err)
			absent = append(absent, k.String())
		case err != nil:
			fmt.Fprintf(os.Stderr, "eval: %v: not judged: %v\n", k, err)
			faults = append(faults, fmt.Errorf("%v: %w", k, err))
		}
	}
	if len(absent) > 0 && (named || len(absent) == len(kinds)) {
		faults = append(faults, fmt.Errorf("nothing answers %s", strings.Join(absent, " or ")))
	}
	return errors.Join(faults...), nil
}

func (e *evaluation) judgeKind(k ipc.Kind) error {
	if err := e.by.missing(k); err != nil {
		return err
	}
	before := len(e.rows)
	err := judges[k](e)
	if err != nil {
		e.rows = e.rows[:before]
	}
	return err
}
