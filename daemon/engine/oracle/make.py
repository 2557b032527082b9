"""Writes the oracle vectors: small ONNX models, input rows, and what ONNX
Runtime computes for them.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python make.py ../../../testdata/oracle

Every case is two files. NAME.onnx is the model. NAME.json holds "rows" (a list
of rows; null is NaN) and "outputs", one per graph output in order: "name" and
"values" (a list of rows, null is NaN). Integer outputs are written as numbers,
string labels as their index in the label list, ZipMap's maps as the
probabilities in label order: what the engine documents.

Seeds are fixed; with the pinned versions the files come out the same. Models
are drawn or trained on noise: they test arithmetic, they predict nothing.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

import converted
import graphs
import trees


def listed(values):
    """Rows of float32 as shortest decimal numbers that read back exactly."""

    def one(v):
        v = np.float32(v)
        return None if np.isnan(v) else float(str(v))

    return [[one(v) for v in row] for row in values]


def tabled(output, names):
    """One output of ONNX Runtime as a 2-D array."""
    if isinstance(output, list) and isinstance(output[0], dict):  # ZipMap
        return [list(m.values()) for m in output]
    array = np.asarray(output)
    if array.dtype.kind in "OU":
        array = np.vectorize(names.index)(array)
    return array.reshape(array.shape[0], -1)


def labels_of(model):
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "classlabels_strings":
                return [s.decode() for s in attribute.strings]
    return []


def write(folder, name, model, rows):
    # Converters give random names, and list operator sets in the order of a set.
    imports = sorted(model.opset_import, key=lambda o: (o.domain, o.version))
    del model.opset_import[:]
    model.opset_import.extend(imports)
    model.graph.name = name
    for i, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{i}"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # one order of summation
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: rows.astype(np.float32)}
    outputs = session.run(None, feed)
    names = labels_of(model)
    case = {
        "rows": listed(rows),
        "outputs": [
            {"name": o.name, "values": listed(tabled(v, names))}
            for o, v in zip(session.get_outputs(), outputs)
        ],
    }
    (folder / f"{name}.onnx").write_bytes(data)
    text = json.dumps(case, separators=(",", ":"), allow_nan=False)
    (folder / f"{name}.json").write_text(text.replace('"outputs"', '\n"outputs"') + "\n")
    return len(data) + len(text)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for module in (graphs, trees, converted):
        for name, model, rows in module.cases():
            total += write(folder, name, model, rows)
    print(f"{total / 1024:.0f} KiB, onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}")


if __name__ == "__main__":
    main()
