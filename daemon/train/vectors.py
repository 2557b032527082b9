"""Oracle vectors: rows of test and ONNX Runtime's answers to them, for Go's tests."""
import json
import os

import numpy as np

import modelfile
from tables import Table

SOURCES = {
    "workload": ["workload_smd_cpu_test", "workload_procs_mem_test"],
    "memory": ["memory_alone_test"],
    "failure": ["failure_lanl_test", "failure_oom_test", "failure_smd_test"],
    "threat": ["threat_benign_test"],
}
ROWS = 24


def write(matrices, out, name, data):
    """<out>/testdata/<name>.json with float32 values that survive the text form."""
    x = []
    for source in SOURCES[name]:
        t = Table(matrices, source)
        x.append(np.asarray(t.x[np.linspace(0, len(t) - 1, ROWS // len(SOURCES[name])).astype(int)]))
    x = np.concatenate(x)
    answer = modelfile.run(data, x)
    os.makedirs(os.path.join(out, "testdata"), exist_ok=True)
    with open(os.path.join(out, "testdata", name + ".json"), "w") as f:
        rows = ",\n ".join("[" + ",".join(_text(v) for v in row) + "]" for row in x)
        outputs = ",\n ".join(f'"{k}": [' + ",".join(_text(v) for v in column) + "]" for k, column in answer.items())
        f.write(f'{{"rows": [\n {rows}],\n"outputs": {{\n {outputs}}}}}\n')
    json.load(open(os.path.join(out, "testdata", name + ".json")))


def _text(v):
    """The shortest text that reads back as this float32."""
    text = np.format_float_positional(np.float32(v), unique=True, trim="-")
    return text
