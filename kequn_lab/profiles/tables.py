"""Who is in each segment: sizes, a profile of every variable, and the variables that mark it.

Tables in, tidy tables out. Segments come in the order of the labels' categories if these are
categorical, else largest first; variables in the order of the table.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from kequn_lab._checks import require_columns
from kequn_lab._refits import Refits
from kequn_lab._statistics import wilson
from kequn_lab.profiles._by_segment import (
    Draw,
    RefitDraw,
    Rows,
    category_rows,
    coded,
    is_text,
    number_rows,
)

__all__ = ["marker_table", "profile_table", "size_table", "variable_order"]

#: A variable marks a segment whose mean is this far from the mean of all (shares), or this part
#: of it, or this many pooled standard deviations (other numbers).
DIFFERENCE, RELATIVE, EFFECT = 0.25, 0.5, 0.5


def size_table(labels: pd.Series) -> pd.DataFrame:
    """Count the customers of each segment.

    Parameters
    ----------
    labels : Series
        Segment id per customer; customers without one are left out.

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``customers``, ``share`` (0 to 1), ``share_low``,
        ``share_high`` (95 %, Wilson, for customers seen as a sample of those to come).

    Raises
    ------
    ValueError
        No customer has a label.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22:209.

    Examples
    --------
    >>> size_table(pd.Series(["old", "old", "old", "young"])).round(2)
      segment_id  customers  share  share_low  share_high
    0        old          3   0.75       0.30        0.95
    1      young          1   0.25       0.05        0.70
    """
    ids, codes = coded(labels)
    n = np.bincount(codes[codes >= 0], minlength=len(ids))
    low, high = wilson(n, n.sum())
    columns = {"segment_id": ids, "customers": n, "share": n / n.sum()}
    return pd.DataFrame({**columns, "share_low": low, "share_high": high})


def profile_table(
    features: pd.DataFrame,
    labels: pd.Series,
    *,
    n_boot: int = 1000,
    random_state: int = 0,
    refits: Refits | None = None,
) -> pd.DataFrame:
    """Describe every variable in every segment, and set the segment against the rest.

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        Indexed by customer. Numbers, booleans, or text (a category, counted level by level; of
        more than 20 levels the others are one). Levels come most frequent first, those of an
        ordered categorical in its order.
    labels : Series
        Segment id per customer, aligned by index; customers without one are left out.
    n_boot : int
        Bootstrap draws of customers within segments, for 95 % intervals; 0: none.
    random_state : int
    refits : Refits, optional
        Draws of customers in which the segments were found anew
        (:func:`kequn_lab.segments.refit`), of a clustering of these customers: intervals are made
        of them, in place of ``n_boot`` draws that keep the segments as they are.

    Returns
    -------
    DataFrame
        One row per segment, variable and (for a category) level:

        - ``segment_id``, ``variable``, ``level`` (missing unless a category), ``kind``
          (``number``, ``share`` for values 0 to 1, ``category``)
        - ``n`` customers with a value, ``missing_share`` of those in the segment
        - ``mean`` (for a level its share), ``std``, ``q25``, ``median``, ``q75``, in the
          variable's unit; ``rest_mean`` and ``overall_mean`` of the other and of all customers
        - ``effect``: (mean − rest_mean) / pooled standard deviation of the two, with
          ``effect_low`` and ``effect_high``. Infinite where neither varies and they differ.
        - ``interval``: how that was drawn, ``refit`` or ``customers`` (segments as they are);
          missing where there is none

    Raises
    ------
    ValueError
        Labels that do not align, customers or columns twice, infinite values.
    TypeError
        A variable that is neither number nor category (a date).

    Notes
    -----
    Where clusters were made of these customers, intervals that keep the segments as they are cover
    too rarely (`benchmarks/coverage.md`): they are for segments that were known beforehand. Give
    ``refits`` for clusters. No p-value says whether a cluster differs in what it was made of: it
    was made to differ.

    Of a variable with |skewness| above 2 the interval reaches, on each side, as far as the longer
    of percentile and bootstrap-t (Efron and Tibshirani 1993, An Introduction to the Bootstrap,
    chapter 12): percentiles alone cover too rarely. Very heavy tails are still covered less than
    said.

    Above 1,000 customers in a segment the bootstrap draws 1,000 random groups of its customers
    instead of customers. The effect depends on sums alone, and sums of random groups have the
    variance and skewness of sums of customers, so a million rows cost one pass.

    Examples
    --------
    >>> features = pd.DataFrame({"age_years": [60.0, 70, 20, 30]}, index=list("abcd"))
    >>> labels = pd.Series(["old", "old", "young", "young"], index=list("abcd"))
    >>> profile_table(features, labels, n_boot=0)[["segment_id", "mean", "effect"]].round(2)
      segment_id  mean  effect
    0        old  65.0    5.66
    1      young  25.0   -5.66
    """
    rows = Rows.of(features, labels)
    draw = Draw(rows, n_boot, random_state)
    if refits is not None:
        n_boot, draw = refits.n_draws, RefitDraw(rows, refits, features.index)
    parts = []
    for name in features.columns:
        column = features[name]
        if is_text(column):
            parts.append(category_rows(column, rows, draw))
        else:
            parts.append(number_rows(column, rows, draw))
    # Column by column: a frame for each variable would take longer than its numbers.
    lengths = [len(part["segment"]) for part in parts]
    out = pd.DataFrame({
        name: np.concatenate([np.broadcast_to(p[name], n) for p, n in zip(parts, lengths)])
        for name in parts[0]
    })  # fmt: skip
    out["variable"] = features.columns.repeat(lengths)
    ends = draw.interval(out["effect"].to_numpy(float)) if n_boot else (np.nan,) * 2
    out["effect_low"], out["effect_high"] = ends
    # One customer has no spread to draw from, so an interval would be too short.
    out.loc[(out["n"] < 2) | (out["n_rest"] < 2), ["effect_low", "effect_high"]] = np.nan
    how = "customers" if refits is None else "refit"
    out["interval"] = pd.Series(how, out.index).where(out["effect_low"].notna())
    out = out.sort_values("segment", kind="stable")
    out["segment_id"] = rows.ids.take(out["segment"])
    return out[_PROFILE].reset_index(drop=True)


_PROFILE = [
    *("segment_id", "variable", "level", "kind", "n", "missing_share", "mean", "std"),
    *("q25", "median", "q75", "rest_mean", "overall_mean", "effect", "effect_low", "effect_high"),
    "interval",
]


def marker_table(profile: pd.DataFrame) -> pd.DataFrame:
    """Rank the variables that mark each segment, and say by which rule they do.

    Parameters
    ----------
    profile : DataFrame
        As :func:`profile_table`.

    Returns
    -------
    DataFrame
        One row per row of ``profile``, best mark of each segment first: ``segment_id``,
        ``rank`` (markers first, then by size of the effect), ``variable``, ``level``,
        ``marker`` (bool), ``rule``, ``direction`` (``higher``,
        ``lower``, ``equal`` than all), ``mean``, ``overall_mean``, ``difference``,
        ``relative_difference``, ``effect``.

    Notes
    -----
    Shares and categories go by the rule ``difference``, that of flexclust's shaded bar chart: the
    segment's mean is 0.25 or more away from the mean of all, or half of that mean. It divides by
    the mean and knows no unit, so it fails on money, years or standardised values; these go by
    ``effect``: segment and rest differ by half a pooled standard deviation or more.

    References
    ----------
    Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, section 8 (profile plot).

    Examples
    --------
    >>> features = pd.DataFrame({"web_share": [0.9, 0.8, 0.1], "age_years": [30.0, 60, 50]})
    >>> profile = profile_table(features, pd.Series(["new", "new", "old"]), n_boot=0)
    >>> marker_table(profile).loc[:2, ["segment_id", "variable", "marker", "rule"]]
      segment_id   variable  marker        rule
    0        new  web_share    True  difference
    1        new  age_years   False      effect
    2        old  web_share    True  difference
    """
    columns = ["segment_id", "variable", "level", "kind", "mean", "overall_mean", "effect"]
    require_columns(profile, columns, "profile")
    out = profile[columns].copy()
    gap, mean = out["mean"] - out["overall_mean"], out["overall_mean"]
    out["difference"] = gap
    out["relative_difference"] = gap / mean.where(mean != 0)
    out["direction"] = np.select([gap > 0, gap < 0], ["higher", "lower"], "equal")
    by_difference = out.pop("kind").ne("number")
    out["rule"] = np.where(by_difference, "difference", "effect")
    far = (gap.abs() >= DIFFERENCE) | (out["relative_difference"].abs() >= RELATIVE)
    out["marker"] = np.where(by_difference, far, out["effect"].abs() >= EFFECT)
    keys = pd.DataFrame(
        {
            "segment": pd.factorize(out["segment_id"])[0],
            "later": ~out["marker"],
            "smaller": -out["effect"].abs().fillna(-1.0),
        }
    )
    out = out.loc[keys.sort_values(list(keys), kind="stable").index].reset_index(drop=True)
    out["rank"] = out.groupby("segment_id", sort=False).cumcount() + 1
    return out[_MARKERS]


_MARKERS = [
    *("segment_id", "rank", "variable", "level", "marker", "rule", "direction"),
    *("mean", "overall_mean", "difference", "relative_difference", "effect"),
]


def variable_order(features: pd.DataFrame) -> list[str]:
    """Order variables so that similar ones are next to each other.

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        Numbers; missing values count as the mean.

    Returns
    -------
    list of str
        Leaves of an average-linkage tree on the Euclidean distance of the standardised
        variables, √(2n(1 − r)), turned so that neighbours are as alike as possible. Constant
        variables come last.

    Examples
    --------
    >>> variable_order(pd.DataFrame({"a": [1, 2, 3.0], "b": [1, 0, 1.0], "c": [1, 2, 4.0]}))
    ['b', 'c', 'a']
    """
    if text := [str(c) for c in features if is_text(features[c])]:
        raise TypeError(f"only numbers can be ordered; leave out {', '.join(text)}")
    z = np.empty(features.shape, np.float32, order="F")
    for j, name in enumerate(features.columns):
        x = features[name].to_numpy(float, na_value=np.nan)
        known = x[~np.isnan(x)]
        constant = not known.size or known.min() == known.max()
        z[:, j] = 0 if constant else np.nan_to_num((x - known.mean()) / known.std())
    gram = (z.T @ z).astype(float)
    norm = np.sqrt(np.diag(gram))
    vary = np.flatnonzero(norm > 0)
    constant = np.flatnonzero(norm == 0)
    if len(vary) > 2:
        r = gram[np.ix_(vary, vary)] / np.outer(norm[vary], norm[vary])
        distance = np.sqrt(np.clip(2 - 2 * r, 0, None))[np.triu_indices(len(vary), 1)]
        vary = vary[leaves_list(linkage(distance, "average", optimal_ordering=True))]
    return [features.columns[j] for j in (*vary, *constant)]
