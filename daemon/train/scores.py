"""Calibration: what trees say about chances is made true on rows they may use."""
import numpy as np
from sklearn.linear_model import LogisticRegression


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -30, 30)))


def platt(logit, y, weight=None):
    """(a, b) so that sigmoid(a * logit + b) is calibrated on these rows."""
    m = LogisticRegression(C=1e6).fit(np.asarray(logit).reshape(-1, 1), y, sample_weight=weight)
    return float(m.coef_[0, 0]), float(m.intercept_[0])
