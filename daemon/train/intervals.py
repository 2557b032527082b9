"""95 % intervals by bootstrap, as daemon/eval has them (sample.go, bootstrap.go), of what only
training can measure: 200 draws, by entity where there are at least 20, else by blocks of
consecutive questions within entities."""
import numpy as np

ROUNDS, SEED = 200, 20261128


class Sample:
    """Questions in the order they were asked, and what each is drawn with."""

    def __init__(self, entity):
        entity = np.asarray(entity)
        first = np.append(True, entity[1:] != entity[:-1])
        self.by, block = "entities", len(entity)
        if first.sum() < 20:
            self.by, block = "blocks", min(2000, max(50, len(entity) // 100))
        rows = np.arange(len(entity))
        at = rows - np.maximum.accumulate(np.where(first, rows, 0))  # within the entity
        self.group = np.cumsum(at % block == 0) - 1
        self.groups = int(self.group[-1]) + 1

    def sums(self, values):
        """The sum of the values by group."""
        return np.bincount(self.group, values, self.groups)

    def draws(self):
        """How often each group is drawn, draw by draw."""
        rng = np.random.default_rng(SEED)
        for _ in range(ROUNDS):
            yield np.bincount(rng.integers(self.groups, size=self.groups), minlength=self.groups)

    def bounds(self, measure, name="ci"):
        """The interval of what measure makes of draws, by the names of eval.json; nothing of a
        single group."""
        about = {"by": self.by, "groups": self.groups}
        if self.groups < 2:
            return about
        values = np.sort([measure(times) for times in self.draws()])
        low, high = (float(values[int(q * (ROUNDS - 1))]) for q in (0.025, 0.975))
        return about | {f"{name}_low": low, f"{name}_high": high}
