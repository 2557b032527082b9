"""The memory model: a chance for each candidate page; the best one is the answer."""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

WAYS = ["alone", "tables"]  # without and with the candidates of a client's own tables
TRAIN_ROWS = 1_200_000      # of each way


def train(folder, out, free):
    fit = [_asks(Table(folder, f"memory_{w}_train"), TRAIN_ROWS) for w in WAYS]
    val = [_asks(Table(folder, f"memory_{w}_val"), TRAIN_ROWS) for w in WAYS]
    x, y, w = (np.concatenate(v) for v in zip(*[(t.x, t["hit"], _equal(t["entity"])) for t in fit]))
    vx, vy, vw = (np.concatenate(v) for v in zip(*[(t.x, t["hit"], _equal(t["entity"])) for t in val]))
    raw = trees.fit(x, y, w, (vx, vy, vw), rounds=60, objective="binary", num_leaves=24, max_depth=6, learning_rate=0.2,
                    min_data_in_leaf=400)
    a, b = _calibration(raw, val)
    model = raw.scaled(a, b)
    nodes = [trees.node(model, "rank", "x", "logit"), helper.make_node("Sigmoid", ["logit"], ["probability"])]
    data = modelfile.write(f"{out}/memory.onnx", nodes, x.shape[1], ["probability"], {
        "predictor": "memory", "name": "memory-rank-trees", "features": fit[0].layout, "terms": "free",
        "trained_on": "memory/faults"})
    return data, evaluate(folder, data)


def _asks(t, limit):
    """Whole asks, about limit rows of them, spread evenly."""
    keep = max(1, round(len(t) / limit))
    return t.take(np.flatnonzero(t["ask"] % keep == 0))


def _equal(entity):
    """Weights that let every program count the same (square root of it: half way)."""
    count = np.bincount(entity.astype(int))
    w = 1 / np.sqrt(count[entity.astype(int)])
    return w / w.mean()


def _best(t, score):
    """Row of the best candidate of each ask, the first among equals as in Go."""
    start = np.r_[0, np.flatnonzero(np.diff(t["ask"])) + 1]
    top = np.maximum.reduceat(score, start)
    ids = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(score)]))
    rows = np.flatnonzero(score == top[ids])
    return rows[np.unique(ids[rows], return_index=True)[1]]


def _calibration(raw, tables):
    """Platt on the chosen candidates of val, every program counting the same."""
    logits, hits, weights = [], [], []
    for t in tables:
        logit = raw.predict(t.x)
        best = _best(t, logit)
        logits.append(logit[best])
        hits.append(t["hit"][best])
        weights.append(_equal(t["entity"][best]) ** 2)
    return scores.platt(np.concatenate(logits), np.concatenate(hits), np.concatenate(weights))


def evaluate(folder, data):
    out = {}
    for part in ("val", "test"):
        for way in WAYS:
            t = Table(folder, f"memory_{way}_{part}")
            out[f"{way}/{part}"] = _score(t, modelfile.run(data, t.x)["probability"].astype(float))
    return out


def _score(t, probability):
    best = _best(t, probability)
    start = np.r_[0, np.flatnonzero(np.diff(t["ask"])) + 1]
    hit, p, entity = t["hit"][best], probability[best], t["entity"][start]
    r = {"asks": len(start), "entities": len(t.entities), "top1": {"model": float(hit.mean())}}
    for name in ("rule", "next", "step", "majority"):
        r["top1"][name] = float(t[name + "_hit"][start].mean())
    r["top1"]["oracle_over_candidates"] = float(np.maximum.reduceat(t["hit"], start).mean())
    r["by_program"] = {name: {"model": float(hit[entity == i].mean()), "rule": float(t["rule_hit"][start][entity == i].mean()),
                              "majority": float(t["majority_hit"][start][entity == i].mean())}
                       for i, name in enumerate(t.entities)}
    r["gain_over_rule"] = scores.bootstrap(hit - t["rule_hit"][start], entity)
    r["gain_over_majority"] = scores.bootstrap(hit - t["majority_hit"][start], entity)
    r["ece"] = scores.ece(hit, p)
    r["rule_ece"] = scores.ece(t["rule_hit"][start], t["rule_probability"][start])
    r["type_as_last"] = float(t["type_hit"][start].mean())
    return r
