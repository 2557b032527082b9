"""Makes the toy networks of the benchmark, and their manifest, beside this file.

Dense networks of N-32-16-4 with fixed random weights. They predict nothing; they cost
what a small network costs, the origin's above all: its workload model had 35 inputs,
the fields of the question, and this shape. Both read the plain layout of
daemon/features/fields.go, one row a question, and filling the row is part of the call.

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
FEATURES = "fields/1"
HERE = os.path.dirname(os.path.abspath(__file__))


def layers(widths):
    """Gemm and Relu nodes with their weights; the last layer has no Relu."""
    rng = np.random.default_rng(1)
    nodes, weights, value = [], [], "x"
    for i, (n, m) in enumerate(zip(widths, widths[1:])):
        w = (rng.standard_normal((n, m)) * (0.3 / np.sqrt(n))).astype(np.float32)
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(np.zeros(m, np.float32), f"b{i}")]
        nodes.append(helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], [f"h{i}"]))
        value = f"h{i}"
        if i < len(widths) - 2:
            nodes.append(helper.make_node("Relu", [value], [f"r{i}"]))
            value = f"r{i}"
    return nodes, weights, value


def make(predictor, width, outputs, more):
    """Writes one model and gives its manifest entry. All outputs are in [0, 1]."""
    widths = [width] + HIDDEN
    version = "-".join(map(str, widths))
    nodes, weights, value = layers(widths)
    nodes.append(helper.make_node("Sigmoid", [value], ["y"]))
    graph = helper.make_graph(
        nodes, predictor, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", HIDDEN[-1]])], initializer=weights)
    model = helper.make_model(graph, producer_name="mlbridge bench", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"predictor": predictor, "features": FEATURES, "name": NAME,
                                   "version": version, "outputs": outputs, **more})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    with open(os.path.join(HERE, predictor + ".onnx"), "wb") as f:
        f.write(data)
    return {"predictor": predictor, "file": predictor + ".onnx", "name": NAME, "version": version,
            "sha256": hashlib.sha256(data).hexdigest(), "features": FEATURES,
            "trained_on": "nothing: fixed random weights", "terms": "free", "date": "2026-11-28"}


def main():
    # A memory reading of a share of 64 GiB, so that the sigmoid reaches all of it.
    entries = [make("workload", 35, "predicted_cpu,predicted_memory,predicted_gpu,confidence", {"memory_unit": str(2**36)}),
               make("failure", 41, "failure_probability,predicted_time,confidence,-", {})]
    with open(os.path.join(HERE, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump(entries, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
