"""What the failure set measures: one probe per component, each a thread.

A probe does a small task over and over and keeps the last duration; a task that
takes TIMEOUT or longer, or fails, is a failed one. `failures` counts them.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request

TIMEOUT = 0.1  # seconds

# A heartbeat: 2 ms of cpu time, every 50 ms; prints how long it took in ns.
HEARTBEAT = """
import time
while True:
    t, c = time.monotonic_ns(), time.thread_time_ns()
    while time.thread_time_ns() - c < 2_000_000:
        pass
    print(time.monotonic_ns() - t, flush=True)
    time.sleep(0.05)
"""


class Probe(threading.Thread):
    """Calls task() each period seconds; took is the last duration in ns, at most TIMEOUT."""

    period = 0.05

    def __init__(self):
        super().__init__(daemon=True)
        self.took, self.failures, self.failing, self.over = 0, 0, False, threading.Event()

    def run(self):
        while not self.over.wait(self.period):
            start = time.monotonic_ns()
            try:
                self.task()
                self.note(time.monotonic_ns() - start)
            except OSError:
                self.note(int(TIMEOUT * 1e9))

    def note(self, took):
        limit = int(TIMEOUT * 1e9)
        self.took, self.failing = min(took, limit), took >= limit
        self.failures += self.failing

    def close(self):
        self.over.set()
        self.join()


class Heartbeat(Probe):
    """The cpu's probe; a process of its own, so that our threads do not disturb it."""

    period = 0

    def __init__(self):
        super().__init__()
        # nice 10: a background task's heartbeat, the first to starve.
        self.process = subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", HEARTBEAT],
                                        stdout=subprocess.PIPE)

    def run(self):
        for line in self.process.stdout:
            self.note(int(line))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.join()


class DiskWrite(Probe):
    """Writes one block and waits until it is on the disk."""

    def __init__(self, path):
        super().__init__()
        self.fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)

    def task(self):
        os.pwrite(self.fd, b"x" * 4096, 0)
        os.fdatasync(self.fd)


class Echo(Probe):
    """A round trip to a single-threaded echo server that needs 2 ms a caller."""

    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                time.sleep(0.002)
                try:
                    peer.sendall(b"x")
                except OSError:
                    pass

    def ask(self, timeout):
        with socket.create_connection(self.listener.getsockname(), timeout) as c:
            c.settimeout(timeout)
            if not c.recv(1):
                raise OSError("no answer")

    def task(self):
        self.ask(TIMEOUT)


class Page(Probe):
    """Fetches a page of the toy server."""

    def __init__(self, service):
        super().__init__()
        self.service = service

    def task(self):
        urllib.request.urlopen(f"http://127.0.0.1:{self.service.port}/file/page0.html", timeout=TIMEOUT).close()
