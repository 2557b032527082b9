"""Records the memory set: user page faults of real programs under memory pressure.

    sudo python3 faults.py [program ...]

Each program runs twice. The first run measures its peak resident memory. In the
second it lives in a memory cgroup with a share of that, swap on compressed memory,
and perf takes every exceptions:page_fault_user event together with the
major-faults software event that the kernel raises when the page came from swap
or a file. Kept: the ROWS consecutive faults of the busiest process that have most
major ones. Needs root, perf, cgroup v1 memory controller, zram.
"""

import collections
import os
import re
import signal
import subprocess
import sys
import tempfile

import pressure_group
import programs
import tracefile

ROWS = 8000
# Shares of the peak (in percent) that a program may hold, tried in turn: one that
# walks all its memory again and again may be killed rather than slowed at half of
# it, and whether it is depends on what else the host does.
SHARES = (50, 60, 70, 80)
WRITE, FETCH = 1 << 1, 1 << 4  # x86 page fault error code bits

LINE = re.compile(r"\s*(\d+)/(\d+)\s+(\d+)\.(\d{9}):\s+(\S+):\s*(.*)")
FAULT = re.compile(r"address=(0x[0-9a-f]+|\S+) .*error_code=0x([0-9a-f]+)")


def peak_bytes(argv):
    """Run argv freely; return the largest resident size of any of its processes."""
    code = ("import resource,subprocess,sys;"
            "subprocess.run(sys.argv[1:],check=True,stdout=subprocess.DEVNULL);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    out = subprocess.run([sys.executable, "-c", code] + argv, check=True, stdout=subprocess.PIPE)
    return int(out.stdout) * 1024


def record(name, argv, limit, work):
    """Run argv under the limit; return perf's events as text lines, None if it was killed."""
    data = os.path.join(work, "perf.data")
    with pressure_group.memory_group(name, limit) as group:
        done = subprocess.run(["perf", "record", "-q", "-m", "8M", "-c", "1", "-d", "-o", data,
                               "-e", "exceptions:page_fault_user", "-e", "major-faults", "--"]
                              + pressure_group.enter(group, argv), stdout=subprocess.DEVNULL)
    # perf ends the way its program ended: here, by the OOM killer.
    if done.returncode == -signal.SIGKILL:
        return None
    done.check_returncode()
    script = subprocess.run(["perf", "script", "-i", data, "--ns", "--show-lost-events",
                             "-F", "sw:pid,tid,time,event", "-F", "trace:pid,tid,time,event,trace"],
                            check=True, stdout=subprocess.PIPE, text=True)
    os.unlink(data)
    return script.stdout.splitlines()


def parse(lines):
    """Return [at_ns, pid, address, type, major] lists, oldest first."""
    faults, last = [], {}
    for line in lines:
        if "LOST" in line:
            raise SystemExit("perf lost events: " + line)
        m = LINE.match(line)
        if not m:
            raise SystemExit("unexpected perf line: " + line)
        pid, tid, at = int(m[1]), int(m[2]), int(m[3]) * 10**9 + int(m[4])
        if m[5].startswith("major-faults"):
            # Raised at the end of handling, so it belongs to the thread's last fault.
            if tid in last:
                last[tid][4] = 1
            continue
        f = FAULT.search(m[6])
        code = int(f[2], 16)
        kind = "x" if code & FETCH else "w" if code & WRITE else "r"
        last[tid] = [at, pid, int(f[1], 16), kind, 0]
        faults.append(last[tid])
    faults.sort(key=lambda f: f[0])
    return faults


def pressed(faults):
    """ROWS consecutive faults of the busiest process: those with most major faults.

    A first-touch phase is a walk to the next page; where pages come back from
    swap is where a memory manager has something to predict. The rule is fixed,
    so nobody picks the stretch that suits a model.
    """
    busiest = collections.Counter(f[1] for f in faults).most_common(1)[0][0]
    own = [f for f in faults if f[1] == busiest]
    skip = max(range(0, max(1, len(own) - ROWS), ROWS // 4),
               key=lambda i: sum(f[4] for f in own[i:i + ROWS]))
    return own[skip:skip + ROWS], skip, len(own)


def survived(name, argv, work):
    """Record argv at the smallest share of its peak that it survives; (lines, limit)."""
    peak = peak_bytes(argv)
    for share in SHARES:
        limit = peak * share // 100 & ~4095
        lines = record(name, argv, limit, work)
        if lines is not None:
            return lines, limit
    raise SystemExit(f"{name}: killed even at {SHARES[-1]} % of its peak")


def main():
    wanted = sys.argv[1:] or list(programs.MEMORY)
    with tempfile.TemporaryDirectory() as work, pressure_group.zram_swap(1 << 30):
        programs.prepare(work)
        for name in wanted:
            lines, limit = survived(name, programs.MEMORY[name](work), work)
            kept, skip, total = pressed(parse(lines))
            start = kept[0][0]
            tracefile.write("memory-" + name, "memory",
                            ("at_ns", "agent", "addr", "type", "major"),
                            [(f[0] - start, 1, f[2], f[3], f[4]) for f in kept],
                            program=programs.ABOUT[name], kind=0, label="benign",
                            limit_bytes=limit, skipped=skip, total=total)


if __name__ == "__main__":
    main()
