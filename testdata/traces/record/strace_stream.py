"""Runs a command under strace and returns its system calls as numbers.

Kept per call: the time of entry, the calling task, the call's number, the bytes
that crossed a socket. Arguments are read only to learn whether the first one is
a socket, then dropped.
"""

import os
import re
import threading
import time

LINE = re.compile(r"(\d+) +(\d+)\.(\d{9}) (.*)")
CALL = re.compile(r"(\w+)\((?:\d+<([A-Za-z0-9]+))?")
RESUMED = re.compile(r"<\.\.\. (\w+) resumed>")
RESULT = re.compile(r"= (\d+)(?:<[^>]*>)?(?: \(.*\))?$")

TRANSFER = {
    "read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg",
    "sendfile", "splice",
}
# strace -yy names a socket by its protocol, or "socket" where it knows none.
SOCKETS = ("TCP", "UDP", "UNIX", "NETLINK", "socket")


def command(out, argv):
    """The strace command line; -s0 keeps every string's content out of the log."""
    return ["strace", "-f", "-yy", "-s0", "-e", "signal=none", "-o", out,
            "--absolute-timestamps=format:unix,precision:ns", "--"] + argv


class Sampler(threading.Thread):
    """Samples the resident size of every task of one session, each 10 ms."""

    def __init__(self, session):
        super().__init__(daemon=True)
        # samples: thread id -> [(Unix ns, bytes)]; threads share their process's size.
        self.session, self.samples, self.stopping = session, {}, threading.Event()

    def run(self):
        while not self.stopping.wait(0.01):
            now = time.time_ns()
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/stat") as f:
                        stat = f.read().rpartition(")")[2].split()
                    # Fields 6 (session) and 24 (rss in pages), counted after the name.
                    if int(stat[3]) != self.session:
                        continue
                    for tid in os.listdir(f"/proc/{pid}/task"):
                        self.samples.setdefault(int(tid), []).append((now, int(stat[21]) * 4096))
                except OSError:  # it ended while we looked
                    continue

    def stop(self):
        self.stopping.set()
        self.join()
        return self.samples


def bytes_of(text, name, sock):
    """The bytes a finished call moved over a socket, 0 for all others."""
    if name not in TRANSFER or not sock:
        return 0
    m = RESULT.search(text)
    return int(m[1]) if m else 0


def parse(path, numbers):
    """Return [at_ns, tid, number, bytes] in order of entry."""
    calls, open_calls = [], {}
    with open(path, errors="replace") as f:
        for line in f:
            m = LINE.match(line)
            if not m:
                raise SystemExit("unexpected strace line: " + line)
            tid, at, text = int(m[1]), int(m[2]) * 10**9 + int(m[3]), m[4].rstrip()
            if text.startswith(("+++", "---")):
                continue
            r = RESUMED.match(text)
            if r:
                row, sock = open_calls.pop(tid, (None, False))
                if row is not None:
                    row[3] = bytes_of(text, r[1], sock)
                continue
            c = CALL.match(text)
            if not c or c[1] not in numbers:
                raise SystemExit("unknown call: " + text[:40])
            sock = (c[2] or "").startswith(SOCKETS)
            row = [at, tid, numbers[c[1]], bytes_of(text, c[1], sock)]
            calls.append(row)
            if text.endswith("<unfinished ...>"):
                open_calls[tid] = (row, sock)
    calls.sort(key=lambda c: c[0])
    return calls
