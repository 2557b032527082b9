"""A memory cgroup (v1) with a limit, and swap on compressed memory (zram).

Both need root. Each is a context manager that puts the host back as it was.
"""

import contextlib
import os
import subprocess
import time

ROOT = "/sys/fs/cgroup/memory"


def _put(path, value):
    with open(path, "w") as f:
        f.write(str(value))


@contextlib.contextmanager
def memory_group(name, limit_bytes):
    """Make a group whose members may hold limit_bytes of memory; yields its path."""
    path = os.path.join(ROOT, "mlbridge-trace-" + name)
    os.makedirs(path, exist_ok=True)
    try:
        _put(path + "/memory.swappiness", 100)
        _put(path + "/memory.limit_in_bytes", limit_bytes)
        yield path
    finally:
        for _ in range(50):
            try:
                os.rmdir(path)
                break
            except OSError:  # the last member is still being torn down
                time.sleep(0.1)


@contextlib.contextmanager
def zram_swap(size_bytes):
    """Swap on /dev/zram0; refuses when the device or any swap is in use already."""
    with open("/proc/swaps") as f:
        if len(f.readlines()) > 1:
            raise SystemExit("swap is in use already: not touching it")
    with open("/sys/block/zram0/disksize") as f:
        if int(f.read()):
            raise SystemExit("zram0 is in use already: not touching it")
    _put("/sys/block/zram0/disksize", size_bytes)
    try:
        subprocess.run(["mkswap", "/dev/zram0"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["swapon", "/dev/zram0"], check=True)
        try:
            yield
        finally:
            subprocess.run(["swapoff", "/dev/zram0"], check=True)
    finally:
        _put("/sys/block/zram0/reset", 1)


def enter(group, argv):
    """The command line that runs argv as a member of group."""
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group] + argv
