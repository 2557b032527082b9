"""The threat model.

Free build: no label of an attack. The score says how foreign a window is: the sum of
what the client's novelty detector found about the window, and a little of trees that learnt
to tell windows of ordinary programs from windows that were changed (see recordings/corrupt.go).
Research build (FREE=0): trees and nets learn from real attacks of ADFA-LD and its ordinary
traces besides; then the type is learnt too.

An agent's earlier scores come with the request. They are joined linearly, in
log odds: trees would learn the history of these traces, a weight cannot. They count
against the odds that answers are calibrated for: earlier answers as low as those of anybody
say nothing, nor does a request without any.
"""
import functools
import sys

import numpy as np
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import intervals
import modelfile
import perceptron
import progress
import scores
import starts
import trees
from tables import Table

PRIOR = 0.1  # share of foreign windows that answers are calibrated for, by weight
LEARNT = {True: 0.1, False: 0.3}  # and among those learnt from, by build
# Share that the free build's score assumes: at it, one in a hundred ordinary windows of
# programs left out reaches a half, where it would be two and a half.
ASSUMED = 0.06
WAYS = {"full": 0, "vector": 1, "counters": 2}
WEIGHT = np.array([1.0, 0.5, 0.25])  # of a window asked in each way
FREE = dict(objective="binary", num_leaves=8, learning_rate=0.15, min_data_in_leaf=40, feature_fraction=0.4, lambda_l2=5.0)
RESEARCH = dict(FREE, num_leaves=20, learning_rate=0.15, min_data_in_leaf=60, feature_fraction=0.3)
ROUNDS = 80
# Of the research build's log odds the nets' share, trees have the rest: they err on different
# traces. Fits that start elsewhere differ most in the few windows that set the bound (nets from
# 0.024 to 0.066 of false positives on val), so there are two nets, and val chooses them and the
# trees of so many (starts.py).
SHARE = 0.5
NETS = dict(hidden=(64, 32), alpha=0.01, epochs=12, batch=256)
TOGETHER = 2
TREE_STARTS, NET_STARTS = 8, 16
# For the same reason three nets tell types.
TYPES = dict(hidden=32, alpha=0.1, epochs=60, batch=256)
TYPE_STARTS = 3
# Weight of modern harmless programs beside ADFA-LD's traces.
HARMLESS = {"threat_benign_train": 6.0, "threat_ordinary_train": 2.0}
EVEN = {True: 0.5, False: 0.25}  # windows of a program or trace weigh their number to minus this
FOLDS = {True: 4, False: 5}  # the latter: as many as train has instances of each attack
NEIGHBOURS = 25  # harmless traces of ADFA-LD that share a fold
ORDINARY = np.log2(PRIOR / (1 - PRIOR))  # mean of earlier scores that says nothing, log2 odds
# The most that earlier scores may weigh. In the research build what fits is twice that; but the
# hardest attacks have low scores throughout, and to find these too cost half as many false
# positives again on val.
MEMORY = {True: 0.1, False: 0.15}
HISTORY = ["has_history", "history"]
# Findings about the whole window. The largest surprise and the 90th percentile are about few of
# its calls, and rare calls are ordinary.
FINDINGS = ["surprise_mean", "above_4_bits", "above_6_bits", "unknown_triples"]
# Beside the sum of the findings, the log odds of the trees count this much. They know changed
# windows well, but what they learnt says little about attacks (TRIED.md).
BESIDE = 0.07
# ADFA-LD's kinds, from 1 on, as the product's types.
TYPE = np.array([0, 1, 2, 2, 3, 4, 5])


def train(folder, out, free):
    sets = _sets(folder, free)
    data = _joined(sets, free)
    make = _Findings if free else _Attacks.chosen(sets[0], data, Table(folder, "threat_adfa_val"))
    raw = _out_of_fold(data, sets[0], make)
    model = make(sets[0], data)
    answers, weight = model.calibrate(data, raw)
    counters = data["asked"] == WAYS["counters"]
    even = _even_odds(data["y"][counters], scores.sigmoid(answers[counters]), ASSUMED if free else PRIOR)
    width = data["x"].shape[1]
    nodes, outputs = model.nodes("foreign") + _remembered(sets[0], width, weight, ASSUMED if free else PRIOR), ["probability"]
    if not free:
        nodes += perceptron.one(_types(sets[0], data), "x", "type_odds", "type")
        outputs.append("type_odds")
    return modelfile.write(f"{out}/threat.onnx", nodes, width, outputs, {
        "predictor": "threat", "name": "threat-novelty" if free else "threat-trees", "features": sets[0].layout,
        "terms": "free" if free else "research", "counters_percent": str(round(100 * even)),
        "trained_on": "threat/benign_x86 and corruptions of it" + ("" if free else ", daemon/train/ordinary, ADFA-LD")},
        widths={"type_odds": 5})


class _Findings:
    """The free build's log odds. With findings of the client's detector their sum, which
    needs no learning because severities of all types compare, and a little of the trees; of
    a request without any the trees alone."""

    def __init__(self, table, d, rows=slice(None)):
        self.width = len(table.features)
        self.findings = [table.features.index(c) for c in FINDINGS]
        self.has = table.features.index("has_anomalies")
        self.trees = trees.fit(d["x"][rows], d["y"][rows], d["learnt"][rows], rounds=ROUNDS, columns=_columns(table), **FREE)

    def predict(self, x):
        learnt, x = self.trees.predict(x), np.asarray(x)
        return np.where(x[:, self.has] > 0, x[:, self.findings].sum(1) + BESIDE * learnt, learnt)

    def calibrate(self, d, raw):
        """Both kinds of request by themselves. A changed window follows changed windows of
        its program: whoever takes over a program stays."""
        has = d["x"][:, self.has] > 0
        assumed = np.log(ASSUMED / (1 - ASSUMED) * (1 - PRIOR) / PRIOR)
        part = {k: d[k][has] for k in ("y", "w", "asked")} | {"trace": 2 * d["trace"][has] + (d["y"][has] > 0)}
        a, b, weight = _history(part, raw[has], *scores.platt(raw[has], part["y"], part["w"]), MEMORY[True])
        c, e = scores.platt(raw[~has], d["y"][~has], d["w"][~has])
        self.with_findings, self.without = (a, b + assumed), (c, e + assumed)
        return np.where(has, a * raw + b, c * raw + e) + assumed, weight

    def nodes(self, target):
        a, b = self.with_findings
        both = self.trees.scaled(a * BESIDE, b).gated(self.has) + self.trees.scaled(*self.without).gated(self.has, above=False)
        return [trees.node(both, "score", "x", "learnt")] + _line("found", {c: a for c in self.findings}, self.width) + [
            helper.make_node("Add", ["learnt", "found"], [target])]


class _Attacks:
    """The research build's log odds: trees that know attacks, and of a window with findings
    of the client's detector nets beside them."""

    def __init__(self, table, d, rows=slice(None), *, tree_start, net_starts):
        self.has = table.features.index("has_anomalies")
        self.trees = self._tree(table, d, rows, tree_start)
        self.nets = [self._net(table, d, rows, i) for i in net_starts]

    @classmethod
    def chosen(cls, table, d, val, rows=slice(None), but=-1):
        """A maker of models that start where val's windows, without those of the attacks of
        kind but, say. All of them have findings."""
        kind = val["kind"].astype(int)
        judged = np.flatnonzero((val["asked"] == WAYS["full"]) & (kind != but))
        x = np.asarray(val.x[judged])
        known = [cls._tree(table, d, rows, i).predict(x) for i in range(TREE_STARTS)]
        said = [cls._net(table, d, rows, i).predict(x) for i in range(NET_STARTS)]
        tree_start, net_starts = starts.choose(kind[judged] > 0, known, said, TOGETHER, cls._mix)
        progress.done()
        print(f"train: trees start at {tree_start}, nets at {net_starts}", file=sys.stderr, flush=True)
        return functools.partial(cls, tree_start=tree_start, net_starts=net_starts)

    @staticmethod
    def _tree(table, d, rows, start):
        x, y, w = (d[k][rows] for k in ("x", "y", "learnt"))
        return trees.fit(x, y, w, rounds=ROUNDS, columns=_columns(table), seed=trees.SEED + start, **RESEARCH)

    @staticmethod
    def _net(table, d, rows, start):
        x, y, w = (d[k][rows] for k in ("x", "y", "learnt"))
        has = x[:, table.features.index("has_anomalies")] > 0
        return perceptron.fit(x[has], y[has], w[has], _columns(table), seed=_start(start), **NETS)

    @staticmethod
    def _mix(known, said):
        return (1 - SHARE) * known + SHARE * said

    def predict(self, x):
        known, x = self.trees.predict(x), np.asarray(x)
        said = np.mean([n.predict(x) for n in self.nets], 0)
        return np.where(x[:, self.has] > 0, self._mix(known, said), known)

    def calibrate(self, d, raw):
        """Both kinds of request by themselves."""
        has = d["x"][:, self.has] > 0
        part = {k: d[k][has] for k in ("y", "w", "asked", "trace")}
        a, b, weight = _history(part, raw[has], *scores.platt(raw[has], part["y"], part["w"]), MEMORY[False])
        c, e = scores.platt(raw[~has], d["y"][~has], d["w"][~has])
        self.with_findings, self.without = (a, b), (c, e)
        return np.where(has, a * raw + b, c * raw + e), weight

    def nodes(self, target):
        """With findings a·((1 - SHARE)·trees + SHARE·nets) + b, without c·trees + e; the trees
        are asked once, as they cost most."""
        (a, b), (c, e) = self.with_findings, self.without
        nets = [n.scaled(a * SHARE / len(self.nets)) for n in self.nets]
        out = [trees.node(self.trees, "score", "x", "known"), *perceptron.total(nets, "x", "said", "net")]

        def step(op, *inputs, result):
            out.append(helper.make_node(op, list(inputs), [result]))
            return result

        def constant(name, value):
            out.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value))))
            return name

        def line(at_one, at_zero, name):
            """A number by whether there are findings."""
            slope = step("Mul", "has", constant(name + "_more", np.float32(at_one - at_zero)), result=name + "_part")
            return step("Add", slope, constant(name + "_least", np.float32(at_zero)), result=name)
        out.append(helper.make_node("Gather", ["x", constant("has_column", np.array([self.has]))], ["has"], axis=1))
        known = step("Mul", "known", line(a * (1 - SHARE), c, "weight"), result="weighted")
        said = step("Mul", "said", "has", result="gated")
        step("Sum", known, said, line(b, e, "offset"), result=target)
        return out


def _start(i):
    return trees.SEED + 1 + i


def _sets(folder, free):
    return [Table(folder, f"threat_{s}_train") for s in (["benign"] if free else ["benign", "ordinary", "adfa"])]


def _columns(t):
    return [i for i, c in enumerate(t.features) if c not in HISTORY]


def _joined(sets, free):
    """The rows of all sets; the windows of a trace follow each other. What belongs together
    shares a fold: a program, an instance of an attack, ADFA-LD's neighbouring harmless traces."""
    parts = {k: [] for k in ("x", "y", "kind", "asked", "trace", "fold", "w")}
    traces = 0
    for t in sets:
        keep = np.arange(len(t)) if free else np.flatnonzero((t["kind"] == 0) | ("adfa" in t.name))
        entity, asked, kind = t["entity"][keep].astype(int), t["asked"][keep].astype(int), t["kind"][keep].astype(int)
        program = np.unique(t.entities, return_inverse=True)[1][entity]  # or trace
        instance = t["instance"][keep].astype(int)
        fold = np.where(instance > 0, instance, entity // NEIGHBOURS) if "adfa" in t.name else program
        w = WEIGHT[asked] / np.bincount(program)[program] ** EVEN[free]
        parts["w"].append(w / w.sum() * len(keep) * (1.0 if free else HARMLESS.get(t.name, 1.0)))
        for k, v in (("x", t.x[keep]), ("y", (kind > 0).astype(float)), ("kind", kind if "adfa" in t.name else 0 * kind),
                     ("asked", asked), ("trace", entity + traces), ("fold", fold % FOLDS[free])):
            parts[k].append(v)
        traces += len(t.entities)
    d = {k: np.concatenate(v) for k, v in parts.items()}
    y, w = d["y"], d["w"]
    for k, share in (("w", PRIOR), ("learnt", LEARNT[free])):
        d[k] = w * np.where(y == 1, share / w[y == 1].sum(), (1 - share) / w[y == 0].sum()) * len(y)
    return d


def _out_of_fold(d, table, make):
    """Scores of programs by models that have not seen them."""
    logits = np.zeros(len(d["y"]))
    for fold in range(d["fold"].max() + 1):
        test = d["fold"] == fold
        logits[test] = make(table, d, ~test).predict(d["x"][test])
    return logits


def _previous(d, raw, a, b, weight):
    """The mean of the last ten answers before each window, as the features give it (in
    log2 odds, each cut to 1:99), above what is ordinary; answers are made with history
    themselves."""
    out = np.zeros(len(raw))
    limit = np.log2(99)
    for asked in WAYS.values():
        rows = np.flatnonzero(d["asked"] == asked)
        rows = rows[np.argsort(d["trace"][rows], kind="stable")]
        starts = np.r_[0, np.flatnonzero(np.diff(d["trace"][rows])) + 1, len(rows)]
        for begin, end in zip(starts[:-1], starts[1:]):
            answers = []
            for i in rows[begin:end]:
                out[i] = np.mean(answers[-10:]) - ORDINARY if answers else 0.0
                logit = a * raw[i] + b + weight * out[i]
                answers.append(min(max(logit / np.log(2), -limit), limit))
    return out


def _history(d, raw, a, b, most):
    """Calibration and the weight of the history together. Answers depend on the
    answers before, so it is fitted in rounds."""
    weight = 0.0
    for _ in range(5):
        earlier = _previous(d, raw, a, b, weight)
        m = LogisticRegression(C=1e4).fit(np.c_[raw, earlier], d["y"], sample_weight=d["w"])
        a, weight = m.coef_[0]
        weight = np.clip(weight, 0.0, most)
        true, b = scores.platt(a * raw + weight * earlier, d["y"], d["w"])  # what was cut is missing
        a, weight = true * a, true * weight
    return float(a), float(b), float(weight)


def _line(name, weights, width):
    """The sum of columns of x times their weights."""
    line = np.zeros((width, 1), np.float32)
    for column, weight in weights.items():
        line[column] = weight
    return [helper.make_node("Constant", [], [name + "_weights"], value=numpy_helper.from_array(line)),
            helper.make_node("MatMul", ["x", name + "_weights"], [name])]


def _remembered(table, width, weight, share):
    """The history's weight beside the rest; share is what an answer is of which nothing is known."""
    at = table.features.index
    return _line("remembered", {at("history"): weight, at("has_history"): -weight * np.log2(share / (1 - share))}, width) + [
        helper.make_node("Add", ["foreign", "remembered"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["probability"])]


def _types(table, d):
    """A net that says what speaks for each of the five types, as log odds, learnt from attacks
    alone, types alike and long traces weighing less: what is judged is what a trace's
    windows say together. There are few traces to learn from, so boosted trees fit them too
    closely; forests of randomised trees do not, but with five outputs they take longer than
    all the rest."""
    rows = np.flatnonzero((d["kind"] > 0) & (d["asked"] != WAYS["counters"]))
    y = TYPE[d["kind"][rows]] - 1
    w = 1 / np.sqrt(np.bincount(d["trace"])[d["trace"][rows]])
    w /= np.bincount(y, weights=w)[y]
    return perceptron.joined([perceptron.fit(d["x"][rows], y, w, _columns(table), seed=_start(i), **TYPES) for i in range(TYPE_STARTS)])


def _even_odds(y, p, share):
    """How often the counters alone are right when foreign and ordinary are equally likely."""
    return 0.5 * np.mean(p[y == 1] >= share) + 0.5 * np.mean(p[y == 0] < share)


def left_out(folder):
    """How well each kind of attack is found by trees that never saw it: windows of
    test, without the history. A model of its own is fitted for each, so this is about
    the way of training, not about the file."""
    sets = _sets(folder, False)
    d, val, test = _joined(sets, False), Table(folder, "threat_adfa_val"), Table(folder, "threat_adfa_test")
    full = test["asked"] == WAYS["full"]
    x, kind = np.asarray(test.x)[full], test["kind"][full].astype(int)
    s, found = intervals.Sample(test["entity"][full]), []
    for k in range(1, len(TYPE)):
        judged = (kind == 0) | (kind == k)
        others = d["kind"] != k
        make = _Attacks.chosen(sets[0], d, val, others, k)
        found.append((kind[judged] > 0, make(sets[0], d, others).predict(x[judged]), s.group[judged]))

    def area(times):
        """The mean over the kinds that were drawn."""
        weighed = [(y, raw, times[group].astype(float)) for y, raw, group in found]
        return np.mean([roc_auc_score(y, raw, sample_weight=w) for y, raw, w in weighed if w[y].any()])

    areas = [roc_auc_score(y, raw) for y, raw, _ in found]
    return [{"set": "adfa", "part": "test", "metric": "left_out_kind_roc_auc", "n": int(full.sum()),
             "model": float(np.mean(areas)), "by_kind": [round(float(a), 4) for a in areas], **s.bounds(area)}]
