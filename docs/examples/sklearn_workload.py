"""A workload model of your own with scikit-learn, ready to be dropped into mld's folder.

    python3 -m venv out/sklearn
    out/sklearn/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0
    out/sklearn/bin/python docs/examples/sklearn_workload.py testdata/traces out/models

It learns by how much the recorded programs' next cpu share and memory differ from the last,
and writes sk-1.onnx and sk-1.manifest.json. Replace `samples` by your own readings.
"""
import gzip
import json
import pathlib
import sys

import numpy as np
from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
from skl2onnx.algebra.onnx_ops import OnnxAdd, OnnxConcat, OnnxMatMul
from sklearn.ensemble import GradientBoostingRegressor

HISTORY, OPSET = 10, 17
GIB = 2**30
CPU = [f"historical_cpu_{i}" for i in range(HISTORY)]
MEMORY = [f"historical_memory_{i}" for i in range(HISTORY)]

# A row times LAST is its last readings, and times STEPS the nine before less the last. Trees
# know nothing beyond what they were fitted to: given absolute sizes, they say of an agent of
# 1 GiB what the largest of these programs had, 0.08. So they see differences, and answer one.
INPUTS = CPU + MEMORY + ["current_gpu"]
LAST, STEPS = np.zeros((21, 3), np.float32), np.zeros((21, 18), np.float32)
LAST[[9, 19, 20], [0, 1, 2]] = 1
for i in range(9):
    STEPS[[i, 9], i] = STEPS[[10 + i, 19], 9 + i] = 1, -1


def samples(folder):
    """Cpu shares and GiB of each recorded program, one array a program."""
    for path in sorted(pathlib.Path(folder).glob("workload-*.csv.gz")):
        with gzip.open(path, "rt") as f:
            rows = np.loadtxt((line for line in f if line[0].isdigit()), delimiter=",")
        at, _, cpu, memory = rows.T
        yield np.clip(np.diff(cpu) / np.diff(at), 0, 1), memory[1:] / GIB


def windows(folder):
    inputs, targets, first = [], [], []
    for cpu, memory in samples(folder):
        for t in range(HISTORY, len(cpu)):
            inputs.append(np.concatenate([cpu[t - HISTORY:t], memory[t - HISTORY:t], [0]]))
            targets.append([cpu[t], memory[t], 0])
            first.append(t < 0.7 * len(cpu))  # of a program's time: fitted; the rest: judged
    return np.array(inputs, np.float32), np.array(targets, np.float32), np.array(first)


def main():
    x, y, fit = windows(sys.argv[1])
    out = pathlib.Path(sys.argv[2])
    last, steps = x @ LAST, x @ STEPS
    # Few programs stand for many: the same happens to smaller ones, and upside down.
    sizes = [sign * size for size in (1, 0.1, 0.01) for sign in (1, -1)]
    seen, came = (np.concatenate([size * a[fit] for size in sizes]) for a in (steps, y - last))
    # Both are judged by their mean error, so the median is what to learn.
    models = [GradientBoostingRegressor(loss="absolute_error", max_depth=4, min_samples_leaf=20, random_state=1)
              .fit(seen, came[:, signal]) for signal in range(2)]
    answer = last + np.stack([m.predict(steps) for m in models], 1) @ np.eye(2, 3)  # the gpu stays as it is
    error, before = np.abs(answer - y)[~fit], np.abs(last - y)[~fit]
    near = float(np.mean(error[:, 0] <= 0.05))  # what confidence means: the chance of at most 0.05
    for name, unit, signal in ("cpu", 1, 0), ("memory in MiB", 1024, 1):
        print(f"{name}: error {unit * error[:, signal].mean():.4f}, of the last value {unit * before[:, signal].mean():.4f}")

    steps = OnnxMatMul("x", STEPS, op_version=OPSET)
    change = OnnxConcat(*[OnnxSubEstimator(m, steps, op_version=OPSET) for m in models], axis=1, op_version=OPSET)
    change = OnnxMatMul(change, np.eye(2, 3, dtype=np.float32), op_version=OPSET)
    graph = OnnxAdd(OnnxMatMul("x", LAST, op_version=OPSET), change, op_version=OPSET, output_names=["y"])
    (out / "sk-1.onnx").write_bytes(graph.to_onnx({"x": x[:1]}, target_opset=OPSET).SerializeToString())
    manifest = {
        "predictor": "workload", "name": "sk", "version": "1", "file": "sk-1.onnx", "features": "fields/1",
        "inputs": INPUTS, "outputs": ["predicted_cpu", "predicted_memory", "predicted_gpu"],
        "confidence": round(near, 3), "memory_unit": GIB,
        "trained_on": "recorded programs of testdata/traces", "terms": "free",
    }
    # The manifest comes last: without it the file is nobody's.
    (out / "sk-1.manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
