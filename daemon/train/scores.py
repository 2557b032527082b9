"""The measures that models and rules are compared by, and calibration."""
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def auc(y, score):
    return float(roc_auc_score(y, score))


def pr_auc(y, score):
    return float(average_precision_score(y, score))


def brier(y, p, weight=None):
    return float(np.average((p - y) ** 2, weights=weight))


def ece(right, confidence, bins=10):
    """Expected calibration error over equal-count bins."""
    order = np.argsort(confidence, kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            total += len(part) * abs(np.mean(right[part]) - np.mean(confidence[part]))
    return float(total / len(order))


def platt(logit, y, weight=None):
    """(a, b) so that sigmoid(a * logit + b) is calibrated on these rows."""
    m = LogisticRegression(C=1e6).fit(np.asarray(logit).reshape(-1, 1), y, sample_weight=weight)
    return float(m.coef_[0, 0]), float(m.intercept_[0])


def bootstrap(values, entity, rounds=200, seed=1):
    """95 % interval of the mean of values: resampled by entity where there are
    at least 20, else by blocks of consecutive rows within entities."""
    group = entity.astype(np.int64)
    kind = "entities"
    if len(np.unique(group)) < 20:
        kind = "blocks"
        start = np.r_[0, np.flatnonzero(np.diff(group)) + 1]
        place = np.arange(len(group)) - np.repeat(start, np.diff(np.r_[start, len(group)]))
        block = min(2000, max(50, len(group) // 100))  # around a hundred blocks where rows allow it
        group = group * 100000 + place // block
    _, group = np.unique(group, return_inverse=True)
    sums, counts = np.bincount(group, values), np.bincount(group)
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(sums), (rounds, len(sums)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return {"low": float(low), "high": float(high), "by": kind, "groups": len(sums)}
