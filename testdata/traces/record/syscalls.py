"""Records the threat set: system-call streams of ordinary and of simulated hostile behaviour.

    python3 syscalls.py [stream ...]

Everything stays on 127.0.0.1 and in a temporary folder. The hostile streams are
simulations on programs of our own (toy_server.py, toy_payload.py), bounded in
count; ../README.md says what each stands for. Needs strace, no root.
"""

import os
import subprocess
import sys
import tempfile

import number_table
import strace_stream
import streams
import tracefile

ROWS = 4000


def traced(stream):
    """Run one stream's command under strace while its driver exercises it."""
    with tempfile.TemporaryDirectory() as tmp:
        log, home = os.path.join(tmp, "log"), os.path.join(tmp, "home")
        streams.furnish(home)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LC_ALL": "C",
               "PYTHONDONTWRITEBYTECODE": "1", "GIT_CONFIG_NOSYSTEM": "1"}
        with stream.setting(home) as argv:
            p = subprocess.Popen(strace_stream.command(log, argv), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 start_new_session=True, env=env, cwd=home)
            sampler = strace_stream.Sampler(p.pid)
            sampler.start()
            begin = stream.drive(p)
            p.communicate(timeout=120)
            rss = sampler.stop()
        if p.returncode:
            raise SystemExit(f"{stream.name}: exit status {p.returncode}")
        calls = strace_stream.parse(log, number_table.numbers(64))
    # A server's start-up says nothing about what happens to it later.
    return [c for c in calls if c[0] >= begin], rss


def joined(calls, rss):
    """Rows of the trace: tasks numbered, times from 0, memory as last sampled."""
    agents, start = tracefile.numbered(c[1] for c in calls), calls[0][0]
    cursor, rows = {}, []
    for at, tid, nr, size in calls:
        seen, i = rss.get(tid, []), cursor.get(tid, 0)
        while i < len(seen) and seen[i][0] <= at:
            i += 1
        cursor[tid] = i
        rows.append((at - start, agents[tid], nr, size, seen[i - 1][1] if i else 0))
    return rows, len(agents)


def main():
    wanted = sys.argv[1:]
    for stream in streams.ALL:
        if wanted and stream.name not in wanted:
            continue
        calls, rss = traced(stream)
        rows, agents = joined(calls[:ROWS], rss)
        tracefile.write("threat-" + stream.name, "threat", ("at_ns", "agent", "nr", "bytes", "rss_bytes"), rows,
                        program=stream.about, kind=stream.kind, label=stream.label,
                        agents=agents, total=len(calls))


if __name__ == "__main__":
    main()
