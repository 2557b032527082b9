// Package ordinary holds system calls of ordinary programs of today, recorded by this
// project and free like the rest of it: record.py records them, jobs.py says what runs.
// Thirteen recorded programs are few to tell what is ordinary; these join them in the
// research build of the threat model. None is a job of the sets that are judged.
package ordinary

import _ "embed"

// Programs is a gzip'ed CSV file with the columns program and syscalls: the numbers of one
// thread's calls in the 32-bit x86 table, in order, 340 where that has none.
//
//go:embed programs.csv.gz
var Programs []byte
