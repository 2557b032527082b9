"""Records programs in memory cgroups until the kernel kills them or they end, into runs.csv.gz.

    sudo [WORKERS=2] [PREFIX="nice -n 5"] python3 record.py [program ...]

What runs is in jobs.py; programs that are named are recorded anew, the others are kept. As the
data set `failure/oom_*` was: each run has a limit of 0.35 to 1.75 times the program's peak, no
swap, ends after 40 s, and is sampled each 50 ms. Where a sample comes more than half a second late,
the machine stood still, and so does the clock. Needs root, the cgroup v1 memory controller and no swap.
"""
import gzip
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from jobs import commands

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
import recorder  # noqa: E402

OUT = os.path.join(HERE, "runs.csv.gz")
ROOT = "/sys/fs/cgroup/memory"
INTERVAL, SECONDS, RUNS = 0.05, 40, 12
COLUMNS = "run,program,outcome,end_ms,limit_kb,t_ms,rss_kb,failcnt"
WORKERS, PREFIX = int(os.environ.get("WORKERS", "1")), os.environ.get("PREFIX", "")  # at once; before each command: nice, chrt


def put(path, value):
    with open(path, "w") as f:
        f.write(str(value))


def number(path, name=None):
    with open(path) as f:
        return int(f.read()) if name is None else next(int(line.split()[1]) for line in f if line.split()[0] == name)


def run(line, limit_kb, work):
    """(outcome, end in ms, peak in kB, samples)"""
    group = tempfile.mkdtemp(prefix="mlbridge-oom-", dir=ROOT)
    put(group + "/memory.limit_in_bytes", limit_kb << 10)
    clock, samples, peak = recorder.Clock(), [], 0
    p = subprocess.Popen(["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec $2 sh -c "$1"', group, line, PREFIX], cwd=work,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        for _ in clock.ticks(SECONDS, INTERVAL):
            # A killed child of a shell or a compiler's driver is a kill, too.
            killed = number(group + "/memory.oom_control", "oom_kill") > 0
            if p.poll() is not None or killed:
                break
            rss = number(group + "/memory.stat", "total_rss") >> 10
            peak = max(peak, rss)
            samples.append((clock.ms(), rss, number(group + "/memory.failcnt")))
        killed = number(group + "/memory.oom_control", "oom_kill") > 0
        outcome = "oom" if killed else "timeout" if p.poll() is None else "ok" if p.returncode == 0 else "error"
        end = clock.ms()
    finally:
        try:
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        p.wait()
        for _ in range(100):
            try:
                os.rmdir(group)
                break
            except OSError:
                time.sleep(0.05)
    return outcome, end, peak, samples


def record(program, line, work):
    """The rows of RUNS runs."""
    rng, rows, outcomes = random.Random(program), [], []
    free = run(line, 8 << 20, work)
    if free[0] == "error":
        raise SystemExit(f"{program} does not run: {line}")
    for k in range(RUNS):
        limit = int(free[2] * rng.uniform(0.35, 1.75))
        r = run(line, limit, work)
        outcomes.append(r[0])
        if r[0] != "error":
            rows += [f"{program}.{k},{program},{r[0]},{r[1]},{limit},{t},{rss},{hits}" for t, rss, hits in r[3]]
    print(f"{program}: peak {free[2] >> 10} MiB, {len(rows)} samples, " +
          ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes))), file=sys.stderr, flush=True)
    return rows


def main():
    kept = {}
    if os.path.exists(OUT):
        with gzip.open(OUT, "rt") as f:
            for row in f.read().splitlines()[1:]:
                kept.setdefault(row.split(",")[1], []).append(row)
    work = tempfile.mkdtemp(prefix="exhaustion-")
    lock = threading.Lock()
    try:
        lines = commands(work)
        todo = sys.argv[1:] or list(lines)

        def worker():
            while True:
                with lock:
                    if not todo:
                        return
                    program = todo.pop(0)
                try:
                    rows = record(program, lines[program], work)
                except SystemExit as e:
                    print(e, file=sys.stderr, flush=True)
                    continue
                with lock:
                    kept[program] = rows
                    recorder.write(OUT, COLUMNS, [row for name in lines for row in kept.get(name, [])])
        workers = [threading.Thread(target=worker) for _ in range(WORKERS)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
