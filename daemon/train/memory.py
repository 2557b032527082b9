"""The memory model: a chance for each candidate page; the best one is the answer."""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

# Without and with the candidates of a client that follows its agents: each way has
# trees of its own, joined by a first split on whether there are chances.
WAYS = {"alone": 700_000, "tables": 600_000}  # rows of train, at most
GATE = "best_chance"


def train(folder, out, free):
    del free  # the recordings are free
    model, layout, width = trees.Ensemble([]), None, 0
    for way, rows in WAYS.items():
        fit, val = (_asks(Table(folder, f"memory_{way}_{p}"), rows) for p in ("train", "val"))
        raw = trees.fit(fit.x, fit["hit"], _equal(fit["entity"]), (val.x, val["hit"], _equal(val["entity"])), rounds=60,
                        objective="binary", num_leaves=24, max_depth=6, learning_rate=0.2, min_data_in_leaf=400)
        model += raw.scaled(*_calibration(raw, fit, val)).gated(fit.features.index(GATE), way == "tables", 0.0)
        layout, width = fit.layout, fit.x.shape[1]
    nodes = [trees.node(model, "rank", "x", "logit"), helper.make_node("Sigmoid", ["logit"], ["probability"])]
    return modelfile.write(f"{out}/memory.onnx", nodes, width, ["probability"], {
        "predictor": "memory", "name": "memory-rank-trees", "features": layout, "terms": "free",
        "trained_on": "memory/faults"})


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


def _calibration(raw, *tables):
    """Platt on the chosen candidates of train and val, every program counting the
    same: val's two programs alone would say what two programs are like."""
    logits, hits, weights = [], [], []
    for t in tables:
        logit = raw.predict(t.x)
        best = _best(t, logit)
        logits.append(logit[best])
        hits.append(t["hit"][best])
        weights.append(_equal(t["entity"][best]) ** 2)
    return scores.platt(np.concatenate(logits), np.concatenate(hits), np.concatenate(weights))
