"""Does a copy of a customer table have the segments of the original, or only its margins?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import ks_2samp
from sklearn.cluster import KMeans


def segment_fidelity(
    original: pd.DataFrame, copy: pd.DataFrame, *, n_clusters: int = 8, random_state: int
) -> pd.DataFrame:
    """Compare a copy with the original: margins, correlations, and what these do not see.

    Margins and correlations can agree while the groups are gone. Here half of the original is
    clustered; customers of a faithful copy lie as near to the centres, and in the same shares,
    as those of the other half.

    Parameters
    ----------
    original, copy : DataFrame
        Numeric tables with the same columns, without missing values.
    n_clusters : int
    random_state : int

    Returns
    -------
    DataFrame
        Indexed by ``measure``: ``margins`` (mean Kolmogorov–Smirnov distance), ``correlations``
        (mean absolute difference of rank correlations), ``shares`` (part of the customers in
        another cluster), ``distance`` (mean squared distance to the nearest centre over that of
        the clustered half, less 1). Columns ``copy`` and ``other_half``: the same for the half
        that was not clustered, so what chance does. 0 is a perfect copy in every row.
    """
    order = np.random.default_rng(random_state).permutation(len(original))
    half, other = (original.iloc[i] for i in np.array_split(order, 2))
    mean, sd = half.mean(), half.std(ddof=0).replace(0, 1)

    def scaled(table):
        return ((table - mean) / sd).to_numpy(float)

    kmeans = KMeans(n_clusters, n_init=10, random_state=random_state).fit(scaled(half))
    own = kmeans.inertia_ / len(half)

    def against(table):
        x = scaled(table)
        nearest = kmeans.predict(x)
        distance = ((x - kmeans.cluster_centers_[nearest]) ** 2).sum(axis=1).mean()
        sizes = [np.bincount(y, minlength=n_clusters) / len(y) for y in (kmeans.labels_, nearest)]
        ranks = np.abs(half.rank().corr() - table.rank().corr()).to_numpy()
        return {
            "margins": np.mean([ks_2samp(half[c], table[c]).statistic for c in half]),
            "correlations": np.nanmean(ranks[np.triu_indices_from(ranks, 1)]),
            "shares": np.abs(sizes[0] - sizes[1]).sum() / 2,
            "distance": distance / own - 1,
        }

    out = pd.DataFrame({"copy": against(copy), "other_half": against(other)})
    return out.rename_axis("measure")


def shuffled_columns(table: pd.DataFrame, *, random_state: int) -> pd.DataFrame:
    """A copy with the same margins and nothing between the columns."""
    rng = np.random.default_rng(random_state)
    return pd.DataFrame({c: rng.permutation(table[c].to_numpy()) for c in table})


def gaussian_copula(table: pd.DataFrame, *, random_state: int) -> pd.DataFrame:
    """A copy with the same margins and rank correlations, but one cloud instead of segments.

    This is what synthesisers that learn a single Gaussian copula make.
    """
    rng = np.random.default_rng(random_state)
    n = len(table)
    z = ndtri((table.rank(method="average") - 0.5) / n)
    drawn = rng.multivariate_normal(
        np.zeros(table.shape[1]),
        np.nan_to_num(np.corrcoef(z.to_numpy().T)),
        n,
        check_valid="ignore",
    )
    place = drawn.argsort(axis=0).argsort(axis=0)
    values = np.sort(table.to_numpy(float), axis=0)
    return pd.DataFrame(np.take_along_axis(values, place, axis=0), columns=table.columns)
