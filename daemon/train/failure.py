"""The failure model: one ensemble per family of components, in one file.

Families differ in what precedes a failure and over which time, so each has its
own trees, fitted and calibrated on its own recordings, and joined by a first
split on the family's column. The second output is the time: log2 of the number
of intervals until the failure, given that it comes within the horizon.
"""
import numpy as np
from onnx import helper

import modelfile
import scores
import trees
from tables import Table

# family column → recording, columns it may not read, and fitting settings. The
# memory family may not read the age of a run, nor what carries it: age alone
# separates short killed runs from long ones.
FAMILY = ["is_memory", "is_resource", "is_node"]
KIND = ["is_cpu", "is_io", "is_network", "is_service"]
FAMILIES = {
    "memory": dict(data="oom", gate="is_memory", interval_ms=50, horizon=20,
                   without=KIND + ["samples", "baseline", "reading_excess", "ever_failed", "since_failure"],
                   settings=dict(num_leaves=8, max_depth=4, learning_rate=0.12, min_data_in_leaf=150), rounds=32),
    "resource": dict(data="smd", gate="is_resource", interval_ms=60_000, horizon=10, without=["is_service", "samples"],
                     settings=dict(num_leaves=8, max_depth=4, learning_rate=0.1, min_data_in_leaf=2000), rounds=24),
    "node": dict(data="lanl", gate="is_node", interval_ms=86_400_000, horizon=7, without=KIND + ["samples"],
                 settings=dict(num_leaves=12, max_depth=5, learning_rate=0.1, min_data_in_leaf=300), rounds=48),
}


def train(folder, out, free):
    del free  # all three recordings are free
    chance, time = trees.Ensemble([]), trees.Ensemble([])
    layout = None
    for name, f in FAMILIES.items():
        fit, val = (Table(folder, f"failure_{f['data']}_{p}") for p in ("train", "val"))
        layout, gate = fit.layout, fit.features.index(f["gate"])
        columns = [i for i, c in enumerate(fit.features) if c not in FAMILY + f["without"]]
        raw = trees.fit(fit.x, fit["label"], fit["keep"], (val.x, val["label"], val["keep"]), rounds=f["rounds"],
                        columns=columns, objective="binary", **f["settings"])
        a, b = _calibrate(raw, fit, val, name)
        chance += raw.scaled(a, b).gated(gate)
        rows = fit["label"] == 1
        when = trees.fit(fit.x[rows], np.log2(fit["left"][rows]), rounds=8, columns=columns, objective="l1",
                         num_leaves=6, max_depth=4, learning_rate=0.35, min_data_in_leaf=100)
        time += when.gated(gate)
    nodes = [trees.node(chance, "chance", "x", "logit"), helper.make_node("Sigmoid", ["logit"], ["probability"]),
             trees.node(time, "time", "x", "log2_intervals")]
    data = modelfile.write(f"{out}/failure.onnx", nodes, fit.x.shape[1], ["probability", "log2_intervals"], {
        "predictor": "failure", "name": "failure-trees", "features": layout, "terms": "free",
        "trained_on": "LANL LA-UR-05-7318, failure/oom, failure/smd",
        "interval_ms": ",".join(str(f["interval_ms"]) for f in FAMILIES.values()),
        "horizon_intervals": ",".join(str(f["horizon"]) for f in FAMILIES.values())})
    return data, evaluate(folder, data)


def _calibrate(raw, fit, val, name):
    """Platt on val. Base rates of val differ from train's (few systems, few hosts),
    so both parts vote with equal weight."""
    logits = np.r_[raw.predict(fit.x), raw.predict(val.x)]
    labels = np.r_[fit["label"], val["label"]]
    weights = np.r_[fit["keep"] / fit["keep"].sum(), val["keep"] / val["keep"].sum()]
    return scores.platt(logits, labels, weights * len(weights))


def evaluate(folder, data):
    out = {}
    for part in ("val", "test"):
        for f in FAMILIES.values():
            t = Table(folder, f"failure_{f['data']}_{part}")
            out[f"{f['data']}/{part}"] = _score(t, modelfile.run(data, t.x), f["data"])
    return out


def _score(t, answer, data):
    y, p = t["label"], answer["probability"].astype(float)
    since = -np.where(np.isinf(t["since"]), 1e15, t["since"])
    guesses = {"model": p, "rule": t["rule"], "one_minus_health": 1 - t["health"]}
    if data == "oom":
        guesses["health_over_slope"] = -np.where(
            t.column("slope5") < -1e-6, t["health"] / -np.minimum(t.column("slope5"), -1e-6), 1e6)
    else:
        guesses.update(time_since_failure=since, flags=t["flags"])
    r = {"questions": len(t), "entities": len(t.entities), "positives": int(y.sum()), "base_rate": float(y.mean()),
         "roc_auc": {k: scores.auc(y, v) for k, v in guesses.items()},
         "pr_auc": {k: scores.pr_auc(y, v) for k, v in guesses.items()},
         "brier": {"model": scores.brier(y, p), "rule": scores.brier(y, t["rule"]), "base_rate": float(y.mean() * (1 - y.mean()))}}
    r["brier_gain_over_rule"] = scores.bootstrap((t["rule"] - y) ** 2 - (p - y) ** 2, t["entity"])
    confidence, right = np.maximum(p, 1 - p), ((p >= 0.5) == (y == 1)).astype(float)
    r["ece_probability"] = scores.ece(y, p)
    r["ece"] = scores.ece(right, confidence)
    r["rule_ece"] = scores.ece(((t["rule"] >= 0.5) == (y == 1)).astype(float), t["rule_confidence"])
    hit = (y == 1)
    left, guess = t["left"][hit], 2 ** answer["log2_intervals"][hit].astype(float)
    constant = np.median(left)
    r["time"] = {"model_median_relative_error": float(np.median(np.abs(guess - left) / left)),
                 "constant_median_relative_error": float(np.median(np.abs(constant - left) / left)),
                 "model_median_error_intervals": float(np.median(np.abs(guess - left))),
                 "constant_median_error_intervals": float(np.median(np.abs(constant - left)))}
    if data == "oom":
        r["warnings"] = _warnings(t, p)
    return r


def _warnings(t, p):
    """Kills warned of at 5 % false samples, and the median lead."""
    bound = np.quantile(p[t["label"] == 0], 0.95)
    leads = []
    for e in np.unique(t["entity"]):
        rows = (t["entity"] == e) & (t["left"] > 0)
        if rows.any() and t["left"][rows].min() <= 2:
            alarm = rows & (p > bound) & (t["label"] == 1)
            leads.append(t["left"][alarm].max() * 0.05 if alarm.any() else 0.0)
    leads = np.array(leads)
    return {"kills": len(leads), "warned": int((leads > 0).sum()), "median_lead_s": float(np.median(leads))}
