"""Writes gru.onnx, which the engine's subset does not have, and what ONNX Runtime says
to it: python make.py, with daemon/train/requirements.txt."""
import json
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

here = os.path.dirname(os.path.abspath(__file__))
random = np.random.default_rng(1)


def weights(name, *shape):
    return numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)


graph = helper.make_graph(
    [helper.make_node("Unsqueeze", ["x", "first"], ["steps"]),
     helper.make_node("GRU", ["steps", "w", "r", "b"], ["", "state"], hidden_size=4),
     helper.make_node("Squeeze", ["state", "first"], ["last"]),
     helper.make_node("Gemm", ["last", "out", "bias"], ["y"])],
    "gru", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 10])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
    [numpy_helper.from_array(np.array([0]), "first"), weights("w", 1, 12, 10), weights("r", 1, 12, 4), weights("b", 1, 24),
     weights("out", 4, 2), weights("bias", 2)])
model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
helper.set_model_props(model, {"name": "gru"})
data = model.SerializeToString()
rows = random.normal(size=(5, 10)).astype(np.float32)
values = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(["y"], {"x": rows})[0]
with open(os.path.join(here, "gru.onnx"), "wb") as f:
    f.write(data)
with open(os.path.join(here, "gru.json"), "w") as f:
    json.dump({"Rows": rows.tolist(), "Outputs": [{"Name": "y", "Values": values.tolist()}]}, f)
    f.write("\n")
