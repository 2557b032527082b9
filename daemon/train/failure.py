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
from tables import Table, exists

# family column → recording, columns it may not read, and fitting settings. The
# memory family may not read the age of a run, nor what carries it: age alone
# separates short killed runs from long ones.
FAMILY = ["is_memory", "is_resource", "is_node", "is_brief"]
KIND = ["is_cpu", "is_io", "is_network", "is_service"]
RATES = ["has_rates", "month", "quarter", "year", "ever", "watched", "peers_day", "peers_week", "peers_month", "peers_daily", "own_daily"]
SMOOTH = ["left_recent", "left_steady", "left_used", "left_using"]
LEFT = ["left1", "left_worst", "left_least", "left_middle"] + SMOOTH
LOGS = ["log_since", "log_month", "log_quarter", "log_year", "log_own_daily", "log_peers_week", "log_peers_month", "log_peers_daily",
        "log_shrunk", "log_share"]
SINCE_4 = ["losing", "losing5", "is_counted"] + LOGS
FAMILIES = {
    "memory": dict(data="oom", more="exhaustion", gate="is_memory", interval_ms=50, horizon=20,
                   # How long health lasts at the rates at which it falls, and never health itself: many
                   # programs live close to their limit, and then a level says nothing. With health among
                   # the columns, programs left out of training that do so were warned of later.
                   reads=["left3", "left5", "left10"] + LEFT + ["losing", "losing5"],
                   # Trees and a small net err on different programs: the mean of their
                   # logits is better than either on the worst program left out.
                   net=dict(hidden=16, alpha=1.0, epochs=20), net_reads=["still", "flag1", "flags", "flag_ago"],
                   # Neither knows how a foreign program allocates, but memory is used up at some rate
                   # in any: half a deviation of how long health lasts at the recent one.
                   lasting=("left_recent", 0.5),
                   # Few programs: shallow trees, and what must not happen cannot: a steeper
                   # fall never lowers the chance.
                   falling=["left3", "left5", "left10"] + [c for c in LEFT if c != "left_worst"],
                   settings=dict(num_leaves=6, max_depth=3, learning_rate=0.1, min_data_in_leaf=200, feature_fraction=0.7,
                                 lambda_l2=10.0), rounds=50),
    "resource": dict(data="smd", gate="is_resource", interval_ms=60_000, horizon=10, without=["is_service", "samples"] + RATES + LEFT + SINCE_4,
                     settings=dict(num_leaves=8, max_depth=4, learning_rate=0.1, min_data_in_leaf=2000), rounds=24, stop=True),
    "node": dict(data="lanl", gate="is_node", interval_ms=86_400_000, horizon=7, without=KIND + ["samples"] + LEFT + SINCE_4,
                 # Trees divide counts that few nodes have too finely: a linear model of their
                 # logarithms beside them orders systems left out of training better.
                 line=dict(reads=LOGS, gate="is_counted", weight=1.0),
                 settings=dict(num_leaves=12, max_depth=5, learning_rate=0.1, min_data_in_leaf=500, feature_fraction=0.6), rounds=56, stop=True),
    # What failed seconds ago is sampled in fractions of a second: another time scale, and
    # another prior, than the minutes and days of the recordings above.
    "brief": dict(data="stress", gate="is_brief", interval_ms=200, horizon=10, without=["samples"] + RATES + LEFT + SINCE_4,
                  settings=dict(num_leaves=6, max_depth=3, learning_rate=0.1, min_data_in_leaf=100, feature_fraction=0.6, lambda_l2=10.0),
                  rounds=30),
}


def train(folder, out, free):
    del free  # all recordings are free
    chance, time, nets = trees.Ensemble([]), trees.Ensemble([]), []
    for name, f in FAMILIES.items():
        fit, parts = _tables(folder, f)
        gate = fit.features.index(f["gate"])
        read = f.get("reads") or [c for c in fit.features if c not in FAMILY + f["without"]]
        columns = [fit.features.index(c) for c in read]
        monotone = [-1 if c in f.get("falling", ()) else 0 for c in read]
        x, y, w = _with_and_without_rates(fit) if name == "node" else (fit.x, fit["label"], fit["keep"])
        if name == "memory":
            w = _by_program(fit)
        stop = (parts[1].x, parts[1]["label"], parts[1]["keep"]) if "stop" in f else None  # early, when val gets worse
        raw = trees.fit(x, y, w, stop, rounds=f["rounds"], columns=columns, objective="binary", monotone_constraints=monotone, **f["settings"])
        predict = raw.fast(fit.x.shape[1])
        beside = []  # (net, column of its gate), whose logits are added to the trees'
        if "net" in f:
            seen = columns + [fit.features.index(c) for c in f["net_reads"]]
            net = perceptron.fit(x, y, w, seen, **f["net"])
            column, share = f["lasting"]
            both = predict(fit.x) + net.predict(fit.x)
            beside.append((net.falling(fit.x, fit.features.index(column), share * np.std(both)), gate))
        if "line" in f:
            beside.append(_line(fit, predict, **f["line"]))
        a, b = _calibrate(predict, beside, parts)
        chance += raw.scaled(a, b).gated(gate)
        nets += [(net.scaled(a), at) for net, at in beside]
        rows = fit["label"] == 1
        when = trees.fit(fit.x[rows], np.log2(fit["left"][rows]), rounds=8, columns=columns, objective="l1",
                         num_leaves=6, max_depth=4, learning_rate=0.35, min_data_in_leaf=100)
        time += when.gated(gate)
    nodes = [trees.node(chance, "chance", "x", "trees"), *perceptron.nodes(nets, "x", "nets", fit.x.shape[1]),
             helper.make_node("Add", ["trees", "nets"], ["logit"]), helper.make_node("Sigmoid", ["logit"], ["probability"]),
             trees.node(time, "time", "x", "log2_intervals")]
    return modelfile.write(f"{out}/failure.onnx", nodes, fit.x.shape[1], ["probability", "log2_intervals"], {
        "predictor": "failure", "name": "failure-trees", "features": fit.layout, "terms": "free",
        "trained_on": "LANL LA-UR-05-7318, failure/oom, failure/smd, exhaustion, stress",
        "interval_ms": ",".join(str(f["interval_ms"]) for f in FAMILIES.values()),
        "horizon_intervals": ",".join(str(f["horizon"]) for f in FAMILIES.values())})


def _tables(folder, f):
    """What is fitted, and the parts that calibrate. Base rates of val differ from train's
    (few systems, few hosts), so both vote with equal weight."""
    fit = Table(folder, f"failure_{f['data']}_train")
    parts = [fit]
    if exists(folder, f"failure_{f['data']}_val"):
        parts.append(Table(folder, f"failure_{f['data']}_val"))
    if "more" in f:
        fit = fit.with_rows(Table(folder, f"failure_{f['more']}_train"))
    if f["gate"] == "is_brief":  # before its first failure a component is of another family
        fit = fit.take(np.flatnonzero(fit.column(f["gate"]) == 1))
        parts = [fit]
    return fit, parts


def _line(fit, predict, reads, gate, weight):
    """A linear model, so many deviations of the trees' logits strong."""
    columns, at = [fit.features.index(c) for c in reads], fit.features.index(gate)
    line = perceptron.linear(fit.x, fit["label"], fit["keep"], columns)
    return line.scaled(weight * np.std(predict(fit.x)) / np.std(line.predict(fit.x))), at


def _logit(predict, beside, x):
    return predict(x) + sum(net.predict(x) * x[:, at] for net, at in beside)


def _calibrate(predict, beside, parts):
    """Platt on parts of equal weight."""
    logits = np.concatenate([_logit(predict, beside, p.x) for p in parts])
    labels = np.concatenate([p["label"] for p in parts])
    weights = np.concatenate([p["keep"] / p["keep"].sum() for p in parts])
    return scores.platt(logits, labels, weights * len(weights))


def _by_program(t):
    """Programs that run for long do not drown the others: a row weighs the less, the more its program has."""
    programs = np.array([name.split(".")[0] for name in t.entities])[t["entity"].astype(int)]
    _, of, counts = np.unique(programs, return_inverse=True, return_counts=True)
    w = 1 / np.sqrt(counts[of])
    return w / w.mean()


def _with_and_without_rates(t):
    """Every row, and every third again as a caller sends it that keeps no counts."""
    rows = np.arange(0, len(t), 3)
    bare = np.array(t.x[rows])
    bare[:, [t.features.index(c) for c in RATES]] = 0
    return (np.concatenate([t.x, bare]), np.r_[t["label"], t["label"][rows]], np.r_[t["keep"], t["keep"][rows]])
