"""Two versions of the labels: which customers moved, from where to where, and why.

With one model in both, a customer who moved has changed; where the models differ, it may be the
model, the customer, or both, and labels alone cannot tell.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kequn_lab.export.labels import read_labels, sidecar
from kequn_lab.monitor.matching import match_labels

__all__ = ["count_moves", "label_moves", "read_version"]

#: An id that was a number once: digits may be lost, and 1.0 is not the customer 1.
_FLOAT = r"[+-]?(?:\d+\.\d*|\d*\.\d+|\d+(?:\.\d*)?[eE][+-]?\d+)|(?i:nan|inf)"


def read_version(path: str | Path) -> pd.DataFrame:
    """Read a label file, with or without the record beside it; ids are text.

    Parameters
    ----------
    path : path
        ``labels.csv`` or ``labels.parquet``.

    Raises
    ------
    ValueError
        No ``customer_id`` or ``segment_id``, a customer twice, or ids that were numbers once.

    Returns
    -------
    DataFrame
        ``attrs["meta"]`` holds the record, empty where there is none.
    """
    path = Path(path)
    labels = read_labels(path, verify=sidecar(path).exists())
    for column in ("customer_id", "segment_id"):
        if column not in labels:
            there = ", ".join(map(str, labels))
            raise ValueError(f"{path.name} has no column {column}; it has {there}")
    return labels.assign(customer_id=text_ids(labels["customer_id"], path.name))


def text_ids(ids: pd.Series, name: str) -> pd.Series:
    """Ids as text, each once; those that were numbers with decimals once are refused."""
    if pd.api.types.is_float_dtype(ids.dtype):
        ids = ids.map(repr)
    text = ids.astype("str").str.strip()
    wrong = text.str.fullmatch(_FLOAT).fillna(True).to_numpy(bool)
    if wrong.any():
        line = int(wrong.argmax())
        raise ValueError(
            f"{name}, line {line + 2}: customer_id {text.iloc[line]!r} was a number with decimals "
            f"({int(wrong.sum()):,} such ids): digits may be lost. Export the ids as text"
        )
    if text.duplicated().any():
        raise ValueError(f"{name}: customer {text[text.duplicated()].iloc[0]!r} comes twice")
    return text


def label_moves(
    before: pd.DataFrame, after: pd.DataFrame, *, same_model: bool | None = None
) -> pd.DataFrame:
    """Which customers are in another segment, or came, or left.

    Parameters
    ----------
    before, after : DataFrame
        ``customer_id``, ``segment_id``. Segments are compared by ``permanent_id`` where both have
        it; else by ``segment_id``, and of two models by the customers whom they share.
    same_model : bool, optional
        Whether one model made both; None: not known.

    Returns
    -------
    DataFrame
        One row per customer who moved: ``customer_id``, ``segment_before`` (``(new)``),
        ``segment_after`` (``(left)``), ``reason``: ``new``, ``left``, ``behaviour`` (one model),
        ``model or behaviour``, or ``unknown``. In the order of ``before``, then new customers.

    Examples
    --------
    >>> before = pd.DataFrame({"customer_id": ["1", "2", "3"], "segment_id": ["a", "a", "b"]})
    >>> after = pd.DataFrame({"customer_id": ["1", "2", "4"], "segment_id": ["a", "b", "b"]})
    >>> label_moves(before, after, same_model=True)
      customer_id segment_before segment_after     reason
    0           2              a             b  behaviour
    1           3              b        (left)       left
    2           4          (new)             b        new
    """
    key = "permanent_id" if "permanent_id" in before and "permanent_id" in after else "segment_id"
    sides = []
    for name, labels in (("before", before), ("after", after)):
        ids = text_ids(labels["customer_id"], name)
        sides.append(pd.Series(labels[key].astype(object).to_numpy(), ids.to_numpy(), dtype=object))
    old, now = sides
    if key == "segment_id" and same_model is False:
        kept = match_labels(old, now).query("event == 'kept'")
        same = {a: f"{a} (new)" for a in now.dropna().unique()}
        now = now.map(same | dict(zip(kept["after"], kept["before"])), na_action="ignore")
    now = now.fillna("(none)")
    both = pd.DataFrame({"segment_before": old.fillna("(none)"), "segment_after": now})
    both = both.reindex([*old.index, *now.index.difference(old.index, sort=False)])
    why = {True: "behaviour", False: "model or behaviour", None: "unknown"}[same_model]
    reason = pd.Series(why, both.index).mask(both["segment_before"].isna(), "new")
    reason = reason.mask(both["segment_after"].isna(), "left")
    both = both.fillna({"segment_before": "(new)", "segment_after": "(left)"})
    out = both.assign(reason=reason)[both["segment_before"] != both["segment_after"]]
    return out.rename_axis("customer_id").reset_index()


def count_moves(moves: pd.DataFrame) -> pd.DataFrame:
    """Customers who moved, by pair of segments and reason, most first.

    Parameters
    ----------
    moves : DataFrame
        As :func:`label_moves`.

    Returns
    -------
    DataFrame
        ``segment_before``, ``segment_after``, ``reason``, ``customers``.
    """
    pair = ["segment_before", "segment_after", "reason"]
    out = moves.groupby(pair).size().rename("customers").reset_index()
    return out.sort_values(["customers", *pair], ascending=[False, True, True, True],
                           ignore_index=True)  # fmt: skip
