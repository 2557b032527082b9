"""The numbers of system calls. Writes kernelsim/trace/syscalls.csv: x86-64 number, name.

    python3 number_table.py > ../../../kernelsim/trace/syscalls.csv

The names and numbers are the kernel's own (asm/unistd_64.h, asm/unistd_32.h of
linux-libc-dev). older brings a modern call to the table that the ADFA-LD traces
use: 64-bit, at-, p- and numbered variants go to the call that a 32-bit program of
2012 made for the same purpose; sockets to socketcall (102); what has no
counterpart to 340.
"""

import re

INCLUDE = "/usr/include/x86_64-linux-gnu/asm/unistd_%d.h"
SOCKETCALL, UNKNOWN = 102, 340

SOCKET = """socket bind connect listen accept accept4 getsockname getpeername socketpair sendto recvfrom
sendmsg recvmsg shutdown setsockopt getsockopt sendmmsg recvmmsg""".split()

OLDER = {
    "openat": "open", "openat2": "open", "newfstatat": "stat64", "stat": "stat64", "lstat": "lstat64",
    "fstat": "fstat64", "statx": "stat64", "mmap": "mmap2", "lseek": "_llseek", "fcntl": "fcntl64",
    "getdents64": "getdents64", "statfs": "statfs64", "fstatfs": "fstatfs64", "truncate": "truncate64",
    "ftruncate": "ftruncate64", "sendfile": "sendfile64", "pread64": "pread64", "pwrite64": "pwrite64",
    "fadvise64": "fadvise64_64", "unlinkat": "unlink", "mkdirat": "mkdir", "mknodat": "mknod",
    "linkat": "link", "symlinkat": "symlink", "readlinkat": "readlink", "renameat": "rename",
    "renameat2": "rename", "faccessat": "access", "faccessat2": "access", "fchmodat": "chmod",
    "fchownat": "chown32", "chown": "chown32", "fchown": "fchown32", "lchown": "lchown32",
    "futimesat": "utimes", "dup3": "dup2", "pipe2": "pipe", "clone3": "clone",
    "epoll_create1": "epoll_create", "epoll_pwait": "epoll_wait", "epoll_pwait2": "epoll_wait",
    "eventfd2": "eventfd", "signalfd4": "signalfd", "inotify_init1": "inotify_init", "ppoll": "poll",
    "select": "_newselect", "pselect6": "_newselect", "execveat": "execve", "getrlimit": "ugetrlimit",
    "arch_prctl": "set_thread_area", "preadv2": "preadv", "pwritev2": "pwritev",
}
for _id in ("getuid getgid geteuid getegid setuid setgid setreuid setregid getgroups setgroups setresuid "
            "getresuid setresgid getresgid setfsuid setfsgid").split():
    OLDER[_id] = _id + "32"


def numbers(bits):
    """Return {name: number} of the 64- or 32-bit table."""
    with open(INCLUDE % bits) as f:
        return {m[1]: int(m[2]) for m in re.finditer(r"#define __NR_(\w+) (\d+)", f.read())}


def older(name, table32):
    """The 32-bit table's number for an x86-64 call."""
    if name in SOCKET:
        return SOCKETCALL
    return table32.get(OLDER.get(name, name), UNKNOWN)


if __name__ == "__main__":
    print("nr,name")
    for name, nr in sorted(numbers(64).items(), key=lambda kv: kv[1]):
        print(f"{nr},{name}")
