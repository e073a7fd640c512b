"""How sure is a share."""

import numpy as np
from scipy import stats


def wilson(successes, n, *, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a share; missing where n is 0.

    Examples
    --------
    >>> low, high = wilson(2, 10)
    >>> print(round(float(low), 4), round(float(high), 4))
    0.0567 0.5098
    """
    z = stats.norm.ppf((1 + confidence) / 2)
    n = np.asarray(n, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(successes, float) / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
