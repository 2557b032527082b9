"""Records a host whose cpu, io, network and a service are strained, into hosts.csv.gz.

    sudo python3 record.py

Measured as in `testdata/traces/record/pressure.py`, with its probes: a sample each 200 ms, an
incident is a probe that failed. What strains the host is in strains.py. A sample that comes more
than half a second late ends a run and begins the next: the machine stood still.
"""
import collections
import gzip
import io
import os
import tempfile
import time

from strains import CPU, IO, Network, Service
from victims import Desk, Pages

import pressure
import pressure_group
import probes
import stressors

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "hosts.csv.gz")
SECONDS = 540
LATE, SHORTEST = 0.5, 100  # s; samples of a run that is kept
COMPONENTS = ("cpu", "io", "network", "service")
COLUMNS = "run,t_ms," + ",".join(c + "_e4" for c in COMPONENTS) + "," + ",".join(c + "_bad" for c in COMPONENTS)


def main():
    rows, run = [], 0
    with tempfile.TemporaryDirectory() as folder, pressure_group.memory_group("stress", stressors.LIMIT) as group:
        os.mkdir(folder + "/w")
        pages, desk = Pages(), Desk()
        probe = {"cpu": probes.Heartbeat(), "io": probes.DiskWrite(folder + "/block"), "network": desk, "service": probes.Page(pages)}
        strains = [CPU(1), IO(2, folder + "/w"), Network(3, desk), Service(4, pages)]
        recorder = pressure.Recorder(group, folder, probe)
        for t in list(probe.values()) + strains:
            t.start()
        start = time.monotonic()
        try:
            for k in range(1, int(SECONDS / pressure.INTERVAL) + 1):
                wait = start + k * pressure.INTERVAL - time.monotonic()
                if wait < -LATE:
                    start, run = start - wait, run + 1
                time.sleep(max(0, wait))
                recorder.rows.clear()
                recorder.sample()
                seen = {r[1]: r for r in recorder.rows}
                used = [round(1e4 * seen[c][4] / seen[c][5]) for c in COMPONENTS]
                rows.append((run, int((time.monotonic() - start) * 1000), *used, *(seen[c][7] for c in COMPONENTS)))
        finally:
            for t in strains + list(probe.values()):
                t.close()
            pages.close()
    length = collections.Counter(r[0] for r in rows)
    write([",".join(map(str, r)) for r in rows if length[r[0]] >= SHORTEST])


def write(rows):
    text = io.StringIO()
    text.write(COLUMNS + "\n")
    text.writelines(row + "\n" for row in rows)
    with open(OUT, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(text.getvalue().encode("ascii"))


if __name__ == "__main__":
    main()
