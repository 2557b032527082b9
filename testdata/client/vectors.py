"""Runs the golden vectors (testdata/vectors/README.md) through this client's codec."""

import glob
import json
import os
import struct

from mlbridge_messages import (
    CLIENT_HELLO, ERROR, ERROR_BODY, GOAWAY, HELLO, KIND_NAMES, OUTCOME, PING, PONG, PREDICT, REPLY,
    SERVER_HELLO, SOURCE, STATUS, TEXT, TOKEN,
    read_message, status_name, write_outcome, write_predict, write_reply, write_simple, write_slot,
)
from mlbridge_msgpack import Fault

MAX_FRAME = 1 << 20
CLASSES = ["default", "low", "normal", "high"]
NAMES = ["hello", "ping", "pong", "predict", "reply", "error", "outcome", "goaway"]


def load(path):
    with open(path, encoding="utf-8") as f:
        head, body = f.read().split("\n\n", 1)
    plain, values = {}, []
    for line in head.split("\n"):
        key, value = line.split(": ", 1)
        if key in ("name", "about", "direction", "canonical"):
            plain[key] = value
        else:
            values.append((key, json.loads(value)))
    code = "".join(line.split("#")[0] for line in body.split("\n"))
    return plain, values, bytes.fromhex(code)


def unframe(data):
    n = int.from_bytes(data[:4], "big")
    if n == 0:
        raise Fault("frame-empty")
    if n > MAX_FRAME:
        raise Fault("frame-too-large")
    assert len(data) == 4 + n, "the vector holds one whole frame"
    return data[4:]


def flat(m):
    """The decoded values of a message under the names of the vectors."""
    kind = m["type"]
    out = [("message", NAMES[kind])]
    if kind == HELLO:
        rename = {"name": "peer_name", "default_budget": "default_budget_ns"}
        out += [(rename.get(k, k), v) for k, v in m.items() if k != "type"]
    elif kind in (PING, PONG):
        out.append(("token", m["token"]))
    elif kind == PREDICT:
        out += [("id", m["id"]), ("budget_ns", m["budget"]), ("require_model", bool(m["flags"] & 1))]
        out += [("class", CLASSES[m["flags"] >> 1 & 3])] if m["flags"] >> 1 & 3 else []
        if m["trace"]:
            t = m["trace"].hex()
            out.append(("traceparent", f"00-{t[:32]}-{t[32:48]}-{t[48:]}"))
        out.append(("slots", len(m["slots"])))
        for i, s in enumerate(m["slots"]):
            if "status" in s:
                out.append((f"slot.{i}.status", STATUS[s["status"]]))
            else:
                out.append((f"slot.{i}.kind", KIND_NAMES[s["kind"]]))
                out += fields(f"slot.{i}.", s["request"])
    elif kind == REPLY:
        out += [("id", m["id"]), ("slots", len(m["slots"]))]
        for i, s in enumerate(m["slots"]):
            out += answer(f"slot.{i}.", s)
    elif kind == ERROR:
        out += [("id", m["id"]), ("status", status_name(m["status"])), ("fault", m["fault"]), ("text", m["text"])]
    elif kind == OUTCOME:
        out += [("outcomes", len(m["outcomes"])), ("refused", m["refused"])]
        for i, o in enumerate(m["outcomes"]):
            at = f"outcome.{i}."
            out += [(at + "prediction_id", o["prediction_id"]), (at + "kind", KIND_NAMES[o["kind"]]),
                    (at + "subject", o["subject"]), (at + "observed_ago_ns", o["observed_ago"])]
            out += fields(at, o["actual"]) + ([(at + "unobserved", o["unobserved"])] if o["unobserved"] else [])
    elif kind == GOAWAY:
        out.append(("text", m["text"]))
    return out


def answer(at, s):
    if s["status"]:
        why = [(at + "reason", s["reason"])] if s["reason"] else []
        return [(at + "status", status_name(s["status"])), (at + "text", s["text"])] + why
    return [(at + "status", "ok"), (at + "kind", KIND_NAMES[s["kind"]]), (at + "prediction_id", s["prediction_id"]),
            (at + "source", SOURCE[s["source"]]), (at + "reason", s["reason"]), (at + "age_ns", s["age"]),
            (at + "model", s["model"])] + fields(at, s["prediction"]) + ([(at + "ruled", s["ruled"])] if s["ruled"] else [])


def fields(at, record):
    out = []
    for name, v in record.items():
        if name == "metrics":
            out += [(f"{at}metrics.{k}", x) for k, x in v.items()]
        elif name in ("anomalies", "more"):
            out.append((at + name, [list(x.values()) for x in v]))
        elif name in ("candidate_chances", "failure_rates", "syscall_counts", "cpu_past", "memory_past", "gpu_past") and not v:
            pass  # vectors that are older than these do not mention them
        elif name == "predicted_time":
            out.append((at + "predicted_time_ns", v))
        else:
            out.append((at + name, v))
    return out


def same(got, want):
    """Integers exactly, floats by their 32 bits."""
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same, got, want))
    if isinstance(want, float):
        return isinstance(got, float) and struct.pack(">f", got) == struct.pack(">f", want)
    return type(got) is type(want) and got == want


def rewrite(m):
    """The canonical payload of a decoded message."""
    kind = m["type"]
    if kind == PREDICT:
        slots = [write_slot(KIND_NAMES[s["kind"]], s["request"]) for s in m["slots"]]
        return write_predict(m["id"], slots, m["budget"], m["flags"] & 7, m["trace"])
    if kind == REPLY:
        return write_reply(m["id"], m["slots"])
    if kind == OUTCOME:
        return write_outcome([{**o, "kind": KIND_NAMES[o["kind"]]} for o in m["outcomes"]])
    record = {HELLO: SERVER_HELLO if "max_frame" in m else CLIENT_HELLO, PING: TOKEN, PONG: TOKEN, ERROR: ERROR_BODY, GOAWAY: TEXT}
    return write_simple(kind, record[kind], m)


def check(path):
    """Gives None, or what is wrong."""
    plain, values, data = load(path)
    from_server = plain["direction"] == "server-to-client"
    try:
        m = read_message(unframe(data), from_server)
    except Fault as fault:
        want = dict(values).get("error", "success") if "canonical" not in plain else "success"
        return None if fault.name == want else f"fault {fault}, want {want}"
    if "canonical" not in plain:
        return f"decoded, want the fault {values[0][1]}"
    got = flat(m)
    for (gk, gv), (wk, wv) in zip(got, values):
        if gk != wk or not same(gv, wv):
            return f"{gk} = {gv!r}, want {wk} = {wv!r}"
    if len(got) != len(values):
        return f"{len(got)} values, want {len(values)}"
    if plain["canonical"] == "true" and rewrite(m) != data[4:]:
        return f"encodes as {rewrite(m).hex(' ')}"
    for i in range(len(data) - 4):
        try:
            read_message(data[4 : 4 + i], from_server)
            return f"the first {i} bytes decode"
        except Fault as fault:
            if fault.name != "truncated":
                return f"the first {i} bytes are {fault}"
    return None


def check_all(folder, report):
    paths = sorted(glob.glob(os.path.join(folder, "*.txt")))
    report("vectors found", bool(paths), folder)
    for path in paths:
        problem = check(path)
        report("vector " + os.path.basename(path)[:-4], problem is None, problem or "")
