#!/usr/bin/env python3
"""Checks a live bridge, and this client's own codec, against PROTOCOL.md.

    conformance.py --socket PATH [--expect SOURCE] [--vectors DIR]

One line a check, then how many answers came from where; exit status 0 when all passed, 1 when one failed, 2 for usage.
"""

import sys

sys.dont_write_bytecode = True  # leave no files in the source tree

import argparse
import os
import socket
import stat
import struct
import time

import vectors
from mlbridge_client import CallRefused, Client, ConnectionOver, default_paths
from mlbridge_messages import (
    KIND_NAMES, SOURCE, STATUS,
    frame, write_hello, write_predict, write_slot,
)
from mlbridge_msgpack import NEVER, NIL, Bits, Fault, f32_bits, write_array, write_uint

ODD = 2**53 + 1  # no double holds it
PAGE = 4096

WORKLOAD = {
    "agent_id": 42, "historical_cpu": [0.25, 0.5, 0.75], "historical_memory": [1 << 30], "historical_gpu": [],
    "time_of_day": 13, "day_of_week": 3, "current_cpu": 0.75, "current_memory": 1 << 30, "current_gpu": None,
}
THREAT = {
    "agent_id": 42,
    "metrics": {"operation_count": 1000, "syscall_count": 250, "memory_usage": 1 << 20, "network_activity": 4096},
    "anomalies": [{"anomaly_type": 1000, "severity": 0.5, "timestamp": 1_000_000_000}],
    "historical_threats": [0.0, 0.125], "time_since_last_threat": NEVER,
}
FAILURE = {
    "component": "disk0", "health_score": 0.375, "current_value": 91.5, "baseline": 40.25, "trend": -1,
    "historical_health": [0.875, 0.625, 0.375], "failure_history": [0, 0, 1], "time_since_last_failure": 86_400_000,
}
MEMORY = {
    "agent_id": 42, "access_history": [0x7F0000001000, 0x7F0000002000, 0x7F0000003000], "access_types": [0, 0, 1],
    "access_timestamps": [1000, 2000, 3500], "current_address": 0x7F0000003000, "locality_score": 1.0,
    "candidates": [0x7F0000004000], "candidate_chances": [0.5],
}
GOOD = [("workload", WORKLOAD), ("threat", THREAT), ("failure", FAILURE), ("memory", MEMORY)]

MINIMAL = [
    ("workload", {**WORKLOAD, "agent_id": 0, "historical_cpu": [], "historical_memory": [], "time_of_day": 0,
                  "day_of_week": 0, "current_cpu": 0.0, "current_memory": 0}),
    ("threat", {**THREAT, "agent_id": 0, "metrics": dict.fromkeys(THREAT["metrics"], 0), "anomalies": [], "historical_threats": []}),
    ("failure", {**FAILURE, "component": "x", "historical_health": [], "failure_history": [], "time_since_last_failure": NEVER}),
    ("memory", {"agent_id": 0, "access_history": [], "access_types": [], "access_timestamps": [], "current_address": 0,
                "locality_score": 0.0}),
]
EXTREME = [
    ("workload", {**WORKLOAD, "agent_id": NEVER, "historical_memory": [0, ODD, NEVER], "current_memory": NEVER,
                  "historical_gpu": [0.0], "current_gpu": 0.0, "time_of_day": 23, "day_of_week": 6,
                  "cpu_past": [-3.0e38] * 32, "memory_past": [3.0e38] * 32, "gpu_past": [0.0] * 32}),
    ("workload", {**WORKLOAD, "memory_past": [0.5]}),  # of cpu nothing is known
    ("threat", {**THREAT, "agent_id": ODD, "metrics": dict.fromkeys(THREAT["metrics"], NEVER), "syscall_features": [0.0] * 128, "syscall_counts": [NEVER] * 64}),
    ("failure", {**FAILURE, "component": "n" * 64, "current_value": 3.0e38, "baseline": -3.0e38, "trend": -2, "failure_rates": [0.0] * 16}),
    ("memory", {**MEMORY, "agent_id": NEVER, "access_history": [0, ODD, NEVER], "current_address": NEVER, "candidates": [NEVER] * 16, "candidate_chances": [1.0] * 16}),
]


class Run:
    """Counts checks and prints a line for each."""

    def __init__(self):
        self.passed, self.failed = 0, 0
        self.sources = dict.fromkeys(SOURCE, 0)

    def __call__(self, what, ok, detail=""):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        print(f"{'ok  ' if ok else 'FAIL'}  {what}{f': {detail}' if detail and not ok else ''}", flush=True)


def is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def sound(answer, kind):
    """What is wrong with an answer's status and provenance, or ""."""
    if answer["status"]:
        return f"{STATUS[answer['status']]}: {answer['text']}"
    source, reason = SOURCE[answer["source"]], answer["reason"]
    p = answer["prediction"]
    if KIND_NAMES[answer["kind"]] != kind:
        return f"a {KIND_NAMES[answer['kind']]} answer to a {kind} question"
    if source == "none":
        return "an answer without a source"
    if answer["prediction_id"] == 0:
        return "prediction_id 0"
    if source == "rule" and not answer["model"]:
        return "nobody's answer: a rule without a name"
    # An answer that is a model's own needs no reason, but for a part that the rule gave.
    own = source in ("model", "cache") and not answer["ruled"]
    if own != (reason == 0):
        return f"source {source} with reason {reason}, ruled {answer['ruled']:#b}"
    if kind == "memory" and p["confidence"] != p["access_probability"]:
        return "confidence is not access_probability"
    return ""


def check_answers(check, what, answers, questions):
    for a in answers:
        check.sources[SOURCE[a.get("source", 0)]] += 1
    problems = [sound(a, kind) for a, (kind, _) in zip(answers, questions)]
    check(what, len(answers) == len(questions) and not any(problems), "; ".join(filter(None, problems)))


def check_calls(check, path):
    with Client(path, name="conformance") as bridge:
        check("hello: version 1 and limits", bridge.limits["version_min"] <= 1 <= bridge.limits["version_max"]
              and all(bridge.limits[k] > 0 for k in ("max_frame", "max_batch", "max_in_flight", "default_budget")), str(bridge.limits))
        check("ping: the token comes back", bridge.ping(NEVER) == NEVER)
        seen = []
        for title, questions in (("full", GOOD), ("minimal", MINIMAL), ("extreme", EXTREME)):
            for question in questions:
                answers = bridge.predict([question])
                check_answers(check, f"{question[0]}, {title} request", answers, [question])
                seen += [a.get("prediction_id") for a in answers]
        mixed = [GOOD[i] for i in (3, 0, 2, 1, 0, 3)]
        answers = bridge.predict(mixed, budget=5_000_000)
        check_answers(check, "batch of mixed kinds, in order", answers, mixed)
        again = bridge.predict(mixed[:1] * 3)
        check_answers(check, "the same question three times in a batch", again, mixed[:1] * 3)
        seen += [a.get("prediction_id") for a in answers + again]
        check("prediction ids are fresh for every delivery", len(set(seen)) == len(seen), str(seen))
        most = bridge.limits["max_batch"]
        check_answers(check, f"a batch of max_batch ({most})", bridge.predict(GOOD[:1] * most, budget=50_000_000), GOOD[:1] * most)
        check_pipelining(check, bridge)
        check_budget(check, bridge)
        check_fixed_point(check, bridge)
        check_dribble(check, bridge)


def check_pipelining(check, bridge):
    ids = [bridge.start([q], budget=20_000_000) for q in GOOD * 2]
    answers = [bridge.finish(i)[0] for i in reversed(ids)]
    check_answers(check, "eight calls in flight, matched by id", answers, list(reversed(GOOD * 2)))


def check_budget(check, bridge):
    for importance in range(4):
        check_answers(check, f"class {importance}", bridge.predict(GOOD, budget=50_000_000, importance=importance), GOOD)
    start = time.perf_counter()
    answers = bridge.predict(GOOD, budget=1_000_000)
    took = time.perf_counter() - start
    check("a call of 1 ms is answered (round trip below 10 s on a very busy machine)", len(answers) == 4 and took < 10, f"{took:.3f} s")
    nil_budget = write_array(4) + write_uint(3) + write_uint(900) + NIL + write_array(1) + write_slot(*GOOD[0])
    bridge.send(nil_budget)
    check_answers(check, "a budget of nil is the default", bridge.finish(900), GOOD[:1])
    try:
        # Ten seconds: where a model is there, no busy machine makes it late.
        a = bridge.predict(GOOD[:1], budget=10_000_000_000, require_model=True)[0]
        ok = a["status"] == STATUS.index("unavailable") or SOURCE[a.get("source", 0)] in ("model", "cache")
    except CallRefused as refused:
        a, ok = refused, refused.status == STATUS.index("unavailable")
    check("require_model: a model's answer or unavailable", ok, str(a))
    if ok and isinstance(a, dict):
        check.sources[SOURCE[a.get("source", 0)]] += 1


def check_fixed_point(check, bridge):
    """Section 14: a request whose every f32 was made with integers alone."""
    ok = all(struct.pack(">I", f32_bits(m, k)) == struct.pack(">f", m / 2**k) for k in range(0, 31) for m in (1, 307, 1023, (1 << k) - 1, 1 << k))
    check("f32 from fixed point: bits are right", ok and f32_bits(307, 10) == 0x3E998000)
    cpu = Bits(f32_bits(307, 10))
    question = ("workload", {**WORKLOAD, "historical_cpu": [cpu], "current_cpu": cpu})
    check_answers(check, "f32 from fixed point: a request built without floats", bridge.predict([question]), [question])


def check_dribble(check, bridge):
    for byte in frame(write_predict(901, [write_slot(*GOOD[3])])):
        bridge.send_bytes(bytes([byte]))
    check_answers(check, "a frame sent byte by byte", bridge.finish(901), GOOD[3:])


def check_outcomes(check, path):
    with Client(path) as bridge:
        a = bridge.predict(GOOD)
        actual = [
            {"predicted_cpu": 0.5, "predicted_memory": NEVER, "predicted_gpu": None, "confidence": 0.0},
            {"threat_score": 1.0, "threat_type": 3, "confidence": 0.0, "recommended_action": 0},
            {"failure_probability": 0.0, "predicted_time": None, "confidence": 0.0, "failure_type": 0},
            {"next_address": NEVER, "access_probability": 0.0, "access_type": 1, "confidence": 0.0},
        ]
        outcomes = [{"prediction_id": x["prediction_id"], "kind": kind, "observed_ago": 1000, "actual": y,
                     "subject": q.get("component", q.get("agent_id"))} for x, y, (kind, q) in zip(a, actual, GOOD)]
        bridge.outcome(outcomes)
        bridge.outcome([{**outcomes[0], "prediction_id": 0}, {**outcomes[0], "prediction_id": 12345678901234}])
        bridge.ping(1)
        check("outcomes of all kinds are taken in silence", not bridge.notices, str(bridge.notices))
        bridge.outcome([{**outcomes[0], "actual": {**actual[0], "predicted_cpu": 2.0}}, outcomes[1]])
        bridge.ping(2)
        check("an impossible outcome brings a notice and the connection lives",
              [n["status"] for n in bridge.notices] == [1] and bridge.notices[0]["id"] == 0, str(bridge.notices))


NAN = Bits(0x7FC00000)
BAD_SLOTS = [
    ("NaN", 1, write_slot("workload", {**WORKLOAD, "current_cpu": NAN})),
    ("infinity in a history", 1, write_slot("failure", {**FAILURE, "historical_health": [Bits(0x7F800000)]})),
    ("share above 1", 1, write_slot("workload", {**WORKLOAD, "current_cpu": 1.5})),
    ("hour 24", 1, write_slot("workload", {**WORKLOAD, "time_of_day": 24})),
    ("hour 256", 1, write_slot("workload", {**WORKLOAD, "time_of_day": 256})),
    ("thirty-three numbers of a past", 1, write_slot("workload", {**WORKLOAD, "gpu_past": [0.0] * 33})),
    ("infinity in a past", 1, write_slot("workload", {**WORKLOAD, "cpu_past": [Bits(0x7F800000)]})),
    ("eleven samples", 1, write_slot("workload", {**WORKLOAD, "historical_cpu": [0.0] * 11})),
    ("component of 65 bytes", 1, write_slot("failure", {**FAILURE, "component": "n" * 65})),
    ("types for other addresses", 1, write_slot("memory", {**MEMORY, "access_types": [0]})),
    ("a request without elements", 1, b"\x92\x01\x90"),
    ("a string as slot", 1, b"\xa3bad"),
    ("unknown kind", 2, b"\x92\x09\x90"),
    ("unknown kind in another form", 2, b"\x92\x63\x81\xa1x\xc3"),
]


def check_bad_slots(check, path):
    with Client(path) as bridge:
        for what, status, slot in BAD_SLOTS:
            answers = bridge.predict([GOOD[0], slot, GOOD[3]], budget=20_000_000)
            problems = [sound(answers[0], "workload"), sound(answers[2], "memory")]
            check(f"bad slot, {what}: {STATUS[status]}, neighbours are answered",
                  answers[1]["status"] == status and not any(problems), f"{answers[1]} {problems}")
        check("the connection lives after bad slots", bridge.ping(3) == 3)


WELL = write_slot(*GOOD[3])
BROKEN = [  # what, fault, greeted before, raw bytes
    ("garbage in a frame", "wrong-type", True, frame(b"GET / HTTP/1.1\r\n\r\n")),
    ("garbage without a frame", "frame-too-large", True, b"\xde\xad\xbe\xef" * 8),
    ("oversized length", "frame-too-large", True, None),
    ("empty frame", "frame-empty", True, b"\0\0\0\0"),
    ("a value cut short", "truncated", True, frame(b"\x92\x01\xcf\0\0")),
    ("a byte behind the value", "trailing-bytes", True, frame(b"\x92\x01\x07\0")),
    ("an array of 2^32-1 elements", "truncated", True, frame(b"\xdd\xff\xff\xff\xff\0")),
    ("c1, which starts no value, inside a slot", "wrong-type", True, frame(write_predict(1, [b"\x92\x01\xc1", WELL]))),
    ("call id 0", "out-of-range", True, frame(write_predict(0, [WELL]))),
    ("a call without slots", "missing-element", True, frame(write_predict(1, []))),
    ("an extra element of 100,000 levels", "too-deep", True, frame(b"\x93\x01\x00" + b"\x91" * 100_000 + b"\xc0")),
    ("unknown message", "unknown-message", True, frame(b"\x92\x09\x00")),
    ("a second hello", "out-of-sequence", True, frame(write_hello("again"))),
    ("a call before the hello", "out-of-sequence", False, frame(write_predict(1, [WELL]))),
    ("a version of the future", "version", False, frame(write_hello("future", 2, 9))),
    ("a hello cut short", "missing-element", False, frame(b"\x93\x00\x01\x01")),
]


def check_broken(check, path):
    with Client(path) as bystander:
        for what, fault, greeted, raw in BROKEN:
            with Client(path, greet=greeted) as bridge:
                bridge.send_bytes(raw or (bridge.limits["max_frame"] + 1).to_bytes(4, "big") + b"\x95")
                check_end(check, f"{what}: {fault}, and the end", bridge, fault)
        with Client(path) as bridge:
            slots = [WELL] * (bridge.limits["max_batch"] + 1)
            bridge.send(write_predict(1, slots))
            check_end(check, "more slots than max_batch: too-long, and the end", bridge, "too-long")
        check("nobody else notices", bystander.ping(4) == 4)


def check_end(check, what, bridge, fault):
    """An error with id 0 that names the fault, and then nothing more."""
    try:
        m = bridge.receive()
        check(what, False, f"got {m}")
        return
    except ConnectionOver as over:
        m = over.message or {"fault": "no error message", "status": None}
    try:
        more = bridge.sock.recv(1)
    except ConnectionResetError:
        more = b""
    except socket.timeout:
        more = b"nothing, and the connection stays"
    check(what, m["fault"] == fault and m["status"] == 1 and not more, f"{m} {more!r}")


def main():
    parser = argparse.ArgumentParser(description="Check a bridge against PROTOCOL.md.")
    parser.add_argument("--socket", help="the bridge's socket; 'default' looks where section 2 says")
    parser.add_argument("--expect", choices=SOURCE[1:], help="fail when no answer has this source")
    parser.add_argument("--vectors", help="also run the golden vectors of this folder")
    args = parser.parse_args()
    if not args.socket and not args.vectors:
        parser.error("nothing to check: give --socket, --vectors or both")
    check = Run()
    if args.vectors:
        vectors.check_all(args.vectors, check)
    if args.socket:
        path = args.socket
        if path == "default":
            path = next((p for p in default_paths() if is_socket(p)), default_paths()[-1])
        for part in (check_calls, check_outcomes, check_bad_slots, check_broken):
            try:
                part(check, path)
            except (ConnectionOver, CallRefused, Fault, OSError) as problem:
                check(part.__name__, False, f"stopped by {type(problem).__name__}: {problem}")
        print("answers by source: " + ", ".join(f"{n} {name}" for name, n in check.sources.items() if n))
        if args.expect:
            check(f"some answers are from {args.expect}", check.sources[args.expect])
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
