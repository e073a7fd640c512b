"""Rows with the margins and associations of a table, and nothing else: one hill of normal numbers.

Each number is a normal one, mapped onto the values of its column (a Gaussian copula). Each level
of a category has a normal number of its own, and a row is at the level whose number, plus an
offset, is the largest (a multinomial probit): offsets make the shares right. The correlations of
the normal numbers are corrected until the rows are associated as the table is.

References: D. McFadden, K. Train, "Mixed MNL models for discrete response", J. Applied
Econometrics 15 (2000), for levels as the largest of several numbers; C. Stein, "Estimation of the
mean of a multivariate normal distribution", Annals of Statistics 9 (1981), for the slope of an
indicator's covariance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.special import ndtr

from kequn_lab.validation.one_mode import with_one_mode

__all__ = ["Copula", "fit_copula"]

DRAWN = 20_000  # normal rows on which the copula is fitted, at most
LEAST_DRAWN = 2_000  # and at least, for numbers alone; where there are levels, always so many
ROUNDS = 8, 12  # corrections of the correlations: for numbers alone, and where there are levels
STEPS = 12, 4  # corrections of the offsets in the first of these rounds, and in each later one
DAMPING = 0.5  # part of each correction that is made, where there are levels
#: Part of the variance of the normal numbers of levels that lies where they are associated with
#: other columns: none, or most, as for levels in an order; the second where the first misses.
TIED = 0.0, 0.8
CLOSE = 1e-3  # sum of squared covariances that are missed, from which the second is tried
SMALL = 0.03  # directions of less than this part of the strongest are not corrected


@dataclass(frozen=True)
class Copula:
    """Draws rows.

    Parameters
    ----------
    root : ndarray of shape (n_normals, n_normals)
        What makes independent normal numbers correlated.
    single : ndarray of int
        Columns with one normal number each: they come first.
    values : ndarray of shape (n_rows, n_single)
        Their sorted values.
    levels : tuple of (columns, points, offsets)
        Of each nominal category: its columns, the row of these for each level, and what is added
        to the normal number of each level.
    """

    root: NDArray
    single: NDArray
    values: NDArray
    levels: tuple[tuple[NDArray, NDArray, NDArray], ...] = ()

    def draw(self, n_rows: int, rng: RandomState) -> NDArray:
        """Rows of all columns; shape (n_rows, n_columns)."""
        normal = rng.standard_normal((n_rows, len(self.root))) @ self.root
        mapped = _mapped(normal[:, : len(self.single)], self.values)
        if not self.levels:
            return mapped
        out = np.empty((n_rows, len(self.single) + sum(len(c) for c, *_ in self.levels)))
        out[:, self.single] = mapped
        start = len(self.single)
        for columns, points, offsets in self.levels:
            end = start + len(points)
            out[:, columns] = points[(normal[:, start:end] + offsets).argmax(axis=1)]
            start = end
        return out


def fit_copula(X: NDArray, categories: Sequence[NDArray], rng: RandomState) -> Copula:
    """The copula of a table; a column of numbers gets one peak.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    categories : sequence of ndarray of int
        The columns of each category: one, of an ordered one, or a coordinate for each level.
        They are the same for all rows of a level, and their values are kept.
    rng : RandomState

    Examples
    --------
    >>> X = np.repeat([[1.0, 0.0], [0.0, 1.0]], [30, 10], axis=0)
    >>> copula = fit_copula(X, [np.array([0, 1])], np.random.RandomState(0))
    >>> rows = copula.draw(1000, np.random.RandomState(1))
    >>> np.unique(rows, axis=0), rows.mean(axis=0).round(1)
    (array([[0., 1.],
           [1., 0.]]), array([0.7, 0.3]))
    """
    nominal = [columns for columns in categories if len(columns) > 1]
    kept = [int(columns[0]) for columns in categories if len(columns) == 1]
    single = np.setdiff1d(np.arange(X.shape[1]), np.concatenate([np.empty(0, int), *nominal]))
    values = np.sort(X[:, single], axis=0)
    for j, column in enumerate(single):
        if column not in kept:
            values[:, j] = with_one_mode(values[:, j])
    if nominal:
        return _with_levels(X, nominal, single, values, rng)
    if X.shape[1] >= len(X):  # so many correlations of so few rows are noise: as they are
        return Copula(_standardised(X) / np.sqrt(len(X)), single, values)
    target = _associations(X)
    normal = rng.standard_normal((min(max(len(X), LEAST_DRAWN), DRAWN), X.shape[1]))
    latent = target
    for _ in range(ROUNDS[0]):
        reached = _associations(_mapped(normal @ _root(latent), values))
        latent = np.clip(latent + target - reached, -1, 1)
        np.fill_diagonal(latent, 1.0)
    return Copula(_root(latent), single, values)


def _with_levels(X, nominal, single, values, rng) -> Copula:
    """The copula where some columns are coordinates of nominal categories."""
    rows = [np.unique(X[:, columns], axis=0, return_inverse=True) for columns in nominal]
    points, codes = [p for p, _ in rows], [c.ravel() for _, c in rows]
    shares = [np.bincount(c) / len(X) for c in codes]
    sizes = [len(p) for p in points]
    target = _associations(X[:, single], codes, sizes)
    ends = np.cumsum([len(single), *sizes])
    parts = [slice(start, end) for start, end in pairwise(ends)]
    blocks = [*([1] * len(single)), *sizes]
    between = block_diag(*(np.ones((n, n)) for n in blocks)) == 0
    normal = rng.standard_normal((DRAWN, len(target)))
    least, best = np.inf, (np.eye(len(target)), [np.log(share) for share in shares])
    for tied in TIED:
        latent, offsets = np.eye(len(target)), [np.log(share) for share in shares]
        for number in range(ROUNDS[1]):
            root, steps = _root(latent, sizes), STEPS[number > 0]
            drawn = normal @ root
            offsets = [
                _offsets(drawn[:, part], share, before, steps)
                for part, share, before in zip(parts, shares, offsets)
            ]
            at = [(drawn[:, p] + a).argmax(axis=1) for p, a in zip(parts, offsets)]
            reached = _associations(_mapped(drawn[:, : len(single)], values), at, sizes)
            gap = np.where(between, target - reached, 0)
            if (missed := float((gap**2).sum())) < least:
                least, best = missed, (root, offsets)
            latent = root.T @ root
            slopes = [_inverse_slope(drawn[:, p], c, latent[p, p]) for p, c in zip(parts, at)]
            gain = block_diag(np.eye(len(single)), *slopes)
            step = np.where(between, gain @ gap @ gain, 0)
            if number == 0:
                for p in parts:
                    alike = step[p] @ step[p].T
                    alike *= len(alike) / max(np.trace(alike), np.finfo(float).tiny)
                    latent[p, p] = (1 - tied) * np.eye(len(alike)) + tied * alike
            latent += DAMPING * step
        if least < CLOSE:
            break
    return Copula(best[0], single, values, tuple(zip(nominal, points, best[1])))


def _inverse_slope(normal: NDArray, at: NDArray, within: NDArray) -> NDArray:
    """By how much the covariances of the normal numbers of levels with another one must change,
    for the covariances of the indicators with it to change by one (Stein); differences only."""
    n = len(within)
    centred = np.eye(n) - 1 / n
    slope = (np.eye(n) - 1 / n)[at].T @ normal / len(normal) @ centred
    slope = slope @ np.linalg.pinv(centred @ within @ centred, rcond=SMALL, hermitian=True)
    return np.linalg.pinv((slope + slope.T) / 2, rcond=SMALL, hermitian=True)


def _offsets(normal: NDArray, shares: NDArray, offsets: NDArray, steps: int) -> NDArray:
    """Offsets at which each level is the largest for its share of the rows."""
    least = 0.5 / len(normal)
    for _ in range(steps):
        found = (normal + offsets).argmax(axis=1)
        reached = np.bincount(found, minlength=len(shares)) / len(normal)
        offsets = offsets + 0.6 * np.log(shares / np.maximum(reached, least))
    return offsets - offsets.mean()


def _associations(numbers: NDArray, codes: Sequence[NDArray] = (), sizes=()) -> NDArray:
    """Covariances of standardised numbers and of indicators of levels; the diagonal is 1."""
    at = [np.eye(size)[c] for c, size in zip(codes, sizes)]
    columns = [_standardised(numbers), *(a - a.mean(axis=0) for a in at)]
    z = np.concatenate(columns, axis=1)
    found = z.T @ z / len(z)
    np.fill_diagonal(found, 1.0)
    return found


def _standardised(X: NDArray) -> NDArray:
    """Columns with mean 0 and deviation 1; constant ones are 0."""
    centred = X - X.mean(axis=0, dtype=float)
    spread = np.sqrt((centred**2).mean(axis=0))
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)


def _root(covariance: NDArray, sizes: Sequence[int] = ()) -> NDArray:
    """A square root of the nearest proper covariance matrix: numbers first, with a variance of 1;
    then, for each category, levels with a mean variance of 1."""
    size, turn = np.linalg.eigh(covariance)
    root = (turn * np.sqrt(np.maximum(size, 0))) @ turn.T
    variance, start = (root**2).sum(axis=0), len(root) - sum(sizes)
    for n in sizes:
        variance[start : start + n] = variance[start : start + n].mean()
        start += n
    return root / np.sqrt(variance)


def _mapped(normal: NDArray, values: NDArray) -> NDArray:
    rank = np.minimum((ndtr(normal) * len(values)).astype(int), len(values) - 1)
    return np.take_along_axis(values, rank, axis=0)
