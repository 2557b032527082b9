"""The streams of the threat set: what runs under strace and who exercises it."""

import contextlib
import dataclasses
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import typing
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
# The real interpreter: a version manager's shim would add a shell script's calls.
PYTHON = os.path.realpath(sys.executable)
SERVER = [PYTHON, os.path.join(HERE, "toy_server.py")]


def furnish(home):
    """Fill a fresh home folder with files for the programs to work on."""
    os.makedirs(home + "/src")
    for i in range(40):
        with open(f"{home}/src/m{i}.c", "w") as f:
            f.write("#include <stdio.h>\n#include <string.h>\n" + "".join(
                f"int f{i}_{k}(const char *s) {{ return printf(\"%s\", s) + (int)strlen(s) * {k}; }}\n"
                for k in range(60)))
    for i in range(5):
        with open(f"{home}/page{i}.html", "w") as f:
            f.write(f"<p>page {i}</p>\n" * (200 * i + 1))


@dataclasses.dataclass
class Stream:
    """One recording. setting(home) is a context manager that yields the command line."""
    name: str
    about: str
    setting: typing.Callable
    kind: int = 0
    label: str = "benign"
    drive: typing.Callable = lambda p: 0  # returns the time (Unix ns) from which calls count


def alone(*argv):
    """A setting for a command that needs no company."""
    return lambda home: contextlib.nullcontext([a.replace("HOME", home) for a in argv])


def shell(script):
    return alone("/bin/sh", "-ec", script)


def serving(home):
    """A setting in which the toy server itself is traced."""
    return contextlib.nullcontext(SERVER + [home])


@contextlib.contextmanager
def browsing(home):
    """A setting in which a client is traced and the toy server runs beside it."""
    server = subprocess.Popen(SERVER + [home], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    port = int(server.stdout.readline())
    code = ("import urllib.request as u\n"
            f"for i in range(60): u.urlopen('http://127.0.0.1:{port}/file/page%d.html' % (i % 5)).read()")
    try:
        yield [PYTHON, "-c", code]
    finally:
        server.communicate()


@contextlib.contextmanager
def controlled(home):
    """A setting with a controller that orders the payload's tasks in turn, then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def control():
        peer, _ = listener.accept()
        with peer:
            for order in (2, 4, 1, 0, 5, 3, 1, 0):
                peer.sendall(struct.pack("B", order))
                peer.recv(8)
                time.sleep(0.05)

    thread = threading.Thread(target=control)
    thread.start()
    try:
        yield [PYTHON, os.path.join(HERE, "toy_payload.py"), str(listener.getsockname()[1])]
    finally:
        thread.join(60)
        listener.close()


def asking(request, count, pause=0.02):
    """A driver for a traced server: request(port, i), count times, then hang up.

    pause is the mean wait between requests in seconds.
    """
    rng = random.Random(count)

    def drive(process):
        port = int(process.stdout.readline())
        begin = time.time_ns()
        for i in range(count):
            request(port, i)
            time.sleep(rng.expovariate(1 / pause))
        return begin
    return drive


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as r:
        r.read()


def login(port, user, password):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/login", f"{user}:{password}".encode())
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refused:
        refused.close()


def visit(port, i):
    """Ordinary use: pages, and now and then a login that succeeds."""
    if i % 8 == 7:
        login(port, "alice", "correct horse")
    else:
        get(port, f"file/page{i % 5}.html")


def guess(port, i):
    login(port, ("alice", "bob", "root")[i % 3], f"guess{i}")


PY_WORK = """
import csv, json, os
for i in range(60):
    with open(f't{i}.csv', 'w', newline='') as f:
        csv.writer(f).writerows([k, k * i, 'x' * (k % 50)] for k in range(400))
total = 0
for i in range(60):
    with open(f't{i}.csv', newline='') as f:
        rows = list(csv.reader(f))
    with open(f't{i}.json', 'w') as f:
        json.dump(rows, f)
    os.rename(f't{i}.json', f'd{i}.json')
    total += os.stat(f'd{i}.json').st_size
"""

GIT = """
git init -q . && git config user.name sample && git config user.email sample@example.invalid
git add src && git commit -qm one && echo >> src/m1.c && git diff --stat && git commit -qam two
git log --stat | wc -l; git status; git branch b; git checkout -q b; git grep -c strlen | wc -l
"""

SQLITE = """
for i in $(seq 40); do echo "INSERT INTO t SELECT value, value * $i FROM generate_series(1, 50);"
echo "SELECT count(*), sum(v) FROM t WHERE k < $i;"; done > q.sql
sed -i '1i CREATE TABLE t(k INT, v INT); CREATE INDEX tk ON t(k);' q.sql
sqlite3 t.db '.read q.sql'
"""

ALL = [
    Stream("coreutils", "sh: ls, grep, sort, wc, cp, sed over a source folder",
           shell("ls -lR /usr/include | wc -l; grep -rc strlen src | sort | wc -l; cp -r src s2; "
                 "for f in s2/*.c; do sed -i s/printf/puts/ $f; done; diff -rq src s2 | wc -l")),
    Stream("git", "git: init, add, commit, diff, log, checkout, grep", shell(GIT)),
    Stream("gcc", "gcc -O1 of four files and a link", shell(
        "for i in 1 2 3 4; do gcc -O1 -c src/m$i.c -o m$i.o; done; ld -r -o all.o m1.o m2.o m3.o m4.o")),
    Stream("sqlite", "sqlite3: 40 inserts and queries on a database file", shell(SQLITE)),
    Stream("tar", "tar and gzip: pack and unpack a source folder", shell(
        "for i in 1 2 3 4 5; do tar czf a.tgz src; mkdir x$i; tar xzf a.tgz -C x$i; done")),
    Stream("python", "python3: write and read CSV and JSON files", alone(PYTHON, "-c", PY_WORK)),
    Stream("http-client", "python3: HTTP client fetching pages from loopback", browsing),
    Stream("http-server", "toy_server.py serving pages and successful logins", serving, drive=asking(visit, 200)),
    Stream("find-etc", "sh: an administrator's find and grep below /etc", shell(
        "find /etc -type f -readable 2>/dev/null | head -400 | xargs grep -l -s localhost | wc -l; "
        "ps -e | wc -l; df > /dev/null; id > /dev/null")),
    Stream("guessing", "simulated: 150 wrong passwords against toy_server.py, server side", serving,
           2, "password guessing (simulated)", asking(guess, 150)),
    Stream("webshell", "simulated: fixed harmless commands through toy_server.py, server side", serving,
           5, "web shell (simulated)", asking(lambda port, i: get(port, f"shell/{i}"), 30)),
    Stream("payload", "simulated: toy_payload.py obeys a loopback controller: looks around /etc and /proc",
           controlled, 4, "payload with remote control, reconnaissance (simulated)"),
    Stream("escalation", "simulated: toy_server.py adds uid-0 accounts inside a scratch tree, server side", serving,
           1, "privilege escalation (simulated)", asking(lambda port, i: get(port, f"exploit/{i}"), 12)),
]
