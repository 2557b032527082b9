"""The threat model.

Free build: no label of an attack. Trees learn to tell windows of ordinary
programs from windows that were changed (see extract/corrupt.go), so the score
says how foreign a window is. Research build (FREE=0): real attacks of ADFA-LD
besides, and its ordinary traces.
"""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

PRIOR = 0.1  # share of foreign windows that the score assumes
WAYS = {"full": 0, "vector": 1, "counters": 2}
WEIGHT = np.array([1.0, 0.5, 0.25])  # of a window asked in each way
SETTINGS = dict(objective="binary", num_leaves=8, learning_rate=0.15, min_data_in_leaf=40, feature_fraction=0.4,
                lambda_l2=5.0)
ROUNDS = 80
FOLDS = 4


def train(folder, out, free):
    sets = [Table(folder, "threat_benign_train")] + ([] if free else [Table(folder, "threat_adfa_train")])
    x = np.concatenate([t.x for t in sets])
    y = np.concatenate([t["kind"] > 0 for t in sets]).astype(float)
    asked = np.concatenate([t["asked"] for t in sets]).astype(int)
    program, offset = [], 0
    for t in sets:
        # Programs (or traces, in ADFA-LD) stay together in a fold.
        names, ids = np.unique(t.entities, return_inverse=True)
        program.append(ids[t["entity"].astype(int)] + offset)
        offset += len(names)
    program = np.concatenate(program)
    w = WEIGHT[asked] / np.sqrt(np.bincount(program)[program])
    w *= np.where(y == 1, PRIOR / w[y == 1].sum(), (1 - PRIOR) / w[y == 0].sum()) * len(y)
    logits = _out_of_fold(x, y, w, program)
    a, b = scores.platt(logits, y, w)
    model = trees.fit(x, y, w, rounds=ROUNDS, **SETTINGS).scaled(a, b)
    counters = asked == WAYS["counters"]
    even = _even_odds(y[counters], scores.sigmoid(a * logits[counters] + b))
    nodes = [trees.node(model, "score", "x", "logit"), helper.make_node("Sigmoid", ["logit"], ["probability"])]
    data = modelfile.write(f"{out}/threat.onnx", nodes, x.shape[1], ["probability"], {
        "predictor": "threat", "name": "threat-novelty-trees" if free else "threat-trees", "features": sets[0].layout,
        "terms": "free" if free else "research", "counters_percent": str(round(100 * even)),
        "trained_on": "threat/benign_x86 and corruptions of it" + ("" if free else ", ADFA-LD")})
    return data, evaluate(folder, data)


def _out_of_fold(x, y, w, program):
    """Scores of programs by ensembles that have not seen them."""
    logits = np.zeros(len(y))
    for fold in range(FOLDS):
        test = program % FOLDS == fold
        logits[test] = trees.fit(x[~test], y[~test], w[~test], rounds=ROUNDS, **SETTINGS).predict(x[test])
    return logits


def _even_odds(y, p):
    """How often the counters alone are right when foreign and ordinary are equally likely."""
    return 0.5 * np.mean(p[y == 1] >= PRIOR) + 0.5 * np.mean(p[y == 0] < PRIOR)


def evaluate(folder, data):
    out = {}
    for part in ("val", "test"):
        for source in ("benign", "adfa"):
            t = Table(folder, f"threat_{source}_{part}")
            p = modelfile.run(data, t.x)["probability"].astype(float)
            for way, number in WAYS.items():
                rows = t["asked"] == number
                out[f"{source}/{way}/{part}"] = _score(t, p, rows, source)
    return out


def _score(t, p, rows, source):
    y, p, rule = (t["kind"][rows] > 0).astype(float), p[rows], t["rule"][rows]
    r = {"windows": int(rows.sum()), "positives": int(y.sum()), "model_roc_auc": scores.auc(y, p),
         "rule_roc_auc": scores.auc(y, rule), "model_pr_auc": scores.pr_auc(y, p), "rule_pr_auc": scores.pr_auc(y, rule),
         "model_flags_harmless_at_0.5": float((p[y == 0] >= 0.5).mean()),
         "rule_flags_harmless_at_0.5": float((rule[y == 0] >= 0.5).mean()),
         "model_finds_at_0.5": float((p[y == 1] >= 0.5).mean()), "rule_finds_at_0.5": float((rule[y == 1] >= 0.5).mean())}
    if source == "benign":
        # Calibration holds for the assumed share of foreign windows only.
        w = np.where(y == 1, PRIOR, 1 - PRIOR)
        right = ((p >= 0.5) == (y == 1)).astype(float)
        r["ece_at_assumed_share"] = _weighted_ece(right, np.maximum(p, 1 - p), w)
    else:
        distinct = 1 - t.x[rows, t.features.index("syscall_064")]
        if distinct.std() > 0:
            r["few_distinct_calls_roc_auc"] = scores.auc(y, distinct)
    return r


def _weighted_ece(right, confidence, w, bins=10):
    order = np.argsort(confidence, kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        total += w[part].sum() * abs(np.average(right[part], weights=w[part]) - np.average(confidence[part], weights=w[part]))
    return float(total / w.sum())
