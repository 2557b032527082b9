"""What the subsystems of kernelsim make of a model's answers, and of the rule's: the
effects, after their definitions (the packages' comments below kernelsim).

Each subsystem is given the decisions (effects.Decisions) and yields its figures: name,
the model's way, the rule's alone or None.
"""

import gzip, math
from collections import OrderedDict
from pathlib import Path

from effects_figures import Pairs, auc, f32, ratio, worst

TRACES = Path(__file__).parent.parent / "traces"
NEVER, GIB, MIB, PAGE = 2**64 - 1, 2**30, 2**20, 4096


def traces(what):
    """Number, kind and rows of each recorded stream (testdata/traces/README.md)."""
    for stream, path in enumerate(sorted(TRACES.glob(what + "-*.csv.gz"))):
        lines = gzip.open(path, "rt").read().splitlines()
        kind = next(int(l.split(": ")[1]) for l in lines if l.startswith("# kind: "))
        yield stream, kind, [l.split(",") for l in lines if l[0] != "#"][1:]


def agent(stream, number):
    return 1 << 62 | stream + 1 << 32 | number


def scheduler(told):
    def rule(q):
        h, cpu = q["historical_cpu"], q["current_cpu"]
        mean = math.fsum(h) / len(h)
        if math.sqrt(math.fsum((v - mean) ** 2 for v in h) / len(h)) < 0.1:
            cpu = f32(mean)
        elif len(h) >= 3 and h[-3] < h[-2] < h[-1]:
            cpu = min(f32(cpu * f32(1.1)), 1)
        return cpu, q["current_memory"]

    def misallocated(cpu, memory, used, size, seconds):
        cpu, memory = min(cpu + 0.05, 1) - used, (memory * 1.1 - size) / GIB
        return [max(v, 0) * seconds for v in (cpu, -cpu, memory, -memory)]

    cpu, near, memory = Pairs(), Pairs(), Pairs()
    totals, moments = [Pairs() for _ in range(4)], []
    for stream, _, rows in traces("workload"):
        rows, history, decided = [[int(v) for v in r] for r in rows], [], None
        for turn, (before, now) in enumerate(zip(rows, rows[1:])):
            if now[0] <= before[0]:
                continue
            seconds, size = (now[0] - before[0]) / 1e9, now[3]
            used = min((now[2] - before[2]) / (now[0] - before[0]), 1)
            if decided:
                p, ruled, sure, of_rule = decided
                of_model = (p["predicted_cpu"], p["predicted_memory"]) if p else of_rule
                if p and not ruled & 1:
                    errors = abs(of_model[0] - used), abs(of_rule[0] - used)
                    cpu.add(*errors)
                    near.add(*(e <= 0.05 for e in errors))
                if p and not ruled & 2:
                    memory.add(abs(of_model[1] - size) / MIB, abs(of_rule[1] - size) / MIB)
                ways = [misallocated(*way, used, size, seconds) for way in (of_model if sure else of_rule, of_rule)]
                for total, ml, alone in zip(totals, *ways):
                    total.add(ml, alone)
                moments.append((turn, stream, ways))
            history = [*history, f32(used)][-10:]
            q, p, ruled, sure = told.next("workload", agent(stream, now[1]), lambda q: q["historical_cpu"] == history and q["current_memory"] == size)
            decided = p, ruled, sure, rule(q)
    moments = [ways for _, _, ways in sorted(moments)]
    yield "mean |cpu error|", cpu.mean(100)
    yield "cpu error at most 5 points", near.mean(100)
    yield "mean |memory error|", memory.mean()
    yield "cpu allocated in vain", totals[0].mean(1000)
    yield "cpu missing", totals[1].mean(1000)
    yield "intervals allocated", (len(moments), None)
    for total, name in zip(totals, ("cpu over-", "cpu under-", "memory over-", "memory under-")):
        yield name + "allocated", total.sum()
    for name, at in (("cpu", 0), ("memory", 2)):
        yield f"{name} misallocated: worst moment, worse than the rule alone by", worst([[w[at] + w[at + 1] for w in ways] for ways in moments], -1)


class Queue:
    """An agent's prefetched pages: when each was issued, and named last."""

    def __init__(self):
        self.pages, self.issued, self.used, self.covered = OrderedDict(), 0, 0, 0

    def fault(self, page, n):
        while self.pages and n - next(iter(self.pages.values()))[0] > 64:
            self.pages.popitem(last=False)
        if page not in self.pages:
            return 0
        covered = n - self.pages.pop(page)[1] <= 32
        self.used, self.covered = self.used + 1, self.covered + covered
        return covered

    def name(self, page, n):
        if page in self.pages:
            self.pages[page][1] = n
            return
        if len(self.pages) == 128:
            self.pages.popitem(last=False)
        self.pages[page] = [n, n]
        self.issued += 1


def memory(told):
    named, moments, queues, seen = Pairs(), [], [], 0
    for stream, _, rows in traces("memory"):
        history, decided, both = [], None, (Queue(), Queue())
        queues.append(both)
        for n, row in enumerate(rows):
            page, seen = int(row[2]) // PAGE, seen + 1
            covered = [q.fault(page, n) for q in both]
            if n:
                moments.append((n, stream, covered))
            if decided and decided[0]:
                named.add(decided[0]["next_address"] // PAGE == page, decided[1] == page)
            history = [*history, page * PAGE][-20:]
            _, p, _, sure = told.next("memory", agent(stream, int(row[1])), lambda q: q["access_history"] == history)
            steps = [b - a for a, b in zip(history[-3:], history[-2:])]
            alone = page + 1 if steps == [PAGE, PAGE] else page
            wanted = [p["next_address"] // PAGE] + [m["address"] // PAGE for m in p["more"] if m["probability"] >= f32(0.23)] if sure else [alone]
            for queue, pages in zip(both, (wanted, [alone])):
                for w in pages:
                    if w != page:
                        queue.name(w, n)
            decided = p, alone
    issued, used, covered = (tuple(sum(getattr(b[side], what) for b in queues) for side in (0, 1)) for what in ("issued", "used", "covered"))
    yield "next page named (top-1)", named.mean(100)
    yield "prefetch coverage", ratio(covered, (len(moments),) * 2)
    yield "prefetch accuracy", ratio(used, issued)
    yield "faults seen", (seen, None)
    yield "pages prefetched", issued
    yield "prefetched pages used", used
    yield "faults covered", covered
    yield "faults covered: worst moment, worse than the rule alone by", worst([c for _, _, c in sorted(moments)], 1)


def healing(told):
    types, readings = ["memory", "cpu", "io", "network", "service"], (10, 10, 10, 10, 10, 20)
    (_, _, rows), = traces("failure")
    brier, ranked, times, failures = Pairs(), [], Pairs(), 0
    raised, right, wrong, caught, leads = [0, 0], [0, 0], [0, 0], [0, 0], ([], [])
    for number, component in enumerate(types):
        rs = [r for r in rows if r[1] == component]
        at, failing = [int(r[0]) for r in rs], [r[7] == "1" for r in rs]
        begins = [i for i in range(len(rs)) if failing[i] and not (i and failing[i - 1])]
        horizon, alarms, until, health = 20 if component == "memory" else 10, ([], []), [0, 0], []
        followed = lambda i: [b for b in begins if i < b <= i + horizon]
        over = lambda i: i + horizon < len(rs) - 1
        failures += len(begins)
        for i, r in enumerate(rs):
            health = [*health, f32(1 - int(r[4]) / int(r[5]))][-20:]
            if failing[i]:
                continue
            q, p, ruled, sure = told.next("failure", component, lambda q: q["historical_health"] == health)
            h = q["health_score"]
            alone = f32(0.9 if h < f32(0.3) else 0.6 if h < 0.5 else 0.3 if h < f32(0.7) else 0.1)
            acts = [(p["failure_probability"], p["failure_type"]) if sure else (alone, number), (alone, number)]
            for side, (chance, kind) in enumerate(acts):
                if chance >= 0.5 and i >= until[side]:
                    until[side], raised[side] = i + readings[kind], raised[side] + 1
                    alarms[side].append(i)
            came = followed(i)
            if p and (came or over(i)):
                chances = p["failure_probability"], alone
                brier.add(*((c - bool(came)) ** 2 for c in chances))
                ranked.append((*chances, bool(came)))
            if p and came and p["predicted_time"] is not None and not ruled & 2:
                left = at[came[0]] - at[i]
                told_by_rule = {-2: 60e9, -1: 300e9}.get(q["trend"], math.inf)
                times.add(*(min(abs(t - left) / left, 1) for t in (p["predicted_time"], told_by_rule)))
        for side in (0, 1):
            for b in begins:
                before = [a for a in alarms[side] if a < b <= a + horizon]
                if before:
                    caught[side] += 1
                    leads[side].append((at[b] - at[before[0]]) / 1e9)
            for a in alarms[side]:
                if over(a):
                    (right if followed(a) else wrong)[side] += 1
    yield "Brier score", brier.mean()
    yield "ROC-AUC", (auc(ranked, 0), auc(ranked, 1))
    yield "failures caught early", ratio(caught, (failures, failures))
    yield "false alarms of all", ratio(wrong, [r + w for r, w in zip(right, wrong)])
    yield "mean relative error of the time to failure", times.mean(100)
    yield "failures that began", (failures, None)
    yield "caught early", caught
    yield "median lead", tuple(sorted(l)[len(l) // 2] for l in leads)
    yield "recovery procedures started", raised
    yield "false alarms", wrong


def security(told):
    def rule(q, since):
        """Score, type, action of a question whose last threat was since ms ago."""
        m, severities = q["metrics"], [min(max(a["severity"], 0), 1) for a in q["anomalies"]]
        log = lambda v, low, high: min(max(math.log(max(v, low) / low) / math.log(high / low), 0), 1)
        cluster = min(max((sum(s >= 0.5 for s in severities) - 1) / 7, 0), 1)
        recent = 0 if since == NEVER else 2 ** (-since / 600_000)
        moved = m["network_activity"] / max(m["syscall_count"], 1)
        rate = max(log(m["syscall_count"] / max(m["operation_count"], 1), 1e3, 1e5), log(moved, 16 << 10, 1 << 20))
        score = 1 - (1 - 0.6 * max(severities, default=0)) * (1 - 0.45 * cluster) * (1 - 0.2 * recent) * (1 - 0.25 * rate)
        kind = 0 if score < 0.5 else 1 if not m["network_activity"] else 2 if moved <= 256 else 4 if moved >= 16 << 10 else 3
        return score, kind, sum(score >= s for s in (0.3, 0.5, 0.8))

    brier, ranked, found, flagged, typed, tasks = Pairs(), [], Pairs(), Pairs(), Pairs(), []
    for stream, truth, rows in traces("threat"):
        calls, hostile = OrderedDict(), truth > 0
        for r in rows:
            calls.setdefault(int(r[1]), []).append(int(r[0]))
        for number, at in calls.items():
            last, strictest = NEVER, [0, 0]
            for now in at[49::50] + at[-1:] * (len(at) % 50 >= 10):
                q, p, _, sure = told.next("threat", agent(stream, number), lambda q: True)
                alone = rule(q, NEVER if last == NEVER else (now - last) // 10**6)
                if alone[0] >= 0.5:
                    last = now
                acts = rule(q, q["time_since_last_threat"])
                if sure:
                    action = 3 if p["recommended_action"] == 4 and p["confidence"] < f32(0.8) else p["recommended_action"]
                    acts = p["threat_score"], p["threat_type"], action
                if p:
                    scores = p["threat_score"], alone[0]
                    brier.add(*((s - hostile) ** 2 for s in scores))
                    ranked.append((*(f32(s) for s in scores), hostile))
                verdicts = [way[0] >= 0.5 for way in (acts, alone)]
                (found if hostile else flagged).add(*verdicts)
                if hostile:
                    typed.add(*(v and way[1] == truth for v, way in zip(verdicts, (acts, alone))))
                strictest = [max(s, way[2]) for s, way in zip(strictest, (acts, alone))]
            tasks.append((hostile, strictest))
    yield "ROC-AUC of reports", (auc(ranked, 0), auc(ranked, 1))
    yield "Brier score", brier.mean()
    yield "hostile reports found", found.mean(100)
    yield "harmless reports flagged", flagged.mean(100)
    yield "type right where found", ratio(typed.sum(), found.sum())
    for hostile, name in ((True, "hostile"), (False, "harmless")):
        actions = [strictest for h, strictest in tasks if h == hostile]
        yield f"tasks of {name} programs", (len(actions), None)
        for least, what in ((2, "at least throttled"), (3, "isolated or terminated")):
            yield f"of these {what}", tuple(sum(a[side] >= least for a in actions) for side in (0, 1))
