"""The workload model: pooled, scale-free, under the absolute error, and a confidence.

What is learnt is the change until the next interval in units of the window. Requests
come in two ways: alone they are answered by trees, with what the sender knows of the
agent's longer past by a net. Trees for research have a part for each signal, and the net
is told it; those of free data are one for all: their sources are too few to tell a
signal from a source.
"""
import numpy as np
from onnx import helper, numpy_helper

import forecastnet
import intervals
import modelfile
import scores
import trees
from tables import Table

FREE = ["smd_cpu", "smd_mem", "procs_cpu", "procs_mem"]
RESEARCH = ["bitbrains_cpu", "bitbrains_mem", "gentd26_mem", "gentd26_gpu"]
# The same at longer intervals, the start of other programs, and made-up behaviours.
DERIVED = ["smd5_cpu", "smd5_mem", "smd15_cpu", "smd15_mem", "oom_cpu", "oom_mem", "synthetic"]
# Made-up agents that change their ways: for what listens to the past.
TURNS = "turns"
ROWS = 100_000  # of a source, at most: sampled, so that no source drowns the others
SIGNAL = ["bytes", "gpu", "headroom"]
ABSOLUTE = ["unit_absolute", "level_absolute"]
# What rows are of: 1 with a past, -1 without, 0 if of another signal.
PAST, ROW = "past", {"cpu": "cpu_row", "mem": "memory_row"}
WAYS = [*ROW.values(), "gpu_row", PAST]
PAST_COLUMNS = ["past_", "value_", "values3_", "values5_", "steps3_"]  # how their names begin
CONFIDENCE = ["samples", "min", "max", "deviation", "err_mean", "err_median", "autocorrelation", "still", "reversals", "last_step",
              "level", "headroom", "unit_absolute", "level_absolute"]
CONFIDENCE_PAST = ["past_unit", "past_deviation", "values3_few", "values3_few_spread", "values3_distance", "steps3_few_spread", "value_some_spread"]
# Beyond 0.1, programs left out of training lose, though val's one program gains.
ZONES = [0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1]
ZONE_LEFT_OUT = 0.1
# The parts of research trees: rounds; what rows of other signals weigh, so that a source
# left out still has a part that knows more than one; what a source weighs more, having
# twenty times the machines; columns left out; how many fits, of seeds of their own, are
# averaged: few pods, so one fit is off by half a per cent. These are 160 trees, of some
# 20 ns each, and 5 µs are allowed, the net's 0.9 included. Absolute columns tell gpus
# apart, of which there is one source; the cpu gains nothing from the memory.
PARTS = {
    "cpu": (28, 0.3, {}, lambda n: n in ABSOLUTE or n.startswith("other_"), 1),
    "mem": (46, 0.1, {"bitbrains_mem": 4}, lambda n: n in ABSOLUTE, 1),
    "gpu": (43, 0.02, {}, lambda n: n.startswith("other_"), 2),
}


def train(folder, out, free):
    sources = FREE if free else FREE + RESEARCH
    layout = Table(folder, f"workload_{sources[0]}_train")
    names = layout.features
    step, net = fit(folder, sources, names, free)
    delta = _sum(step, net, len(names))
    zone = min(_zone(folder, sources, delta, past) for past in (False, True))
    confidence = trees.Ensemble([])
    for past in (False, True):
        confidence += _confidence(folder, sources, delta, zone, past).gated(names.index(PAST), above=past)
    print(f"train: workload: changes below {zone} units are none, {step.count()[1]} nodes, {net.size()} weights", flush=True)
    nodes = [trees.node(step, "step", "x", "alone"), *net.nodes("x", "known"),
             helper.make_node("Add", ["alone", "known"], ["raw"]), *_shrink(zone),
             trees.node(confidence, "hit", "x", "logit"), helper.make_node("Sigmoid", ["logit"], ["confidence"])]
    return modelfile.write(f"{out}/workload.onnx", nodes, len(names), ["delta", "confidence"], {
        "predictor": "workload", "name": "workload-trees", "features": layout.layout,
        "terms": "free" if free else "research",
        "trained_on": ", ".join(sources)})


def _alone(x, names):
    """Rows as they are without a past."""
    x = np.array(x)
    for i, n in enumerate(names):
        if n in WAYS:
            x[:, i] = -np.abs(x[:, i])
        elif _of_past(n):
            x[:, i] = 0
    return x


def _asked(t, past):
    """The rows of a table in one way."""
    return np.asarray(t.x) if past else _alone(t.x, t.features)


def _of_past(name):
    return any(name.startswith(p) for p in PAST_COLUMNS)


def _part(folder, source, part, past):
    """Rows that can be asked in one way: all of them alone, not all with a past."""
    t = Table(folder, f"workload_{source}_{part}")
    if past:
        return t.take(np.flatnonzero(t.column(PAST) > 0.5))
    return t


def left_out(folder):
    """How trees and nets that never saw a source do on its test part, full windows: their error,
    the rule's, and the one over the other; for memory also where the rule is applied to
    shares, as the references of the data have it (daemon/eval says more). Fitted to fewer
    rows: this is about the way of training, not about the file."""
    names, out = Table(folder, f"workload_{FREE[0]}_train").features, []
    for origin in ("smd", "procs", "bitbrains", "gentd26"):
        seen = [s for s in FREE + RESEARCH if not s.startswith(origin)]
        derived = [s for s in DERIVED if not s.startswith(origin)]
        raw = _sum(*fit(folder, seen, names, False, derived, ROWS // 4), len(names))
        for past, after in ((True, ""), (False, "_alone")):
            for s in [s for s in FREE + RESEARCH if s.startswith(origin)]:
                t = Table(folder, f"workload_{s}_test")
                t = t.take(np.flatnonzero(t.column("samples") > 0.99))
                out += _against(s + after, t, raw, past, _wire_rule)
                if signal(s) == "mem":
                    out += _against(s + after + "_shares", t.take(np.flatnonzero(t["whole"])), raw, past, _share_rule)
    return out


def _against(name, t, raw, past, rule):
    step = raw(_asked(t, past))
    off = [np.abs(v - t["next"]) for v in (_predict(t, step, ZONE_LEFT_OUT), rule(t))]
    model, rule = (100 * e.mean() for e in off)
    about = {"set": name, "part": "test", "n": len(t)}
    s = intervals.Sample(t["entity"])
    n, ours, theirs = s.sums(np.ones(len(t))), *map(s.sums, off)
    mae = s.bounds(lambda times: 100 * times @ ours / (times @ n)) | s.bounds(lambda times: 100 * times @ (theirs - ours) / (times @ n), "gain")
    ratio = s.bounds(lambda times: times @ ours / (times @ theirs))
    return [dict(about, metric="left_out_mae", model=float(model), rule=float(rule), **mae),
            dict(about, metric="left_out_ratio_to_rule", model=float(model / rule), **ratio)]


def _wire_rule(t):
    """What ipc/rules answers to full windows: memory is bytes, and stays as it is."""
    return t["current"] if t.name.split("_")[2] == "mem" else _share_rule(t)


def _share_rule(t):
    lags = np.stack([t.column(f"lag{k}") for k in range(9, 0, -1)] + [np.zeros(len(t))], 1)
    x = t["current"][:, None] + lags * t["unit"][:, None]
    rising = (x[:, -1] > x[:, -2]) & (x[:, -2] > x[:, -3])
    return np.where(x.std(1) < 0.1, x.mean(1), np.minimum(1, x[:, -1] * np.where(rising, 1.1, 1)))


def signal(source):
    return source[-3:] if source[-3:] in PARTS else "cpu"


def fit(folder, sources, names, free, derived=DERIVED, most=ROWS):
    """Trees and a net, of which one or the other gives 0. The net answers rows with a past,
    but for gpus where it was fitted to some: trees are ahead there, with a past and without."""
    left = [lambda n: n in WAYS or n.endswith("absolute")] + free * [lambda n: n in SIGNAL or n.startswith("other_")]
    rows = _sampled(folder, sources + derived + [TURNS], most, True)
    gates = names.index(PAST), None if free else names.index("gpu")
    net = forecastnet.fit(*_joined(rows), _columns(names, lambda n: any(f(n) for f in left)), *gates)
    rows = _sampled(folder, sources + derived, most, False)
    if free:
        columns = _columns(names, lambda n: _of_past(n) or any(f(n) for f in left))
        return _trees(rows, {}, 100, 0.1, columns).gated(names.index(PAST), above=False), net
    step = trees.Ensemble([])
    for p, (rounds, elsewhere, more, unread, fits) in PARTS.items():
        weights = {s: (1 if signal(s) == p else elsewhere) * more.get(s, 1) for s in rows}
        columns = _columns(names, lambda n: n in WAYS or _of_past(n) or unread(n))
        for i in range(fits):
            part = _trees(rows, weights, rounds, 0.2, columns, trees.SEED + i).scaled(1 / fits)
            step += part.gated(names.index("gpu")) if p == "gpu" else part.gated(names.index(ROW[p]), above=False, bound=-0.5)
    return step, net


def _sum(step, net, width):
    walk = step.fast(width)
    return lambda x: walk(x) + net.predict(x)


def _sampled(folder, sources, most, past):
    rng = np.random.default_rng(trees.SEED)
    return {s: _rows(folder, s, rng, most, past) for s in sources}


def _joined(rows):
    return (np.concatenate(list(v)) for v in zip(*rows.values()))


def _columns(names, left_out):
    return [i for i, n in enumerate(names) if not left_out(n)]


def _rows(folder, source, rng, most, past):
    """(x, y, weight) of a source. A row weighs its unit, so that the loss is the
    absolute error in shares, over the root of its entity's mean unit, so that
    entities that move much do not drown the calm ones."""
    t = _part(folder, source, "train", past)
    rows = np.flatnonzero(t["unit"] > 0)
    if len(rows) > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    t = t.take(rows)
    entity = t["entity"].astype(int)
    mean = np.bincount(entity, t["unit"])[entity] / np.bincount(entity)[entity]
    w = t["unit"] / np.sqrt(mean)
    # Sources weigh alike; that of few rows grows with their square root only.
    w *= np.sqrt(most / len(rows)) / w.mean()
    return t.x, np.clip((t["next"] - t["current"]) / t["unit"], -50, 50), w


def _trees(rows, weights, rounds, rate, columns, seed=trees.SEED):
    x, y, w = _joined({s: (x, y, w * weights.get(s, 1)) for s, (x, y, w) in rows.items()})
    # 31 leaves, and that of the gate: the engine's vectors hold 32.
    return trees.fit(x, y, w, rounds=rounds, columns=columns, objective="l1", num_leaves=31, learning_rate=rate,
                     min_data_in_leaf=100, feature_fraction=0.7, max_bin=127, seed=seed)


def _zone(folder, sources, step, past):
    """How small a change must be to be none: L1 trees say something small of windows
    that they know nothing of, and the last value is the better guess there. The
    largest that costs val's sources a thousandth of their error, on average: sources
    that are not here have more such windows."""
    loss = np.zeros(len(ZONES))
    for s in sources:
        t = _part(folder, s, "val", past)
        raw, last = step(_asked(t, past)), np.abs(t["current"] - t["next"]).mean()
        loss += [np.log(np.abs(_predict(t, raw, z) - t["next"]).mean() / last) for z in ZONES]
    return max(z for z, v in zip(ZONES, loss / len(sources)) if v <= loss.min() / len(sources) + 0.001)


def _firm(raw, zone):
    """Firm shrinkage (Gao and Bruce, WaveShrink with firm shrinkage, Statistica Sinica 7,
    1997): none within zone, all from twice of it on, in between a straight line."""
    over = raw - np.clip(raw, -zone, zone)
    return over + np.clip(over, -zone, zone)


def _shrink(zone):
    """raw → delta: _firm in ONNX."""
    bound = [numpy_helper.from_array(np.float32(v), n) for v, n in ((-zone, "low"), (zone, "high"))]
    return [helper.make_node("Constant", [], [b.name], value=b) for b in bound] + [
        helper.make_node("Clip", ["raw", "low", "high"], ["small"]), helper.make_node("Sub", ["raw", "small"], ["over"]),
        helper.make_node("Clip", ["over", "low", "high"], ["back"]), helper.make_node("Add", ["over", "back"], ["delta"])]


def _predict(t, raw, zone):
    delta = np.where(t["unit"] > 0, _firm(raw, zone), 0)
    value = np.maximum(0, t["current"] + delta * t["unit"])
    return value if t.name.split("_")[2] == "mem" else np.minimum(value, 1)


def _confidence(folder, sources, step, zone, past):
    """P(cpu error <= 0.05), from how restless and how large the window is. Sources weigh
    alike, made-up series and the OOM recordings among them: few programs were recorded,
    and what they do hardly overlaps. Fitted on train's cpu and gpu rows, calibrated on
    val's, and on train's where there is no val or one program of it."""
    rng = np.random.default_rng(trees.SEED)

    def rows(names, part):
        xs, ys, ws = [], [], []
        for s in names:
            t = _part(folder, s, part, past)
            if len(t) > ROWS // 4:
                t = t.take(np.sort(rng.choice(len(t), ROWS // 4, replace=False)))
            xs.append(_asked(t, past))
            ys.append(np.abs(_predict(t, step(xs[-1]), zone) - t["next"]) <= 0.05)
            ws.append(np.full(len(t), (0.5 if s == "oom_cpu" else 1) / len(t)))
        return np.concatenate(xs), np.concatenate(ys).astype(float), np.concatenate(ws)
    judged = [s for s in sources if signal(s) != "mem"]
    few = ["procs_cpu", "synthetic", "oom_cpu"] + [TURNS] * past
    x, y, w = rows(judged + few[1:], "train")
    parts = [rows([s for s in judged if s not in few], "val"), rows(few, "train"), rows(few[:1], "val")]
    cx, cy, cw = (np.concatenate(list(v)) for v in zip(*parts))
    names = Table(folder, f"workload_{sources[0]}_train").features
    columns = [names.index(n) for n in CONFIDENCE + past * CONFIDENCE_PAST]
    raw = trees.fit(x, y, w * len(w) / w.sum(), rounds=24, columns=columns, objective="binary",
                    num_leaves=8, max_depth=4, learning_rate=0.3)
    return raw.scaled(*scores.platt(raw.predict(cx), cy, cw * len(cw) / cw.sum()))
