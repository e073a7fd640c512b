"""What makes a segment a target, declared before any segment is known; its value in each segment.

The criteria and weights are the user's (``criteria.csv``, ``weights.csv``). Their fingerprint,
recorded at the start of a run, shows a later change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kequn_lab._checks import meant, require_columns
from kequn_lab._refits import Refits

__all__ = ["AXES", "Criteria", "require_known", "segment_values"]

AXES = ("attractiveness", "competitiveness")
_STATISTICS = ("size_share", "mean", "share_positive")
#: Customers weighted at a time in the resampling, times draws: about 100 MB.
_CHUNK = 25_000_000
_LARGE = 20_000  # customers of a segment from which sums are drawn from their normal limit


@dataclass(frozen=True)
class Criteria:
    """What makes a segment a target, as declared before any segment is known.

    Attributes
    ----------
    table : DataFrame
        One row per criterion: ``criterion_id``, ``axis`` (``attractiveness`` of the segment,
        ``competitiveness`` of the bank there), ``role`` (``score`` or ``knock_out``), ``columns``
        (features, joined by ``+`` where they are added up), ``statistic`` (``size_share``,
        ``mean``, ``share_positive``), ``worst`` and ``best`` (values that score 0 and 1),
        ``at_least`` (for knock-outs).
    weights : DataFrame
        ``bank_kind``, ``criterion_id``, ``weight`` (empty for knock-outs). A criterion counts for
        the kinds of bank that it is listed for; weights add up to 1 per kind and axis.

    Raises
    ------
    ValueError
        When the tables do not fit together; says which row.
    """

    table: pd.DataFrame
    weights: pd.DataFrame

    def __post_init__(self):
        table, weights = self.table, self.weights
        needed = "criterion_id axis role columns statistic worst best at_least"
        require_columns(table, needed.split(), "criteria")
        require_columns(weights, ["bank_kind", "criterion_id", "weight"], "weights")
        if twice := sorted(table.loc[table["criterion_id"].duplicated(), "criterion_id"]):
            raise ValueError(f"criteria names {twice} twice")
        for column, allowed in (
            ("axis", AXES),
            ("role", ("score", "knock_out")),
            ("statistic", _STATISTICS),
        ):
            if wrong := sorted(set(table[column]) - set(allowed)):
                raise ValueError(f"criteria: {column} must be one of {allowed}; found {wrong}")
        if unknown := sorted(set(weights["criterion_id"]) - set(table["criterion_id"])):
            raise ValueError(f"weights names criteria that criteria lacks: {unknown}")
        score = table["role"] == "score"
        scales = table.loc[score, ["worst", "best"]].astype(float)
        if scales.isna().any(axis=None) or (scales["worst"] == scales["best"]).any():
            raise ValueError("criteria: each score needs worst and best, and they must differ")
        if table.loc[~score, "at_least"].isna().any():
            raise ValueError("criteria: each knock-out needs at_least")
        scored = weights.merge(table.loc[score, ["criterion_id", "axis"]], on="criterion_id")
        for (kind, axis), w in scored.groupby(["bank_kind", "axis"])["weight"]:
            if w.isna().any() or (w < 0).any() or abs(w.sum() - 1) > 1e-9:
                raise ValueError(
                    f"weights of {kind}, {axis}, must be >= 0 and add up to 1; "
                    f"found {w.tolist()}, sum {w.sum():g}"
                )
        for kind in weights["bank_kind"].unique():
            lost = set(AXES) - set(scored.loc[scored["bank_kind"] == kind, "axis"])
            if lost:
                raise ValueError(f"weights of {kind}: no score for {', '.join(sorted(lost))}")

    @property
    def sha256(self) -> str:
        """Fingerprint of both tables, the same whatever wrote them to disk."""
        text = "".join(
            t.to_csv(index=False, lineterminator="\n") for t in (self.table, self.weights)
        )
        return hashlib.sha256(text.encode()).hexdigest()


def require_known(criteria: pd.DataFrame, known: Iterable[str]) -> None:
    """Refuse a criterion whose column nobody knows; it is mistyped.

    Parameters
    ----------
    criteria : DataFrame
        As in :class:`Criteria`.
    known : iterable of str
        Columns that the features have, or could have.

    Raises
    ------
    ValueError
        Names criterion, column, and what there is.

    Examples
    --------
    >>> wealth = pd.DataFrame({"criterion_id": ["wealth"], "columns": ["aum_cyn"],
    ...                        "statistic": ["mean"]})
    >>> require_known(wealth, ["aum_cny"])
    Traceback (most recent call last):
    ValueError: criteria: unknown columns: 'aum_cyn' of wealth (did you mean 'aum_cny'?); there ...
    """
    known = list(dict.fromkeys(map(str, known)))
    wrong = [
        f"{name!r} of {row.criterion_id}{meant(name, known)}"
        for row in criteria.itertuples()
        for name in _columns(row)
        if name not in known
    ]
    if wrong:
        raise ValueError(
            f"criteria: unknown columns: {', '.join(wrong)}; there are {', '.join(known)}"
        )


def _columns(criterion) -> list[str]:
    """The features that a criterion adds up."""
    if criterion.statistic == "size_share":
        return []
    return [name.strip() for name in str(criterion.columns).split("+")]


# Segment × criterion ---------------------------------------------------------------------------


def segment_values(
    features: pd.DataFrame,
    labels: pd.Series,
    criteria: pd.DataFrame,
    *,
    n_boot: int = 0,
    random_state: int = 0,
    refits: Refits | None = None,
) -> pd.DataFrame:
    """Value of each criterion in each segment, and again in resampled customers.

    Parameters
    ----------
    features : DataFrame
        Indexed by customer.
    labels : Series of str
        Segment id by customer; customers without one count only in the total.
    criteria : DataFrame
        ``criterion_id``, ``columns``, ``statistic`` as in :class:`Criteria`.
    n_boot : int
        Resamples of the customers (Poisson weights: each customer counts 0, 1, 2 … times), who
        keep their segments.
    random_state : int
    refits : Refits, optional
        Draws of customers in which the segments were found anew
        (:func:`kequn_lab.segments.refit`), in place of ``n_boot`` resamples: a decision that
        rests on clusters is as uncertain as they are.

    Returns
    -------
    DataFrame
        ``draw`` (0: the customers as they are), ``segment_id``, ``criterion_id``, ``value``.
        Missing where the features lack a column, or no customer of the segment has a value.

    Examples
    --------
    >>> features = pd.DataFrame({"aum_cny": [1., 3, 10]}, index=list("abc"))
    >>> labels = pd.Series(["young", "young", "old"], index=list("abc"))
    >>> wanted = pd.DataFrame({"criterion_id": ["wealth"], "columns": ["aum_cny"],
    ...                        "statistic": ["mean"]})
    >>> segment_values(features, labels, wanted)
       draw segment_id criterion_id  value
    0     0        old       wealth   10.0
    1     0      young       wealth    2.0
    """
    labels = labels.reindex(features.index)
    segments = sorted(labels.dropna().unique())
    if not segments:
        raise ValueError("no customer of features has a label: check that both use the same ids")
    if refits is not None:
        n_boot = refits.n_draws
    codes = pd.Categorical(labels, categories=segments).codes
    sums = np.zeros((n_boot + 1, len(segments) + 1, 2 * len(criteria)))
    counts = np.zeros((n_boot + 1, len(segments) + 1))
    sums[0], counts[0] = _sums(features, codes, criteria, len(segments) + 1)
    if n_boot and refits is None:
        columns = _columns_of(features, criteria)
        sums[1:], counts[1:] = _drawn(columns, codes, sums[1:].shape, random_state)
    is_size = (criteria["statistic"] == "size_share").to_numpy()
    values = _means(sums, counts, is_size)[:, : len(segments)]
    if refits is not None:
        columns = _columns_of(features.iloc[refits.at(features.index)], criteria)
        values[1:] = values[0] + _again(refits, columns, segments, is_size)
    index = pd.MultiIndex.from_product(
        [range(n_boot + 1), segments, criteria["criterion_id"]],
        names=["draw", "segment_id", "criterion_id"],
    )
    return pd.Series(values.ravel(), index=index, name="value").reset_index()


def _drawn(columns: np.ndarray, codes, shape: tuple, random_state: int) -> tuple:
    """Sums of the columns and customers by draw and segment; code -1 (without a label) is last."""
    (n_boot, k, _), sums, counts = shape, np.zeros(shape), np.zeros(shape[:2])
    rng, chunk = np.random.default_rng(random_state), _CHUNK // n_boot
    for s in range(-1, k - 1):
        rows = np.flatnonzero(codes == s)
        if _many(columns[rows]):
            drawn = _normal_limit(columns[rows], n_boot, rng)
            sums[:, s], counts[:, s] = drawn[:, :-1], drawn[:, -1]
            continue
        for start in range(0, len(rows), chunk):
            part = rows[start : start + chunk]
            w = rng.poisson(1.0, size=(n_boot, len(part))).astype(np.float32)
            sums[:, s] += w @ columns[part].astype(np.float32)
            counts[:, s] += w.sum(1)
    return sums, counts


def _columns_of(features: pd.DataFrame, criteria: pd.DataFrame) -> np.ndarray:
    """The quantity of each criterion, 0 where it is missing; then whether it is there."""
    x = np.column_stack([_quantity(features, row) for row in criteria.itertuples()])
    known = ~np.isnan(x)
    return np.hstack([np.where(known, x, 0.0), known])


def _sums(features: pd.DataFrame, codes, criteria: pd.DataFrame, k: int) -> tuple:
    """Sums of these columns and customers by segment, criterion by criterion; code -1 is last."""
    place = np.where(codes < 0, k - 1, codes)
    sums = np.empty((2, len(criteria), k))
    for j, row in enumerate(criteria.itertuples()):
        x = _quantity(features, row)
        known = ~np.isnan(x)
        sums[:, j] = [np.bincount(place, w, k) for w in (np.where(known, x, 0.0), known)]
    return sums.reshape(-1, k).T, np.bincount(place, minlength=k)


def _means(sums: np.ndarray, counts: np.ndarray, is_size: np.ndarray) -> np.ndarray:
    """Means of the quantities, or the segment's share of all customers, by draw and segment."""
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums[..., : len(is_size)] / sums[..., len(is_size) :]
        shares = counts / counts.sum(1, keepdims=True)
    return np.where(is_size, shares[..., None], means)


def _again(refits: Refits, columns, segments, is_size) -> np.ndarray:
    """How far the values of each draw are from those of the segments as they were found."""
    order = refits.segments.get_indexer(segments)
    if (order < 0).any():
        raise ValueError(f"refits know only the segments {list(refits.segments)}")
    drawn = refits.sums(columns)
    counts = refits.sums(np.ones((len(refits.customers), 1)))[..., 0]
    values = _means(drawn, counts, is_size)[:, order]
    return refits.scale * (values[1:] - values[0])


def _many(columns: np.ndarray) -> bool:
    """Whether sums over customers drawn again are normal enough: a rare product
    that a few hundred hold is drawn customer by customer."""
    present = (columns != 0).sum(0)
    return len(columns) > _LARGE and (present[present > 0] >= _LARGE / 20).all()


def _normal_limit(columns: np.ndarray, n_boot: int, rng) -> np.ndarray:
    """Sums, and the number of customers, under Poisson weights: their normal limit."""
    each = np.column_stack([columns, np.ones(len(columns))])
    return rng.multivariate_normal(each.sum(0), each.T @ each, n_boot, method="eigh")


def _quantity(features: pd.DataFrame, criterion) -> np.ndarray:
    """What the criterion averages, per customer."""
    if criterion.statistic == "size_share":
        return np.ones(len(features))
    names = _columns(criterion)
    if not set(names) <= set(features.columns):
        return np.full(len(features), np.nan)
    x = features[names].sum(axis=1, skipna=False).to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(x), np.nan, x > 0) if criterion.statistic == "share_positive" else x
