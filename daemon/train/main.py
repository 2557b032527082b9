"""Fits the models from extracted matrices and writes them with their manifest.

    python main.py MATRICES OUT [predictor ...]

FREE=0 adds the data that may only be used for research and study.
"""
import hashlib
import importlib
import json
import os
import sys
import time
import warnings

import onnx
from sklearn.exceptions import ConvergenceWarning

import progress
import vectors

PREDICTORS = ["workload", "threat", "failure", "memory"]


def main(matrices, out, wanted):
    free = os.environ.get("FREE", "1") != "0"
    # How many epochs a net has is chosen, by val: that it might go on says nothing.
    warnings.simplefilter("ignore", ConvergenceWarning)
    os.makedirs(out, exist_ok=True)
    manifest = _load(out, "manifest.json", [])
    for name in wanted or PREDICTORS:
        start = time.time()
        print(f"train: {name} ({'free' if free else 'research'} data)", file=sys.stderr, flush=True)
        module = importlib.import_module(name)
        data = module.train(matrices, out, free)
        if not free and hasattr(module, "left_out"):
            left_out = [e for e in _load(out, "leftout.json", []) if e["predictor"] != name]
            _save(out, "leftout.json", left_out + [dict(e, predictor=name) for e in module.left_out(matrices)])
        manifest = [e for e in manifest if e["predictor"] != name] + [_entry(name, data)]
        vectors.write(matrices, out, name, data)
        progress.done()
        print(f"train: {name}: {len(data)} bytes, {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    manifest.sort(key=lambda e: PREDICTORS.index(e["predictor"]))
    _save(out, "manifest.json", manifest)


def _entry(name, data):
    meta = {p.key: p.value for p in onnx.load_from_string(data).metadata_props}
    return {"predictor": name, "file": f"{name}.onnx", "name": meta["name"], "version": meta["version"],
            "sha256": hashlib.sha256(data).hexdigest(), "features": meta["features"],
            "trained_on": meta["trained_on"], "terms": meta["terms"], "date": time.strftime("%Y-%m-%d", time.gmtime())}


def _load(out, file, empty):
    path = os.path.join(out, file)
    if not os.path.exists(path):
        return empty
    with open(path) as f:
        return json.load(f)


def _save(out, file, value):
    with open(os.path.join(out, file), "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
