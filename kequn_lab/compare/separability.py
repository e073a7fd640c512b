"""How well the two target groups can be separated, and which customers overlap.

The article says that internet banks' entrances overlap with the banks' own online ones: so a
customer of the traditional group may already be where the internet banks are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from kequn_lab._statistics import wilson
from kequn_lab._words import ONLINE

__all__ = ["Overlap", "overlap"]

MARGIN = 0.2  # a customer is contested when the score lies within 0.5 ± this
FOLDS = 5
MOST_CUSTOMERS = 50_000  # that are fitted and scored: a random sample above that
MOST_DRAWN = 2_000  # customers of a draw; intervals of more are shortened by the square root


@dataclass(frozen=True)
class Overlap:
    """How well two groups of customers can be separated.

    Attributes
    ----------
    summary : DataFrame
        ``measure``, ``value``, ``low``, ``high`` (95 %), ``n``: ``auc`` (chance that a customer of
        the second group scores higher than one of the first; 0.5 nothing to tell, 1 all),
        ``overlap_coefficient`` (shared area of two normals of equal spread that have this AUC, 0
        to 1; 1 nothing to tell),
        ``contested_share``, and per group ``online_share: <group>`` (most events on mobile, web or
        third-party channels), where the features have these columns.
    customers : DataFrame
        Indexed by customer: ``group``, ``score`` (out-of-fold chance of the second group, the
        groups weighted alike), ``contested`` (score within 0.5 ± 0.2), ``online`` (bool, missing if
        unknown).
    """

    summary: pd.DataFrame
    customers: pd.DataFrame


def overlap(
    features: pd.DataFrame, group: pd.Series, *, n_boot: int = 50, random_state: int = 0
) -> Overlap:
    """Separate two groups by a simple classifier, cross-validated.

    Parameters
    ----------
    features : DataFrame
        Numeric, indexed by customer; missing values take the median.
    group : Series
        As from :func:`kequn_lab.compare.assign_groups`; two values, missing: left out.
    n_boot : int
        Draws of customers in which the classifier is fitted again, for the intervals of AUC and
        overlap; 0: DeLong's error, which keeps the classifier as it is and covers too rarely where
        customers are few.
    random_state : int
        For the five folds, the draws, and the sample of 50,000 customers where there are more.

    Returns
    -------
    Overlap

    Raises
    ------
    ValueError
        For other than two groups, or fewer than five customers in a group.

    Notes
    -----
    Logistic regression on ranks-to-normal scores: it sees shifts, not shapes. Out of fold the AUC
    leans downwards where customers are few, and the overlap upwards. Groups made of clusters of
    the *same* features are told from each other by construction: an AUC near 1 says that
    clustering worked, not that customers know which bank they want. `benchmarks/coverage.md` says
    how often the intervals hold the truth.

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
    online = [c for x in ONLINE if (c := f"{x}_share") in features]
    customers["online"] = x[online].sum(axis=1, min_count=1) > 0.5 if online else pd.NA
    customers["online"] = customers["online"].astype("boolean")
    if online:
        customers.loc[x[online].isna().all(axis=1), "online"] = pd.NA

    auc, error = _auc(score[y], score[~y])
    if n_boot:
        error = _refit_error(x, y, n_boot, random_state)
    half = stats.norm.ppf(0.975) * error
    low, high = max(auc - half, 0), min(auc + half, 1)
    areas = [_shared_area(value) for value in (auc, high, low)]
    rows = [("auc", auc, low, high, len(y))]
    rows.append(("overlap_coefficient", areas[0], areas[1], areas[2], len(y)))
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
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    if textual := [c for c in x if not pd.api.types.is_numeric_dtype(x[c])]:
        raise ValueError(f"features must be numbers; {textual} are not: drop or encode them")
    model = make_pipeline(*_ranks(len(x), random_state), _classifier())
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=random_state)
    values = x.to_numpy(float, na_value=np.nan)
    return cross_val_predict(model, values, y, cv=folds, method="predict_proba")[:, 1]


def _ranks(n: int, random_state: int) -> list:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(
        n_quantiles=min(200, n // 2), output_distribution="normal", random_state=random_state
    )
    return [SimpleImputer(strategy="median", keep_empty_features=True), ranks]


def _classifier():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", max_iter=1000)


def _refit_error(x: pd.DataFrame, y: np.ndarray, n_boot: int, random_state: int) -> float:
    """Standard deviation of the out-of-fold AUC over draws of customers, each fitted again.

    A customer who is drawn twice counts twice, in one fold: nobody is scored by a classifier that
    has seen him.
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(random_state)
    some = np.arange(len(y))
    if len(y) > MOST_DRAWN:  # of each group its share, and at least some
        part = [np.flatnonzero(y == side) for side in (False, True)]
        keep = [max(round(MOST_DRAWN * len(p) / len(y)), min(len(p), 10 * FOLDS)) for p in part]
        some = np.concatenate([rng.choice(p, k, replace=False) for p, k in zip(part, keep)])
    values = x.iloc[some].to_numpy(float, na_value=np.nan)
    z, mine = make_pipeline(*_ranks(len(some), random_state)).fit_transform(values), y[some]
    found = []
    for draw in range(n_boot):
        weight = np.zeros(len(some))
        for side in (False, True):
            own = np.flatnonzero(mine == side)
            weight[own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)))
        score = np.full(len(some), np.nan)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=draw)
        for train, test in folds.split(z, mine):
            train = train[weight[train] > 0]
            if len(np.unique(mine[train])) == 2:
                fitted = _classifier().fit(z[train], mine[train], sample_weight=weight[train])
                score[test] = fitted.decision_function(z[test])
        told = (weight > 0) & ~np.isnan(score)
        if len(np.unique(mine[told])) == 2:
            found.append(roc_auc_score(mine[told], score[told], sample_weight=weight[told]))
    return float(np.std(found) * np.sqrt(len(some) / len(y))) if found else np.nan


def _shared_area(auc: float) -> float:
    """Overlap of two normals of equal spread with this AUC; a histogram of few customers would
    make two like groups differ."""
    distance = np.sqrt(2) * stats.norm.ppf(max(auc, 0.5))
    return float(2 * stats.norm.cdf(-distance / 2))


def _auc(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """Area under the ROC curve and its standard error (DeLong, 1988)."""
    n, m = len(above), len(below)
    ranks = stats.rankdata(np.r_[above, below])
    wins = (ranks[:n] - stats.rankdata(above)) / m  # share of `below` that each one beats
    losses = 1 - (ranks[n:] - stats.rankdata(below)) / n
    return float(wins.mean()), float(np.sqrt(wins.var(ddof=1) / n + losses.var(ddof=1) / m))
