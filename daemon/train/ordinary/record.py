"""Records system calls of ordinary programs into programs.csv.gz.

    python3 record.py [program ...]

What runs is in jobs.py; programs that are named are recorded anew, the others are kept.
Needs strace (and the programs), no root but for postgres. Kept of each thread: the numbers of
its first 4,000 calls in the 32-bit x86 table, by name (`testdata/traces/record/number_table.py`
maps them as it does for the data sets), at most 40 threads of a program, those of 10 calls or
more. Arguments, times and results are not kept.
"""
import gzip
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "testdata", "traces", "record"))
sys.path.append(os.path.dirname(HERE))
import number_table  # noqa: E402
import recorder  # noqa: E402
import strace_stream  # noqa: E402
import streams  # noqa: E402
from jobs import PROGRAMS  # noqa: E402

OUT = os.path.join(HERE, "programs.csv.gz")
CALLS, THREADS, LEAST = 4000, 40, 10
SECONDS = 90  # that a program may run


def recorded(script):
    """The calls of each thread, in the order in which threads appear."""
    table32 = number_table.numbers(32)
    numbers = {name: number_table.older(name, table32) for name in number_table.numbers(64)}
    with tempfile.TemporaryDirectory() as tmp:
        log, home, work = (os.path.join(tmp, n) for n in ("log", "home", "work"))
        streams.furnish(home)
        os.chmod(tmp, 0o755)
        os.mkdir(work)
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "S": home + "/src", "TERM": "xterm"}
        before, _, script = script.rpartition("UNTRACED ")
        if before:  # up to the next && nobody looks
            untraced, _, script = script.partition("&&")
            subprocess.run(["bash", "-c", before + untraced], cwd=work, env=env, check=True)
        with open(os.devnull, "r+") as null:
            argv = ["timeout", str(SECONDS), "bash", "-c", script]
            subprocess.run(strace_stream.command(log, argv), cwd=work, env=env, stdin=null, stdout=null, stderr=null)
        threads = {}
        for _, tid, number, _ in strace_stream.parse(log, numbers):
            threads.setdefault(tid, []).append(number)
    first = next(iter(threads))  # the timeout command
    return [calls[:CALLS] for tid, calls in threads.items() if tid != first and len(calls) >= LEAST][:THREADS]


def main():
    kept = {}
    if os.path.exists(OUT):
        with gzip.open(OUT, "rt") as f:
            for line in list(f)[1:]:
                program, calls = line.rstrip("\n").split(",")
                kept.setdefault(program, []).append(calls)
    for program in sys.argv[1:] or PROGRAMS:
        kept[program] = [" ".join(map(str, calls)) for calls in recorded(PROGRAMS[program])]
        print(f"{program}: {len(kept[program])} threads, {sum(c.count(' ') + 1 for c in kept[program])} calls", file=sys.stderr, flush=True)
    # In the order of jobs.py.
    recorder.write(OUT, "program,syscalls", [f"{program},{calls}" for program in PROGRAMS for calls in kept.get(program, [])])


if __name__ == "__main__":
    main()
