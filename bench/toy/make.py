"""Makes the toy networks of the benchmark, and their manifest, beside this file.

Dense networks of N-32-16-4 with fixed random weights. They predict nothing; they cost
what a small network costs. N is the width of the daemon's rows (36 for workload, 41 for
failure; the origin, whose shape this is, had 35 columns), so that preparing features is
part of the call. A workload question has a row for each of cpu, memory and gpu, a
failure question has one row. Two of the four outputs are what daemon/predict asks for.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install onnx==1.23.2 numpy==2.4.6
    /tmp/venv/bin/python make.py
"""
import hashlib
import json
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HIDDEN = [32, 16, 4]
NAME = "toy-mlp"
HERE = os.path.dirname(os.path.abspath(__file__))


def layers(widths):
    """Gemm and Relu nodes with their weights; the last layer has no Relu."""
    rng = np.random.default_rng(1)
    nodes, weights, value = [], [], "x"
    for i, (n, m) in enumerate(zip(widths, widths[1:])):
        # Small weights: the predicted change stays within a few steps of the window.
        w = (rng.standard_normal((n, m)) * (0.3 / np.sqrt(n))).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(np.zeros(m, np.float32), f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"h{i}"]))
        value = f"h{i}"
        if i < len(widths) - 2:
            nodes.append(helper.make_node("Relu", [value], [f"r{i}"]))
            value = f"r{i}"
    return nodes, weights, value


def column(value, index, name):
    """A node that cuts one column out of value, and its constants."""
    at = [numpy_helper.from_array(np.array([v], np.int64), f"{name}_{part}")
          for part, v in (("from", index), ("to", index + 1), ("axis", 1))]
    return helper.make_node("Slice", [value] + [a.name for a in at], [name]), at


def make(predictor, width, features, linear, squashed, more):
    """Writes one model and gives its manifest entry. The first output is left as it is
    and called linear, the second goes through a sigmoid and is called squashed."""
    widths = [width] + HIDDEN
    version = "-".join(map(str, widths))
    nodes, weights, value = layers(widths)
    first, at = column(value, 0, linear)
    second, more_at = column(value, 1, "logit")
    nodes += [first, second, helper.make_node("Sigmoid", ["logit"], [squashed])]
    graph = helper.make_graph(
        nodes, predictor, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["n", 1]) for o in (linear, squashed)],
        initializer=weights + at + more_at)
    model = helper.make_model(graph, producer_name="mlbridge bench", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"predictor": predictor, "features": features, "name": NAME,
                                   "version": version, "outputs": f"{linear},{squashed}", **more})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    with open(os.path.join(HERE, predictor + ".onnx"), "wb") as f:
        f.write(data)
    return {"predictor": predictor, "file": predictor + ".onnx", "name": NAME, "version": version,
            "sha256": hashlib.sha256(data).hexdigest(), "features": features,
            "trained_on": "nothing: fixed random weights", "terms": "free", "date": "2026-11-23"}


def main():
    entries = [make("workload", 36, "workload-1", "delta", "confidence", {}),
               make("failure", 41, "failure-1", "log2_intervals", "probability", {"interval_ms": "1000,1000,1000"})]
    with open(os.path.join(HERE, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump(entries, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
