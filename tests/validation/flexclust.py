"""The searches of R's flexclust, whose distributions are the reference of the bootstrap."""

import numpy as np

from kequn_lab.segments.search import memberships, settle


def searches(ground, draw, k, n_searches, rng, *, n_starts):
    """Random starts; of them the one with the least sum of distances, not of their squares."""
    points, chances = draw.points, draw.weights.astype(float)
    chances /= chances.sum()
    drawn = [rng.choice(len(points), k, False, chances) for _ in range(n_searches * n_starts)]
    centres, report = settle(draw, points[drawn], tol=ground.tol)
    _, nearest = memberships(draw, centres)
    cost = np.sqrt(np.maximum(nearest + draw.squares, 0)) @ draw.weights
    best = cost.reshape(n_searches, n_starts).argmin(axis=1) + n_starts * np.arange(n_searches)
    return [(centres[i], float(report[i, 0])) for i in best]


def no_end(ground, draw, own, others, n_swaps, rng):
    """A single search is not taken further."""
    return own[0]
