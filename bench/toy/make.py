"""Makes workload.onnx and manifest.json beside this file: the toy network of the benchmark.

A dense network of 36-32-16-4 with fixed random weights. It predicts nothing; it
costs what a small network costs. 36 is the width of the daemon's workload rows (the
origin of the 35-32-16-4 shape had 35 columns), so that preparing features is part of
the call. Two of the four outputs are what daemon/predict asks of a workload model.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install onnx==1.23.2 numpy==2.4.6
    /tmp/venv/bin/python make.py
"""
import hashlib
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTHS = [36, 32, 16, 4]
NAME, VERSION, FEATURES = "toy-mlp", "36-32-16-4", "workload-1"
HERE = os.path.dirname(os.path.abspath(__file__))


def layers():
    """Gemm and Relu nodes with their weights; the last layer has no Relu."""
    rng = np.random.default_rng(1)
    nodes, weights, value = [], [], "x"
    for i, (n, m) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        # Small weights: the predicted change stays within a few steps of the window.
        w = (rng.standard_normal((n, m)) * (0.3 / np.sqrt(n))).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(np.zeros(m, np.float32), f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"h{i}"]))
        value = f"h{i}"
        if i < len(WIDTHS) - 2:
            nodes.append(helper.make_node("Relu", [value], [f"r{i}"]))
            value = f"r{i}"
    return nodes, weights, value


def column(value, index, name):
    """A node that cuts one column out of value, and its constants."""
    at = [numpy_helper.from_array(np.array([v], np.int64), f"{name}_{part}")
          for part, v in (("from", index), ("to", index + 1), ("axis", 1))]
    return helper.make_node("Slice", [value] + [a.name for a in at], [name]), at


def main():
    nodes, weights, value = layers()
    delta, at = column(value, 0, "delta")
    weights += at
    logit, at = column(value, 1, "logit")
    weights += at
    nodes += [delta, logit, helper.make_node("Sigmoid", ["logit"], ["confidence"])]
    graph = helper.make_graph(
        nodes, "workload", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", WIDTHS[0]])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["n", 1]) for o in ("delta", "confidence")],
        initializer=weights)
    model = helper.make_model(graph, producer_name="mlbridge bench", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"predictor": "workload", "features": FEATURES, "name": NAME,
                                   "version": VERSION, "outputs": "delta,confidence"})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    with open(os.path.join(HERE, "workload.onnx"), "wb") as f:
        f.write(data)
    entry = {"predictor": "workload", "file": "workload.onnx", "name": NAME, "version": VERSION,
             "sha256": hashlib.sha256(data).hexdigest(), "features": FEATURES,
             "trained_on": "nothing: fixed random weights", "terms": "free", "date": "2026-11-23"}
    with open(os.path.join(HERE, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump([entry], f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
