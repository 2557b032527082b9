"""The workload model: pooled, scale-free, L1 trees, and a confidence."""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

FREE = ["smd_cpu", "smd_mem", "procs_cpu", "procs_mem"]
RESEARCH = ["bitbrains_cpu", "bitbrains_mem", "gentd26_mem", "gentd26_gpu"]
ROWS = 160_000  # of a source, at most: sampled, so that no source drowns the others
SIGNAL = ["bytes", "gpu", "headroom"]
ABSOLUTE = 2    # last columns, for the confidence only


def train(folder, out, free):
    sources = FREE if free else FREE + RESEARCH
    rng = np.random.default_rng(trees.SEED)
    fit, val = _pool(folder, sources, "train", rng), _pool(folder, sources, "val", rng)
    width = fit["x"].shape[1]
    names = Table(folder, f"workload_{sources[0]}_train").features
    # Of each signal the free sources are two: too few to tell a signal from a source.
    plain = [i for i in range(width - ABSOLUTE) if not free or names[i] not in SIGNAL]
    delta = trees.fit(fit["x"], fit["y"], fit["w"], (val["x"], val["y"], val["w"]), rounds=52, columns=plain,
                      objective="l1", num_leaves=16, max_depth=5, learning_rate=0.15 if free else 0.2, min_data_in_leaf=100)
    confidence = _confidence(folder, sources, delta, rng)
    nodes = [trees.node(delta, "step", "x", "delta"), trees.node(confidence, "hit", "x", "logit"),
             helper.make_node("Sigmoid", ["logit"], ["confidence"])]
    layout = Table(folder, "workload_" + sources[0] + "_train")
    data = modelfile.write(f"{out}/workload.onnx", nodes, width, ["delta", "confidence"], {
        "predictor": "workload", "name": "workload-trees", "features": layout.layout,
        "terms": "free" if free else "research",
        "trained_on": ", ".join(sources)})
    return data


def _pool(folder, sources, part, rng):
    """Rows of all sources; a row weighs its unit, so that the loss is the
    absolute error in shares, normalised so that every source weighs the same."""
    xs, ys, ws = [], [], []
    for s in sources:
        t = Table(folder, f"workload_{s}_{part}")
        rows = np.flatnonzero(t["unit"] > 0)
        if len(rows) > ROWS:
            rows = np.sort(rng.choice(rows, ROWS, replace=False))
        t = t.take(rows)
        w = t["unit"] / t["unit"].mean()
        # Few programs and few rows: their weight grows with the square root only.
        ws.append(w * np.sqrt(len(rows) / ROWS) * ROWS / len(rows))
        ys.append(np.clip((t["next"] - t["current"]) / t["unit"], -50, 50))
        xs.append(t.x)
    return {"x": np.concatenate(xs), "y": np.concatenate(ys), "w": np.concatenate(ws)}


def _predict(t, delta):
    return np.clip(t["current"] + delta * t["unit"], 0, 1)


def _confidence(folder, sources, delta, rng):
    """P(cpu error <= 0.05), fitted on train's cpu and gpu rows, calibrated on val's."""
    def rows(part):
        xs, ys, ws = [], [], []
        for s in sources:
            if s.endswith("_mem"):
                continue
            t = Table(folder, f"workload_{s}_{part}")
            if len(t) > ROWS:
                t = t.take(np.sort(rng.choice(len(t), ROWS, replace=False)))
            xs.append(t.x)
            ys.append(np.abs(_predict(t, delta.predict(t.x)) - t["next"]) <= 0.05)
            ws.append(np.full(len(t), np.sqrt(ROWS / len(t))))
        return np.concatenate(xs), np.concatenate(ys).astype(float), np.concatenate(ws)
    x, y, w = rows("train")
    vx, vy, vw = rows("val")
    raw = trees.fit(x, y, w, (vx, vy, vw), rounds=12, objective="binary", num_leaves=8, max_depth=4, learning_rate=0.3)
    return raw.scaled(*scores.platt(raw.predict(vx), vy, vw))
