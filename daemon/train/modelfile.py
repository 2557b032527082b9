"""Writes ONNX files with the metadata that daemon/predict checks."""
import hashlib
import os

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

VERSION = os.environ.get("MODEL_VERSION", "2026.11.28")
EMBEDDED, LOADED = 512 * 1024, 1024 * 1024  # bytes, at most: free models are in the binary


def version(graph, metadata):
    """An answer says which model gave it, and scores are by that: two graphs, or two ways of
    reading them, never have the same version, and the same ones always do."""
    content = hashlib.sha256(graph.SerializeToString(deterministic=True))
    for key in sorted(metadata):
        content.update(f"{key}={metadata[key]}\n".encode())
    terms = "" if metadata["terms"] == "free" else "-" + metadata["terms"]
    return f"{VERSION}-{content.hexdigest()[:8]}{terms}"


def write(path, nodes, width, outputs, metadata, widths=None):
    """outputs: tensor names, each [n, 1] or what widths says. Metadata values are text."""
    widths = widths or {}
    graph = helper.make_graph(
        nodes, metadata["predictor"],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, ["n", widths.get(o, 1)]) for o in outputs])
    model = helper.make_model(graph, producer_name="mlbridge train", ir_version=8, opset_imports=[
        helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)])
    metadata = dict(metadata, version=version(graph, metadata), outputs=",".join(outputs))
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    limit = EMBEDDED if metadata["terms"] == "free" else LOADED
    assert len(data) <= limit, f"{path}: {len(data)} bytes, limit {limit}"
    with open(path, "wb") as f:
        f.write(data)
    return data


def run(data, x, **more):
    """ONNX Runtime's answer: {output name: its first column}. Of many rows it is taken in
    parts, unless there are more inputs than x."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    parts = []
    rows = max(len(x), 1) if more else 262144
    for start in range(0, max(len(x), 1), rows):
        parts.append([v[:, 0] for v in session.run(names, {"x": np.ascontiguousarray(x[start:start + rows]), **more})])
    return {n: np.concatenate([p[i] for p in parts]) for i, n in enumerate(names)}
