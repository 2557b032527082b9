"""A dense net for workload rows that have a past."""
import numpy as np
from onnx import helper, numpy_helper
from threadpoolctl import threadpool_limits

import nets
import progress
import trees

FAR = 4.0  # spreads: inputs further from the middle are cut
HIDDEN, EPOCHS = [48, 24], 12


class Forecast:
    """A net of cut((x - middle) * scale), x being all columns, where the column open is 1
    and the column shut, if any, is not; 0 elsewhere."""

    def __init__(self, middle, scale, layers, open, shut=None):
        self.middle, self.scale, self.open, self.shut = middle, scale, open, shut
        self.layers = layers  # weights and bias of each, ReLU between

    def predict(self, x):
        x = np.asarray(x)
        gate = np.clip(x[:, self.open] - (0 if self.shut is None else x[:, self.shut]), 0, 1)
        x = self.cut(x)
        for k in range(0, len(self.layers), 2):
            x = (np.maximum(x, 0) if k else x) @ self.layers[k] + self.layers[k + 1]
        return x[:, 0].astype(float) * gate

    def cut(self, x):
        return np.clip((x - self.middle) * self.scale, -FAR, FAR)

    def size(self):
        return sum(np.count_nonzero(p) for p in self.layers)

    def nodes(self, source, target):
        """The net from tensor source to target."""
        out = []

        def constant(name, value):
            out.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value))))
            return name

        def step(op, *inputs, result, **attributes):
            out.append(helper.make_node(op, list(inputs), [result], **attributes))
            return result

        centred = step("Sub", source, constant("middle", self.middle), result="centred")
        scaled = step("Mul", centred, constant("scale", self.scale), result="scaled")
        values = step("Clip", scaled, constant("nearest", np.float32(-FAR)), constant("farthest", np.float32(FAR)), result="cut")
        for k in range(0, len(self.layers), 2):
            values = step("Relu", values, result=f"hidden{k}") if k else values
            values = step("Gemm", values, constant(f"weights{k}", self.layers[k]), constant(f"bias{k}", self.layers[k + 1]), result=f"sums{k}")
        asked = step("Gather", source, constant("way", [self.open]), result="asked", axis=1)
        if self.shut is not None:
            asked = step("Sub", asked, step("Gather", source, constant("other", [self.shut]), result="taken", axis=1), result="left")
        opened = step("Clip", asked, constant("shut", np.float32(0)), constant("open", np.float32(1)), result="opened")
        step("Mul", values, opened, result=target)
        return out


def fit(x, y, weight, columns, open, shut=None):
    """The net under the weighted absolute error. On one thread, so that the number of
    processors changes nothing."""
    part = np.asarray(x)[:, columns]
    middle = np.median(part, 0)
    spread = 1.25 * np.abs(part - middle).mean(0)  # a normal column's deviation
    scale = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0)  # what never varies says nothing
    net = Forecast(*(_wide(v, columns, x.shape[1]) for v in (middle, scale)), [], open, shut)
    progress.tell(f"a net of {HIDDEN}, on {len(y):,} rows")
    with threadpool_limits(1):
        fitted = nets.Dense(HIDDEN).fit(net.cut(np.asarray(x))[:, columns], y.astype(np.float32), weight.astype(np.float32),
                                        EPOCHS, np.random.default_rng(trees.SEED))
    net.layers = [_wide(fitted.p[0], columns, x.shape[1]), *fitted.p[1:]]
    return net


def _wide(values, columns, width):
    """Values of some columns among those of all, 0 elsewhere."""
    out = np.zeros((width, *values.shape[1:]), np.float32)
    out[columns] = values
    return out
