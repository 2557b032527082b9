"""Hand-built tree ensembles and linear models of ai.onnx.ml: all branch modes,
missing values, aggregates, transforms, and the two-class special cases."""

import numpy as np
from onnx import TensorProto, helper

from graphs import N

FEATURES = 5
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def forest(rng, count, depth, modes, ids, prefix, lopsided=False, positive=False):
    """Random trees as the attribute arrays; every leaf weighs all ids."""
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    w = {k: [] for k in ("treeids", "nodeids", "ids", "weights")}

    def add(tree, node, mode, feature=0, value=0.0, yes=0, no=0, missing=0):
        for key, v in zip(a, (tree, node, feature, value, mode, yes, no, missing)):
            a[key].append(v)

    def grow(tree, level, fresh):
        node = next(fresh)
        if level == depth or (lopsided and level > 0 and rng.random() < 0.3):
            add(tree, node, "LEAF")
            for i in ids:
                v = float(np.float32(rng.random() if positive else rng.normal()))
                for key, item in zip(w, (tree, node, i, v / count if positive else v)):
                    w[key].append(item)
            return node
        at = len(a["modes"])
        # Half-integers meet the half-integer rows exactly: equality matters.
        add(tree, node, str(rng.choice(modes)), int(rng.integers(FEATURES)), float(rng.integers(-3, 4)) / 2, missing=int(rng.integers(2)))
        a["truenodeids"][at] = grow(tree, level + 1, fresh)
        a["falsenodeids"][at] = grow(tree, level + 1, fresh)
        return node

    for tree in range(count):
        grow(tree, 0, iter(range(1 << (depth + 2))))
    out = {"nodes_" + k: v for k, v in a.items()}
    out.update({f"{prefix}_{k}": v for k, v in w.items()})
    return out


def model(op, outputs, **attributes):
    node = helper.make_node(op, ["x"], list(outputs), domain="ai.onnx.ml", **attributes)
    ins = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [N, FEATURES])]
    outs = [helper.make_tensor_value_info(n, *v) for n, v in outputs.items() if v]
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(helper.make_graph([node], "g", ins, outs), opset_imports=imports, ir_version=8)


def rows(rng, missing=True, count=24):
    x = (rng.integers(-4, 5, size=(count, FEATURES)) / 2).astype(np.float32)
    x[::3] += rng.normal(size=x[::3].shape).astype(np.float32) / 8
    if missing:
        x[4:][rng.random(x[4:].shape) < 0.2] = np.nan
    return x


def regressor(rng, modes, targets=1, count=7, depth=4, missing=True, lopsided=True, **more):
    f = forest(rng, count, depth, modes, range(targets), "target", lopsided)
    m = model("TreeEnsembleRegressor", {"y": (TensorProto.FLOAT, [N, targets])}, n_targets=targets, **f, **more)
    return m, rows(rng, missing)


def classifier(rng, ids, labels, transform, positive=False, label_too=True, **more):
    f = forest(rng, 6, 3, MODES[:4], ids, "class", positive=positive)
    if isinstance(labels[0], str):
        more["classlabels_strings"], label = labels, TensorProto.STRING
    else:
        more["classlabels_int64s"], label = labels, TensorProto.INT64
    outs = {"label": (label, [N]), "scores": (TensorProto.FLOAT, [N, len(labels)])}
    if not label_too:
        outs["label"] = None  # made by the node, no output of the graph
    return model("TreeEnsembleClassifier", outs, post_transform=transform, **f, **more), rows(rng)


def linear(rng, classes, labels, transform):
    outs = {"label": (TensorProto.INT64, [N]), "scores": (TensorProto.FLOAT, [N, len(labels)])}
    m = model("LinearClassifier", outs, classlabels_ints=labels, post_transform=transform,
              coefficients=rng.normal(size=classes * FEATURES).tolist(), intercepts=rng.normal(size=classes).tolist())
    return m, rows(rng, missing=False)


def cases():
    rng = np.random.default_rng(7)
    for mode in MODES:
        yield "tree_" + mode.lower(), *regressor(rng, [mode], count=3, depth=3)
    yield "tree_mixed", *regressor(rng, MODES, count=9, depth=5)
    yield "tree_full", *regressor(rng, ["BRANCH_LEQ"], count=10, depth=4, missing=False, lopsided=False)
    yield "tree_average", *regressor(rng, MODES, aggregate_function="AVERAGE", base_values=[0.75])
    yield "tree_targets", *regressor(rng, MODES, targets=3, base_values=[0.5, -1.0, 2.0])
    yield "tree_targets_softmax", *regressor(rng, MODES, targets=3, post_transform="SOFTMAX")
    yield "tree_targets_average", *regressor(rng, MODES, targets=2, aggregate_function="AVERAGE", post_transform="LOGISTIC")
    for t in ("NONE", "LOGISTIC", "SOFTMAX"):
        yield f"class2_{t.lower()}", *classifier(rng, [0], [0, 1], t)
        yield f"class2_positive_{t.lower()}", *classifier(rng, [0], [3, 5], t, positive=True)
        yield f"class3_{t.lower()}", *classifier(rng, [0, 1, 2], [10, 20, 30], t)
        yield f"class2_both_{t.lower()}", *classifier(rng, [0, 1], [0, 1], t, label_too=False)
        yield f"linear3_{t.lower()}", *linear(rng, 3, [1, 2, 3], t)
        yield f"linear2_{t.lower()}", *linear(rng, 2, [4, 7], t)
        yield f"linear1_{t.lower()}", *linear(rng, 1, [4, 7], t)
    yield "class2_base", *classifier(rng, [0], [0, 1], "LOGISTIC", base_values=[0.4])
    yield "class3_base", *classifier(rng, [0, 1, 2], ["a", "b", "c"], "SOFTMAX", base_values=[0.4, 0.1, -0.3])
    for norm in ("MAX", "L1", "L2"):
        m = model("Normalizer", {"y": (TensorProto.FLOAT, [N, FEATURES])}, norm=norm)
        yield "normalizer_" + norm.lower(), m, np.vstack([rows(rng, False, 8), np.zeros((1, FEATURES), np.float32)])
