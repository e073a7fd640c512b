"""What does choosing by segment gain: the outcome by segment, lift, contacts saved.

An outcome (a good loan, a card, a purchase) is never part of the clustering; here it tells
whether the segments are of use.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kequn_lab._statistics import wilson

__all__ = ["contacts_needed", "outcome_by_segment", "targeting_gain"]


#: Shares of the customers that are contacted; folds of the order of the segments.
_SHARES, _FOLDS = np.linspace(0, 1, 21), 5


def outcome_by_segment(outcome: pd.Series, labels: pd.Series) -> pd.DataFrame:
    """How often the outcome holds in each segment, with 95 % (Wilson) intervals.

    Parameters
    ----------
    outcome : Series of 0/1 or bool
        By customer; missing: not known, left out.
    labels : Series of str
        Segment by customer; customers without a label are left out.

    Returns
    -------
    DataFrame
        ``segment_id``, ``customers`` (outcome known), ``outcomes``, ``rate``, ``low``, ``high``,
        ``lift`` (rate over the rate of all); highest rate first, ``all`` last.

    Examples
    --------
    >>> good = pd.Series([1, 1, 0, 0], index=list("abcd"))
    >>> labels = pd.Series(["micro", "micro", "micro", "young"], index=list("abcd"))
    >>> outcome_by_segment(good, labels)[["segment_id", "customers", "outcomes", "lift"]]
      segment_id  customers  outcomes      lift
    0      micro          3         2  1.333333
    1      young          1         0  0.000000
    2        all          4         2  1.000000
    """
    y, labels = _outcome(outcome, labels)
    table = y.groupby(labels.to_numpy()).agg(["size", "sum"])
    table = table.rename_axis("segment_id").reset_index().sort_values("segment_id")
    table["rate"] = table["sum"] / table["size"]
    table = table.sort_values("rate", ascending=False, kind="stable")
    everyone = {"segment_id": "all", "size": len(y), "sum": y.sum(), "rate": y.mean()}
    table = pd.concat([table, pd.DataFrame([everyone])], ignore_index=True)
    table["low"], table["high"] = wilson(table["sum"], table["size"])
    table["lift"] = table["rate"] / y.mean()
    table["sum"] = table["sum"].astype(int)
    return table.rename(columns={"size": "customers", "sum": "outcomes"})


def _outcome(outcome: pd.Series, labels: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Known outcomes as 0.0/1.0, of customers that have a label."""
    y = pd.to_numeric(outcome.astype("float64"))
    if strange := sorted(set(y.dropna().tolist()) - {0.0, 1.0}):
        raise ValueError(f"an outcome must be 0 or 1 (or missing); found {strange[:5]}")
    labels = labels.reindex(y.index)
    kept = y.notna() & labels.notna()
    if not kept.any():
        raise ValueError("no customer has both an outcome and a label: check the customer ids")
    if y[kept].nunique() < 2:
        raise ValueError(
            f"the outcome is {y[kept].iloc[0]:.0f} for all {kept.sum()} customers: there is "
            "nothing to find; name an outcome that some have and some have not"
        )
    return y[kept], labels[kept]


def targeting_gain(
    outcome: pd.Series,
    labels: pd.Series,
    *,
    rules: Mapping[str, pd.Series] | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Outcomes reached by a campaign that picks by segment, by one rule, or at random.

    Parameters
    ----------
    outcome, labels
        As :func:`outcome_by_segment`.
    rules : mapping of str to Series, optional
        A value per customer, highest first: ``{"oldest": features["age_years"]}``. Missing
        values come last.
    random_state : int
        For five folds: the order of the segments in each comes from the outcomes of the others,
        so that a small segment gains nothing from its own luck.

    Returns
    -------
    DataFrame
        ``strategy`` (``segment``, each rule, ``random``, ``best possible``), ``contacted_share``
        (0, 0.05 … 1),
        ``contacts``, ``outcomes``, ``gain`` (share of all outcomes reached), ``gain_low``,
        ``gain_high`` (Wilson, on the number of outcomes), ``lift`` (gain over share). Customers
        who tie (a whole segment, equal ages) are picked in random order: values are expected ones.

    Examples
    --------
    >>> outcome = pd.Series([1] * 800 + [0] * 200 + [1] * 200 + [0] * 800)
    >>> labels = pd.Series(["a"] * 1000 + ["b"] * 1000)
    >>> half = targeting_gain(outcome, labels).query("contacted_share == 0.5")
    >>> half.set_index("strategy")["lift"].round(1).to_dict()
    {'segment': 1.6, 'random': 1.0, 'best possible': 2.0}
    """
    y, labels = _outcome(outcome, labels)
    truth = y.to_numpy()
    fold = np.random.default_rng(random_state).permutation(len(truth)) % _FOLDS
    scores = {"segment": _rate_of_others(truth, labels, fold)}
    for name, rule in (rules or {}).items():
        if name in ("segment", "random", "best possible"):
            raise ValueError(f"a rule cannot be called {name!r}")
        value = rule.reindex(y.index).to_numpy(float, na_value=np.nan)
        scores[name] = np.where(np.isnan(value), -np.inf, value)
    scores["random"], scores["best possible"] = np.zeros(len(truth)), truth
    parts = []
    for strategy, score in scores.items():
        parts_of = fold if strategy == "segment" else np.zeros(len(truth), int)
        reached = sum(
            _reached(truth[parts_of == f], score[parts_of == f]) for f in range(parts_of.max() + 1)
        )
        low, high = wilson(reached, truth.sum())
        part = pd.DataFrame({"strategy": strategy, "contacted_share": _SHARES})
        part["contacts"], part["outcomes"] = _SHARES * len(truth), reached
        part["gain"], part["gain_low"], part["gain_high"] = reached / truth.sum(), low, high
        parts.append(part)
    out = pd.concat(parts, ignore_index=True)
    return out.assign(lift=out["gain"] / out["contacted_share"].where(out["contacted_share"] > 0))


def _rate_of_others(truth: np.ndarray, labels: pd.Series, fold: np.ndarray) -> np.ndarray:
    """Per customer the segment's rate in the other folds, drawn to the mean by one customer."""
    codes = pd.factorize(labels)[0]
    n = np.zeros((fold.max() + 1, codes.max() + 1))
    hits = n.copy()
    np.add.at(n, (fold, codes), 1.0)
    np.add.at(hits, (fold, codes), truth)
    rate = (hits.sum(0) - hits + truth.mean()) / (n.sum(0) - n + 1)
    return rate[fold, codes]


def _reached(truth: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Expected outcomes among the first customers by falling score, ties in random order."""
    _, tie = np.unique(-score, return_inverse=True)
    size, hits = np.bincount(tie), np.bincount(tie, truth)
    passed, found = np.r_[0, np.cumsum(size)], np.r_[0, np.cumsum(hits)]
    return np.interp(_SHARES * len(truth), passed, found)


def contacts_needed(gain: pd.DataFrame, *, outcome_share: float = 0.5) -> pd.DataFrame:
    """Contacts that each strategy needs to reach a share of the outcomes.

    Parameters
    ----------
    gain : DataFrame
        As :func:`targeting_gain` returns: columns ``strategy``, ``contacts``,
        ``contacted_share``, ``gain``.
    outcome_share : float
        Share of all outcomes to reach, above 0 and up to 1.

    Returns
    -------
    DataFrame
        ``strategy``, ``contacts``, ``contacted_share``, ``saved`` (share of the random
        strategy's contacts that is not needed); fewest contacts first.

    Raises
    ------
    ValueError
        The share is not above 0 and up to 1.

    Examples
    --------
    >>> gain = pd.DataFrame({"strategy": ["age", "age", "random", "random"],
    ...     "contacts": [10, 100, 10, 100], "contacted_share": [0.1, 1, 0.1, 1],
    ...     "gain": [0.5, 1, 0.1, 1]})
    >>> contacts_needed(gain)[["strategy", "contacts", "saved"]]
      strategy  contacts  saved
    0      age      10.0    0.8
    1   random      50.0    0.0
    """
    if not 0 < outcome_share <= 1:
        raise ValueError(f"outcome_share lies above 0 and up to 1; found {outcome_share}")
    rows = []
    for strategy, part in gain.sort_values("contacted_share").groupby("strategy", sort=False):
        enough = part["gain"].to_numpy() >= outcome_share - 1e-12
        i = int(enough.argmax())
        a, b = part.iloc[max(i - 1, 0)], part.iloc[i]
        step = b["gain"] - a["gain"]
        weight = 1.0 if step <= 0 else (outcome_share - a["gain"]) / step
        columns = ["contacts", "contacted_share"]
        rows.append((strategy, *(a[columns] + weight * (b[columns] - a[columns]))))
    out = pd.DataFrame(rows, columns=["strategy", "contacts", "contacted_share"])
    random = out.loc[out["strategy"] == "random", "contacts"]
    out["saved"] = 1 - out["contacts"] / random.iloc[0] if len(random) else np.nan
    return out.sort_values("contacts", kind="stable").reset_index(drop=True)
