"""The programs of the memory set and the inputs that they work on.

Inputs are generated from a fixed seed in a temporary folder, so nothing of this
machine's own files can end up in a trace.
"""

import os
import random
import sys

ABOUT = {
    "gcc": "gcc -O2 of a generated C file with 900 functions",
    "pydict": "python3: a dictionary of 400,000 keys, updated and sorted",
    "sqlite": "sqlite3: join and group of two tables in memory",
    "sort": "GNU sort of 600,000 text lines in one buffer",
    "perl": "perl: word counting in a hash of 500,000 words",
}

PYDICT = """
import random
r = random.Random(7)
d = {r.getrandbits(40): i for i in range(400_000)}
keys = list(d)
for _ in range(3):
    for k in r.sample(keys, 200_000):
        d[k] += 1
    keys.sort(key=d.get)
"""

SQLITE = """
CREATE TABLE a(id INTEGER PRIMARY KEY, k INT, pad TEXT);
CREATE TABLE b(id INTEGER PRIMARY KEY, k INT, v INT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 150000)
INSERT INTO a SELECT i, (i * 7919) % 50021, printf('%0120d', i) FROM n;
INSERT INTO b SELECT id, (id * 104729) % 50021, id % 97 FROM a;
CREATE INDEX ak ON a(k); CREATE INDEX bk ON b(k);
SELECT count(*), sum(length(a.pad)), sum(b.v) FROM a JOIN b ON a.k = b.k WHERE b.v < 20;
SELECT v, count(*) FROM b JOIN a USING(k) GROUP BY v ORDER BY 2 DESC LIMIT 5;
"""

PERL = """
my %n; open my $f, '<', $ARGV[0] or die;
while (<$f>) { $n{$_}++ for split }
my @top = sort { $n{$b} <=> $n{$a} || $a cmp $b } keys %n;
print scalar(@top), "\\n";
"""


def _c_source(rng):
    """A C file that keeps cc1 busy: many middling functions with loops and calls."""
    out = ["int g[4096];\n"]
    for i in range(900):
        body = "".join(
            f"  for (int i = 0; i < n; i++) g[(i * {rng.randrange(3, 99)} + {rng.randrange(4096)}) & 4095]"
            f" {rng.choice(['+=', '^=', '-='])} g[i & 4095] * {rng.randrange(2, 50)};\n"
            for _ in range(4))
        call = f"  return f{i - 1}(n / 2) + g[{rng.randrange(4096)}];\n" if i else "  return n;\n"
        out.append(f"int f{i}(int n) {{\n{body}{call}}}\n")
    return "".join(out)


def prepare(work):
    """Write every input file into work."""
    rng = random.Random(20261123)
    with open(os.path.join(work, "gen.c"), "w") as f:
        f.write(_c_source(rng))
    with open(os.path.join(work, "join.sql"), "w") as f:
        f.write(SQLITE)
    words = [format(rng.getrandbits(rng.choice((20, 32, 44))), "x") for _ in range(500_000)]
    with open(os.path.join(work, "words.txt"), "w") as f:
        for _ in range(600_000):
            f.write(" ".join(rng.choices(words, k=7)) + "\n")


def _in(work, name):
    return os.path.join(work, name)


MEMORY = {
    "gcc": lambda w: ["gcc", "-O2", "-c", "-o", _in(w, "gen.o"), _in(w, "gen.c")],
    "pydict": lambda w: [sys.executable, "-c", PYDICT],
    "sqlite": lambda w: ["sqlite3", ":memory:", ".read " + _in(w, "join.sql")],
    "sort": lambda w: ["sort", "--parallel=1", "-S", "160M", "-o", _in(w, "sorted.txt"), _in(w, "words.txt")],
    "perl": lambda w: ["perl", "-e", PERL, _in(w, "words.txt")],
}
