"""The failure model: one ensemble per family of components, in one file.

Families differ in what precedes a failure and over which time, so each has its
own trees, fitted and calibrated on its own recordings, and joined by a first
split on the family's column. The second output is the time: log2 of the number
of intervals until the failure, given that it comes within the horizon.
"""
import numpy as np
from onnx import helper

import modelfile
import perceptron
import scores
import trees
from tables import Table

# family column → recording, columns it may not read, and fitting settings. The
# memory family may not read the age of a run, nor what carries it: age alone
# separates short killed runs from long ones.
FAMILY = ["is_memory", "is_resource", "is_node"]
KIND = ["is_cpu", "is_io", "is_network", "is_service"]
RATES = ["has_rates", "month", "quarter", "year", "ever", "watched", "peers_day", "peers_week", "peers_month", "peers_daily", "own_daily"]
LEFT = ["left1", "left_worst", "left_least", "left_middle"]
FAMILIES = {
    "memory": dict(data="oom", gate="is_memory", interval_ms=50, horizon=20,
                   without=KIND + ["samples", "baseline", "reading", "reading_excess", "ever_failed", "since_failure"] + RATES + LEFT,
                   # What trees read: how long health lasts at the rates at which it fell. The rest
                   # they learn by heart: fitted to half of the programs, they do no better with it.
                   trees_read=["health", "left3", "left5", "left10"] + LEFT,
                   # Trees and a small net err on different programs: the mean of their
                   # logits is better than either on the worst program left out.
                   net=dict(hidden=16, alpha=1.0, epochs=20),
                   # Neither knows how a foreign program allocates, but memory is used up at some
                   # rate in any: half a deviation of how long health lasts at the steepest.
                   lasting=("left_least", 0.5),
                   # Few programs: shallow trees, and what must not happen cannot: less
                   # health, or a steeper fall, never lowers the chance.
                   falling=["health", "left3", "left5", "left10", "left1", "left_least", "left_middle"],
                   settings=dict(num_leaves=6, max_depth=3, learning_rate=0.1, min_data_in_leaf=200, feature_fraction=0.7,
                                 lambda_l2=10.0), rounds=50),
    "resource": dict(data="smd", gate="is_resource", interval_ms=60_000, horizon=10, without=["is_service", "samples"] + RATES + LEFT,
                     settings=dict(num_leaves=8, max_depth=4, learning_rate=0.1, min_data_in_leaf=2000), rounds=24),
    "node": dict(data="lanl", gate="is_node", interval_ms=86_400_000, horizon=7, without=KIND + ["samples"] + LEFT,
                 settings=dict(num_leaves=12, max_depth=5, learning_rate=0.1, min_data_in_leaf=500, feature_fraction=0.6), rounds=56),
}


def train(folder, out, free):
    del free  # all three recordings are free
    chance, time, nets = trees.Ensemble([]), trees.Ensemble([]), []
    layout = None
    for name, f in FAMILIES.items():
        fit, val = (Table(folder, f"failure_{f['data']}_{p}") for p in ("train", "val"))
        layout, gate = fit.layout, fit.features.index(f["gate"])
        columns = [i for i, c in enumerate(fit.features) if c not in FAMILY + f["without"]]
        x, y, w = _with_and_without_rates(fit) if name == "node" else (fit.x, fit["label"], fit["keep"])
        branches = [fit.features.index(c) for c in f["trees_read"]] if "trees_read" in f else columns
        monotone = [-1 if fit.features[i] in f.get("falling", ()) else 0 for i in branches]
        raw = trees.fit(x, y, w, (val.x, val["label"], val["keep"]), rounds=f["rounds"], columns=branches, objective="binary",
                        monotone_constraints=monotone, **f["settings"])
        net = perceptron.fit(x, y, w, columns, **f["net"]) if "net" in f else None
        if "lasting" in f:
            column, share = f["lasting"]
            net = net.falling(fit.x, fit.features.index(column), 2 * share * np.std(_logit(raw, net, fit.x)))
        a, b = _calibrate(raw, net, fit, val)
        share = 1.0 if net is None else 0.5
        chance += raw.scaled(a * share, b).gated(gate)
        if net is not None:
            nets.append((net.scaled(a * share), gate))
        rows = fit["label"] == 1
        when = trees.fit(fit.x[rows], np.log2(fit["left"][rows]), rounds=8, columns=columns, objective="l1",
                         num_leaves=6, max_depth=4, learning_rate=0.35, min_data_in_leaf=100)
        time += when.gated(gate)
    nodes = [trees.node(chance, "chance", "x", "trees"), *perceptron.nodes(nets, "x", "nets", fit.x.shape[1]),
             helper.make_node("Add", ["trees", "nets"], ["logit"]), helper.make_node("Sigmoid", ["logit"], ["probability"]),
             trees.node(time, "time", "x", "log2_intervals")]
    data = modelfile.write(f"{out}/failure.onnx", nodes, fit.x.shape[1], ["probability", "log2_intervals"], {
        "predictor": "failure", "name": "failure-trees", "features": layout, "terms": "free",
        "trained_on": "LANL LA-UR-05-7318, failure/oom, failure/smd",
        "interval_ms": ",".join(str(f["interval_ms"]) for f in FAMILIES.values()),
        "horizon_intervals": ",".join(str(f["horizon"]) for f in FAMILIES.values())})
    return data


def _logit(raw, net, x):
    z = raw.predict(x)
    return z if net is None else (z + net.predict(x)) / 2


def _calibrate(raw, net, fit, val):
    """Platt on train and val. Base rates of val differ from train's (few systems, few
    hosts), so both parts vote with equal weight."""
    logits = np.r_[_logit(raw, net, fit.x), _logit(raw, net, val.x)]
    labels = np.r_[fit["label"], val["label"]]
    weights = np.r_[fit["keep"] / fit["keep"].sum(), val["keep"] / val["keep"].sum()]
    return scores.platt(logits, labels, weights * len(weights))


def _with_and_without_rates(t):
    """Every row, and every third again as a caller sends it that keeps no counts."""
    rows = np.arange(0, len(t), 3)
    bare = np.array(t.x[rows])
    bare[:, [t.features.index(c) for c in RATES]] = 0
    return (np.concatenate([t.x, bare]), np.r_[t["label"], t["label"][rows]], np.r_[t["keep"], t["keep"][rows]])
