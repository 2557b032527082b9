// Package stress holds a host whose cpu, io, network and a service are strained, recorded
// by this project and free like the rest of it: record.py records it, strains.py says what
// strained it.
package stress

import _ "embed"

// Hosts is a gzip'ed CSV file with the columns run, t_ms, then of
// cpu, io, network and service the share used in 1/10000, and then of each 1 while it is
// failing: a row each 200 ms.
//
//go:embed hosts.csv.gz
var Hosts []byte
