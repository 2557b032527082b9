"""What record.py runs: programs that use memory up in many ways.

None of them is a program of val or test of the data sets (im_filter, sk_forest; dot_graph,
memcached_rw, perl_hash, z3_solve). Inputs are made from fixed seeds in the folder in which
the programs run. Debian packages: lua5.4 ruby php-cli guile-3.0 ocaml-interp glpk-utils
swi-prolog-nox r-base-core tcl nodejs default-jdk-headless golang rustc gcc sqlite3.
"""
import os
import random
import subprocess

# Programs by name: a file that they run (extension, text) and the command, with {} for the file.
SCRIPTS = {
    "lua_tables": ("lua", """
local t = {}
for i = 1, 1400000 do t[i] = {id = i, name = "item" .. i}; if i % 3 == 0 then t[i - 1].next = t[i] end end
local n = 0; for _, v in ipairs(t) do n = n + v.id end; print(n)
""", "lua5.4 {}"),
    "ruby_words": ("rb", """
seen = Hash.new { |h, k| h[k] = [] }
r = Random.new(3)
900_000.times { |i| seen[r.rand(400_000).to_s] << "word #{i}" }
puts seen.values.map(&:length).max
""", "ruby {}"),
    "php_rows": ("php", """
<?php ini_set('memory_limit', '-1'); mt_srand(5); $rows = [];
for ($i = 0; $i < 500000; $i++) $rows[] = ['id' => $i, 'key' => mt_rand(), 'text' => str_repeat(chr(65 + $i % 26), $i % 60)];
$rows = array_reverse($rows);
$groups = []; foreach ($rows as $r) $groups[$r['key'] % 5000][] = $r['id']; echo count($groups);
""", "php {}"),
    "tcl_arrays": ("tcl", """
for {set i 0} {$i < 700000} {incr i} { set a(key$i) [list $i [expr {$i * 7919 % 10007}] "value of $i"] }
set n 0; foreach k [lsort [array names a]] { incr n [lindex $a($k) 1] }; puts $n
""", "tclsh {}"),
    "guile_lists": ("scm", """
(define (build n) (let loop ((i 0) (acc '())) (if (= i n) acc (loop (+ i 1) (cons (cons i (number->string i)) acc)))))
(define table (make-hash-table))
(for-each (lambda (p) (hash-set! table (car p) (cdr p))) (build 900000))
(display (hash-count (const #t) table))
""", "guile --no-auto-compile {}"),
    "ocaml_maps": ("ml", """
module M = Map.Make (Int)
let rec fill m i = if i = 0 then m else fill (M.add ((i * 7919) land 0xfffff) (string_of_int i) m) (i - 1)
let () = let all = List.init 6 (fun k -> fill M.empty (200000 + 50000 * k)) in
  print_int (List.fold_left (fun n m -> n + M.cardinal m) 0 all)
""", "ocaml {}"),
    "prolog_queens": ("pl", """
q(N, Qs) :- numlist(1, N, L), findall(P, (between(1, 60000, _), random_permutation(L, P)), Ps), msort(Ps, Qs).
:- initialization((set_prolog_flag(stack_limit, 4000000000), q(14, Qs), length(Qs, Len), write(Len), halt)).
""", "swipl -q {}"),
    "r_frames": ("R", """
set.seed(1); d <- NULL
for (k in 1:14) { d <- rbind(d, data.frame(g = sample(1e4, 1e5, TRUE), x = rnorm(1e5), y = runif(1e5))) }
a <- aggregate(x ~ g, d, mean); m <- lm(y ~ x + I(x^2), d); print(dim(a)); print(coef(m))
""", "Rscript --vanilla {}"),
    "py_tree": ("py", """
class N:
    __slots__ = ('k', 'l', 'r')
    def __init__(self, k): self.k, self.l, self.r = k, None, None
import random
r = random.Random(2); root = N(0.5)
for _ in range(700_000):
    k, n = r.random(), root
    while True:
        if k < n.k:
            if n.l is None: n.l = N(k); break
            n = n.l
        else:
            if n.r is None: n.r = N(k); break
            n = n.r
""", "python3 {}"),
    "py_phases": ("py", """
import random, time
r = random.Random(4)
for phase in range(7):  # works in phases that give their memory back
    size = r.randrange(20, 120)
    part = [bytes([i % 251]) * (1 << 20) for i in range(size)]
    time.sleep(r.uniform(0.2, 0.8)); total = sum(p[0] for p in part); del part
    time.sleep(r.uniform(0.1, 0.5))
""", "python3 {}"),
    "py_leak": ("py", """
import random, time
r = random.Random(6); cache = {}
end = time.monotonic() + 22
while time.monotonic() < end:  # a server that never drops what it answered
    for _ in range(r.randrange(1, 30)):
        cache[r.getrandbits(48)] = r.randbytes(r.randrange(1000, 40_000))
    time.sleep(0.02)
""", "python3 {}"),
    "node_graph": ("js", """
const nodes = new Map(); let s = 9;
const rnd = () => (s = (s * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff;
for (let i = 0; i < 500000; i++) { const n = {id: i, out: [], tag: 't' + i}; nodes.set(i, n);
  for (let k = 0; k < 3 && i; k++) nodes.get(Math.floor(rnd() * i)).out.push(n); }
let seen = new Set(), queue = [nodes.get(0)];
while (queue.length) { const n = queue.pop(); if (!seen.has(n)) { seen.add(n); queue.push(...n.out); } }
console.log(seen.size);
""", "node --max-old-space-size=4096 {}"),
    "glpk_mip": ("mod", """
param n := 46; set I := 1..n; param w{i in I} := 1000 + (i * 7919) mod 1009; var x{I, 1..4} binary; var d >= 0;
minimize spread: d;
s.t. once{i in I}: sum{k in 1..4} x[i, k] = 1;
s.t. up{k in 1..4}: sum{i in I} w[i] * x[i, k] - sum{i in I} w[i] / 4 <= d;
s.t. lo{k in 1..4}: sum{i in I} w[i] / 4 - sum{i in I} w[i] * x[i, k] <= d;
solve; end;
""", "glpsol --tmlim 35 -m {}"),
}

JAVA = """
import java.util.*;
public class Main { public static void main(String[] a) throws Exception { Map<Long, List<String>> m = new HashMap<>(); Random r = new Random(1);
  for (int i = 0; i < 1200000; i++) { m.computeIfAbsent(r.nextLong() % 300000, k -> new ArrayList<>()).add("v" + i); }
  System.out.println(m.size()); } }
"""
GO = """
package main
import ("fmt"; "math/rand")
type node struct { next [4]*node; data []byte }
func main() { r := rand.New(rand.NewSource(1)); all := map[uint64]*node{}; var last *node
  for i := 0; i < 900000; i++ { n := &node{data: make([]byte, r.Intn(300))}; n.next[i%4] = last; if i%5 == 0 { last = n }
    all[r.Uint64()%600000] = n }
  fmt.Println(len(all)) }
"""
C = """
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* An open hash table that doubles, slowly filled. */
int main(void) { size_t cap = 1 << 14, n = 0; unsigned long *t = calloc(cap, 8), s = 7; struct timespec nap = {0, 2000000};
  for (long i = 0; i < 9000000; i++) { s = s * 6364136223846793005UL + 1442695040888963407UL; unsigned long k = (s >> 20) | 1;
    if (n * 2 > cap) { unsigned long *u = calloc(cap * 2, 8); for (size_t j = 0; j < cap; j++) if (t[j]) { size_t p = t[j] & (2 * cap - 1);
      while (u[p]) p = (p + 1) & (2 * cap - 1); u[p] = t[j]; } free(t); t = u; cap *= 2; }
    size_t p = k & (cap - 1); while (t[p]) p = (p + 1) & (cap - 1); t[p] = k; n++;
    if (i % 12000 == 0) nanosleep(&nap, 0); }
  return t[0] == 3; }
"""
RUST = """
use std::collections::BTreeMap;
fn main() { let mut m: BTreeMap<u64, Vec<u8>> = BTreeMap::new(); let mut s = 1u64;
  for i in 0..700_000u64 { s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    m.entry(s >> 44).or_default().extend_from_slice(&i.to_string().repeat(8).into_bytes()); if i % 7 == 0 { m.remove(&(s >> 43)); } }
  println!("{}", m.len()); }
"""
FTS = """
CREATE VIRTUAL TABLE t USING fts5(a, b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 120000)
INSERT INTO t SELECT 'word' || (i * 7919 % 5003) || ' term' || (i % 977), hex(randomblob(60)) || ' x' || i FROM n;
CREATE TABLE u AS SELECT rowid r, a, b FROM t; CREATE INDEX ua ON u(a, b);
SELECT count(*) FROM t WHERE t MATCH 'term7'; SELECT a, count(*) FROM u GROUP BY a ORDER BY 2 DESC LIMIT 3;
"""


def commands(work):
    """Writes all inputs into work; the command line of each program by its name."""
    def put(name, text):
        path = os.path.join(work, name)
        with open(path, "w") as f:
            f.write(text.lstrip())
        return path

    def build(*argv):
        subprocess.run(argv, check=True, cwd=work, stdout=subprocess.DEVNULL)
    out = {n: line.format(put(f"{n}.{ext}", text)) for n, (ext, text, line) in SCRIPTS.items()}
    rng = random.Random(20261128)
    put("Main.java", JAVA)
    build("javac", "Main.java")
    out["java_lists"] = f"java -Xmx3g -cp {work} Main"
    put("nodes.go", GO)
    build("go", "build", "-o", "nodes", "nodes.go")
    out["go_nodes"] = f"{work}/nodes"
    put("table.c", C)
    build("gcc", "-O2", "-o", "table", "table.c")
    out["c_table"] = f"{work}/table"
    put("tree.rs", RUST)
    build("rustc", "-O", "-o", "tree", "tree.rs")
    out["rust_tree"] = f"{work}/tree"
    out["sqlite_fts"] = f"sqlite3 :memory: '.read {put('fts.sql', FTS)}'"
    lines = "".join(f"{rng.getrandbits(60):x} {rng.randrange(10**9)} {'abc' * rng.randrange(20)}\n" for _ in range(1_600_000))
    text = put("text.txt", lines)
    out["sort_text"] = f"sort --parallel=1 -S 2G -o {work}/sorted.txt {text}"
    return out
