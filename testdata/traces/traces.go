// Package traces holds our own recordings for kernelsim, embedded, so that its
// binary replays them from anywhere. README.md beside this file says how they
// were made and what is in them; package kernelsim/trace reads them.
package traces

import "embed"

// FS has every trace in its root, named SET-STREAM.csv.gz.
//
//go:embed *.csv.gz
var FS embed.FS
