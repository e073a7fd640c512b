"""Small statistics that several rooms need and no library has in this form."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

#: Jaccard index up to which a segment counts as dissolved, and from which as recovered (Hennig
#: 2008, Journal of Multivariate Analysis 99).
DISSOLVED, RECOVERED = 0.5, 0.75


def wilson(successes, n) -> tuple[NDArray, NDArray]:
    """Wilson's 95 % interval of a share; missing where n is 0.

    Examples
    --------
    >>> low, high = wilson(2, 10)
    >>> print(round(float(low), 4), round(float(high), 4))
    0.0567 0.5098
    """
    z = stats.norm.ppf(0.975)
    n = np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(successes, float) / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def margin(nearest: ArrayLike, second: ArrayLike) -> NDArray:
    """How clear the nearest of two distances is: 0 on the border, 1 at the centre.

    It is 1 - Leisch's shadow value, (d2 - d1) / (d1 + d2).

    Examples
    --------
    >>> margin([0.0, 1.0, 2.0], [4.0, 3.0, 2.0])
    array([1. , 0.5, 0. ])
    """
    both = np.add(nearest, second)
    gap = np.subtract(second, nearest)
    return np.divide(gap, both, out=np.zeros_like(both), where=both > 0)


def jaccard(table: ArrayLike) -> NDArray:
    """Jaccard index of each row label with each column label of a cross table.

    Examples
    --------
    >>> jaccard([[2, 0], [1, 1]]).round(2)
    array([[0.67, 0.  ],
           [0.25, 0.5 ]])
    """
    table = np.asarray(table, float)
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    return np.divide(table, either, out=np.zeros_like(table), where=either > 0)


def corrected_jaccard(table: ArrayLike) -> NDArray:
    """Jaccard index less what labels of these sizes share by chance: 0 by chance, 1 the same.

    Two large labels share many rows whatever they mean. Of labels that have nothing to do with
    each other, a and b of n rows, ab/n rows are expected in both.

    References
    ----------
    A. N. Albatineh, M. Niewiadomska-Bugaj, "Correcting Jaccard and other similarity indices for
    chance agreement in cluster analysis", Advances in Data Analysis and Classification 5 (2011);
    the expected index is taken here as the index of the expected table.

    Examples
    --------
    >>> jaccard([[81, 9], [9, 1]]).round(2)
    array([[0.82, 0.1 ],
           [0.1 , 0.05]])
    >>> corrected_jaccard([[81, 9], [9, 1]]).round(2).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    table = np.asarray(table, float)
    rows, columns = table.sum(axis=1, keepdims=True), table.sum(axis=0, keepdims=True)
    by_chance = rows * columns / table.sum()
    either = rows + columns - by_chance
    expected = np.divide(by_chance, either, out=np.zeros_like(table), where=either > 0)
    over = jaccard(table) - expected
    return np.divide(over, 1 - expected, out=np.zeros_like(table), where=expected < 1)


def adjusted_rand(table: ArrayLike) -> float:
    """Adjusted Rand index of a cross table; 1 where both labelings have one segment.

    scikit-learn's ``adjusted_rand_score`` takes two labelings; a bootstrap has cross tables.

    Examples
    --------
    >>> adjusted_rand([[2, 0], [0, 2]])
    1.0
    """
    table = np.asarray(table, float)

    def pairs(n) -> float:
        return (n * (n - 1) / 2).sum()

    both, a, b = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected, most = a * b / pairs(table.sum()), (a + b) / 2
    return 1.0 if most == expected else float((both - expected) / (most - expected))


def skewness(x: NDArray) -> float:
    """Skewness; 0 where nothing varies.

    Examples
    --------
    >>> round(skewness(np.array([0.0, 0.0, 3.0])), 3), skewness(np.ones(3))
    (0.707, 0.0)
    """
    return float(stats.skew(x)) if len(x) and x.min() < x.max() else 0.0
