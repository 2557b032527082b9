"""A toy web and login server on 127.0.0.1, the victim in the simulated attacks.

    python3 toy_server.py ROOT

Prints its port, then serves until its standard input closes:

    GET  /file/NAME   a file of ROOT                                (ordinary use)
    POST /login       user and password against two fixed accounts  (ordinary use)
    GET  /shell/N     runs entry N of COMMANDS and returns its text (the "web shell")
    GET  /exploit     entry point of the simulated privilege escalation: runs
                      useradd inside a scratch tree below ROOT only

It is not a vulnerable server: a request chooses among fixed, harmless commands
by number and carries nothing that could become code. It binds loopback only.
"""

import hashlib
import http.server
import os
import subprocess
import sys
import threading

COMMANDS = [
    ["id"], ["uname", "-a"], ["ls", "-l", "/"], ["ls", "-la", "."], ["ps"], ["cat", "/etc/os-release"],
    ["df"], ["env"], ["cat", "/proc/mounts"], ["find", "/etc", "-maxdepth", "1", "-name", "*.conf"],
]
SALT = b"toy"
ACCOUNTS = {"alice": "correct horse", "bob": "battery staple"}


def digest(password):
    """A deliberately slow-ish hash, as a login service has one."""
    return hashlib.pbkdf2_hmac("sha256", password.encode(), SALT, 200)


HASHES = {user: digest(p) for user, p in ACCOUNTS.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    """One request; the root folder is the server's attribute."""

    def log_message(self, *_):
        """Log to a file under ROOT, as services do, rather than to the terminal."""
        with open(os.path.join(self.server.root, "access.log"), "a") as f:
            f.write(self.path + "\n")

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        user, _, password = self.rfile.read(int(self.headers["Content-Length"])).decode().partition(":")
        ok = HASHES.get(user) == digest(password)
        self.reply(200 if ok else 403, b"yes" if ok else b"no")

    def do_GET(self):
        verb, _, arg = self.path.lstrip("/").partition("/")
        if verb == "file":
            with open(os.path.join(self.server.root, os.path.basename(arg)), "rb") as f:
                return self.reply(200, f.read())
        if verb == "shell":
            argv = COMMANDS[int(arg) % len(COMMANDS)]
            # Through sh, because web shells do: the fork, exec, exec pattern is the point.
            done = subprocess.run(["sh", "-c", '"$@"', "sh"] + argv, cwd=self.server.root, capture_output=True)
            return self.reply(200, done.stdout)
        if verb == "exploit":
            return self.reply(200, escalate(self.server.root, arg))
        return self.reply(404, b"")


def escalate(root, name):
    """Add a uid-0 account to the scratch copy ROOT/prefix/etc, never to /etc."""
    prefix = os.path.join(root, "prefix")
    os.makedirs(prefix + "/etc", exist_ok=True)
    for f in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid"):
        open(os.path.join(prefix, "etc", f), "a").close()
    script = 'id; useradd --prefix "$1" -o -u 0 -g 0 -M "$2"; id; cat "$1/etc/passwd"'
    done = subprocess.run(["sh", "-c", script, "sh", prefix, "x%d" % int(name)], capture_output=True)
    return done.stdout


def main():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.root = sys.argv[1]
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
