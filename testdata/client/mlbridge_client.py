"""A client of the mlbridge protocol in plain Python.

    with Client("/run/mlbridge/bridge.sock") as bridge:
        answers = bridge.predict([("workload", {...}), ("memory", {...})], budget=1_000_000)

Requests are dicts with the field names of PROTOCOL.md, section 7; answers are dicts
with status, provenance and prediction. One thread, many calls in flight if wanted
(send, then receive by id). After PROTOCOL.md, sharing no code with the Go side; standard library only.
"""

import os
import socket
import stat
import tempfile

from mlbridge_messages import (
    ERROR, GOAWAY, HELLO, PING, PONG, REPLY, REQUIRE_MODEL, TOKEN,
    frame, read_message, write_hello, write_outcome, write_predict, write_simple, write_slot,
)
from mlbridge_msgpack import Fault


class CallRefused(Exception):
    """The server refused one call as a whole; the connection lives."""

    def __init__(self, message):
        super().__init__(message["text"])
        self.status = message["status"]


class ConnectionOver(Exception):
    """The server ended the connection; message is its error, or None."""

    def __init__(self, message=None):
        super().__init__(f"{message['fault']}: {message['text']}" if message else "end of file")
        self.message = message


def default_paths():
    """Where a bridge may listen (section 2), in order. The one in the temporary
    directory counts only when nobody else can have made it."""
    if os.environ.get("MLBRIDGE_SOCKET"):
        return [os.environ["MLBRIDGE_SOCKET"]]
    paths = ["/run/mlbridge/bridge.sock"]
    if os.environ.get("XDG_RUNTIME_DIR"):
        paths.append(os.path.join(os.environ["XDG_RUNTIME_DIR"], "mlbridge/bridge.sock"))
    own = os.path.join(tempfile.gettempdir(), f"mlbridge-{os.getuid()}")
    try:
        st = os.lstat(own)
        if stat.S_ISDIR(st.st_mode) and st.st_uid == os.getuid() and not st.st_mode & 0o077:
            paths.append(os.path.join(own, "bridge.sock"))
    except FileNotFoundError:
        pass
    return paths


class Client:
    """One connection. Not for use by several threads at a time."""

    def __init__(self, path, name="python", timeout=10.0, greet=True):
        self.limits = {"max_frame": 1 << 20, "max_batch": 256, "max_in_flight": 64}
        self.draining = False
        self.notices = []  # errors about the connection that did not end it
        self.last_id = 0
        self.early = {}  # replies that came before somebody asked for them
        self.pongs = set()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        self.sock.connect(path)
        if greet:
            self.send(write_hello(name))
            self.limits = self.expect(HELLO)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    # -- bytes

    def send_bytes(self, raw):
        self.sock.sendall(raw)

    def send(self, payload):
        self.send_bytes(frame(payload))

    def receive_exactly(self, n):
        parts = bytearray()
        while len(parts) < n:
            try:
                part = self.sock.recv(n - len(parts))
            except ConnectionResetError:
                part = b""
            if not part:
                raise ConnectionOver()
            parts += part
        return bytes(parts)

    def receive(self):
        """The next message; an error that ends the connection raises."""
        n = int.from_bytes(self.receive_exactly(4), "big")
        if n == 0:
            raise Fault("frame-empty")
        if n > self.limits["max_frame"]:
            raise Fault("frame-too-large")
        m = read_message(self.receive_exactly(n), True, self.limits["max_batch"])
        if m["type"] == ERROR and m["id"] == 0:
            if m["fault"]:
                raise ConnectionOver(m)
            self.notices.append(m)
        if m["type"] == GOAWAY:
            self.draining = True
        return m

    def expect(self, message_type):
        """Reads until a message of that type; replies on the way are kept."""
        while True:
            m = self.receive()
            if m["type"] == message_type:
                return m
            self.keep(m)

    def keep(self, m):
        if m["type"] == REPLY or (m["type"] == ERROR and m["id"]):
            self.early[m["id"]] = m
        elif m["type"] == PONG:
            self.pongs.add(m["token"])
        elif m["type"] == PING:
            self.send(write_simple(PONG, TOKEN, {"token": m["token"]}))

    # -- calls

    def start(self, questions, budget=0, require_model=False, importance=0):
        """Sends one call and gives its id. A question is (kind, request), or the
        bytes of a whole slot. importance is the call's class: 0 the server's default,
        1 low, 2 normal, 3 high."""
        self.last_id += 1
        slots = [q if isinstance(q, bytes) else write_slot(*q) for q in questions]
        self.send(write_predict(self.last_id, slots, budget, (REQUIRE_MODEL if require_model else 0) | importance << 1))
        return self.last_id

    def finish(self, call_id):
        """Waits for the reply of a call and gives its slots."""
        while call_id not in self.early:
            self.keep(self.receive())
        m = self.early.pop(call_id)
        if m["type"] == ERROR:
            raise CallRefused(m)
        return m["slots"]

    def predict(self, questions, budget=0, require_model=False, importance=0):
        return self.finish(self.start(questions, budget, require_model, importance))

    def outcome(self, outcomes):
        """Reports what happened; there is no answer."""
        self.send(write_outcome(outcomes))

    def ping(self, token):
        self.send(write_simple(PING, TOKEN, {"token": token}))
        while token not in self.pongs:
            self.keep(self.receive())
        self.pongs.remove(token)
        return token
