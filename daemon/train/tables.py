"""Reads what the extract command wrote, and samples from it."""
import json
import os

import numpy as np


class Table:
    """One data set of one part: features x and, by name, what is known of each row."""

    def __init__(self, folder, name):
        path = os.path.join(folder, name)
        with open(path + ".json") as f:
            head = json.load(f)
        self.name = name
        self.layout, self.features, self.entities = head["layout"], head["features"], head["entities"] or []
        self.x = np.load(path + ".x.npy", mmap_mode="r")
        window = path + ".window.npy"  # of extract -windows: of each row, or of each "ask"
        self.window = np.load(window, mmap_mode="r") if os.path.exists(window) else None
        about = np.load(path + ".about.npy")
        self.about = {c: about[:, i] for i, c in enumerate(head["about"])}

    def __len__(self):
        return len(self.x)

    def __getitem__(self, column):
        return self.about[column]

    def take(self, rows):
        """A new table of these rows, in memory."""
        t = object.__new__(Table)
        t.name, t.layout, t.features, t.entities = self.name, self.layout, self.features, self.entities
        t.x = np.asarray(self.x[rows])
        t.window = self.window if self.window is None or "ask" in self.about else np.asarray(self.window[rows])
        t.about = {k: v[rows] for k, v in self.about.items()}
        return t

    def with_rows(self, other):
        """A new table of both tables' rows, in memory; entities are counted on."""
        t = self.take(np.arange(len(self)))
        t.x = np.concatenate([t.x, other.x])
        t.about = {k: np.concatenate([v, other[k] + (len(self.entities) if k == "entity" else 0)]) for k, v in t.about.items()}
        t.entities = t.entities + other.entities
        return t

    def column(self, feature):
        return self.x[:, self.features.index(feature)]


def exists(folder, name):
    return os.path.exists(os.path.join(folder, name + ".json"))
