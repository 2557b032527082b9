"""A small dense net over standardised columns, beside the trees of one family."""
import numpy as np
from onnx import helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

import trees

FAR = 3.0  # deviations: inputs further off are cut, so that the net is not asked far from what it learnt


class Net:
    """logit(x) = relu(cut((x - mean) * scale) @ first + bias) @ second + last"""

    def __init__(self, mean, scale, first, bias, second, last):
        self.mean, self.scale, self.first, self.bias, self.second, self.last = (
            np.asarray(v, np.float32) for v in (mean, scale, first, bias, second, last))

    def predict(self, x):
        z = np.clip((np.asarray(x) - self.mean) * self.scale, -FAR, FAR)
        return (np.maximum(z @ self.first + self.bias, 0) @ self.second + self.last)[:, 0].astype(float)

    def scaled(self, factor):
        return Net(self.mean, self.scale, self.first, self.bias, self.second * factor, self.last * factor)

    def falling(self, x, column, weight):
        """The same less weight times a column that it does not read, standardised on x and
        cut like the others: one more hidden unit, which is never below its bound."""
        values = np.asarray(x)[:, column].astype(float)
        mean, scale, unit = self.mean.copy(), self.scale.copy(), np.zeros((len(self.mean), 1))
        mean[column], scale[column], unit[column] = values.mean(), 1 / values.std(), 1
        return Net(mean, scale, np.hstack([self.first, unit]), np.append(self.bias, FAR),
                   np.vstack([self.second, [[-weight]]]), self.last + weight * FAR)


def fit(x, y, weight, columns, hidden, alpha, epochs):
    """Columns that are not named have a scale of 0. Weights are met by drawing rows."""
    part = np.asarray(x)[:, columns].astype(float)
    mean, deviation = part.mean(0), part.std(0)
    scale = np.where(deviation > 0, 1 / np.where(deviation > 0, deviation, 1), 0)
    rows = np.random.default_rng(trees.SEED).choice(len(y), len(y), p=weight / weight.sum())
    m = MLPClassifier((hidden,), alpha=alpha, max_iter=epochs, learning_rate_init=2e-3, batch_size=512, random_state=trees.SEED % 2**31)
    m.fit(np.clip((part - mean) * scale, -FAR, FAR)[rows], y[rows])
    wide = [np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros((x.shape[1], hidden))]
    for full, value in zip(wide, (mean, scale, m.coefs_[0])):
        full[columns] = value
    return Net(*wide, m.intercepts_[0], m.coefs_[1], m.intercepts_[1])


def linear(x, y, weight, columns):
    """A logistic regression as a net: a hidden unit for each column, of a scale at which
    nothing that was seen is cut, and never below its bound."""
    part = np.asarray(x)[:, columns].astype(float)
    mean = part.mean(0)
    scale = FAR / np.abs(part - mean).max(0)
    m = LogisticRegression(C=1.0, max_iter=500).fit((part - mean) * scale, y, sample_weight=weight)
    wide = [np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros((x.shape[1], len(columns)))]
    for full, value in zip(wide, (mean, scale, np.eye(len(columns)))):
        full[columns] = value
    coefficients = m.coef_.T
    return Net(*wide, np.full(len(columns), FAR), coefficients, m.intercept_ - FAR * coefficients.sum())


def nodes(nets, source, target, width):
    """The sum of (net, column of its family) pairs, each where its column is 1."""
    out, sums = [], []
    for i, (net, gate) in enumerate(nets):
        def constant(name, value):
            out.append(helper.make_node("Constant", [], [f"net{i}_{name}"], value=numpy_helper.from_array(np.asarray(value, np.float32))))
            return f"net{i}_{name}"

        def step(op, *inputs, result, **attributes):
            out.append(helper.make_node(op, list(inputs), [f"net{i}_{result}"], **attributes))
            return f"net{i}_{result}"
        gates = np.zeros((width, 1))
        gates[gate] = 1
        centred = step("Sub", source, constant("mean", net.mean), result="centred")
        scaled = step("Mul", centred, constant("scale", net.scale), result="scaled")
        cut = step("Clip", scaled, constant("low", -FAR), constant("high", FAR), result="cut")
        hidden = step("Relu", step("Gemm", cut, constant("first", net.first), constant("bias", net.bias), result="sums"), result="hidden")
        logit = step("Gemm", hidden, constant("second", net.second), constant("last", net.last), result="logit")
        mine = step("MatMul", source, constant("gates", gates), result="mine")
        sums.append(step("Mul", logit, mine, result="gated"))
    while len(sums) > 1:
        last, before = sums.pop(), sums.pop()
        sums.append(last + "_and")
        out.append(helper.make_node("Add", [before, last], [sums[-1]]))
    out[-1].output[0] = target
    return out
