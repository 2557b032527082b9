"""A small dense net over standardised columns, beside trees."""
import warnings

import numpy as np
from onnx import helper, numpy_helper
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

import trees

FAR = 3.0  # deviations: inputs further off are cut, so that the net is not asked far from what it learnt


class Net:
    """logit(x) = relu(cut((x - mean) * scale) @ first + bias) @ second + last; or with a
    second hidden layer, between = (weights, bias), in the middle."""

    def __init__(self, mean, scale, first, bias, second, last, between=None):
        self.mean, self.scale, self.first, self.bias, self.second, self.last = (
            np.asarray(v, np.float32) for v in (mean, scale, first, bias, second, last))
        self.between = between and tuple(np.asarray(v, np.float32) for v in between)

    def predict(self, x):
        hidden = np.maximum(np.clip((np.asarray(x) - self.mean) * self.scale, -FAR, FAR) @ self.first + self.bias, 0)
        if self.between:
            hidden = np.maximum(hidden @ self.between[0] + self.between[1], 0)
        return (hidden @ self.second + self.last)[:, 0].astype(float)

    def scaled(self, factor):
        return Net(self.mean, self.scale, self.first, self.bias, self.second * factor, self.last * factor, self.between)

    def falling(self, x, column, weight):
        """The same less weight times a column that it does not read, standardised on x and
        cut like the others: one more hidden unit, which is never below its bound. For nets
        of one hidden layer."""
        assert not self.between
        values = np.asarray(x)[:, column].astype(float)
        mean, scale, unit = self.mean.copy(), self.scale.copy(), np.zeros((len(self.mean), 1))
        mean[column], scale[column], unit[column] = values.mean(), 1 / values.std(), 1
        return Net(mean, scale, np.hstack([self.first, unit]), np.append(self.bias, FAR),
                   np.vstack([self.second, [[-weight]]]), self.last + weight * FAR)


def fit(x, y, weight, columns, hidden, alpha, epochs, batch=512, seed=trees.SEED):
    """hidden: the units of one layer, or of two. y: classes from 0 on. Columns that are not
    named have a scale of 0. Weights are met by drawing rows. On one thread: its products are too
    small for two to gain by waiting for each other."""
    part = np.asarray(x)[:, columns].astype(float)
    mean, deviation = part.mean(0), part.std(0)
    scale = np.where(deviation > 0, 1 / np.where(deviation > 0, deviation, 1), 0)
    layers = (hidden,) if isinstance(hidden, int) else hidden
    rows = np.random.default_rng(seed).choice(len(y), len(y), p=weight / weight.sum())
    m = MLPClassifier(layers, alpha=alpha, max_iter=epochs, learning_rate_init=2e-3, batch_size=batch, random_state=seed % 2**31)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)  # how many epochs is a choice
        m.fit(np.clip((part - mean) * scale, -FAR, FAR)[rows], y[rows])
    wide = [np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.zeros((x.shape[1], layers[0]))]
    for full, value in zip(wide, (mean, scale, m.coefs_[0])):
        full[columns] = value
    between = (m.coefs_[1], m.intercepts_[1]) if len(layers) > 1 else None
    return Net(*wide, m.intercepts_[0], m.coefs_[-1], m.intercepts_[-1], between)


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


def joined(nets):
    """One net that gives the sum of nets with one hidden layer, fitted on the same rows."""
    like = nets[0]
    assert all(np.array_equal(n.mean, like.mean) and np.array_equal(n.scale, like.scale) and not n.between for n in nets)
    return Net(like.mean, like.scale, np.hstack([n.first for n in nets]), np.concatenate([n.bias for n in nets]),
               np.vstack([n.second for n in nets]), np.sum([n.last for n in nets], 0))


def nodes(nets, source, target, width):
    """The sum of (net, column of its family) pairs, each where its column is 1."""
    out, sums = [], []
    for i, (net, gate) in enumerate(nets):
        gates = np.zeros((width, 1), np.float32)
        gates[gate] = 1
        out += one(net, source, f"net{i}_logit", f"net{i}")
        out += [helper.make_node("Constant", [], [f"net{i}_gates"], value=numpy_helper.from_array(gates)),
                helper.make_node("MatMul", [source, f"net{i}_gates"], [f"net{i}_mine"]),
                helper.make_node("Mul", [f"net{i}_logit", f"net{i}_mine"], [f"net{i}_gated"])]
        sums.append(f"net{i}_gated")
    while len(sums) > 1:
        last, before = sums.pop(), sums.pop()
        sums.append(last + "_and")
        out.append(helper.make_node("Add", [before, last], [sums[-1]]))
    out[-1].output[0] = target
    return out


def total(nets, source, target, name):
    """The sum of nets."""
    out = []
    for i, net in enumerate(nets):
        out += one(net, source, f"{name}{i}_logit", f"{name}{i}")
    return out + [helper.make_node("Sum", [f"{name}{i}_logit" for i in range(len(nets))], [target])]


def one(net, source, target, name):
    """The net as nodes from tensor source to target."""
    out = []

    def constant(what, value):
        out.append(helper.make_node("Constant", [], [f"{name}_{what}"], value=numpy_helper.from_array(np.asarray(value, np.float32))))
        return f"{name}_{what}"

    def step(op, *inputs, result):
        out.append(helper.make_node(op, list(inputs), [f"{name}_{result}"]))
        return f"{name}_{result}"

    def layer(values, weights, bias, names):
        return step("Relu", step("Gemm", values, constant(names[0], weights), constant(names[1], bias), result=names[2]), result=names[3])
    centred = step("Sub", source, constant("mean", net.mean), result="centred")
    scaled = step("Mul", centred, constant("scale", net.scale), result="scaled")
    cut = step("Clip", scaled, constant("low", -FAR), constant("high", FAR), result="cut")
    hidden = layer(cut, net.first, net.bias, ("first", "bias", "sums", "hidden"))
    if net.between:
        hidden = layer(hidden, *net.between, ("between", "shift", "inner", "inmost"))
    step("Gemm", hidden, constant("second", net.second), constant("last", net.last), result="logit")
    out[-1].output[0] = target
    return out
