"""Fits LightGBM ensembles and writes them as ONNX TreeEnsembleRegressor nodes.

A converter of our own, because the rows are float32 and LightGBM's thresholds
are double: each threshold is rounded down to the next float32, which leaves the
answer of `x <= threshold` unchanged for every float32 x.
"""
import os

import lightgbm as lgb
import numpy as np
from onnx import TensorProto, helper

import modelfile
import progress

SEED = 20261123


def fit(x, y, weight=None, valid=None, rounds=100, columns=None, names=None, **params):
    """Trains on the given columns only; splits are renumbered to all columns."""
    columns = list(range(x.shape[1])) if columns is None else list(columns)
    settings = dict(
        learning_rate=0.1, num_leaves=16, min_data_in_leaf=200, feature_fraction=0.8, bagging_fraction=0.8,
        bagging_freq=1, use_missing=False, max_bin=255, num_threads=int(os.environ.get("THREADS", "1")), seed=SEED, deterministic=True,
        force_row_wise=True, verbosity=-1)
    settings.update(params)
    train = lgb.Dataset(np.ascontiguousarray(x[:, columns]), y, weight=weight, free_raw_data=True)
    sets, callbacks = [], [lambda at: progress.tell(f"tree {at.iteration + 1} of {rounds} at most, on {x.shape[0]:,} rows")]
    if valid is not None:
        sets = [lgb.Dataset(np.ascontiguousarray(valid[0][:, columns]), valid[1], weight=valid[2], reference=train)]
        callbacks.append(lgb.early_stopping(25, verbose=False))
    booster = lgb.train(settings, train, rounds, sets, callbacks=callbacks)
    return Ensemble.of(booster, columns)


class Ensemble:
    """A list of trees over all columns; a tree is a list of nodes, root first.

    A node is ("leaf", value) or ("split", column, float32 threshold, left, right).
    """

    def __init__(self, trees):
        self.trees = trees

    @staticmethod
    def of(booster, columns):
        trees = []
        info = booster.dump_model(num_iteration=booster.best_iteration or None)
        for t in info["tree_info"]:
            nodes = []
            _flatten(t["tree_structure"], columns, nodes)
            trees.append(nodes)
        return Ensemble(trees)

    def scaled(self, factor, offset=0.0):
        """factor * sum + offset: bakes a calibration into the leaves."""
        def leaf(n, add):
            return ("leaf", n[1] * factor + add) if n[0] == "leaf" else n
        return Ensemble([[leaf(n, offset if i == 0 else 0.0) for n in t] for i, t in enumerate(self.trees)])

    def gated(self, column, above=True, bound=0.5):
        """The same where column > bound (or, not above, where it is not), zero
        elsewhere: one ensemble can hold several."""
        out = []
        for t in self.trees:
            moved = [n if n[0] == "leaf" else n[:3] + (n[3] + 2, n[4] + 2) for n in t]
            to = (1, 2) if above else (2, 1)
            out.append([("split", column, np.float32(bound)) + to, ("leaf", 0.0)] + moved)
        return Ensemble(out)

    def __add__(self, other):
        return Ensemble(self.trees + other.trees)

    def predict(self, x, block=65536):
        """Sums in float64; ONNX engines sum in float32."""
        x = np.asarray(x)
        out = np.zeros(len(x))
        for start in range(0, len(x), block):
            part = np.asarray(x[start:start + block])
            for t in self.trees:
                out[start:start + block] += _walk(t, part)
        return out

    def onnx(self, width):
        """A model of these trees alone."""
        io = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", w]) for n, w in (("x", width), ("y", 1))]
        graph = helper.make_graph([node(self, "trees", "x", "y")], "trees", io[:1], io[1:])
        return helper.make_model(graph, ir_version=8, opset_imports=[
            helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]).SerializeToString()

    def fast(self, width):
        """predict by ONNX Runtime, for many rows: sums are float32."""
        data = self.onnx(width)
        return lambda x: modelfile.run(data, x)["y"].astype(float)

    def count(self):
        return len(self.trees), sum(len(t) for t in self.trees)


def _flatten(node, columns, nodes):
    at = len(nodes)
    if "leaf_value" in node and "split_index" not in node:
        nodes.append(("leaf", float(node["leaf_value"])))
        return at
    assert node["decision_type"] == "<=", node["decision_type"]
    nodes.append(None)
    left = _flatten(node["left_child"], columns, nodes)
    right = _flatten(node["right_child"], columns, nodes)
    nodes[at] = ("split", columns[node["split_feature"]], _down(node["threshold"]), left, right)
    return at


def _down(threshold):
    """The largest float32 that is <= threshold."""
    t = np.float32(threshold)
    return t if float(t) <= threshold else np.nextafter(t, np.float32(-np.inf))


def _walk(nodes, x):
    leaf = np.array([n[0] == "leaf" for n in nodes])
    value = np.array([n[1] if n[0] == "leaf" else 0.0 for n in nodes])
    column = np.array([0 if n[0] == "leaf" else n[1] for n in nodes])
    bound = np.array([0 if n[0] == "leaf" else n[2] for n in nodes], np.float32)
    left = np.array([0 if n[0] == "leaf" else n[3] for n in nodes])
    right = np.array([0 if n[0] == "leaf" else n[4] for n in nodes])
    at = np.zeros(len(x), np.int64)
    rows = np.arange(len(x))
    while True:
        done = leaf[at]
        if done.all():
            return value[at]
        go = np.where(x[rows, column[at]] <= bound[at], left[at], right[at])
        at = np.where(done, at, go)


def node(ensemble, name, source, target):
    """The ensemble as one TreeEnsembleRegressor from tensor source to target."""
    a = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "true", "false",
                         "target_tree", "target_node", "target", "weights")}
    for tree, nodes in enumerate(ensemble.trees):
        for i, n in enumerate(nodes):
            a["treeids"].append(tree)
            a["nodeids"].append(i)
            leaf = n[0] == "leaf"
            a["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            a["featureids"].append(0 if leaf else int(n[1]))
            a["values"].append(0.0 if leaf else float(n[2]))
            a["true"].append(0 if leaf else int(n[3]))
            a["false"].append(0 if leaf else int(n[4]))
            if leaf:
                a["target_tree"].append(tree)
                a["target_node"].append(i)
                a["target"].append(0)
                a["weights"].append(float(np.float32(n[1])))
    return helper.make_node(
        "TreeEnsembleRegressor", [source], [target], name=name, domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=a["treeids"], nodes_nodeids=a["nodeids"], nodes_featureids=a["featureids"],
        nodes_values=a["values"], nodes_modes=a["modes"], nodes_truenodeids=a["true"],
        nodes_falsenodeids=a["false"], target_treeids=a["target_tree"], target_nodeids=a["target_node"],
        target_ids=a["target"], target_weights=a["weights"])
