// Package exhaustion holds programs that run out of memory, recorded by this project and
// free like the rest of it: record.py records them, jobs.py says what runs. The ten
// programs of the data's oom set are few to tell how memory is used up; these join them
// in training. None is a program of the parts that are judged.
package exhaustion

import _ "embed"

// Runs is a gzip'ed CSV file with the columns run, program, outcome (oom, ok, timeout),
// end_ms, limit_kb, t_ms, rss_kb and failcnt (times the limit was hit): a row each 50 ms.
//
//go:embed runs.csv.gz
var Runs []byte
