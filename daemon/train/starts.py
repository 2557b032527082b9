"""Where a fit starts, chosen by val.

Fits that differ only in their seed are alike in all but the few windows that are hardest to
tell, and these set the bound. Val may choose: with one of train's instances of each attack in
its place and another in test's, the fits that it chose flag a seventh less of the latter's
harmless windows at the former's bound (models/TRIED.md).
"""
import itertools

import numpy as np

# Shares of attacks found at which false positives are counted: at one share alone a fit or two
# always happen to be good.
FOUND = (0.90, 0.92, 0.94, 0.95, 0.96, 0.98)


def false_positives(score, attack):
    """The mean share of harmless windows that reach the scores at which FOUND of the attacks do."""
    harmless, attacks = np.sort(score[~attack]), np.sort(score[attack])
    bounds = [attacks[int(len(attacks) * (1 - share))] for share in FOUND]
    return float(np.mean(1 - np.searchsorted(harmless, bounds) / len(harmless)))


def choose(attack, firsts, seconds, together, mix):
    """The place in firsts, and the places in seconds of as many as go together, whose
    mix(first, mean of seconds) has the fewest false positives. All are scores of the same windows."""
    return min(
        ((i, pair) for pair in itertools.combinations(range(len(seconds)), together) for i in range(len(firsts))),
        key=lambda c: false_positives(mix(firsts[c[0]], np.mean([seconds[j] for j in c[1]], 0)), attack))
