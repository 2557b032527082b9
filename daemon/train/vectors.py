"""Oracle vectors for Go's tests: requests of test as sent over the wire, their
rows, and what ONNX Runtime and this code's own arithmetic answer to them."""
import os

import numpy as np

import modelfile
from tables import Table

SOURCES = {
    "workload": ["workload_smd_cpu_test", "workload_procs_mem_test"],
    "memory": ["memory_alone_test", "memory_tables_test"],
    "failure": ["failure_lanl_test", "failure_oom_test", "failure_smd_test"],
    "threat": ["threat_benign_test"],
}
ASKS = 12  # of each predictor


def write(matrices, out, name, data):
    os.makedirs(os.path.join(out, "testdata"), exist_ok=True)
    vectors = []
    for source in SOURCES[name]:
        t = Table(matrices, source)
        with open(os.path.join(matrices, source + ".asks")) as f:
            asks = [line.split() for line in f]
        for i in np.linspace(0, len(asks) - 1, ASKS // len(SOURCES[name])).astype(int):
            vectors.append(_vector(t, name, data, int(asks[i][0]), asks[i][1], source))
    with open(os.path.join(out, "testdata", name + ".json"), "w") as f:
        f.write("[\n" + ",\n".join(vectors) + "\n]\n")


def _vector(t, name, data, row, request, source):
    count = int((t["ask"][row:row + 100] == t["ask"][row]).sum()) if name == "memory" else 1
    x = np.asarray(t.x[row:row + count])
    answer = modelfile.run(data, x)
    outputs = ",".join(f'"{k}":[{_list(v)}]' for k, v in answer.items())
    extra = ""
    if name == "workload":
        # What the prediction must be: cpu as a share; memory as a factor of the current value.
        signal = source.split("_")[2]
        value = t["current"][row] + float(answer["delta"][0]) * t["unit"][row]
        value = min(max(value, 0.0), 1.0) if signal == "cpu" else max(value, 0.0) / max(t["current"][row], 1e-30)
        extra = f',"{signal}":{float(value)!r}'
    return (f'{{"source":"{source}","request":"{request}",\n "rows":[' +
            ",".join("[" + _list(r) + "]" for r in x) + f'],\n "outputs":{{{outputs}}}{extra}}}')


def _list(values):
    """The shortest texts that read back as these float32."""
    return ",".join(np.format_float_positional(np.float32(v), unique=True, trim="-") for v in values)
