package program

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlbridge/mlbridge/bench/internal/build"
	"github.com/mlbridge/mlbridge/bench/internal/process"
	"github.com/mlbridge/mlbridge/bench/internal/system"
)

// Daemons gives what systems are made from: this tree's ml-bridge and mld, or those of the
// folder given where one is named, and a folder for sockets, which done removes. Results
// go to the folder out, and builds to its folder bench.
func Daemons(ctx context.Context, name, out, given string) (e *system.Env, done func(), err error) {
	s, err := process.NewStarter()
	if err != nil {
		return nil, nil, err
	}
	bin, err := filepath.Abs(filepath.Join(out, "bench", "bin"))
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, nil, err
	}
	if err := build.DaemonsOr(ctx, s, given, bin); err != nil {
		return nil, nil, err
	}
	temp, err := os.MkdirTemp("", "mlbridge-"+name+"-")
	if err != nil {
		return nil, nil, err
	}
	return &system.Env{Starter: s, Bin: bin, Temp: temp}, func() { _ = os.RemoveAll(temp) }, nil
}

// Write writes doc to the file name.json of the folder out.
func Write(out, name string, doc any) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(out, name+".json"), append(data, '\n'), 0o644)
}
