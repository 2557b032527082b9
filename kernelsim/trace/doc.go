// Package trace reads the recordings that kernelsim replays: page faults,
// system calls, program usage and host pressure.
//
// A trace is a gzip CSV file: a preamble of `# key: value` lines, one header
// line, then rows of exact integers. The format and how each file was recorded
// are described in testdata/traces/README.md; the files themselves come to a
// program through the embedded file system of testdata/traces, which this
// package does not import: it reads any fs.FS or io.Reader.
//
// Reading is streaming, bounded and strict. A row is parsed from one buffer of
// fixed size and handed out by value, so memory use does not depend on the
// file. Anything the format does not say is an [Error] with file and line: an
// unknown version, a missing or foreign header, a number that overflows, a
// negative or padded number, times that run backwards, fewer or more rows than
// the preamble promises. Nothing is repaired and nothing is skipped: a trace
// decides what a run measures, so a damaged one must stop it.
//
//	r, err := trace.OpenFaults(traces.FS, "memory-sort.csv.gz")
//	if err != nil {
//		return err
//	}
//	defer r.Close()
//	for fault, err := range r.All() {
//		...
//	}
package trace
