"""What is known of a signal's longer past (PROTOCOL.md, section 16).

After the specification, sharing no code with the Go side. As a program it reads lines
of JSON, one signal each: "shares" or "bytes", and its readings, null where an interval
has none. It answers each with the list of what is known after each reading.
"""

import json
import sys
from collections import deque
from heapq import nsmallest
from math import sqrt

ROW = 10  # readings in a row that a forecast takes
SIGHT = 1024  # readings before the current one among which moments are looked for
KEEP = 63 / 64  # what is left of a weight one reading later


class Average:
    """An average that weighs each value 1/64 less than the one after it."""

    def __init__(self):
        self.sum = self.weight = 0.0

    def add(self, value):
        self.sum = self.sum * KEEP + value
        self.weight = self.weight * KEEP + 1

    def value(self):
        return self.sum / self.weight


class Level:
    """Average and spread of the readings, as distances from the last one: exact where readings are large."""

    def __init__(self):
        self.last = self.offset = self.squares = self.weight = 0.0

    def add(self, x):
        before = self.weight * KEEP
        self.weight = before + 1
        off = self.offset + (self.last - x) if before else 0.0  # the average so far, less x
        self.last, self.offset = x, off * before / self.weight
        self.squares = self.squares * KEEP + off * off * before / self.weight

    def spread(self):
        return sqrt(self.squares / self.weight)


def median(values):
    values = sorted(values)
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def middle(values):
    """The median, and the mean distance from it."""
    m = median(values)
    return [m, sum(abs(v - m) for v in values) / len(values)]


def nearest(distances, followed, count):
    """How far off the nearest is, and what followed the nearest ones. Both lists are in the order of time."""
    later_first = range(len(distances) - 1, -1, -1)
    order = nsmallest(count, later_first, key=distances.__getitem__)  # stable, as sorted is
    return distances[order[0]], [followed[i] for i in order]


class Past:
    """Follows the readings of one signal."""

    def __init__(self):
        self.first = None  # bytes
        self.x = deque(maxlen=SIGHT + 1)
        self.row = 0  # readings without an interval missing between them
        self.level = Level()
        self.step, self.product, self.square = Average(), Average(), Average()
        self.misses = [Average() for _ in range(6)]  # numbers 3, 4, 24-27
        self.forecasts = None  # of the next reading, where ten in a row are there
        self.similar = None

    def gap(self):
        """An interval passed without a reading."""
        self.row, self.forecasts = 0, None

    def add_bytes(self, x):
        if self.first is None:
            self.first = x
        self.add_share(float(x - self.first))

    def add_share(self, x):
        if self.forecasts:
            step, before = x - self.x[-1], self.x[-1] - self.x[-2]
            self.step.add(abs(step))
            self.product.add(step * before)
            self.square.add(step * step)
            for miss, f in zip(self.misses, self.forecasts):
                miss.add(abs(f - x))
        self.x.append(x)
        self.row += 1
        self.level.add(x)
        self.forecasts = None
        if self.row >= ROW:
            self.similar = self.moments()
            ten = list(self.x)[-ROW:]
            self.forecasts = [sum(ten) / ROW, 2 * x - self.x[-2]] + [x + self.similar[k - 6] for k in (7, 13, 18, 21)]

    def moments(self):
        """Numbers 6 to 23."""
        x = list(self.x)
        now = x[-1]
        c0, c1, c2, c3, c4 = x[4:-1], x[3:-2], x[2:-3], x[1:-4], x[:-5]  # of each moment i: x(i), x(i-1), …
        n0, n1, n2, n3, n4 = x[:-6:-1]
        value = [abs(a - n0) for a in c0]
        three = [v + abs(b - n1) + abs(c - n2) for v, b, c in zip(value, c1, c2)]
        five = [v + abs(d - n3) + abs(e - n4) for v, d, e in zip(three, c3, c4)]
        steps = [abs((b - n1) - (a - n0)) + abs((c - n2) - (a - n0)) + abs((d - n3) - (a - n0))
                 for a, b, c, d in zip(c0, c1, c2, c3)]
        after = [v - now for v in x[5:]]
        moved = [v - a for v, a in zip(x[5:], c0)]

        numbers = []
        for distances, followed in ((three, after), (steps, moved)):
            off, best = nearest(distances, followed, 12)
            numbers += [best[0], *middle(best[:4]), *middle(best), off / 3]
        off, best = nearest(value, after, 8)
        numbers += [*middle(best), off]
        off, best = nearest(five, after, 4)
        return numbers + [*middle(best), off / 5]

    def numbers(self):
        """The 28 numbers, or None while they are not known."""
        if self.row < ROW or not self.step.weight:
            return None
        step, square = self.step.value(), self.square.value()
        shares = [min(miss.value() / step, 32.0) if step else 1.0 for miss in self.misses]
        return [step, self.level.offset, self.level.spread(), *shares[:2],
                self.product.value() / square if square else 0.0, *self.similar, *shares[2:]]


def main():
    for line in sys.stdin:
        past, known = Past(), []
        measure, readings = json.loads(line)
        for x in readings:
            if x is None:
                past.gap()
            elif measure == "bytes":
                past.add_bytes(x)
            else:
                past.add_share(float(x))
            known.append(past.numbers())
        print(json.dumps([k or [] for k in known]))


if __name__ == "__main__":
    main()
