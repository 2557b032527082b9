"""Fits the models from extracted matrices and writes them with manifest and numbers.

    python main.py MATRICES OUT [predictor ...]

FREE=0 adds the data that may only be used for research and study.
"""
import hashlib
import importlib
import json
import os
import sys
import time

import onnx

import report
import vectors

PREDICTORS = ["workload", "threat", "failure", "memory"]


def main(matrices, out, wanted):
    free = os.environ.get("FREE", "1") != "0"
    os.makedirs(out, exist_ok=True)
    manifest, numbers = _load(out, "manifest.json", []), _load(out, "eval.json", {})
    for name in wanted or PREDICTORS:
        start = time.time()
        print(f"train: {name} ({'free' if free else 'research'} data)", file=sys.stderr, flush=True)
        data, scores = importlib.import_module(name).train(matrices, out, free)
        manifest = [e for e in manifest if e["predictor"] != name] + [_entry(name, data)]
        numbers[name] = scores
        vectors.write(matrices, out, name, data)
        print(f"train: {name}: {len(data)} bytes, {time.time() - start:.0f} s", file=sys.stderr, flush=True)
    manifest.sort(key=lambda e: PREDICTORS.index(e["predictor"]))
    _save(out, "manifest.json", manifest)
    _save(out, "eval.json", {k: numbers[k] for k in PREDICTORS if k in numbers})
    with open(os.path.join(out, "EVAL.md"), "w") as f:
        f.write(report.markdown(numbers, manifest))
    if free and len(numbers) == len(PREDICTORS):
        # The cards' words are about the free build; EVAL.md speaks for any.
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "cards.md")) as f:
            text = report.cards(f.read(), _rounded(numbers), manifest)
        with open(os.path.join(out, "CARDS.md"), "w") as f:
            f.write(text)


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
        json.dump(_rounded(value), f, indent=1)
        f.write("\n")


def _rounded(v):
    """Six digits are more than any of these numbers carries."""
    if isinstance(v, dict):
        return {k: _rounded(x) for k, x in v.items()}
    if isinstance(v, list):
        return [_rounded(x) for x in v]
    return float(f"{v:.6g}") if isinstance(v, float) else v


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
