"""A workload model of your own with scikit-learn, ready to be dropped into mld's folder.

    python3 -m venv out/sklearn
    out/sklearn/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0
    out/sklearn/bin/python docs/examples/sklearn_workload.py testdata/traces out/models

It learns the recorded programs' next cpu share and memory from the last ten, and writes
sk-1.onnx and sk-1.manifest.json. Replace `samples` by your own readings.
"""
import gzip
import json
import pathlib
import sys

import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestRegressor

HISTORY = 10
GIB = 2**30
CPU = [f"historical_cpu_{i}" for i in range(HISTORY)]
MEMORY = [f"historical_memory_{i}" for i in range(HISTORY)]


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
            inputs.append(np.concatenate([cpu[t - HISTORY:t], memory[t - HISTORY:t]]))
            targets.append([cpu[t], memory[t], 0])  # no gpu
            first.append(t < 0.7 * len(cpu))  # of a program's time: fitted; the rest: judged
    return np.array(inputs, np.float32), np.array(targets, np.float32), np.array(first)


def main():
    x, y, fit = windows(sys.argv[1])
    out = pathlib.Path(sys.argv[2])
    # A forest answers several outputs at once. (skl2onnx 1.20 folds those of MLPRegressor
    # into one column, which mld refuses; a perceptron is better exported from PyTorch.)
    model = RandomForestRegressor(n_estimators=40, max_depth=8, min_samples_leaf=5, random_state=1)
    model.fit(x[fit], y[fit])
    error = np.abs(model.predict(x[~fit])[:, 0] - y[~fit, 0])
    near = float(np.mean(error <= 0.05))  # what confidence means: the chance of at most 0.05
    print(f"cpu error {error.mean():.4f}, of the last value {np.abs(x[~fit, HISTORY - 1] - y[~fit, 0]).mean():.4f}, confidence {near:.2f}")
    onnx = convert_sklearn(model, initial_types=[("x", FloatTensorType([None, x.shape[1]]))], target_opset=17)
    (out / "sk-1.onnx").write_bytes(onnx.SerializeToString())
    manifest = {
        "predictor": "workload", "name": "sk", "version": "1", "file": "sk-1.onnx", "features": "fields/1",
        "inputs": CPU + MEMORY, "outputs": ["predicted_cpu", "predicted_memory", "predicted_gpu"],
        "confidence": round(near, 3), "memory_unit": GIB,
        "trained_on": "recorded programs of testdata/traces", "terms": "free",
    }
    # The manifest comes last: without it the file is nobody's.
    (out / "sk-1.manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
