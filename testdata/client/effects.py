"""The figures that `kernelsim run` reports of the subsystems, computed once more.

    python3 effects.py RECORDING report.json

RECORDING is what `ml-bridge --record RECORDING --record-ids plain` wrote during

    kernelsim run --workload trace --failure trace --observe 2m --decision-budget 30s --out DIR

The questions and the models' answers are taken from it, what then happened from the
traces; the rules and the effects are worked out here, sharing no code with the Go side.
The decision budget is one that every answer keeps, for a recording does not tell which
came too late for the caller. Intervals are left out: their samples are drawn.

One line a figure. Exit status 1 when one differs, 2 when nothing can be compared.
"""

import json, math, re, struct, sys
from collections import defaultdict
from pathlib import Path

from effects_figures import f32
from effects_subsystems import healing, memory, scheduler, security
from mlbridge_messages import KINDS, PREDICT, REPLY, REQUIRE_MODEL, read_message

FROM_MODEL = (1, 2)  # the sources model and cache
THRESHOLD = {"workload": 0.3, "memory": 0.079, "failure": 0.5, "threat": 0.6}


def nothing(why):
    """Ends where nothing can be compared."""
    print("effects:", why, file=sys.stderr)
    sys.exit(2)


def messages(path):
    """Connection, direction and content of a recording's messages (go doc ./ipc/record)."""
    b = Path(path).read_bytes()
    flags, name = struct.unpack_from(">II", b, 16)
    if b[:8] != b"MLBREC\0\1" or flags & 1:
        nothing("not a recording of version 1 with its ids as they are")
    at = 24 + name
    while at + 24 <= len(b):
        size, kind, _, conn = struct.unpack_from(">IB3xQQ", b, at)
        if kind == 3:
            nothing("the recording has a gap")
        if kind in (1, 2):
            yield conn, kind == 2, read_message(b[at + 24 : at + 24 + size], kind == 2)
        at += 24 + size


class Decisions:
    """Answers by question, in the order in which each subject was asked about."""

    def __init__(self, path):
        first, asked, replies = None, [], {}
        for conn, answer, m in messages(path):
            first = first or conn
            if conn != first:
                continue  # the load's
            if answer and m["type"] == REPLY:
                replies[m["id"]] = m["slots"]
            elif m["type"] == PREDICT:
                asked.append(m)
        self.open = defaultdict(list)
        for m in asked:
            for slot, answer in zip(m["slots"], replies[m["id"]]):
                q = slot["request"]
                of = self.open[slot["kind"], q.get("agent_id", q.get("component"))]
                if m["flags"] & REQUIRE_MODEL:
                    of.append([q, answer])
                elif not answer["status"] and answer["source"] in FROM_MODEL:
                    of[-1][1] = answer  # asked again of a demoted model: a part is its own
        for kind, number in KINDS.items():
            if not any(not a["status"] and a["source"] in FROM_MODEL for (k, _), of in self.open.items() if k == number for _, a in of):
                nothing(f"no model answered about {kind}")
        self.asked, self.by_model = defaultdict(int), defaultdict(int)

    def next(self, kind, subject, same):
        """The question, the model's prediction or None, what of it is the rule's, whether it is sure."""
        of = self.open[KINDS[kind], subject]
        if not of or not same(of[0][0]):
            nothing(f"the recording asks otherwise about the {kind} of {subject} than its trace")
        q, a = of.pop(0)
        self.asked[kind] += 1
        if a["status"] or a["source"] not in FROM_MODEL:
            return q, None, 0, False
        sure = a["prediction"]["confidence"] >= f32(THRESHOLD[kind])
        self.by_model[kind] += sure
        return q, a["prediction"], a["ruled"], sure


def rows(report, subsystem):
    """The report's figures in order: name, the model's way, the rule's or None where none is told."""
    for c in report["comparisons"]:
        if c["subsystem"] == subsystem:
            yield c["metric"], c["ml"], c["rule"]
    for e in report["effects"]:
        if e["subsystem"] == subsystem:
            alone = re.match(r"rule alone: ([\d.,−]+)", e.get("note", ""))
            yield e["name"], e["value"], alone and float(alone[1].replace(",", "").replace("−", "-"))


def main(recording, path):
    told, report, differ, same = Decisions(recording), json.loads(Path(path).read_text()), 0, 0
    for kind, subsystem in (("workload", scheduler), ("memory", memory), ("failure", healing), ("threat", security)):
        name = subsystem.__name__ + " (trace)"
        here = [(figure, *values) for figure, values in subsystem(told)]
        here.append(("decided by the model", 100 * told.by_model[kind] / told.asked[kind], None))
        for figure, *there in rows(report, name):
            at = next((i for i, h in enumerate(here) if h[0] == figure), None)
            if at is None:
                continue
            _, ml, rule = here.pop(at)
            # Notes have four digits.
            near = all(a is None or b is None or math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-9) for a, b, tolerance in ((ml, there[0], 1e-5), (rule, there[1], 1e-3)))
            differ, same = differ + (not near), same + near
            print("ok     " if near else "DIFFERS", f"{name}: {figure}: {there[0]:.6g}" + ("" if near else f" and {there[1]}, here {ml:.6g} and {rule}"))
        for figure, *_ in here:
            differ += 1
            print("MISSING", f"{name}: {figure}")
    return 1 if differ else 0 if same else 2


if __name__ == "__main__":
    if len(sys.argv) != 3:
        nothing(__doc__)
    sys.exit(main(*sys.argv[1:]))
