"""What decides a clustering: each variable's part of the variance, and of that between segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

__all__ = ["variance_table"]


def variance_table(
    model: pd.DataFrame,
    labels,
    *,
    variables: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
    blocks: Iterable[str] = (),
) -> pd.DataFrame:
    """Each variable's and each block's share of the total and of the between-segment variance.

    Parameters
    ----------
    model : DataFrame, shape (n_customers, n_axes)
        The columns that k-means sees, weights included.
    labels : array-like of shape (n_customers,)
        Segment of each customer, in the order of ``model``.
    variables : mapping of str to str, optional
        The variable of each column of ``model`` that is not called like it.
    weights : mapping of str to float, optional
        Of the variables, to be shown; 1 where nothing is said.
    blocks : iterable of str
        First parts of names (``channel`` for ``channel:app``, ``channel:web``), each of which
        gets a row that adds up its variables.

    Returns
    -------
    DataFrame
        Largest share between segments first: ``variable``, ``kind`` (``variable``, ``block``),
        ``weight``, ``total_share`` (0 to 1, of the variance of all customers: what it may
        decide), ``between_share`` (0 to 1, of the variance between the segments: what it does
        decide), ``explained_share`` (0 to 1, of its own variance that lies between segments).
        The variables' shares add up to 1.

    Notes
    -----
    Total = within + between (Huygens); k-means makes the part within as small as it can. The
    segments were made of these variables, so a large share says what they go by, not that
    they are real.

    Examples
    --------
    >>> model = pd.DataFrame({"age": [-1.0, -1, 1, 1], "visits": [1.0, -1, 1, -1]})
    >>> variance_table(model, [0, 0, 1, 1])[["variable", "total_share", "between_share"]]
      variable  total_share  between_share
    0      age          0.5            1.0
    1   visits          0.5            0.0
    """
    weights = dict(weights or {})
    z = model.to_numpy(float)
    z = z - z.mean(axis=0)
    codes, _ = pd.factorize(np.asarray(labels))
    if len(codes) != len(z):
        raise ValueError(f"labels are of {len(codes)} customers, model of {len(z)}")
    n = np.bincount(codes)
    means = np.stack([np.bincount(codes, column) / n for column in z.T])
    total, between = (z**2).mean(axis=0), (means**2) @ n / len(z)
    names = [(variables or {}).get(str(c), str(c)) for c in model]
    table = pd.DataFrame({"total": total, "between": between}, index=names)
    table = table.groupby(level=0, sort=False).sum()
    out = table.assign(kind="variable", weight=[weights.get(v, 1.0) for v in table.index])
    for block in dict.fromkeys(blocks):
        own = table[table.index.str.startswith(f"{block}:")]
        if len(own) > 1:
            out.loc[f"{block}:*"] = [*own.sum(), "block", np.nan]
    with np.errstate(invalid="ignore", divide="ignore"):
        out["total_share"] = out["total"] / total.sum()
        out["between_share"] = out["between"] / between.sum()
        out["explained_share"] = out["between"] / out["total"]
    out = out.rename_axis("variable").reset_index()
    out = out.sort_values("between_share", ascending=False, kind="stable", ignore_index=True)
    return out[_COLUMNS]


_COLUMNS = ["variable", "kind", "weight", "total_share", "between_share", "explained_share"]
