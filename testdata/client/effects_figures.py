"""Sums of two ways on the same outcomes: the model first, and the rule alone."""

import math, struct


def f32(v):
    return struct.unpack("f", struct.pack("f", v))[0]


class Pairs:
    def __init__(self):
        self.rows = []

    def add(self, ml, rule):
        self.rows.append((ml, rule))

    def sum(self, scale=1):
        return tuple(scale * math.fsum(r[side] for r in self.rows) for side in (0, 1))

    def mean(self, scale=1):
        return tuple(v / len(self.rows) for v in self.sum(scale))


def ratio(part, whole, scale=100):
    return tuple(scale * p / w for p, w in zip(part, whole))


def worst(rows, better):
    """In percent of the rule's, where the model's way was worst off from 500 outcomes on."""
    ml = rule = 0
    by = []
    for n, (m, r) in enumerate(rows, 1):
        ml, rule = ml + m, rule + r
        if n >= 500 and rule > 0:
            by.append(100 * better * (rule - ml) / rule)
    return max(by), None


def auc(rows, side):
    """Of (model, rule, happened): Mann and Whitney, ties count half."""
    order = sorted(r[side] for r in rows)
    first, last = {}, {}
    for i, v in enumerate(order, 1):
        first.setdefault(v, i)
        last[v] = i
    yes = [r[side] for r in rows if r[2]]
    ranks = math.fsum((first[v] + last[v]) / 2 for v in yes)
    return (ranks - len(yes) * (len(yes) + 1) / 2) / len(yes) / (len(rows) - len(yes))
