"""The simulated payload with remote control: asks a controller what to do, does it.

    python3 toy_payload.py PORT

Connects to a controller of ours on 127.0.0.1 and obeys numbers 0..len(TASKS)-1
until the controller hangs up. Every task only reads: it walks /etc and /proc
and lists processes, as an intruder looks around after landing. What was read is
answered as a count of bytes; no content leaves the process.
"""

import os
import socket
import struct
import subprocess
import sys

LIMIT = 150  # files per walk: the burst is bounded


def walk(top):
    """Read the first 4 KiB of up to LIMIT files below top; return the bytes read."""
    seen = total = 0
    for folder, folders, files in os.walk(top):
        folders[:] = [d for d in folders if d not in ("task", "fd", "fdinfo", "map_files", "net", "sys")]
        for name in files:
            if seen >= LIMIT:
                return total
            path = os.path.join(folder, name)
            if not os.path.isfile(path) or name in ("kmsg", "kcore", "pagemap", "clear_refs"):
                continue
            seen += 1
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                total += len(os.read(fd, 4096))
                os.close(fd)
            except OSError:
                pass
    return total


def processes():
    """List the processes through /proc, as ps does; return their number."""
    pids = [p for p in os.listdir("/proc") if p.isdigit()]
    for p in pids:
        try:
            with open(f"/proc/{p}/status") as f:
                f.read()
        except OSError:
            pass
    return len(pids)


def run(*argv):
    """Run a harmless command; return the size of what it said."""
    return len(subprocess.run(argv, capture_output=True).stdout)


TASKS = [
    lambda: walk("/etc"),
    processes,
    lambda: run("id"),
    lambda: walk("/proc"),
    lambda: run("uname", "-a"),
    lambda: run("ls", "-la", "/home", "/tmp"),
]


def main():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as c:
        while order := c.recv(1):
            c.sendall(struct.pack(">Q", TASKS[order[0]]()))


if __name__ == "__main__":
    main()
