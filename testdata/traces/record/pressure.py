"""Records the failure set: pressure, readings and real incidents of five components.

    sudo python3 pressure.py

Samples /proc/pressure, /proc/stat, /proc/diskstats, a memory cgroup and the probes
each INTERVAL for SECONDS while stressors.py makes each component rise and fall.
An incident is measured, never declared: the kernel's OOM kill, or a probe that
failed. Needs root and the cgroup v1 memory controller; swap must be off.
"""

import os
import tempfile
import time

import pressure_group
import probes
import streams
import stressors
import tracefile

SECONDS, INTERVAL = 120, 0.2
AFTER_KILL = 1.0  # seconds for which an OOM kill counts as an incident


def stall(resource):
    """The host's cumulative stall times of a resource (PSI): some, full, in us."""
    with open("/proc/pressure/" + resource) as f:
        totals = [int(line.rpartition("total=")[2]) for line in f]
    return totals[0], totals[1]


def cpu_ticks():
    """(busy, all) clock ticks of all cpus since boot."""
    with open("/proc/stat") as f:
        t = [int(x) for x in f.readline().split()[1:9]]
    return sum(t) - t[3] - t[4], sum(t)


def disk_ms(folder):
    """Milliseconds that the disk below folder has been busy since boot."""
    dev = os.stat(folder).st_dev
    with open("/proc/diskstats") as f:
        for line in f:
            w = line.split()
            if (int(w[0]), int(w[1])) == (os.major(dev), os.minor(dev)):
                return int(w[12])
    raise SystemExit("no disk statistics for the temporary folder")


def field(path, name):
    """The number after name in a file of `name number` lines."""
    with open(path) as f:
        return next(int(line.split()[1]) for line in f if line.split()[0] == name)


class Recorder:
    """Turns counters and probes into rows; keeps the previous counters."""

    def __init__(self, group, folder, probe):
        self.group, self.folder, self.probe = group, folder, probe
        self.rows, self.start = [], time.monotonic_ns()
        self.last, self.ticks, self.disk = self.start, cpu_ticks(), disk_ms(folder)
        self.kills, self.killed = self.oom_kills(), -10**18

    def oom_kills(self):
        return field(self.group + "/memory.oom_control", "oom_kill")

    def sample(self):
        now = time.monotonic_ns()
        span, self.last = now - self.last, now
        self.memory(now)
        self.cpu(now)
        self.io(now, span)
        for name in ("network", "service"):
            self.row(now, name, (0, 0), self.probe[name].took, int(probes.TIMEOUT * 1e9), name)

    def row(self, now, component, psi, value, capacity, probe):
        p = self.probe[probe]
        self.rows.append((now - self.start, component, *psi, min(value, capacity), capacity,
                          p.failures, int(p.failing)))

    def memory(self, now):
        kills = self.oom_kills()
        if kills != self.kills:
            self.kills, self.killed = kills, now
        with open(self.group + "/memory.failcnt") as f:
            hits = int(f.read())
        rss = field(self.group + "/memory.stat", "total_rss")
        self.rows.append((now - self.start, "memory", *stall("memory"), min(rss, stressors.LIMIT), stressors.LIMIT,
                          hits, int(now - self.killed < AFTER_KILL * 1e9)))

    def cpu(self, now):
        busy, total = cpu_ticks()
        # A tick is 10 ms; the host may have had none at all in a short interval.
        value, capacity = (busy - self.ticks[0]) * 10**7, max(1, total - self.ticks[1]) * 10**7
        self.ticks = busy, total
        self.row(now, "cpu", stall("cpu"), value, capacity, "cpu")

    def io(self, now, span):
        disk = disk_ms(self.folder)
        value, self.disk = (disk - self.disk) * 10**6, disk
        self.row(now, "io", stall("io"), value, span, "io")


def main():
    with tempfile.TemporaryDirectory() as folder, \
            pressure_group.memory_group("hog", stressors.LIMIT) as group:
        streams.furnish(folder + "/w")
        service = stressors.Service(streams.SERVER, folder + "/w")
        probe = {"cpu": probes.Heartbeat(), "io": probes.DiskWrite(folder + "/block"),
                 "network": probes.Echo(), "service": probes.Page(service)}
        stress = [stressors.MemoryHog(11, group, folder + "/cache"), stressors.CpuBurn(12, (10, 18)),
                  stressors.DiskFlush(13, folder), stressors.Flood(14, probe["network"].ask),
                  stressors.Crash(15, service)]
        recorder = Recorder(group, folder, probe)
        for t in list(probe.values()) + stress:
            t.start()
        try:
            for k in range(1, int(SECONDS / INTERVAL) + 1):
                time.sleep(max(0, recorder.start / 1e9 + k * INTERVAL - time.monotonic()))
                recorder.sample()
        finally:
            for t in stress + list(probe.values()):
                t.close()
            service.close()
    first = recorder.rows[0][0]
    # PSI totals count from boot; from the first sample on is what matters.
    base = {r[1]: r[2:4] for r in reversed(recorder.rows)}
    base_events = {r[1]: r[6] for r in reversed(recorder.rows)}
    tracefile.write("failure-host", "failure",
                    ("at_ns", "component", "some_us", "full_us", "value", "capacity", "events", "incident"),
                    [(r[0] - first, r[1], r[2] - base[r[1]][0], r[3] - base[r[1]][1], r[4], r[5],
                      r[6] - base_events[r[1]], r[7]) for r in recorder.rows],
                    program="stressors.py: memory hog, cpu burn, disk flush, flood, crashes", kind=0,
                    label="incidents marked per row", interval_ms=int(INTERVAL * 1000),
                    limit_bytes=stressors.LIMIT)


if __name__ == "__main__":
    main()
