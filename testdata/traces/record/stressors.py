"""What makes the host rise and fall in the failure set: bounded stress of our own.

Every stressor is a thread with a fixed random seed that starts a phase, lets it
go and rests. All of it ends by itself; close() ends it at once.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pressure_group

LIMIT = 256 << 20  # bytes the memory hog's group may hold

# Grows by whole MiB at a given rate while it re-reads a file, so that the group
# has page cache to lose first: that is what raises memory pressure before the end.
HOG = """
import sys, time
rate, target, path = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
with open(path, 'wb') as f:
    f.write(b'x' * (96 << 20))
kept, start, pos = [], time.monotonic(), 0
f = open(path, 'rb', buffering=0)
while time.monotonic() - start < target / rate + 2:
    want = min(target, int((time.monotonic() - start) * rate))
    while len(kept) < want:
        kept.append(bytearray(b'x' * (1 << 20)))
    if not f.read(4 << 20):
        f.seek(0)
    time.sleep(0.01)
"""


class Stressor(threading.Thread):
    """A thread that alternates rest and phase(); children it starts it also ends."""

    def __init__(self, seed, rest):
        super().__init__(daemon=True)
        self.rng, self.rest = random.Random(seed), rest
        self.children, self.over = [], threading.Event()

    def run(self):
        while not self.over.wait(self.rng.uniform(*self.rest)):
            self.phase()

    def spawn(self, *argv):
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.children.append(p)
        return p

    def reap(self):
        for p in self.children:
            p.kill()
            p.wait()
        self.children.clear()

    def close(self):
        self.over.set()
        self.join()
        self.reap()


class MemoryHog(Stressor):
    """Runs hogs in a limited group: two of three grow past the limit and are killed."""

    def __init__(self, seed, group, path):
        super().__init__(seed, (1.5, 4))
        self.group, self.path = group, path

    def phase(self):
        target = self.rng.choice((150, 400, 400))
        line = pressure_group.enter(self.group, [sys.executable, "-c", HOG, str(self.rng.choice((30, 60, 120))),
                                                 str(target), self.path])
        p = self.spawn(*line)
        while p.poll() is None and not self.over.wait(0.05):
            pass
        self.reap()


class CpuBurn(Stressor):
    """Eight processes spin for 4-7 s."""

    def phase(self):
        for _ in range(8):
            self.spawn(sys.executable, "-c", "while True: pass")
        self.over.wait(self.rng.uniform(4, 7))
        self.reap()


# Overwrites the same blocks and waits until they are on the disk, over and over.
WRITER = """
import os, sys
fd, block = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_DSYNC, 0o600), bytes(16 << 20)
while True:
    os.pwrite(fd, block, 0)
"""


class DiskFlush(Stressor):
    """More and more writers that flush large blocks to the disk, for 3-5 s."""

    def __init__(self, seed, folder):
        super().__init__(seed, (9, 16))
        self.folder = folder

    def phase(self):
        for i in range(self.rng.choice((6, 20, 20))):
            self.spawn(sys.executable, "-c", WRITER, f"{self.folder}/flush{i}")
            if self.over.wait(0.05):
                break
        self.over.wait(self.rng.uniform(2, 4))
        self.reap()


class Flood(Stressor):
    """Clients that queue at the network probe's echo server, more and more of them."""

    def __init__(self, seed, ask):
        super().__init__(seed, (8, 14))
        self.ask, self.clients = ask, []

    def phase(self):
        stop = threading.Event()

        def client():
            while not stop.is_set():
                try:
                    self.ask(1.0)
                except OSError:
                    stop.wait(0.05)

        peak = self.rng.choice((20, 60, 60))
        for _ in range(peak):
            t = threading.Thread(target=client, daemon=True)
            t.start()
            self.clients.append(t)
            if self.over.wait(0.08):
                break
        self.over.wait(1.5)
        stop.set()
        for t in self.clients:
            t.join()
        self.clients.clear()


class Crash(Stressor):
    """Kills the toy server, after a rush of requests in half of the cases; back after 2-3 s."""

    def __init__(self, seed, service):
        super().__init__(seed, (9, 15))
        self.service = service

    def phase(self):
        if self.rng.random() < 0.5:
            self.rush(self.rng.uniform(2, 4))
        self.service.process.send_signal(signal.SIGKILL)
        self.service.process.wait()
        self.over.wait(self.rng.uniform(2, 3))
        self.service.start()

    def rush(self, seconds):
        """Run a command through the server from more and more clients."""
        until, clients = time.monotonic() + seconds, []

        def client():
            while time.monotonic() < until:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{self.service.port}/shell/0", timeout=2).close()
                except OSError:
                    pass

        for _ in range(12):
            clients.append(threading.Thread(target=client, daemon=True))
            clients[-1].start()
            self.over.wait(seconds / 16)
        for c in clients:
            c.join()


class Service:
    """The toy server as a service that can crash and be started again."""

    def __init__(self, argv, folder):
        self.argv, self.folder = argv, folder
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.argv + [self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, cwd=os.path.dirname(self.folder))
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
