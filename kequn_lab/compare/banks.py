"""Which bank fits which segment: what the bank says of itself, and what its customers suggest.

What a bank says (``bank_focus``, quoted) does not enter the fit, so that the two can be read
against each other. Everything in the fit is an assumption in one table, :func:`fit_weights`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab._checks import require_columns
from kequn_lab.compare.criteria import segment_values

__all__ = ["fit_weights", "target_fit"]


def fit_weights() -> pd.DataFrame:
    """What the fit is made of, all of it assumption: edit it and pass it to :func:`target_fit`.

    Returns
    -------
    DataFrame
        ``part``, ``columns`` and ``statistic`` (as in ``criteria.csv``; ``reach`` is worked out
        per bank), ``best`` (the value that scores 1; 0 scores 0), ``weight``, ``basis``, ``note``.

    Examples
    --------
    >>> fit_weights()[["part", "best", "weight"]]
              part       best  weight
    0         size       0.25    0.25
    1  credit_need       0.60    0.25
    2  wealth_need  300000.00    0.25
    3        reach       1.00    0.25
    """
    credit = "micro_loan_cny+consumer_loan_cny"
    rows = [
        ("size", "", "size_share", 0.25, 0.25, "share of the customers"),
        ("credit_need", credit, "share_positive", 0.6, 0.25, "share who hold a loan"),
        ("wealth_need", "aum_cny", "mean", 300_000.0, 0.25, "mean assets at this bank, CNY"),
        ("reach", "", "reach", 1.0, 0.25, "share of events on channels that the bank has"),
    ]
    names = ["part", "columns", "statistic", "best", "weight", "note"]
    return pd.DataFrame(rows, columns=names).assign(basis="assumption")


def target_fit(
    features: pd.DataFrame,
    labels: pd.Series,
    focus: pd.DataFrame,
    reach: pd.DataFrame,
    *,
    parts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Each bank against each segment: stated focus, size, need, reach and their fit.

    Parameters
    ----------
    features : DataFrame
        Indexed by customer. ``<channel>_share`` gives the reach.
    labels : Series of str
        Segment by customer.
    focus : DataFrame
        The catalogue's ``bank_focus``: ``bank_id``, ``segment_id``, ``relation``, ``basis``,
        ``quote_zh``.
    reach : DataFrame
        The catalogue's ``bank_channels``: ``bank_id``, ``channel_id``. A bank without a row has
        no reach that is known.
    parts : DataFrame, optional
        As :func:`fit_weights`; weights >= 0 that add up to 1.

    Returns
    -------
    DataFrame
        One row per bank and segment: ``bank_id``, ``segment_id``, ``relation``, ``basis``,
        ``quote_zh`` (missing where the article does not name the segment for the bank); the parts
        as measured; ``fit`` (0 to 1: the weighted mean of the parts on their scales);
        ``parts_missing`` (names; the others then carry the weight).

    Raises
    ------
    ValueError
        Weights that do not add up to 1, a best that is not above 0, a missing column.

    Examples
    --------
    >>> features = pd.DataFrame({"mobile_share": [1., 0], "counter_share": [0., 1]},
    ...                         index=list("ab"))
    >>> labels = pd.Series(["young_adult", "elderly"], index=list("ab"))
    >>> focus = pd.DataFrame({"bank_id": ["webank"], "segment_id": ["young_adult"],
    ...                       "relation": ["target"], "basis": ["reading"], "quote_zh": ["…"]})
    >>> reach = pd.DataFrame({"bank_id": ["webank"], "channel_id": ["mobile"]})
    >>> fit = target_fit(features, labels, focus, reach)
    >>> fit[["segment_id", "relation", "size", "reach", "fit", "parts_missing"]]
        segment_id relation  size  reach  fit             parts_missing
    0  young_adult   target   0.5    1.0  1.0  credit_need, wealth_need
    1      elderly      NaN   0.5    0.0  0.5  credit_need, wealth_need
    """
    parts = fit_weights() if parts is None else parts
    _check_parts(parts)
    require_columns(focus, ["bank_id", "segment_id", "relation", "basis", "quote_zh"], "focus")
    require_columns(reach, ["bank_id", "channel_id"], "reach")
    shared = parts[parts["statistic"] != "reach"].rename(columns={"part": "criterion_id"})
    channels = sorted(reach["channel_id"].unique())
    used = pd.DataFrame({"criterion_id": channels, "statistic": "mean"})
    used["columns"] = [f"{c}_share" for c in channels]
    values = segment_values(features, labels, pd.concat([shared, used], ignore_index=True))
    by_segment = values.set_index(["segment_id", "criterion_id"])["value"].unstack()  # noqa: PD010

    banks = list(dict.fromkeys([*focus["bank_id"], *reach["bank_id"]]))
    tables = []
    for bank in banks:
        table = by_segment[shared["criterion_id"]].copy()
        own = reach.loc[reach["bank_id"] == bank, "channel_id"]
        for name in parts.loc[parts["statistic"] == "reach", "part"]:
            table[name] = by_segment[own].sum(axis=1, min_count=1)
        tables.append(table.assign(bank_id=bank).reset_index())
    out = pd.concat(tables, ignore_index=True)
    out["fit"], out["parts_missing"] = _fit(out, parts)
    out = out.merge(focus, on=["bank_id", "segment_id"], how="left", validate="one_to_one")
    order = ["bank_id", "segment_id", "relation", "basis", "quote_zh", *parts["part"]]
    out = out[[*order, "fit", "parts_missing"]]
    place = pd.Categorical(out["bank_id"], categories=banks, ordered=True).codes
    return out.iloc[np.lexsort((-out["fit"].fillna(-1), place))].reset_index(drop=True)


def _check_parts(parts: pd.DataFrame) -> None:
    weights = parts["weight"].astype(float)
    if weights.isna().any() or (weights < 0).any() or abs(weights.sum() - 1) > 1e-9:
        raise ValueError(
            f"weights of the fit must be >= 0 and add up to 1; found {weights.tolist()}, "
            f"sum {weights.sum():g}"
        )
    if not (parts["best"].astype(float) > 0).all():
        raise ValueError("each part of the fit needs a best above 0: the value that scores 1")


def _fit(table: pd.DataFrame, parts: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Weighted mean of the parts that are known, and the names of those that are not."""
    names, weights = list(parts["part"]), parts["weight"].to_numpy(float)
    scaled = np.clip(table[names].to_numpy(float) / parts["best"].to_numpy(float), 0, 1)
    known = ~np.isnan(scaled)
    total = known @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        fit = np.where(total > 0, np.nan_to_num(scaled) @ weights / total, np.nan)
    missing = [", ".join(n for n, k in zip(names, row, strict=True) if not k) for row in known]
    return fit, missing
