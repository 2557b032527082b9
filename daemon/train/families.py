"""Compares families of models for the workload predictor: families.py MATRICES OUT

Each is fitted to the same rows, those with a past, under the same loss and judged on
val by its error over the last value's. Written to OUT/families.md. The times are of ONNX Runtime on
one core without the preparation of rows, so that all families are timed alike; the
engine that serves is faster with trees.
"""
import sys
import time

import numpy as np
import onnxruntime as ort

import modelfile
import nets
import trees
import workload
from tables import Table

ROWS = 20_000  # of a source
LAGS = [f"lag{k}" for k in range(9, 0, -1)]


def main(folder, out):
    rng = np.random.default_rng(trees.SEED)
    names = Table(folder, "workload_smd_cpu_train").features
    rows = [workload._rows(folder, s, rng, ROWS, True) for s in workload.FREE + workload.DERIVED]
    x, y, w = (np.concatenate(list(v)) for v in zip(*rows))
    unread = workload.WAYS + workload.SIGNAL + workload.ABSOLUTE
    plain = workload._columns(names, lambda n: n in unread or n.startswith("other_"))
    alone = [i for i in plain if not workload._of_past(names[i])]
    lags = [names.index(n) for n in LAGS]
    scale = np.arcsinh(x[:, plain])
    mean, spread = scale.mean(0), scale.std(0) + 1e-6

    def table(v):  # units go up to 32: compressed and standardised for nets
        return ((np.arcsinh(v[:, plain]) - mean) / spread).astype(np.float32)

    def window(v):
        return np.concatenate([np.arcsinh(v[:, lags]), np.zeros((len(v), 1), np.float32)], 1)

    lines = ["| family | numbers | µs alone | µs of 64 | " + " | ".join(workload.FREE) + " | mean |",
             "|" + " --- |" * 9]
    fitted = [("linear", nets.Dense([]), table), ("dense 32-16", nets.Dense([32, 16]), table),
              ("dense 128-64", nets.Dense([128, 64]), table), ("GRU 16 on the window", nets.GRU(16), window)]
    for name, net, see in fitted:
        print("families:", name, file=sys.stderr, flush=True)
        net.fit(see(x), y.astype(np.float32), w.astype(np.float32), 12, np.random.default_rng(trees.SEED))
        data = net.onnx()
        assert np.allclose(modelfile.run(data, see(x[:50]))[output(data)], net.predict(see(x[:50])), atol=1e-4)
        lines.append(_line(folder, name, net.size(), data, see, lambda v: net.predict(see(v))))
    for name, rounds, leaves, columns in (("trees 52 of 16 leaves", 52, 16, plain), ("trees 100 of 31 leaves", 100, 31, plain),
                                          ("trees 100 of 31 leaves, window alone", 100, 31, alone)):
        print("families:", name, file=sys.stderr, flush=True)
        t = trees.fit(x, y, w, rounds=rounds, columns=columns, objective="l1", num_leaves=leaves, learning_rate=0.1,
                      min_data_in_leaf=100, feature_fraction=0.7, max_bin=127)
        lines.append(_line(folder, name, t.count()[1], t.onnx(x.shape[1]), np.asarray, t.fast(x.shape[1])))
    with open(f"{out}/families.md", "w") as f:
        f.write("\n".join(lines) + "\n")


def _line(folder, name, size, data, see, predict):
    ratios = []
    for s in workload.FREE:
        t = workload._part(folder, s, "val", True)
        miss = np.abs(workload._predict(t, predict(t.x), 0.0) - t["next"]).mean()
        ratios.append(miss / np.abs(t["current"] - t["next"]).mean())
    one, many = (_time(data, see(t.x[:n]), n) for n in (1, 64))
    cells = [name, str(size), f"{one:.1f}", f"{many:.2f}"] + [f"{r:.3f}" for r in ratios + [np.mean(ratios)]]
    return "| " + " | ".join(cells) + " |"


def output(data):
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"]).get_outputs()[0].name


def _time(data, x, n):
    """µs a row, the least of many calls."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    least = np.inf
    for _ in range(2000):
        start = time.perf_counter()
        session.run(None, {"x": x})
        least = min(least, time.perf_counter() - start)
    return least / n * 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
