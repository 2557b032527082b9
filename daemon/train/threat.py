"""The threat model.

Free build: no label of an attack. Trees learn to tell windows of ordinary
programs from windows that were changed (see recordings/corrupt.go), so the score
says how foreign a window is. Research build (FREE=0): real attacks of ADFA-LD
besides, and its ordinary traces; then the type is learnt too.

An agent's earlier scores come with the request. They are joined linearly, in
log odds: trees would learn the history of these traces, a weight cannot.
"""
import numpy as np
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import modelfile
import scores
import trees
from tables import Table

PRIOR = 0.1  # share of foreign windows among those learnt from, by weight
# Share that the free build's score assumes: at it, one in a hundred ordinary windows of
# programs left out reaches a half, where it would be two and a half.
ASSUMED = 0.06
WAYS = {"full": 0, "vector": 1, "counters": 2}
WEIGHT = np.array([1.0, 0.5, 0.25])  # of a window asked in each way
FREE = dict(objective="binary", num_leaves=8, learning_rate=0.15, min_data_in_leaf=40, feature_fraction=0.4, lambda_l2=5.0)
# Twice the trees gain 0.001 of ROC-AUC on val and pass the time of an answer.
RESEARCH = dict(FREE, num_leaves=20, learning_rate=0.15, min_data_in_leaf=60, feature_fraction=0.3)
ROUNDS = {True: 80, False: 80}
HARMLESS = 6.0  # weight of modern harmless programs beside ADFA-LD's traces
FOLDS = 4
HISTORY = ["has_history", "history"]
# ADFA-LD's kinds, from 1 on, as the product's types.
TYPE = np.array([0, 1, 2, 2, 3, 4, 5])


def train(folder, out, free):
    sets = [Table(folder, "threat_benign_train")] + ([] if free else [Table(folder, "threat_adfa_train")])
    data = _joined(sets, free)
    settings = dict(FREE if free else RESEARCH, rounds=ROUNDS[free], columns=_columns(sets[0]))
    raw = _out_of_fold(data, settings)
    a, b = scores.platt(raw, data["y"], data["w"])
    if free:
        b += np.log(ASSUMED / (1 - ASSUMED) * (1 - PRIOR) / PRIOR)
    weight = 0.0  # the changed windows of the free build do not follow each other
    if not free:
        a, b, weight = _history(data, raw, a, b)
    model = trees.fit(data["x"], data["y"], data["w"], **settings).scaled(a, b)
    counters = data["asked"] == WAYS["counters"]
    even = _even_odds(data["y"][counters], scores.sigmoid(a * raw[counters] + b), ASSUMED if free else PRIOR)
    width = data["x"].shape[1]
    nodes, outputs = _score(model, sets[0], width, weight), ["probability"]
    if not free:
        nodes += _types(data, settings["columns"])
        outputs.append("type_odds")
    return modelfile.write(f"{out}/threat.onnx", nodes, width, outputs, {
        "predictor": "threat", "name": "threat-novelty-trees" if free else "threat-trees", "features": sets[0].layout,
        "terms": "free" if free else "research", "counters_percent": str(round(100 * even)),
        "trained_on": "threat/benign_x86 and corruptions of it" + ("" if free else ", ADFA-LD")},
        widths={"type_odds": 5})


def _columns(t):
    return [i for i, c in enumerate(t.features) if c not in HISTORY]


def _joined(sets, free):
    """The rows of all sets; the windows of a trace follow each other."""
    parts = {k: [] for k in ("x", "y", "kind", "asked", "trace", "program", "w")}
    traces = programs = 0
    for t in sets:
        keep = np.arange(len(t)) if free else np.flatnonzero((t["kind"] == 0) | ("adfa" in t.name))
        entity, asked, kind = t["entity"][keep].astype(int), t["asked"][keep].astype(int), t["kind"][keep].astype(int)
        names, ids = np.unique(t.entities, return_inverse=True)  # programs, or traces: they stay together in a fold
        program = ids[entity] + programs
        w = WEIGHT[asked] / np.sqrt(np.bincount(program)[program])
        parts["w"].append(w / w.sum() * len(keep) * (HARMLESS if not free and "benign" in t.name else 1.0))
        for k, v in (("x", t.x[keep]), ("y", (kind > 0).astype(float)), ("kind", kind if "adfa" in t.name else 0 * kind),
                     ("asked", asked), ("trace", entity + traces), ("program", program)):
            parts[k].append(v)
        traces, programs = traces + len(t.entities), programs + len(names)
    d = {k: np.concatenate(v) for k, v in parts.items()}
    y, w = d["y"], d["w"]
    d["w"] = w * np.where(y == 1, PRIOR / w[y == 1].sum(), (1 - PRIOR) / w[y == 0].sum()) * len(y)
    return d


def _out_of_fold(d, settings):
    """Scores of programs by ensembles that have not seen them."""
    logits = np.zeros(len(d["y"]))
    for fold in range(FOLDS):
        test = d["program"] % FOLDS == fold
        logits[test] = trees.fit(d["x"][~test], d["y"][~test], d["w"][~test], **settings).predict(d["x"][test])
    return logits


def _previous(d, raw, a, b, weight):
    """The mean of the last ten answers before each window, as the features give it:
    in log2 odds, each cut to 1:99, answers being made with history themselves."""
    out = np.zeros(len(raw))
    limit = np.log2(99)
    for asked in WAYS.values():
        rows = np.flatnonzero(d["asked"] == asked)
        starts = np.r_[0, np.flatnonzero(np.diff(d["trace"][rows])) + 1, len(rows)]
        for begin, end in zip(starts[:-1], starts[1:]):
            answers = []
            for i in rows[begin:end]:
                out[i] = np.mean(answers[-10:]) if answers else 0.0
                logit = a * raw[i] + b + weight * out[i]
                answers.append(min(max(logit / np.log(2), -limit), limit))
    return out


def _history(d, raw, a, b):
    """Calibration and the weight of the history together. Answers depend on the
    answers before, so it is fitted in rounds."""
    weight = 0.0
    for _ in range(5):
        x = np.c_[raw, _previous(d, raw, a, b, weight)]
        m = LogisticRegression(C=1e4).fit(x, d["y"], sample_weight=d["w"])
        (a, weight), b = m.coef_[0], m.intercept_[0]
        # Below the weight at which a history of sure answers confirms itself.
        weight = float(np.clip(weight, 0.0, 0.6))
    return float(a), float(b), weight


def _score(model, table, width, weight):
    """Trees, and the history's weight beside them."""
    line = np.zeros((width, 1), np.float32)
    line[table.features.index("history")] = weight
    return [trees.node(model, "score", "x", "foreign"),
            helper.make_node("Constant", [], ["history_weight"], value=numpy_helper.from_array(line)),
            helper.make_node("MatMul", ["x", "history_weight"], ["remembered"]),
            helper.make_node("Add", ["foreign", "remembered"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["probability"])]


def _types(d, columns):
    """Log odds of the five types, learnt from attacks alone, types alike and long traces
    weighing less: what is judged is what a trace's windows say together."""
    rows = np.flatnonzero((d["kind"] > 0) & (d["asked"] != WAYS["counters"]))
    y = TYPE[d["kind"][rows]] - 1
    w = 1 / np.sqrt(np.bincount(d["trace"])[d["trace"][rows]])
    w /= np.bincount(y, weights=w)[y]
    booster = trees.fit(d["x"][rows], y, w / w.mean(), rounds=40, columns=columns, objective="multiclass", num_class=5,
                        num_leaves=5, learning_rate=0.15, min_data_in_leaf=40, feature_fraction=0.2, lambda_l2=10.0)
    return [trees.node(booster, "type", "x", "type_odds", [i % 5 for i in range(len(booster.trees))])]


def _even_odds(y, p, share):
    """How often the counters alone are right when foreign and ordinary are equally likely."""
    return 0.5 * np.mean(p[y == 1] >= share) + 0.5 * np.mean(p[y == 0] < share)


def left_out(folder):
    """How well each kind of attack is found by trees that never saw it: windows of
    test, without the history. A model of its own is fitted for each, so this is about
    the way of training, not about the file."""
    sets = [Table(folder, "threat_benign_train"), Table(folder, "threat_adfa_train")]
    d, columns, test = _joined(sets, False), _columns(sets[0]), Table(folder, "threat_adfa_test")
    full = test["asked"] == WAYS["full"]
    x, kind = np.asarray(test.x)[full], test["kind"][full].astype(int)
    areas = []
    for k in range(1, len(TYPE)):
        fit, judged = d["kind"] != k, (kind == 0) | (kind == k)
        raw = trees.fit(d["x"][fit], d["y"][fit], d["w"][fit], rounds=ROUNDS[False], columns=columns, **RESEARCH)
        areas.append(roc_auc_score(kind[judged] > 0, raw.predict(x[judged])))
    return [{"set": "adfa", "part": "test", "metric": "left_out_kind_roc_auc", "n": int(full.sum()),
             "model": float(np.mean(areas)), "by_kind": [round(float(a), 4) for a in areas]}]
