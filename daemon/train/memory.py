"""The memory model: for each candidate page its chance to be the next, and its chance
to be accessed soon. The best by the first is the answer, the best others by the
second are the further pages: a page that comes after the next is worth fetching too.
"""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

# Without and with the candidates of a client that follows its agents: each way has
# trees of its own, joined by a first split on whether there are chances.
WAYS = {"alone": 700_000, "tables": 700_000}  # rows of train, at most
GATE = "best_chance"
FOLDS = 3  # of programs, for calibration
SETTINGS = dict(objective="binary", num_leaves=24, max_depth=7, min_data_in_leaf=400, max_bin=127)
# What is learnt of a candidate, and how: trees and how far each goes.
TARGETS = {
    "probability": dict(SETTINGS, rounds=100, learning_rate=0.14),
    "soon": dict(SETTINGS, rounds=40, learning_rate=0.25),
}
NAMED = 4  # pages an answer can name


def train(folder, out, free):
    del free  # the recordings are free
    models, layout, width = {t: trees.Ensemble([]) for t in TARGETS}, None, 0
    for way, rows in WAYS.items():
        fit, val = (_asks(Table(folder, f"memory_{way}_{p}"), rows) for p in ("train", "val"))
        for target, settings in TARGETS.items():
            raw = trees.fit(fit.x, _truth(fit, target), _equal(fit["entity"]), **settings)
            a, b = _calibration([(fit, _held_out(fit, target, settings)), (val, raw.predict(val.x))], target)
            models[target] += raw.scaled(a, b).gated(fit.features.index(GATE), way == "tables", 0.0)
        layout, width = fit.layout, fit.x.shape[1]
    nodes = []
    for target, model in models.items():
        nodes += [trees.node(model, target, "x", target + "_logit"), helper.make_node("Sigmoid", [target + "_logit"], [target])]
    return modelfile.write(f"{out}/memory.onnx", nodes, width, list(TARGETS), {
        "predictor": "memory", "name": "memory-rank-trees", "features": layout, "terms": "free",
        "trained_on": "memory/faults"})


def _truth(t, target):
    return t["hit"] if target == "probability" else (t["ahead"] > 0).astype(float)


def _asks(t, limit):
    """Whole asks, about limit rows of them, spread evenly."""
    keep = max(1, round(len(t) / limit))
    return t.take(np.flatnonzero(t["ask"] % keep == 0))


def _equal(entity):
    """Weights that let every program count the same (square root of it: half way)."""
    count = np.bincount(entity.astype(int))
    w = 1 / np.sqrt(count[entity.astype(int)])
    return w / w.mean()


def _best(t, score, n=1):
    """Rows of the best n candidates of each ask, the first among equals as in Go."""
    start = np.r_[0, np.flatnonzero(np.diff(t["ask"])) + 1]
    ids = np.repeat(np.arange(len(start)), np.diff(np.r_[start, len(score)]))
    order = np.lexsort((-score, ids))
    return order[np.arange(len(score)) - start[ids] < n]


def _held_out(fit, target, settings):
    """What trees say of programs that they have not seen, as logits."""
    logits = np.zeros(len(fit))
    for fold in range(FOLDS):
        out = fit["entity"] % FOLDS == fold
        part = trees.fit(fit.x[~out], _truth(fit, target)[~out], _equal(fit["entity"][~out]), **settings)
        logits[out] = part.predict(fit.x[out])
    return logits


def _calibration(parts, target):
    """Platt on what answers name, of (table, logits) pairs whose trees have not seen the
    programs: trees are too sure of programs they were fitted to. Every program counts
    the same: val's two alone would say what two programs are like."""
    logits, hits, weights = [], [], []
    for t, logit in parts:
        named = _best(t, logit, 1 if target == "probability" else NAMED)
        logits.append(logit[named])
        hits.append(_truth(t, target)[named])
        weights.append(_equal(t["entity"][named]) ** 2)
    return scores.platt(np.concatenate(logits), np.concatenate(hits), np.concatenate(weights))
