"""Can the two target groups be told apart at all, and who is contested between them.

The article says that internet banks' entrances overlap with the banks' own online ones: so a
customer of the traditional group may already be where the internet banks are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kequn_lab._statistics import wilson

__all__ = ["Overlap", "overlap"]

ONLINE = ("mobile_share", "web_share", "third_party_share")
MARGIN = 0.2  # a customer is contested when the score lies within 0.5 ± this
FOLDS = 5
MOST_CUSTOMERS = 50_000  # that are fitted and scored: a random sample above that


@dataclass(frozen=True)
class Overlap:
    """How far two groups of customers can be told apart.

    Attributes
    ----------
    summary : DataFrame
        ``measure``, ``value``, ``low``, ``high`` (95 %), ``n``: ``auc`` (chance that a customer of
        the second group scores higher than one of the first; 0.5 nothing to tell, 1 all),
        ``overlap_coefficient`` (shared area of the two score distributions, 0 to 1),
        ``contested_share``, and per group ``online_share: <group>`` (most events on mobile, web or
        third-party channels), where the features have these columns.
    customers : DataFrame
        Indexed by customer: ``group``, ``score`` (out-of-fold chance of the second group, the
        groups weighted alike), ``contested`` (score within 0.5 ± 0.2), ``online`` (bool, missing if
        unknown).
    """

    summary: pd.DataFrame
    customers: pd.DataFrame


def overlap(features: pd.DataFrame, group: pd.Series, *, random_state: int = 0) -> Overlap:
    """Try to tell two groups apart with a simple classifier, out of fold.

    Parameters
    ----------
    features : DataFrame
        Numeric, indexed by customer; missing values take the median.
    group : Series
        As from :func:`kequn_lab.compare.assign_groups`; two values, missing: left out.
    random_state : int
        For the five folds, and the sample of 50,000 customers where there are more.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        For other than two groups, or fewer than five customers in a group.

    Notes
    -----
    Logistic regression on ranks-to-normal scores: it sees shifts, not shapes, so the overlap is an
    upper bound. Groups made of clusters of the *same* features are told apart by construction:
    an AUC near 1 says that clustering worked, not that customers know which bank they want.

    Examples
    --------
    >>> age = pd.DataFrame({"age": np.r_[np.arange(20., 60), np.arange(40., 80)]})
    >>> group = pd.Series(["internet"] * 40 + ["branch"] * 40).astype("category")
    >>> found = overlap(age, group).summary.set_index("measure")
    >>> print(round(found.loc["auc", "value"], 2))
    0.87
    """
    group = group.reindex(features.index)
    names = _group_names(group)
    sizes = [int((group == name).sum()) for name in names]
    if min(sizes) < FOLDS:
        raise ValueError(f"each group needs at least {FOLDS} customers; found {sizes}")
    chosen = np.flatnonzero(group.isin(names))
    if len(chosen) > MOST_CUSTOMERS:
        rng = np.random.default_rng(random_state)
        chosen = np.sort(rng.choice(chosen, MOST_CUSTOMERS, replace=False))
    x, y = features.iloc[chosen], (group.iloc[chosen] == names[1]).to_numpy(bool)
    score = _out_of_fold(x, y, random_state)
    customers = pd.DataFrame({"group": group.iloc[chosen], "score": score}, index=x.index)
    customers["contested"] = np.abs(score - 0.5) <= MARGIN
    online = [c for c in ONLINE if c in features]
    customers["online"] = x[online].sum(axis=1, min_count=1) > 0.5 if online else pd.NA
    customers["online"] = customers["online"].astype("boolean")
    if online:
        customers.loc[x[online].isna().all(axis=1), "online"] = pd.NA

    auc, error = _auc(score[y], score[~y])
    half = stats.norm.ppf(0.975) * error
    rows = [("auc", auc, max(auc - half, 0), min(auc + half, 1), len(y))]
    bins = np.linspace(0, 1, 21)
    shares = [np.histogram(score[y == side], bins)[0] / (y == side).sum() for side in (0, 1)]
    rows.append(("overlap_coefficient", float(np.minimum(*shares).sum()), np.nan, np.nan, len(y)))
    counted = [("contested_share", customers["contested"])]
    if online:
        counted += [
            (f"online_share: {name}", customers.loc[customers["group"] == name, "online"].dropna())
            for name in names
        ]
    for measure, flags in counted:
        low, high = wilson(flags.sum(), len(flags))
        share = float(flags.mean()) if len(flags) else np.nan
        rows.append((measure, share, float(low), float(high), len(flags)))
    return Overlap(pd.DataFrame(rows, columns=["measure", "value", "low", "high", "n"]), customers)


def _group_names(group: pd.Series) -> list:
    if isinstance(group.dtype, pd.CategoricalDtype):
        names = list(group.cat.categories)
    else:
        names = sorted(group.dropna().unique(), key=str)
    if len(names) != 2:
        raise ValueError(f"two groups are compared; found {names}")
    return names


def _out_of_fold(x: pd.DataFrame, y: np.ndarray, random_state: int) -> np.ndarray:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    if textual := [c for c in x if not pd.api.types.is_numeric_dtype(x[c])]:
        raise ValueError(f"features must be numbers; {textual} are not: drop or encode them")
    ranks = QuantileTransformer(
        n_quantiles=min(200, len(x) // 2), output_distribution="normal", random_state=random_state
    )
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        ranks,
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=random_state)
    values = x.to_numpy(float, na_value=np.nan)
    return cross_val_predict(model, values, y, cv=folds, method="predict_proba")[:, 1]


def _auc(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and its standard error (DeLong, 1988)."""
    n, m = len(above), len(below)
    ranks = stats.rankdata(np.r_[above, below])
    wins = (ranks[:n] - stats.rankdata(above)) / m  # share of `below` that each one beats
    losses = 1 - (ranks[n:] - stats.rankdata(below)) / n
    return float(wins.mean()), float(np.sqrt(wins.var(ddof=1) / n + losses.var(ddof=1) / m))
