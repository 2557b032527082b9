"""Records a host whose cpu, io, network and a service are strained, into hosts.csv.gz.

    sudo python3 record.py

Measured as in `testdata/traces/record/pressure.py`, with its probes: a sample each 200 ms, an
incident is a probe that failed. What strains the host is in strains.py. A sample that comes more
than half a second late ends a run and begins the next: the machine stood still.
"""
import collections
import os
import sys
import tempfile

from strains import CPU, IO, Network, Service
from victims import Desk, Pages

import pressure
import pressure_group
import probes
import stressors

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
import recorder  # noqa: E402

OUT = os.path.join(HERE, "hosts.csv.gz")
SECONDS = 540
SHORTEST = 100  # samples of a run that is kept
COMPONENTS = ("cpu", "io", "network", "service")
COLUMNS = "run,t_ms," + ",".join(c + "_e4" for c in COMPONENTS) + "," + ",".join(c + "_bad" for c in COMPONENTS)


def main():
    rows = []
    with tempfile.TemporaryDirectory() as folder, pressure_group.memory_group("stress", stressors.LIMIT) as group:
        os.mkdir(folder + "/w")
        pages, desk = Pages(), Desk()
        probe = {"cpu": probes.Heartbeat(), "io": probes.DiskWrite(folder + "/block"), "network": desk, "service": probes.Page(pages)}
        strains = [CPU(1), IO(2, folder + "/w"), Network(3, desk), Service(4, pages)]
        host = pressure.Recorder(group, folder, probe)
        for t in list(probe.values()) + strains:
            t.start()
        clock = recorder.Clock()
        try:
            for _ in clock.ticks(SECONDS, pressure.INTERVAL):
                host.rows.clear()
                host.sample()
                seen = {r[1]: r for r in host.rows}
                used = [round(1e4 * seen[c][4] / seen[c][5]) for c in COMPONENTS]
                rows.append((clock.stood, clock.ms(), *used, *(seen[c][7] for c in COMPONENTS)))
        finally:
            for t in strains + list(probe.values()):
                t.close()
            pages.close()
    length = collections.Counter(r[0] for r in rows)
    recorder.write(OUT, COLUMNS, [",".join(map(str, r)) for r in rows if length[r[0]] >= SHORTEST])


if __name__ == "__main__":
    main()
