"""The messages of the mlbridge protocol (PROTOCOL.md, sections 6 to 9).

The tables below are the tables of the specification. A message is a dict; lists of
slots are lists of dicts. After the specification, sharing no code with the Go side.
"""

from mlbridge_msgpack import (
    NIL, U8, U31, U32, U63, U64, Fault, Reader,
    write_array, write_f32, write_int, write_str, write_uint,
)

VERSION = 1
HELLO, PING, PONG, PREDICT, REPLY, ERROR, OUTCOME, GOAWAY = range(8)
REQUIRE_MODEL = 1

STATUS = ["ok", "invalid argument", "unimplemented", "deadline exceeded",
          "overloaded", "unavailable", "permission denied", "internal"]
SOURCE = ["none", "model", "cache", "stale", "rule"]
KINDS = {"workload": 1, "threat": 2, "failure": 3, "memory": 4}
KIND_NAMES = {number: name for name, number in KINDS.items()}


def status_name(code):
    return STATUS[code] if code < len(STATUS) else f"status({code})"


# ---- types of fields: each writes a value and reads one


class UInt:
    def __init__(self, top=U64):
        self.top = top

    def write(self, v):
        return write_uint(v)

    def read(self, r):
        return r.integer(0, self.top)


class Trend:
    def write(self, v):
        return write_int(v)

    def read(self, r):
        return r.integer(-2, 1)


class F32:
    def __init__(self, unit=False):
        self.unit = unit

    def write(self, v):
        return write_f32(v)

    def read(self, r):
        v = r.f32()
        if self.unit and not 0 <= v <= 1:
            raise Fault("out-of-range", f"{v} is outside 0..1")
        return v


class Str:
    def __init__(self, top, least=0):
        self.top, self.least = top, least

    def write(self, v):
        return write_str(v)

    def read(self, r):
        v = r.string(self.top)
        if len(v.encode(errors="surrogateescape")) < self.least:
            raise Fault("out-of-range", "empty")
        return v


class OrNil:
    def __init__(self, kind):
        self.kind = kind

    def write(self, v):
        return NIL if v is None else self.kind.write(v)

    def read(self, r):
        return None if r.peek_nil() else self.kind.read(r)


class List:
    def __init__(self, kind, top):
        self.kind, self.top = kind, top

    def write(self, v):
        return write_array(len(v)) + b"".join(self.kind.write(x) for x in v)

    def read(self, r):
        return [self.kind.read(r) for _ in range(r.array(self.top))]


class Optional(List):
    """A list at the end of an array that is left out when it is empty and none follows."""


class Record:
    """An array whose elements have names. Extra ones are skipped."""

    def __init__(self, *fields):
        self.fields = fields
        self.least = sum(not isinstance(kind, Optional) for _, kind in fields)

    def write(self, v):
        n = len(self.fields)
        while n > self.least and not v.get(self.fields[n - 1][0]):
            n -= 1  # an empty one is left out unless another follows
        optional = range(self.least, n)
        return write_array(n) + b"".join(kind.write(v.get(name, []) if i in optional else v[name]) for i, (name, kind) in enumerate(self.fields[:n]))

    def read(self, r):
        n = r.tuple(self.least)
        v = {}
        for i, (name, kind) in enumerate(self.fields):
            if isinstance(kind, Optional) and (i >= n or r.peek_nil()):
                v[name] = []
            else:
                v[name] = kind.read(r)
        r.skip_extra(n, len(self.fields))
        return v


u64, unit, finite = UInt(), F32(unit=True), F32()

REQUEST = {
    1: Record(
        ("agent_id", u64), ("historical_cpu", List(unit, 10)), ("historical_memory", List(u64, 10)),
        ("historical_gpu", List(unit, 10)), ("time_of_day", UInt(23)), ("day_of_week", UInt(6)),
        ("current_cpu", unit), ("current_memory", u64), ("current_gpu", OrNil(unit)),
        ("cpu_past", Optional(finite, 32)), ("memory_past", Optional(finite, 32)), ("gpu_past", Optional(finite, 32))),
    2: Record(
        ("agent_id", u64),
        ("metrics", Record(("operation_count", u64), ("syscall_count", u64), ("memory_usage", u64), ("network_activity", u64))),
        ("anomalies", List(Record(("anomaly_type", UInt(U32)), ("severity", finite), ("timestamp", u64)), 32)),
        ("historical_threats", List(unit, 10)), ("time_since_last_threat", u64),
        ("syscall_features", Optional(finite, 128)), ("syscall_counts", Optional(u64, 64))),
    3: Record(
        ("component", Str(64, least=1)), ("health_score", unit), ("current_value", finite), ("baseline", finite),
        ("trend", Trend()), ("historical_health", List(unit, 20)), ("failure_history", List(UInt(1), 10)),
        ("time_since_last_failure", u64), ("failure_rates", Optional(finite, 16))),
    4: Record(
        ("agent_id", u64), ("access_history", List(u64, 20)), ("access_types", List(UInt(2), 20)),
        ("access_timestamps", List(u64, 20)), ("current_address", u64), ("locality_score", unit),
        ("candidates", Optional(u64, 16)), ("candidate_chances", Optional(unit, 16))),
}

PREDICTION = {
    1: Record(("predicted_cpu", unit), ("predicted_memory", u64), ("predicted_gpu", OrNil(unit)), ("confidence", unit)),
    2: Record(("threat_score", unit), ("threat_type", UInt(5)), ("confidence", unit), ("recommended_action", UInt(4))),
    3: Record(("failure_probability", unit), ("predicted_time", OrNil(u64)), ("confidence", unit), ("failure_type", UInt(5))),
    4: Record(("next_address", u64), ("access_probability", unit), ("access_type", UInt(2)), ("confidence", unit),
              ("more", Optional(Record(("address", u64), ("probability", unit)), 3))),
}

CLIENT_HELLO = Record(("version_min", u64), ("version_max", u64), ("name", Str(64)), ("capabilities", u64))
SERVER_HELLO = Record(*CLIENT_HELLO.fields, ("max_frame", UInt(U31)), ("max_batch", UInt(U31)),
                      ("max_in_flight", UInt(U31)), ("default_budget", UInt(U63)))
TOKEN = Record(("token", u64))
ERROR_BODY = Record(("id", u64), ("status", UInt(U8)), ("fault", Str(64)), ("text", Str(256)))
TEXT = Record(("text", Str(256)))


# ---- writing messages


def frame(payload):
    return len(payload).to_bytes(4, "big") + payload


def write_simple(message_type, record, v):
    """A message that is its type and the fields of one record."""
    body = record.write(v)  # a short array: one header byte, then the fields
    return write_array((body[0] & 0x0F) + 1) + write_uint(message_type) + body[1:]


def write_hello(name, low=VERSION, high=VERSION, capabilities=0):
    return write_simple(HELLO, CLIENT_HELLO, {
        "version_min": low, "version_max": high, "name": name, "capabilities": capabilities})


def write_slot(kind, request):
    return write_array(2) + write_uint(KINDS[kind]) + REQUEST[KINDS[kind]].write(request)


def write_predict(call_id, slots, budget=0, flags=0, trace=b""):
    """slots are finished bytes, so that a test can send what no encoder would."""
    out = write_array(6 if trace else 5 if flags else 4) + write_uint(PREDICT) + write_uint(call_id) + write_uint(budget)
    out += write_array(len(slots)) + b"".join(slots)
    out += write_uint(flags) if flags or trace else b""
    return out + (b"\xc4\x19" + trace if trace else b"")


def write_outcome(outcomes):
    out = write_array(2) + write_uint(OUTCOME) + write_array(len(outcomes))
    for o in outcomes:
        kind = KINDS[o["kind"]]
        subject = write_str(o["subject"]) if isinstance(o["subject"], str) else write_uint(o["subject"])
        unobserved = write_uint(o["unobserved"]) if o.get("unobserved") else b""
        out += write_array(6 if unobserved else 5) + write_uint(o["prediction_id"]) + write_uint(kind) + subject
        out += write_uint(o["observed_ago"]) + PREDICTION[kind].write(o["actual"]) + unobserved
    return out


def write_reply(call_id, slots):
    """A server's message; clients only need it to check themselves against vectors."""
    out = write_array(3) + write_uint(REPLY) + write_uint(call_id) + write_array(len(slots))
    for s in slots:
        if s["status"]:
            why = write_uint(s["reason"]) if s["reason"] else b""
            out += write_array(3 if why else 2) + write_uint(s["status"]) + write_str(s["text"]) + why
            continue
        ruled = write_uint(s["ruled"]) if s["ruled"] else b""
        out += write_array(9 if ruled else 8)
        out += b"".join(write_uint(s[k]) for k in ("status", "kind", "prediction_id", "source", "reason", "age"))
        out += write_str(s["model"]) + PREDICTION[s["kind"]].write(s["prediction"]) + ruled
    return out


# ---- reading messages


def read_message(payload, from_server, max_batch=256):
    """Gives the dict of one message, or raises Fault."""
    r = Reader(payload)
    n = r.tuple(1)
    kind = r.integer(0, U8)
    simple = {(HELLO, False): CLIENT_HELLO, (HELLO, True): SERVER_HELLO, (ERROR, True): ERROR_BODY,
              (GOAWAY, True): TEXT}.get((kind, from_server), TOKEN if kind in (PING, PONG) else None)
    if simple:
        m = read_simple(r, n, simple)
    elif (kind, from_server) == (PREDICT, False):
        m = read_predict(r, n, max_batch)
    elif (kind, from_server) == (REPLY, True):
        need(n, 3)
        m = {"id": r.integer(0, U64), "slots": [read_answer(r) for _ in range(r.array(max_batch))]}
        r.skip_extra(n, 3)
    elif (kind, from_server) == (OUTCOME, False):
        m = read_outcomes(r, n, max_batch)
    else:
        raise Fault("unknown-message", str(kind))
    r.end()
    if kind == HELLO and not m["version_min"] <= VERSION <= m["version_max"]:
        raise Fault("version")
    m["type"] = kind
    return m


def need(n, least):
    if n < least:
        raise Fault("missing-element")


def read_simple(r, n, record):
    need(n, 1 + len(record.fields))
    m = {name: kind.read(r) for name, kind in record.fields}
    r.skip_extra(n, 1 + len(record.fields))
    return m


def read_answer(r):
    """One slot of a reply."""
    n = r.tuple(2)
    status = r.integer(0, U8)
    if status:
        s = {"status": status, "text": r.string(256), "reason": 0}
        if n > 2:
            s["reason"] = r.integer(0, U8)
        r.skip_extra(n, 3)
        return s
    need(n, 8)
    s = {"status": 0, "kind": r.integer(1, 4), "prediction_id": r.integer(0, U64), "source": r.integer(0, 4),
         "reason": r.integer(0, U8), "age": r.integer(0, U63), "model": r.string(64)}
    s["prediction"] = PREDICTION[s["kind"]].read(r)
    s["ruled"] = read_targets(r, n, 8, s["kind"])
    r.skip_extra(n, 9)
    return s


# Elements of the kind's prediction that are judged by themselves, a bit each: a workload's
# cpu, memory and gpu; a threat's type; a failure's time and type; the kind of an access.
TARGETS = {1: 0b111, 2: 0b10, 3: 0b1010, 4: 0b100}


def read_targets(r, n, at, kind):
    """The optional element at: bit i stands for element i of the prediction. Bits of other
    elements are ignored. Anything else that is well formed is none."""
    if n <= at:
        return 0
    start = r.at
    r.skip()
    integer, signed = r.b[start] < 0x80 or 0xCC <= r.b[start] <= 0xD3, r.b[start] >= 0xD0
    if not integer:
        return 0
    bits = int.from_bytes(r.b[start + (r.b[start] >= 0x80) : r.at], "big", signed=signed)
    return bits & TARGETS[kind] if bits >= 0 else 0


def alone(r, read):
    """Reads something that may fail alone: gives it, or its status. A Fault that
    comes out of here is about bytes that are not msgpack."""
    start = r.at
    try:
        return read(r), None
    except Unknown:
        status = 2
    except Fault:
        status = 1
    r.at = start
    r.skip()
    return None, status


class Unknown(Exception):
    """A kind nobody knows."""


def read_question(r):
    n = r.tuple(2)
    kind = r.integer(0, U8)
    if kind not in REQUEST:
        raise Unknown
    q = REQUEST[kind].read(r)
    for name in ("access_types", "access_timestamps"):
        if q.get(name) and len(q[name]) != len(q["access_history"]):
            raise Fault("out-of-range", name)
    r.skip_extra(n, 2)
    return {"kind": kind, "request": q}


def read_predict(r, n, max_batch):
    need(n, 4)
    m = {"id": r.integer(0, U64)}
    if m["id"] == 0:
        raise Fault("out-of-range", "id 0")
    m["budget"] = 0 if r.peek_nil() else r.integer(0, U63)
    count = r.array(max_batch)
    need(count, 1)
    m["slots"] = []
    for _ in range(count):
        slot, status = alone(r, read_question)
        m["slots"].append(slot or {"status": status})
    m["flags"] = 0 if n < 5 or r.peek_nil() else r.integer(0, U64)
    m["trace"] = b"" if n < 6 else read_trace(r)
    r.skip_extra(n, 6)
    return m


def read_trace(r):
    """The 25 bytes of a trace, or none: anything else that is well formed is passed over."""
    start = r.at
    r.skip()
    raw = bytes(r.b[start : r.at])
    known = raw[:2] == b"\xc4\x19" and any(raw[2:18]) and any(raw[18:26])
    return raw[2:] if known else b""


def read_observation(r):
    n = r.tuple(5)
    o = {"prediction_id": r.integer(0, U64), "kind": r.integer(1, 4)}
    o["subject"] = Str(64, least=1).read(r) if o["kind"] == KINDS["failure"] else r.integer(0, U64)
    o["observed_ago"] = r.integer(0, U63)
    o["actual"] = PREDICTION[o["kind"]].read(r)
    o["unobserved"] = read_targets(r, n, 5, o["kind"])
    r.skip_extra(n, 6)
    return o


def read_outcomes(r, n, max_batch):
    need(n, 2)
    read = [alone(r, read_observation) for _ in range(r.array(max_batch))]
    r.skip_extra(n, 2)
    return {"outcomes": [o for o, status in read if o], "refused": any(status for _, status in read)}
