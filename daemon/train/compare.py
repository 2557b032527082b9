"""Compares families of models for memory, failure and threat, and the memory model's
costs: compare.py MATRICES OUT [section ...] writes OUT/COMPARED.md; sections that are not
named ("failure, oom") are kept as they are there. (families.py does for workload.)

Each family is fitted to the same rows of train and judged on val. Times are of ONNX
Runtime on one core, the least of many calls, without the preparation of rows, so that
all are timed alike; mld's engine is faster with trees. Recurrent nets read the windows
that `go run ./extract -windows` writes beside the rows (without it they are left out): the
health and flags of a component, the calls that an agent's counts are of, the steps between
an agent's faults. The latter two (recurrent.py, ranker.py) need PyTorch, requirements-compare.txt, and
are left out with a word without it. A request carries counts of calls, not their sequence,
so these nets also say what that costs.
"""
import sys
import time
import warnings

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neural_network import MLPClassifier

import failure
import memory
import modelfile
import nets
import threat
import trees
from tables import Table, exists

ROWS = 120_000  # of train and of val, at most, of each set
COSTS = "What the memory model's cost buys"
CALLS = "calls"  # what a step holds: the number of a group, no measure
FAULTS = "faults"  # a step of an agent's faults: they belong to a question, not to a row
NET_EPOCHS = 8  # of dense nets
EPOCHS = {CALLS: 8, FAULTS: 30}
OWN = ("by_", "given", "chance", "distance")  # how columns begin that are a candidate's own
ROUNDS = (10, 25, 50, 100, 200)  # trees of the memory model's costs
SETTINGS = dict(objective="binary", num_leaves=16, max_depth=6, learning_rate=0.15, min_data_in_leaf=100, max_bin=127)


def main(folder, out, *wanted):
    warnings.filterwarnings("ignore")  # nets stop before they converge: all families get little time
    sections = _sections(f"{out}/COMPARED.md") if wanted else {}
    for name, task in _tasks(folder):
        if wanted and name not in wanted:
            continue
        rows, score, fit, val, columns, per, inputs = task()
        print("compare:", name, file=sys.stderr, flush=True)
        text = [f"## {name}", "", f"{rows}", "", f"| family | numbers | µs alone | µs of 64 | {' | '.join(score)} |", "|" + " --- |" * (4 + len(score))]
        fitted = [(*f, val[0]) for f in _families(fit, val, columns)] + list(_recurrent(fit, val, inputs))
        for family, size, data, z, x in fitted:
            fed = x if callable(x) else lambda n: {"x": x[:n]}
            one, many = (_time(data, fed(n * per), n) for n in (1, 64))
            values = [f"{s(val, z):.4f}" for s in score.values()]
            text.append(f"| {family} | {size} | {one:.1f} | {many:.2f} | {' | '.join(values)} |")
        sections[name] = "\n".join(text) + "\n"
    if not wanted or COSTS in wanted:
        sections[COSTS] = "\n".join(_costs(folder)) + "\n"
    with open(f"{out}/COMPARED.md", "w") as f:
        f.write("# Families compared\n\nWritten by `daemon/train/compare.py`; its head says how. All on `val`.\n\n" + "\n".join(sections.values()))


def _sections(path):
    """The sections of a file written before, by name."""
    with open(path) as f:
        parts = f.read().split("\n## ")[1:]
    return {p.split("\n")[0]: "## " + p.rstrip("\n") + "\n" for p in parts}


def _tasks(folder):
    """Names, and what gives: what it is, measures, train and val as (x, y, weight, table),
    columns, rows to a question, inputs of a recurrent net at a step."""
    yield "memory", lambda: _memory(folder)
    for family, what in (("memory", "An OOM kill within a second."), ("node", "A node's failure within a week.")):
        yield f"failure, {failure.FAMILIES[family]['data']}", lambda: _failure(folder, family, what)
    for name, what in (("benign", "Changed windows of ordinary programs (free)."), ("adfa", "ADFA-LD's attacks, window by window (research).")):
        if exists(folder, f"threat_{name}_train"):
            yield f"threat, {name}", lambda: _threat(folder, name, what)


def _roc(v, z):
    return roc_auc_score(v[1], z, sample_weight=v[2])


def _pr(v, z):
    return average_precision_score(v[1], z, sample_weight=v[2])


def _memory(folder):
    fit, val = (memory._asks(Table(folder, f"memory_tables_{p}"), ROWS) for p in ("train", "val"))
    top1 = lambda v, z: v[3]["hit"][memory._best(v[3], z)].mean()
    return (f"The next page among candidates, with the client's tables; times are of a question of 20 candidates. The GRUs see the rows {EPOCHS[FAULTS]} times, the dense nets {NET_EPOCHS}.", {"top-1": top1},
            *((t.x, t["hit"], memory._equal(t["entity"]), t) for t in (fit, val)), list(range(fit.x.shape[1])), 20, FAULTS)


def _failure(folder, family, what):
    brier = lambda v, z: np.average((1 / (1 + np.exp(-z)) - v[1]) ** 2, weights=v[2])
    f = failure.FAMILIES[family]
    fit, val = (_part(Table(folder, f"failure_{f['data']}_{p}")) for p in ("train", "val"))
    columns = [i for i, c in enumerate(fit.features) if c not in failure.FAMILY + f["without"]]
    return (what, {"ROC-AUC": _roc, "PR-AUC": _pr, "Brier": brier},
            *((t.x, t["label"], t["keep"], t) for t in (fit, val)), columns, 1, 2)


def _threat(folder, name, what):
    parts = [Table(folder, f"threat_{name}_{p}") for p in ("train", "val")]
    parts = [_part(t.take(np.flatnonzero(t["asked"] == threat.WAYS["full"]))) for t in parts]
    return (what, {"ROC-AUC": _roc, "PR-AUC": _pr},
            *((t.x, (t["kind"] > 0).astype(float), np.ones(len(t)), t) for t in parts), threat._columns(parts[0]), 1, CALLS)


def _part(t):
    return t.take(np.arange(0, len(t), max(1, -(-len(t) // ROWS))))


def _families(fit, val, columns):
    """Family, its numbers, its file and its logits on val."""
    x, y, w, _ = fit
    mean, spread = x[:, columns].mean(0), x[:, columns].std(0) + 1e-6
    see = lambda v: np.clip((v[:, columns] - mean) / spread, -5, 5)
    rows = np.random.default_rng(trees.SEED).choice(len(y), len(y), p=w / w.sum())
    seen = see(val[0])
    m = LogisticRegression(C=1.0, max_iter=300).fit(see(x)[rows], y[rows])
    yield "linear", m.coef_.size + 1, _net([(m.coef_.T, m.intercept_)], x.shape[1], columns, mean, spread), m.decision_function(seen)
    for hidden in ((16,), (64, 32)):
        m = MLPClassifier(hidden, alpha=0.01, max_iter=NET_EPOCHS, learning_rate_init=2e-3, batch_size=512, random_state=1).fit(see(x)[rows], y[rows])
        p = np.clip(m.predict_proba(seen)[:, 1], 1e-7, 1 - 1e-7)
        size = sum(v.size for v in m.coefs_ + m.intercepts_)
        yield "dense " + "-".join(map(str, hidden)), size, _net(list(zip(m.coefs_, m.intercepts_)), x.shape[1], columns, mean, spread), np.log(p / (1 - p))
    for rounds in (25, 100):
        t = trees.fit(x, y, w, rounds=rounds, columns=columns, **SETTINGS)
        yield f"{rounds} boosted trees", t.count()[1], t.onnx(x.shape[1]), t.fast(x.shape[1])(val[0])


def _recurrent(fit, val, inputs):
    """The same of GRUs on the windows, and what they read."""
    if fit[3].window is None:
        return
    if inputs in (CALLS, FAULTS):
        try:
            import ranker
            import recurrent
        except (ImportError, OSError, ValueError) as e:  # what PyTorch lacks shows in many ways
            print(f"compare: no recurrent nets of {inputs}:", e, file=sys.stderr)
            return
        yield from _of_calls(recurrent, fit, val) if inputs == CALLS else _of_faults(ranker, fit, val)
        return
    _, y, w, _ = fit
    x = fit[3].window.reshape(len(y), -1, inputs)
    mean, spread = x.mean((0, 1)), x.std((0, 1)) + 1e-6
    see = lambda v: ((v.reshape(len(v), -1, inputs) - mean) / spread).reshape(len(v), -1).astype(np.float32)
    for hidden in (16,):
        net = nets.GRU(hidden, inputs, nets.logistic)
        net.fit(see(fit[3].window), y.astype(np.float32), (w / w.mean()).astype(np.float32), 5, np.random.default_rng(trees.SEED))
        data, seen = net.onnx(), see(val[3].window)
        assert np.allclose(modelfile.run(data, seen[:50])["y"], net.predict(seen[:50]), atol=1e-4)
        yield f"GRU {hidden} on the window", net.size(), data, net.predict(seen), seen


def _of_calls(recurrent, fit, val):
    calls, seen = fit[3].window, val[3].window
    for cell, hidden in (("GRU", 32), ("LSTM", 32)):
        net = recurrent.fit(cell, hidden, calls, fit[1], EPOCHS[CALLS])
        data, z = recurrent.onnx(net), recurrent.predict(net, seen)
        assert np.allclose(modelfile.run(data, seen[:50])["y"], z[:50], atol=1e-4)
        yield f"{cell} {hidden} on the calls", recurrent.size(net), data, z, seen


def _of_faults(ranker, fit, val):
    """Of a candidate the nets see how it came to be one and its distance; what else its row
    holds is made from the faults. And beside a dense net of the whole row."""
    (x, y, w, t), (seen, *_, v) = fit, val
    names = t.features
    faults, owner = _questions(t)
    later, of = _questions(v)
    for what, columns in (("", [i for i, c in enumerate(names) if c.startswith(OWN)]), (" beside rows", list(range(len(names))))):
        net = ranker.Ranker(32, (64, 32), columns).fit(faults, x, owner, y, w, EPOCHS[FAULTS])
        data, z = net.onnx(len(names)), net.predict(later, seen, of)
        fed = lambda n: {"x": seen[:n], "faults": later[:of[n - 1] + 1], "owner": of[:n]}
        assert np.allclose(modelfile.run(data, **fed(200))["y"], z[:200], atol=1e-4)
        yield "GRU 32 on the faults" + what, net.size(), data, z, fed


def _questions(t):
    """The windows of a table's questions, and each row's place among them."""
    asks, owner = np.unique(t["ask"].astype(int), return_inverse=True)
    return np.asarray(t.window[asks]), owner


def _net(layers, width, columns, mean, spread):
    """Standardising belongs to the net: a row is what is timed."""
    scale, centre = np.zeros(width, np.float32), np.zeros(width, np.float32)
    scale[columns], centre[columns] = 1 / spread, mean
    first = np.zeros((width, layers[0][0].shape[1]))
    first[columns] = layers[0][0]
    layers = [(first, layers[0][1])] + layers[1:]
    consts = [numpy_helper.from_array(np.asarray(v, np.float32), n) for n, v in (("centre", centre), ("scale", scale), ("low", -5.0), ("high", 5.0))]
    nodes = [helper.make_node("Sub", ["x", "centre"], ["a"]), helper.make_node("Mul", ["a", "scale"], ["b"]), helper.make_node("Clip", ["b", "low", "high"], ["z0"])]
    for i, (weights, bias) in enumerate(layers):
        consts += [numpy_helper.from_array(np.asarray(v, np.float32), f"{n}{i}") for n, v in (("w", weights), ("v", bias))]
        nodes.append(helper.make_node("Gemm", [f"z{i}", f"w{i}", f"v{i}"], [f"y{i}"]))
        nodes.append(helper.make_node("Relu", [f"y{i}"], [f"z{i + 1}"]))
    nodes.pop()
    io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", k]) for n, k in (("x", width), (f"y{len(layers) - 1}", 1))]
    graph = helper.make_graph(nodes, "net", io[:1], io[1:], consts)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def _costs(folder):
    """What more trees and more candidates give. Fewer candidates: the first of a question,
    in the order in which they are proposed."""
    text = [f"## {COSTS}", "", "With the client's tables. µs are of the ranking of one question.", "",
            "| trees | candidates, at most | µs | top-1 |", "| --- | --- | --- | --- |"]
    fit, val = (memory._asks(Table(folder, f"memory_tables_{p}"), 2 * ROWS) for p in ("train", "val"))
    model = trees.fit(fit.x, fit["hit"], memory._equal(fit["entity"]), **dict(memory.TARGETS["probability"], rounds=max(ROUNDS)))
    start = np.r_[0, np.flatnonzero(np.diff(val["ask"])) + 1]
    place = np.arange(len(val)) - np.repeat(start, np.diff(np.r_[start, len(val)]))
    asks = len(start)
    for rounds, most in [(r, 44) for r in ROUNDS] + [(100, m) for m in (5, 10, 20, 30)]:
        part = trees.Ensemble(model.trees[:rounds])
        z = part.fast(val.x.shape[1])(val.x)
        kept = val.take(np.flatnonzero(place < most))
        best = memory._best(kept, z[place < most])
        size = max(1, round(len(kept) / asks))
        us = _time(part.onnx(val.x.shape[1]), {"x": val.x[:size]}, 1)
        text.append(f"| {rounds} | {most} ({size} on average) | {us:.1f} | {kept['hit'][best].mean():.4f} |")
    return text


def _time(data, fed, questions):
    """µs a question, the least of many calls."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    fed, least = {k: np.ascontiguousarray(v) for k, v in fed.items()}, np.inf
    for _ in range(500):
        begin = time.perf_counter()
        session.run(None, fed)
        least = min(least, time.perf_counter() - begin)
    return least / questions * 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
