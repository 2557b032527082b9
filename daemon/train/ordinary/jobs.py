"""What record.py runs: programs of a present-day Debian machine at ordinary work.

None of them is a job of val or test of the data sets (find, zstd; grep, git, node,
memcached, gawk, cp with rm, sed with awk): these stay jobs that no model has seen. Some
scripts call cp, rm or chmod once or twice, though: a handful of the 868 threads. Each script
runs in an empty folder of its own, with S a folder of 40 small C files.
"""

JAVA = """
import java.io.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;
public class Work { public static void main(String[] a) throws Exception {
  ExecutorService pool = Executors.newFixedThreadPool(3); List<Future<Integer>> all = new ArrayList<>();
  for (int i = 0; i < 20; i++) { int n = i; all.add(pool.submit(() -> { Path p = Paths.get("t" + n);
    Files.write(p, Collections.nCopies(500, "line " + n)); return Files.readAllLines(p).size(); })); }
  int sum = 0; for (Future<Integer> f : all) sum += f.get(); pool.shutdown(); System.out.println(sum); } }
"""

GO = """
package main
import ("fmt"; "io"; "net"; "net/http"; "os"; "sync")
func main() {
  l, _ := net.Listen("tcp", "127.0.0.1:0")
  go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b, _ := os.ReadFile("main.go"); w.Write(b) }))
  var g sync.WaitGroup
  for i := 0; i < 4; i++ { g.Add(1); go func() { defer g.Done(); for k := 0; k < 60; k++ {
    r, err := http.Get("http://" + l.Addr().String()); if err == nil { io.Copy(io.Discard, r.Body); r.Body.Close() } } }() }
  g.Wait(); fmt.Println("served")
}
"""

ASYNC = """
import asyncio
async def serve(r, w):
    while line := await r.readline():
        w.write(line.upper()); await w.drain()
    w.close()
async def ask(port, n):
    r, w = await asyncio.open_connection('127.0.0.1', port)
    for i in range(40):
        w.write(b'line %d\\n' % i); await w.drain(); await r.readline(); await asyncio.sleep(0.001)
    w.close()
async def main():
    s = await asyncio.start_server(serve, '127.0.0.1', 0)
    await asyncio.gather(*(ask(s.sockets[0].getsockname()[1], n) for n in range(8)))
asyncio.run(main())
"""

THREADS = """
import queue, threading, sqlite3, tempfile, os
q = queue.Queue()
def work():
    while (n := q.get()) is not None:
        with tempfile.NamedTemporaryFile('w+') as f:
            f.write('x' * n); f.flush(); f.seek(0); f.read()
ts = [threading.Thread(target=work) for _ in range(4)]
for t in ts: t.start()
for n in range(300): q.put(n * 50)
for t in ts: q.put(None)
for t in ts: t.join()
d = sqlite3.connect('a.db'); d.execute('create table t(a, b)')
for i in range(40): d.execute('insert into t values (?, ?)', (i, str(i) * 20)); d.commit()
print(d.execute('select count(*) from t').fetchone())
"""

POOL = """
import multiprocessing as m, hashlib
def f(n): return hashlib.sha256(b'x' * n * 100).hexdigest()
if __name__ == '__main__':
    with m.Pool(3) as p: print(len(p.map(f, range(400), chunksize=10)))
"""

PERL = """perl -e 'use Socket; pipe(R,W); for my $i (1..30) { open(F,">f$i"); print F $i x 2000; close F; }
for my $i (1..30) { open(F,"<f$i"); my @l=<F>; close F; rename("f$i","g$i"); } opendir(D,"."); my @d=readdir D; print scalar(@d);
for (1..10) { my $p=fork; if(!$p){ exit 0 } waitpid($p,0); } print `date`;'"""

WGET = """
python3 -m http.server -b 127.0.0.1 8791 -d "$S" > /dev/null 2>&1 & p=$!; sleep 1
for i in $(seq 12); do wget -q -O w$i http://127.0.0.1:8791/m$i.c; done; wget -q -r -np http://127.0.0.1:8791/; kill $p"""

CMAKE = """
printf 'cmake_minimum_required(VERSION 3.10)\\nproject(x C)\\nadd_library(x %s)\\n' "$S/m1.c $S/m2.c $S/m3.c" > CMakeLists.txt
cmake -S . -B b > /dev/null && cmake --build b > /dev/null && cmake --build b > /dev/null"""

POSTGRES = """
chmod 777 .; b=$(ls -d /usr/lib/postgresql/*/bin | head -1); as() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
as "$b/initdb" -D d -U nobody -A trust > /dev/null && as "$b/pg_ctl" -D d -w -o "-k $PWD -c listen_addresses=" -l log start > /dev/null
for i in $(seq 6); do as "$b/psql" -h "$PWD" -U nobody postgres -qc "create table t$i as select generate_series(1,2000) v" \\
 -c "create index on t$i(v)" -c "select count(*) from t$i where v < 100"; done; as "$b/pg_ctl" -D d -m fast stop"""

MAKEFILE = """
printf 'all: %s\\n%%.o: ; @echo $@ > $@\\n' "$(seq -f 'f%g.o' 60 | tr '\\n' ' ')" > Makefile; make -s -j2; make -s; rm -f *.o; make -s -n | wc -l"""

PROGRAMS = {
    "jq": "for i in $(seq 12); do seq 300 | jq -s 'map({a:., b:(.*2|tostring)})' > $i.json; jq '[.[]|select(.a>100).b]|length' $i.json; done",
    "bc": "for i in $(seq 15); do echo \"scale=60; e($i)+4*a(1)\" | bc -l; done; seq 200 | paste -sd+ | bc",
    "vim": "for i in 1 2 3 4; do cp $S/m$i.c v.c; vim -u NONE -es -c '%s/printf/puts/g' -c 'g/strlen/d' -c 'wq' v.c; done",
    "man": "for p in ls tar bash find; do MANPAGER=cat man $p | wc -l; done",
    "java": f"cat > Work.java <<'X'\n{JAVA}\nX\njavac Work.java && java -Xmx64m Work && java -Xint Work",
    "cmake": CMAKE,
    "make": MAKEFILE,
    "diff_patch": "cp -r $S a; cp -r a b; for f in b/m1*.c; do ed -s $f <<'X'\n5d\n9d\nw\nX\ndone; diff -ru a b > p; diff -rq a b | wc -l; patch -s -p1 -d a < p; cmp a/m1.c b/m1.c",
    "wget": WGET,
    "keys": "for t in ed25519 rsa; do ssh-keygen -q -t $t -N '' -f k$t; ssh-keygen -lf k$t.pub; done; openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -subj /CN=x; openssl x509 -in c -noout -text | wc -l",
    "gpg": "mkdir -m 700 g; export GNUPGHOME=$PWD/g; for i in 1 2 3; do gpg -q --batch --passphrase x --pinentry-mode loopback -c -o o$i $S/m$i.c; gpg -q --batch --passphrase x --pinentry-mode loopback -d o$i | wc -c; done; gpgconf --kill all",
    "ip": "for i in $(seq 10); do ip addr; ip route; ip -s link; ip neigh; done | wc -l; lsof -p $$ | wc -l",
    "tmux": "tmux -L rec -f /dev/null new-session -d; for i in $(seq 8); do tmux -L rec send-keys 'ls -l' Enter; sleep 0.2; tmux -L rec capture-pane -p | wc -l; done; tmux -L rec kill-server",
    "bzip2_zip": "for i in 1 2 3; do cat $S/*.c > all$i; bzip2 -k all$i; bunzip2 -c all$i.bz2 | cksum; lz4 -q all$i; lz4 -dc all$i.lz4 | cksum; done; zip -qr s.zip $S; unzip -q s.zip -d u; unzip -l s.zip | wc -l",
    "convert": "convert -size 200x200 gradient:red-blue a.png && for i in 1 2 3; do convert a.png -resize $((50*i))% -rotate 30 b$i.jpg; done; identify b1.jpg b2.jpg",
    "dpkg": "dpkg -l | wc -l; dpkg -L bash | wc -l; dpkg -S /bin/ls; apt-cache policy bash | wc -l; for p in tar gzip sed; do dpkg-query -s $p; done | wc -l",
    "perl_files": PERL,
    "py_async": f"python3 -c \"{ASYNC}\"",
    "py_threads": f"python3 -c \"{THREADS}\"",
    "py_pool": f"cat > p.py <<'X'\n{POOL}\nX\npython3 p.py",
    "py_venv": "python3 -m venv --without-pip v && v/bin/python -c 'import json, sys; print(sys.prefix)'; cp -r /usr/lib/python3*/json j; python3 -m compileall -q j; python3 -m unittest -q 2>/dev/null; true",
    "go_build": "mkdir m; cd m; printf 'module m\\ngo 1.20\\n' > go.mod; printf 'package main\\nfunc main(){println(1)}\\n' > main.go; GOFLAGS=-mod=mod go vet . && go build -o m . && ./m && gofmt -l .",
    "go_http": f"printf 'module m\\ngo 1.20\\n' > go.mod; cat > main.go <<'X'\n{GO}\nX\nUNTRACED go build -o m . && ./m",
    "gdb": "gcc -g -c $S/m1.c -o m.o; echo 'int main(){return 3;}' > a.c; gcc -g a.c -o a; gdb -q -batch -ex 'info functions' m.o | wc -l; gdb -q -batch -ex 'disassemble main' a | wc -l",
    "binutils": "gcc -c $S/m1.c -o m.o; for i in 1 2 3; do objdump -d m.o | wc -l; nm m.o | wc -l; strings /bin/ls | wc -l; readelf -a m.o | wc -l; size m.o; strip m.o -o s.o; done",
    "coreutils": "for i in $(seq 6); do seq 3000 | shuf > a$i; sort -n a$i | uniq | tail -2; cut -c1-2 a$i | tr 1 2 | tee b | md5sum; split -l 500 a$i x; join a$i a$i 2>/dev/null | wc -l; base64 a$i | od -c | wc -l; dd if=a$i of=d bs=512 2>/dev/null; sha256sum x* | wc -l; nl a$i | fold | expand | wc; done",
    "admin": "for i in $(seq 6); do id; date; getent passwd root; locale -a; uname -a; hostname; who; mount | wc -l; findmnt -n / ; stat /etc/passwd; file /bin/ls; lsattr -d . ; nproc; uptime; printenv; true; done",
    "mawk_xargs": "ls /usr/bin | mawk '{n[length($0)]++} END {for (k in n) print k, n[k]}' | sort -n; ls $S/*.c | xargs -n 3 wc -l; ls $S/*.c | xargs -P 2 -n 5 cksum | wc -l",
    "bash_script": "for i in $(seq 60); do a=$((i*i)); s=$(echo $a | cut -c1); [ -f $S/m$s.c ] && read l < $S/m$s.c; printf '%s\\n' \"$l\" >> log; done; while read -r l; do : ; done < log; trap : USR1; kill -USR1 $$; type ls; wait",
    "busybox": "for a in 'ls -lR /usr/share/doc/bash' 'tar cf t.tar /usr/share/doc/bash' 'gzip -k t.tar' 'ps' 'df' 'vi --help' 'sha1sum t.tar' 'sh -c ls' 'date' 'ip a'; do busybox $a > /dev/null 2>&1; done",
    "tail_watch": "(for i in $(seq 40); do echo $i; sleep 0.03; done) > log & tail -f log --pid=$! | tee c | wc -l; timeout 1 sh -c 'while :; do sleep 0.1; done'; wait",
    "ctags_iconv": "for f in $S/m2*.c; do iconv -f utf-8 -t utf-16 $f | iconv -f utf-16 -t latin1 | wc -c; cat $f | expand | pr -h x | wc -l; done; factor $(seq 1000000 1000050) | wc -l; numfmt --to=iec $(seq 1000 1300) | wc -l",
    "postgres": POSTGRES,
}
