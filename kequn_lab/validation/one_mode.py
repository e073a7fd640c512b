"""One column, its second peaks smoothed away: what it would be if it told no segments.

A column in which groups lie far from each other has a valley. Null data that kept it would keep
the groups, so the column is smoothed by a normal kernel just wide enough that no valley is left
(the critical bandwidth), and shrunk to the deviation it had.

References: B. W. Silverman, "Using kernel density estimates to investigate multimodality", JRSS B
43 (1981); P. Hall, M. York, "On the calibration of Silverman's test for multimodality",
Statistica Sinica 11 (2001), who leave out the tails, where single values make modes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["has_one_mode", "with_one_mode"]

FEW_VALUES = 5  # a column with so many different values or fewer is a code or a count
ATOM = 0.05  # share of rows from which one value, say zero, is kept as it is
OVER_NEIGHBOURS = 3  # and it is so many times as frequent as the next values
TAIL = 0.025  # share of rows that must lie on either side of a valley
RISE = 0.02  # of the highest density: less is no peak
GRID = 1024  # points at which a density is looked at
STEP = 1.15  # from one bandwidth to the next


def has_one_mode(density: NDArray) -> bool:
    """Whether a density, leaving out its tails, rises to one peak and falls from there.

    Examples
    --------
    >>> has_one_mode(np.array([1, 2, 3, 4, 3, 2, 1])), has_one_mode(np.array([1, 3, 2, 1, 2, 3, 1]))
    (True, False)
    """
    below = np.cumsum(density) / np.sum(density)
    core = density[(below > TAIL) & (below < 1 - TAIL)]
    if len(core) < 3:
        return True
    peak = core.argmax()
    sides = core[peak::-1], core[peak:]
    least = RISE * core[peak]
    return all((side <= np.minimum.accumulate(side) + least).all() for side in sides)


def with_one_mode(values: NDArray) -> NDArray:
    """As many values, sorted, of a distribution with one peak; the same where there is one already.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Sorted. Values that many rows share (5 % of them or more, three times as many as the next
        values: a zero, mostly) keep their place and share, with a gap beside them or without:
        that somebody has none of a thing makes no hill. So do columns of five values or fewer.

    Returns
    -------
    ndarray of shape (n,)
        Sorted; mean and deviation of the smoothed part as before.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> two = np.sort(np.concatenate([rng.normal(0, 1, 200), rng.normal(10, 1, 200)]))
    >>> one = with_one_mode(two)
    >>> print(((two > 4) & (two < 6)).sum(), ((one > 4) & (one < 6)).sum() > 40)
    0 True
    """
    distinct, count = np.unique(values, return_counts=True)
    if len(distinct) <= FEW_VALUES:
        return values
    beside = np.concatenate([[0], count, [0]])
    beside = np.maximum(beside[:-2], beside[2:])
    atom = (count >= ATOM * len(values)) & (count >= OVER_NEIGHBOURS * beside)
    rest = np.repeat(distinct[~atom], count[~atom])
    if atom.sum() == 0:
        return _smoothed(rest)
    if len(distinct) - atom.sum() <= FEW_VALUES:
        return values
    smooth = np.clip(_smoothed(rest), rest[0], rest[-1])
    return np.sort(np.concatenate([smooth, np.repeat(distinct[atom], count[atom])]))


def _smoothed(values: NDArray) -> NDArray:
    """Sorted values, with the least smoothing that leaves one mode; none where one is there."""
    low, high, spread, mean = values[0], values[-1], values.std(), values.mean()
    width = high - low
    if not spread:
        return values
    step = 3 * width / GRID
    counts, _ = np.histogram(values, GRID, (low - width, high + width))
    middle = low - width + step * (np.arange(GRID) + 0.5)
    quartiles = np.quantile(values, [0.25, 0.75])
    robust = min(spread, np.ptp(quartiles) / 1.34) or spread
    bandwidth, raw = 0.9 * robust * len(values) ** -0.2, counts.astype(float)  # Silverman's rule
    density = gaussian_filter1d(raw, bandwidth / step, mode="constant", truncate=5)
    if has_one_mode(density):
        return values
    while not has_one_mode(density) and bandwidth < width:
        bandwidth *= STEP
        density = gaussian_filter1d(raw, bandwidth / step, mode="constant", truncate=5)
    below = np.cumsum(density)
    share = (np.arange(len(values)) + 0.5) / len(values)
    drawn = np.interp(share, (below - density / 2) / below[-1], middle)
    return mean + (drawn - drawn.mean()) * spread / drawn.std()
