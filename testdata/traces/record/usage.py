"""Records the workload set: cpu time and resident memory of programs under varying load.

    sudo python3 usage.py

Five programs run side by side for SECONDS, each in a cpuacct cgroup of its own, so
that the cpu time of short-lived children counts too; a sample each INTERVAL.
Needs root and the cgroup v1 cpuacct controller.
"""

import contextlib
import os
import random
import subprocess
import tempfile
import threading
import time
import urllib.request

import streams
import tracefile

SECONDS, INTERVAL = 90, 0.25
ROOT = "/sys/fs/cgroup/cpuacct"

# Each load is a program of ours or an ordinary one in a loop whose work and rest vary.
SINE = """
import math, time
kept, start = [], time.monotonic()
while (t := time.monotonic() - start) < {seconds}:
    share = 0.35 + 0.3 * math.sin(t / 3.2)
    end = time.thread_time() + 0.05 * share
    while time.thread_time() < end:
        pass
    want = int(40 + 30 * math.sin(t / 7.5))
    del kept[want:]
    kept.extend(bytearray(b'x' * (1 << 20)) for _ in range(want - len(kept)))
    time.sleep(0.05 * (1 - share))
"""

LOADS = {
    "gcc": ("gcc -O1 of one file at a time, resting 0-1.5 s between",
            "n=0; while :; do for i in 1 2 3; do gcc -O1 -c src/m$i.c -o m.o; done; n=$((n + 1));"
            " sleep $(awk -v s=$n 'BEGIN { srand(s); print rand() * 1.5 }'); done"),
    "xz": ("xz -2 of a stream whose rate changes every few seconds",
           "while :; do for r in 1 8 3 16 2; do for k in 1 2 3 4 5 6; do"
           " head -c ${r}00000 /dev/urandom | od -x; sleep 0.5; done; done; done | xz -2 > /dev/null"),
    "sqlite": ("sqlite3 joins on a growing table, in bursts",
               "n=1; while :; do echo \"WITH RECURSIVE a(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM a WHERE i < $((n * 4000)))"
               " SELECT count(*), sum(x.i % 7) FROM a x JOIN a y ON x.i = y.i * 2;\" | sqlite3 :memory:;"
               " n=$((n % 12 + 1)); sleep 0.3; done"),
}


def sample(group):
    """Cumulative cpu time in ns and resident bytes of the group's processes now."""
    with open(group + "/cpuacct.usage") as f:
        cpu = int(f.read())
    rss = 0
    with open(group + "/cgroup.procs") as f:
        for pid in f.read().split():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as m:
                rss += int(m.read().split()[1]) * 4096
    return cpu, rss


def start(name, argv, home):
    """Run argv in a fresh cpuacct group; return (group, process)."""
    group = os.path.join(ROOT, "mlbridge-trace-" + name)
    os.makedirs(group, exist_ok=True)
    line = ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group] + argv
    return group, subprocess.Popen(line, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, start_new_session=True)


def visitors(port, until):
    """Visit the toy server at a rate that drifts between 2 and 120 a second."""
    rng, rate = random.Random(3), 20.0
    while time.monotonic() < until:
        rate = min(120.0, max(2.0, rate * rng.uniform(0.93, 1.075)))
        # The server may be gone at the very end.
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/file/page{rng.randrange(5)}.html").read()
        time.sleep(rng.expovariate(rate))


def stop(group, process):
    """End every process of a group we made, then remove it."""
    while True:
        with open(group + "/cgroup.procs") as f:
            pids = f.read().split()
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), 9)
        time.sleep(0.05)
    process.wait()
    os.rmdir(group)


def main():
    with tempfile.TemporaryDirectory() as home:
        streams.furnish(home + "/w")
        home += "/w"
        running = {n: start(n, ["sh", "-c", script], home) for n, (_, script) in LOADS.items()}
        running["python"] = start("python", [streams.PYTHON, "-c", SINE.format(seconds=SECONDS + 5)], home)
        running["server"] = start("server", streams.SERVER + [home], home)
        port = int(running["server"][1].stdout.readline())
        begin = time.monotonic()
        threading.Thread(target=visitors, args=(port, begin + SECONDS), daemon=True).start()
        rows = {n: [] for n in running}
        try:
            for k in range(int(SECONDS / INTERVAL)):
                time.sleep(max(0, begin + k * INTERVAL - time.monotonic()))
                for n, (group, _) in running.items():
                    at = time.monotonic()
                    rows[n].append((int((at - begin) * 1e9), 1, *sample(group)))
        finally:
            for group, process in running.values():
                stop(group, process)
    about = {n: a for n, (a, _) in LOADS.items()}
    about["python"] = "python3: cpu share and memory each follow a sine"
    about["server"] = "toy_server.py visited at a drifting rate"
    for n, r in rows.items():
        # Times from the first sample of this program.
        tracefile.write("workload-" + n, "workload", ("at_ns", "agent", "cpu_ns", "rss_bytes"),
                        [(at - r[0][0], agent, cpu - r[0][2], rss) for at, agent, cpu, rss in r],
                        program=about[n], kind=0, label="benign", interval_ms=int(INTERVAL * 1000))


if __name__ == "__main__":
    main()
