"""Small networks in numpy, trained by Adam under a weighted loss: compared with trees in
families.py and compare.py, and the dense one served with workload requests that have a
past (forecastnet.py)."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

BATCH = 512


def _adam(params, loss_gradient, n, epochs, rng, rate=3e-3):
    """Descends in place; the rate falls to 0 by a cosine."""
    m = [np.zeros_like(p) for p in params]
    v = [np.zeros_like(p) for p in params]
    steps, t = epochs * (n // BATCH), 0
    for _ in range(epochs):
        order = rng.permutation(n)
        for start in range(0, n - BATCH + 1, BATCH):
            t += 1
            now = rate * (1 + np.cos(np.pi * t / steps)) / 2
            for p, g, a, b in zip(params, loss_gradient(order[start:start + BATCH]), m, v):
                a += 0.1 * (g - a)
                b += 0.001 * (g * g - b)
                p -= now * (a / (1 - 0.9 ** t)) / (np.sqrt(b / (1 - 0.999 ** t)) + 1e-8)


def _weights(rng, rows, columns):
    return (rng.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)


class Dense:
    """Layers of the given widths with ReLU between; [] is a linear model."""

    def __init__(self, hidden):
        self.hidden = hidden

    def fit(self, x, y, w, epochs, rng):
        widths = [x.shape[1], *self.hidden, 1]
        self.p = []
        for a, b in zip(widths, widths[1:]):
            self.p += [_weights(rng, a, b), np.zeros(b, np.float32)]

        def gradient(rows):
            values = self._forward(x[rows])
            d = (np.sign(values[-1][:, 0] - y[rows]) * w[rows] / len(rows))[:, None].astype(np.float32)
            out = [None] * len(self.p)
            for i in reversed(range(len(widths) - 1)):
                out[2 * i], out[2 * i + 1] = values[i].T @ d, d.sum(0)
                d = (d @ self.p[2 * i].T) * (values[i] > 0)
            return out
        _adam(self.p, gradient, len(x), epochs, rng)
        return self

    def _forward(self, x):
        values = [x]
        for i in range(0, len(self.p), 2):
            x = x @ self.p[i] + self.p[i + 1]
            if i + 2 < len(self.p):
                x = np.maximum(x, 0)
            values.append(x)
        return values

    def predict(self, x):
        return self._forward(x)[-1][:, 0]

    def onnx(self):
        nodes, consts, name = [], [], "x"
        for i in range(0, len(self.p), 2):
            consts += [numpy_helper.from_array(self.p[i], f"w{i}"), numpy_helper.from_array(self.p[i + 1], f"b{i}")]
            nodes.append(helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"y{i}"]))
            name = f"y{i}"
            if i + 2 < len(self.p):
                nodes.append(helper.make_node("Relu", [name], [f"r{i}"]))
                name = f"r{i}"
        return _model(nodes, consts, name, ["n", self.p[0].shape[0]])

    def size(self):
        return sum(p.size for p in self.p)


def absolute(out, y):
    """The gradient of |out - y|."""
    return np.sign(out - y)


def logistic(out, y):
    """The gradient of the log loss of a logit."""
    return 1 / (1 + np.exp(-out)) - y


class GRU:
    """A gated recurrent unit (Cho et al., EMNLP 2014) over a window, oldest first, and
    a linear read-out of its last state. A row holds the window's steps one after the
    other, of so many inputs each."""

    def __init__(self, hidden, inputs=1, slope=absolute):
        self.h, self.k, self.slope = hidden, inputs, slope

    def fit(self, x, y, w, epochs, rng):
        h, k = self.h, self.k
        self.steps = x.shape[1] // k
        # Input, recurrent and bias weights of the gates z, r and the candidate n; read-out.
        self.p = [_weights(rng, k, 3 * h), _weights(rng, h, 3 * h), np.zeros(3 * h, np.float32),
                  _weights(rng, h, 1), np.zeros(1, np.float32)]

        def gradient(rows):
            s, states = x[rows], []
            out = self._forward(s, states)
            d = (self.slope(out, y[rows]) * w[rows] / len(rows))[:, None].astype(np.float32)
            wi, wh, _, wo, _ = self.p
            g = [np.zeros_like(p) for p in self.p]
            g[3], g[4] = states[-1][4].T @ d, d.sum(0)
            dh = d @ wo.T
            for t in reversed(range(self.steps)):
                before, z, r, n, _ = states[t]
                dz, dn = dh * (before - n) * z * (1 - z), dh * (1 - z) * (1 - n * n)
                dr = (dn @ wh[:, 2 * h:].T) * before * r * (1 - r)
                da = np.concatenate([dz, dr, dn], 1)
                g[0] += s[:, t * k:(t + 1) * k].T @ da
                g[1][:, :2 * h] += before.T @ da[:, :2 * h]
                g[1][:, 2 * h:] += (r * before).T @ dn
                g[2] += da.sum(0)
                dh = dh * z + da[:, :2 * h] @ wh[:, :2 * h].T + (dn @ wh[:, 2 * h:].T) * r
            return g
        _adam(self.p, gradient, len(x), epochs, rng)
        return self

    def _forward(self, s, states=None):
        wi, wh, b, wo, bo = self.p
        h = self.h
        state = np.zeros((len(s), h), np.float32)
        for t in range(self.steps):
            a = s[:, t * self.k:(t + 1) * self.k] @ wi + b
            zr = 1 / (1 + np.exp(-(a[:, :2 * h] + state @ wh[:, :2 * h])))
            z, r = zr[:, :h], zr[:, h:]
            n = np.tanh(a[:, 2 * h:] + (r * state) @ wh[:, 2 * h:])
            after = z * state + (1 - z) * n
            if states is not None:
                states.append((state, z, r, n, after))
            state = after
        return (state @ wo + bo)[:, 0]

    def predict(self, s):
        return self._forward(s)

    def onnx(self):
        wi, wh, b, wo, bo = self.p
        consts = [numpy_helper.from_array(v, n) for v, n in (
            (np.ascontiguousarray(wi.T)[None], "w"), (np.ascontiguousarray(wh.T)[None], "r"),
            (np.concatenate([b, np.zeros_like(b)])[None], "b"), (wo, "wo"), (bo, "bo"),
            (np.array([-1, self.steps, self.k], np.int64), "shape"), (np.array([0], np.int64), "first"))]
        nodes = [helper.make_node("Reshape", ["x", "shape"], ["windows"]),
                 helper.make_node("Transpose", ["windows"], ["steps"], perm=[1, 0, 2]),
                 helper.make_node("GRU", ["steps", "w", "r", "b"], ["", "last"], hidden_size=self.h),
                 helper.make_node("Squeeze", ["last", "first"], ["state"]),
                 helper.make_node("Gemm", ["state", "wo", "bo"], ["y"])]
        return _model(nodes, consts, "y", ["n", self.steps * self.k])

    def size(self):
        return sum(p.size for p in self.p)


def _model(nodes, consts, output, shape):
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 1])], consts)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
