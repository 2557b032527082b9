"""Hand-built graphs of ai.onnx: every operator of the subset, in the forms that
PyTorch and the converters write and in the older operator sets."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

N = "batch"


def tensor(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def graph(nodes, features, outputs, tensors=(), opset=17, ml=None, metadata=None, elem=TensorProto.FLOAT):
    """A model with input x [batch, features]; outputs maps names to shapes."""
    ins = [helper.make_tensor_value_info("x", elem, [N, features])]
    outs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs.items()]
    imports = [helper.make_opsetid("", opset)]
    if ml:
        imports.append(helper.make_opsetid("ai.onnx.ml", ml))
    g = helper.make_graph(nodes, "g", ins, outs, list(tensors))
    model = helper.make_model(g, opset_imports=imports, ir_version=8)
    if metadata:
        helper.set_model_props(model, metadata)
    return model


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def mlp(rng):
    """The 35-32-16-4 network of the speed targets, as Gemm and Relu."""
    sizes, nodes, tensors, last = [35, 32, 16, 4], [], [], "x"
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        tensors += [tensor(f"w{i}", normal(rng, k, n) / np.float32(np.sqrt(k))), tensor(f"b{i}", normal(rng, n))]
        nodes.append(helper.make_node("Gemm", [last, f"w{i}", f"b{i}"], [f"g{i}"]))
        last = f"g{i}"
        if i < 2:
            nodes.append(helper.make_node("Relu", [last], [f"r{i}"]))
            last = f"r{i}"
    nodes.append(helper.make_node("Sigmoid", [last], ["y"]))
    return graph(nodes, 35, {"y": [N, 4]}, tensors, metadata={"name": "toy", "version": "1"}), normal(rng, 12, 35)


def torch_like(rng):
    """What torch.onnx writes for Linear, BatchNorm1d, ELU, Dropout, Softmax."""
    tensors = [
        tensor("w0", normal(rng, 6, 5)), tensor("b0", normal(rng, 6)),
        tensor("scale", 1 + normal(rng, 6) / 4), tensor("bias", normal(rng, 6)),
        tensor("mean", normal(rng, 6)), tensor("var", np.abs(normal(rng, 6)) + np.float32(0.1)),
        tensor("w1", normal(rng, 3, 6)), tensor("b1", normal(rng, 3)),
        tensor("ratio", np.float32(0.5)), tensor("training", np.array(False)),
    ]
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], axis=1),
        helper.make_node("Gemm", ["f", "w0", "b0"], ["h"], alpha=0.7, beta=1.3, transB=1),
        helper.make_node("BatchNormalization", ["h", "scale", "bias", "mean", "var"], ["n"], epsilon=1e-3),
        helper.make_node("Elu", ["n"], ["e"], alpha=0.8),
        helper.make_node("Dropout", ["e", "ratio", "training"], ["d"]),
        helper.make_node("Gemm", ["d", "w1", "b1"], ["z"], transB=1),
        helper.make_node("Softmax", ["z"], ["p"], axis=1),
        helper.make_node("LogSoftmax", ["z"], ["lp"], axis=-1),
    ]
    return graph(nodes, 5, {"p": [N, 3], "lp": [N, 3], "h": [N, 6]}, tensors), normal(rng, 10, 5)


def unaries(rng):
    """Each element-wise function on the same rows, as separate outputs."""
    plain = ["Relu", "Sigmoid", "Tanh", "Softplus", "Exp", "Neg", "Abs", "Softmax", "Identity"]
    nodes = [helper.make_node(op, ["x"], [op.lower()]) for op in plain]
    nodes += [
        helper.make_node("LeakyRelu", ["x"], ["leaky"], alpha=0.2),
        helper.make_node("LeakyRelu", ["x"], ["leaky0"]),
        helper.make_node("Elu", ["x"], ["elu"]),
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Sqrt", ["a"], ["sqrt"]),
        helper.make_node("Log", ["a"], ["log"]),
        helper.make_node("Clip", ["x", "low", "high"], ["clip"]),
        helper.make_node("Clip", ["x", "", "high"], ["clip1"]),
    ]
    names = [n.output[0] for n in nodes if n.output[0] != "a"]
    tensors = [tensor("low", np.float32(-0.5)), tensor("high", np.float32(0.75))]
    rows = normal(rng, 8, 4)
    rows[0] = [30, -30, 88, -88]
    rows[1] = [1e-6, -1e-6, 1e-20, -3]
    return graph(nodes, 4, {n: [N, 4] for n in names}, tensors), rows


def binaries(rng):
    """Add, Sub, Mul, Div, Min, Max, Sum with rows, columns and constants."""
    tensors = [tensor("s", np.float32(2.5)), tensor("v", normal(rng, 4)), tensor("r", normal(rng, 1, 4)),
               tensor("one", np.array([0.5], np.float32)), tensor("k", np.array([1], np.int64)),
               tensor("d", np.array([1.5, -2, 0.25, 3], np.float64))]
    nodes = [
        helper.make_node("Gather", ["x", "k"], ["col"], axis=1),
        helper.make_node("Add", ["x", "s"], ["y0"]), helper.make_node("Sub", ["r", "x"], ["y1"]),
        helper.make_node("Mul", ["x", "col"], ["y2"]), helper.make_node("Div", ["col", "x"], ["y3"]),
        helper.make_node("Min", ["x", "v", "one"], ["y4"]), helper.make_node("Max", ["x", "y0", "y1"], ["y5"]),
        helper.make_node("Sum", ["x", "y2", "r"], ["y6"]), helper.make_node("Mul", ["x", "x"], ["y7"]),
        helper.make_node("Sub", ["col", "v"], ["y8"]), helper.make_node("Cast", ["d"], ["df"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["y8", "df"], ["y9"]),
    ]
    return graph(nodes, 4, {f"y{i}": [N, 4] for i in range(10)}, tensors), normal(rng, 7, 4)


def shapes(rng):
    """Form changes that keep rows whole, and constants folded at load."""
    tensors = [tensor("w", normal(rng, 3, 6)), tensor("m11", np.array([-1, 1], np.int64)), tensor("m1", np.array([-1], np.int64)),
               tensor("k06", np.array([0, 6], np.int64)), tensor("a1", np.array([1], np.int64)), tensor("idx", np.array([5, 0, -2], np.int64)),
               tensor("i4", np.int64(4)), tensor("st", np.array([-1], np.int64)), tensor("en", np.array([-100], np.int64)),
               tensor("sp", np.array([-2], np.int64)), tensor("s2", np.array([0, 1], np.int64)), tensor("e2", np.array([2**31 - 1, 5], np.int64)),
               tensor("flat", normal(rng, 6)), tensor("a0", np.array([0], np.int64)), tensor("to", np.array([1, 6], np.int64))]
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], perm=[1, 0]),
        helper.make_node("Reshape", ["x", "k06"], ["same"]),
        helper.make_node("MatMul", ["same", "wt"], ["mm"]),
        helper.make_node("Unsqueeze", ["flat", "a0"], ["row"]),
        helper.make_node("Reshape", ["flat", "to"], ["row2"]),
        helper.make_node("Add", ["x", "row"], ["xr"]),
        helper.make_node("Mul", ["xr", "row2"], ["xr2"]),
        helper.make_node("Gather", ["x", "idx"], ["picked"], axis=1),
        helper.make_node("Gather", ["x", "i4"], ["one"], axis=1),
        helper.make_node("Reshape", ["one", "m11"], ["onecol"]),
        helper.make_node("Squeeze", ["onecol", "a1"], ["sq"]),
        helper.make_node("Unsqueeze", ["sq", "a1"], ["un"]),
        helper.make_node("Reshape", ["un", "m1"], ["vec"]),
        helper.make_node("Add", ["vec", "one"], ["twice"]),
        helper.make_node("Slice", ["x", "st", "en", "a1", "sp"], ["back"]),
        helper.make_node("Slice", ["x", "s2", "e2"], ["mid"]),
        helper.make_node("Concat", ["mm", "picked", "un", "back", "mid"], ["all"], axis=1),
        helper.make_node("Constant", [], ["c"], value_floats=[1.0, 2.0, 3.0]),
        helper.make_node("Add", ["mm", "c"], ["mc"]),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("ReduceSum", ["x", "a1"], ["sum"], keepdims=0),
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node("ArgMax", ["x"], ["am"], axis=1, keepdims=0),
        helper.make_node("Cast", ["am"], ["best"], to=TensorProto.FLOAT),
    ]
    outs = {"all": [N, None], "xr2": [N, 6], "twice": [N], "mc": [N, 3], "sum": [N], "centred": [N, 6], "best": [N]}
    return graph(nodes, 6, outs, tensors), normal(rng, 9, 6)


def opset9(rng):
    """Attributes that later became inputs, typed data instead of raw."""
    w = helper.make_tensor("w", TensorProto.FLOAT, [4, 3], normal(rng, 12).tolist())
    b = helper.make_tensor("b", TensorProto.DOUBLE, [3], [0.125, -1.5, 2.0])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Cast", ["b"], ["bf"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["bf", "h"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Clip", ["r"], ["c"], min=0.25, max=2.0),
        helper.make_node("Slice", ["c"], ["s"], axes=[1], starts=[1], ends=[3]),
        helper.make_node("ReduceSum", ["s"], ["t"], axes=[1]),
        helper.make_node("Squeeze", ["t"], ["q"], axes=[1]),
        helper.make_node("Unsqueeze", ["q"], ["u"], axes=[1]),
        helper.make_node("Dropout", ["u"], ["y"]),
    ]
    return graph(nodes, 4, {"y": [N, 1], "c": [N, 3]}, [w, b], opset=9), normal(rng, 9, 4)


def standardised(rng):
    """What scalers are exported as before a dense layer, and odd rows through them."""
    w = 21  # two vectors of eight and five columns more
    tensors = [tensor("mean", 100 * normal(rng, w)), tensor("deviation", np.abs(normal(rng, 1, w)) + np.float32(0.1)),
               tensor("scale", normal(rng, w)), tensor("low", np.float32(-3)), tensor("high", np.float32(3)),
               tensor("lows", -np.abs(normal(rng, w))), tensor("highs", np.abs(normal(rng, 1, w))),
               tensor("w", normal(rng, w, 9)), tensor("b", normal(rng, 9))]
    nodes = [
        helper.make_node("Sub", ["x", "mean"], ["c0"]), helper.make_node("Div", ["c0", "deviation"], ["d0"]),
        helper.make_node("Clip", ["d0", "low", "high"], ["y0"]),
        helper.make_node("Mul", ["scale", "x"], ["m1"]), helper.make_node("Add", ["m1", "mean"], ["a1"]),
        helper.make_node("Max", ["a1", "lows"], ["x1"]), helper.make_node("Min", ["highs", "x1"], ["y1"]),
        helper.make_node("Scaler", ["x"], ["s2"], domain="ai.onnx.ml", offset=(100 * normal(rng, w)).tolist(), scale=normal(rng, w).tolist()),
        helper.make_node("Clip", ["s2", "", "high"], ["y2"]),
        helper.make_node("Sub", ["mean", "x"], ["y3"]), helper.make_node("Div", ["low", "x"], ["y4"]),
        helper.make_node("Min", ["x", "high"], ["n5"]), helper.make_node("Max", ["n5", "low"], ["y5"]),
        helper.make_node("Gemm", ["y0", "w", "b"], ["g6"]), helper.make_node("Relu", ["g6"], ["y6"]),
    ]
    rows = 100 * normal(rng, 11, w)
    rows[0, :4] = [np.nan, 1e36, -1e36, 1e-30]
    outs = {f"y{i}": [N, w] for i in range(6)} | {"y6": [N, 9]}
    return graph(nodes, w, outs, tensors, ml=3), rows


def cases():
    for seed, make in enumerate([mlp, torch_like, unaries, binaries, shapes, opset9, standardised]):
        yield ("graph_" + make.__name__, *make(np.random.default_rng(100 + seed)))
