"""Prints the table of ../README.md's last section from the trace files' preambles."""

import glob
import gzip
import os

import tracefile

print("| file | kind | rows | bytes | what ran |\n| --- | --- | --- | --- | --- |")
for path in sorted(glob.glob(os.path.join(tracefile.OUT, "*.csv.gz"))):
    with gzip.open(path, "rt", encoding="ascii") as f:
        meta = dict(line[2:].rstrip("\n").split(": ", 1) for line in f if line.startswith("# "))
    print(f"| {os.path.basename(path)} | {meta['kind']} | {int(meta['rows']):,} "
          f"| {os.path.getsize(path):,} | {meta['program']} |")
