"""What is put under stress: a server of pages and an echo server that can be made slow.

`python3 victims.py` is the server of pages: it prints its port, answers one caller at a time,
and obeys lines on its input: `delay S` before each page.
"""
import http.server
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "testdata", "traces", "record"))
import probes  # noqa: E402


class Desk(probes.Echo):
    """The network probe's own echo server; `work` is what it needs a caller, in s."""

    work, held = 0.002, None

    def __init__(self):
        self.held = threading.Lock()
        super().__init__()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer, self.held:
                time.sleep(self.work)
                try:
                    peer.sendall(b"x")
                except OSError:
                    pass


class Pages:
    """The server of pages as a process that can be stopped, killed and started again."""

    def __init__(self):
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.port = int(self.process.stdout.readline())

    def tell(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it has been killed

    def close(self):
        self.process.kill()
        self.process.wait()


def main():
    state = {"delay": 0.0}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(state["delay"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 4096)

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        name, value = line.split()
        state[name] = float(value)


if __name__ == "__main__":
    main()
