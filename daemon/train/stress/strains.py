"""What strains the host: for each component several kinds.

None is one of `testdata/traces/record/stressors.py`, whose recording judges what was learnt
from these. A strain rests for a time of no memory, picks one of its kinds, and lets it go; all of it ends by itself, and at once on close().
"""
import os
import signal
import sys

import victims  # noqa: F401  (puts the folder of stressors on the path)
import stressors

HEAVY = os.environ.get("PREFIX", "").split()  # before the commands that strain the cpu


class Strain(stressors.Stressor):
    """kinds are methods of it, by name."""

    kinds = ()

    def __init__(self, seed):
        super().__init__(seed, None)

    def run(self):
        mean = self.rng.uniform(6, 18)
        while not self.over.wait(min(45, 1 + self.rng.expovariate(1 / mean))):
            getattr(self, self.rng.choice(self.kinds))()

    def lasts(self, low, high):
        self.over.wait(self.rng.uniform(low, high))


class CPU(Strain):
    """More and more processes that compute."""

    kinds = ("packing", "hashing", "forking")

    def crowd(self, *argv, most=12):
        pause = self.rng.choice((0.02, 0.2, 0.5))
        for _ in range(self.rng.randrange(2, most)):
            self.spawn(*HEAVY, *argv)
            if self.over.wait(pause):
                break
        self.lasts(0.3, 5)
        self.reap()

    def packing(self):
        self.crowd("sh", "-c", "exec gzip -9 < /dev/urandom")

    def hashing(self):
        self.crowd("sha256sum", "/dev/zero")

    def forking(self):
        self.crowd("sh", "-c", "while :; do /bin/true; done")


class IO(Strain):
    """Writers that wait for the disk."""

    kinds = ("spool", "image")

    def __init__(self, seed, folder):
        super().__init__(seed)
        self.folder = folder

    def crowd(self, script, most=10):
        pause = self.rng.choice((0.05, 0.2, 0.5))
        for i in range(self.rng.randrange(1, most)):
            self.spawn("sh", "-c", script.format(f"{self.folder}/{i}"))
            if self.over.wait(pause):
                break
        self.lasts(0.5, 4)
        self.reap()

    def spool(self):
        self.crowd(f"exec {sys.executable} -c \"import os\nk=0\nwhile True:\n f=os.open('{{}}.%d'%(k%20),os.O_CREAT|os.O_WRONLY)\n"
                   " os.write(f,b'x'*30000); os.fsync(f); os.close(f); k+=1\"", 16)

    def image(self):
        self.crowd("while :; do dd if=/dev/zero of={} bs=1M count=96 conv=fdatasync; done")


class Network(Strain):
    """Makes the echo server slow, or keeps it busy."""

    kinds = ("slowing", "stalling")

    def __init__(self, seed, desk):
        super().__init__(seed)
        self.desk = desk

    def slowing(self):
        for _ in range(self.rng.randrange(3, 12)):
            self.desk.work *= self.rng.uniform(1.1, 2.0)
            if self.desk.work > 0.13 or self.over.wait(0.3):
                break
        self.lasts(0.2, 2)
        self.desk.work = 0.002

    def stalling(self):
        with self.desk.held:
            self.lasts(0.05, 1.5)


class Service(Strain):
    """Makes the server of pages slow, stops it, kills it."""

    kinds = ("freezing", "dragging", "looping")

    def __init__(self, seed, pages):
        super().__init__(seed)
        self.pages = pages

    def again(self):
        self.pages.process.kill()
        self.pages.process.wait()
        self.lasts(0.3, 3)
        self.pages.start()

    def freezing(self):
        self.pages.process.send_signal(signal.SIGSTOP)
        self.lasts(0.1, 3)
        self.pages.process.send_signal(signal.SIGCONT)

    def dragging(self):
        delay, step = 0.004, self.rng.uniform(1.15, 1.8)
        while delay < 0.13 and not self.over.wait(0.25):
            delay *= step
            self.pages.tell(f"delay {delay}")
        self.lasts(0.2, 2)
        if self.rng.random() < 0.4:
            self.again()
        self.pages.tell("delay 0")

    def looping(self):
        for _ in range(self.rng.randrange(1, 4)):
            self.again()
            self.lasts(0.2, 1.5)
