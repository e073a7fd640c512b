"""Categories as model columns: a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from kequn_lab.features._levels import (
    MISSING,
    OTHER,
    level_text,
    require_one_kind,
    same_level,
    spellings_of,
)

__all__ = ["CategoryEncoder", "LevelCoding"]


@dataclass(frozen=True, eq=False)
class LevelCoding:
    """What :class:`CategoryEncoder` learned of one column.

    Attributes
    ----------
    levels : tuple of str
        Most frequent first, or in the declared order; at the end :data:`OTHER` and
        :data:`MISSING` where the column has them.
    counts : tuple of int
        Customers of each level.
    spellings : tuple of tuple of str
        Per level the texts that mean it, its name first, without blanks around them; empty for
        :data:`MISSING`.
    points : ndarray of shape (n_levels, n_axes)
        Coordinates of each level.
    axes : tuple of str
        Per coordinate its level; a single empty text for an ordered column.
    pooled : dict of str to int
        Rare levels and their customers: they are in :data:`OTHER`, or, where all of them
        together are rare, at the column's mean.
    unified : dict of str to str
        Texts that differ from their level in blanks, case or width, and the level.
    ordered : bool
    """

    levels: tuple[str, ...]
    counts: tuple[int, ...]
    spellings: tuple[tuple[str, ...], ...]
    points: NDArray[np.float64]
    axes: tuple[str, ...]
    pooled: dict[str, int]
    unified: dict[str, str]
    ordered: bool

    def coordinates(self, column: str) -> list[str]:
        """Names of the coordinates of a column: ``column:level``; an ordered one keeps its own."""
        return [f"{column}:{axis}" if axis else column for axis in self.axes]

    def position(self, level: str) -> int:
        """Where a level is in ``levels``, −1 where the column has no such level."""
        return self.levels.index(level) if level in self.levels else -1


class CategoryEncoder(TransformerMixin, BaseEstimator):
    """Columns of categories as numbers, beside standardised numbers.

    A *nominal* column of L levels with shares :math:`p_l` becomes one coordinate per level,

    .. math:: z_l = (1[x = l] - p_l) / \\sqrt{p_l V}.

    Indicators divided by the root of their share, centred, are the coding of factor analysis of
    mixed data; their variances add up to L − 1, a number's variance in each of L − 1 directions.
    By default V = 2: half a number in each direction, as Hennig and Liao advise, since a level is
    a clump of customers on its own and would draw the clusters. With ``total="one"`` V = L − 1:
    the column as a whole varies as one number. Customers at the mean (missing, rare) do not vary;
    V is such that the column's total variance is (L − 1) / 2, or 1, with them, too.

    An *ordered* column becomes one coordinate: the mid-rank of the level (the share of
    customers below it plus half of its own), standardised.

    Parameters
    ----------
    orders : mapping of str to sequence of str, optional
        Columns that have an order, and their levels from lowest to highest. The others are
        nominal.
    missing : {"mean", "level"} or mapping of str to one of them, default="mean"
        Whether a missing value is taken as the column's mean or is a level of its own, for all
        columns or by column. Nominal columns only; a level that would be rare is no level.
    rare_share, rare_customers : float and int, default 0.01 and 20
        A level with a smaller share of the customers that have a value, or with fewer customers,
        is rare: such levels together are the level ``(other)``. Where even that is rare, they
        are taken as the column's mean. A declared order needs no pooling.
    max_levels : int, default=20
        A nominal column with more levels is refused.
    total : {"levels", "one"}, default="levels"
        Total variance of a nominal column: (L − 1) / 2, or 1. Known groups are found better with
        the first (``benchmarks/mixed.md``).

    Attributes
    ----------
    codings_ : list of LevelCoding
        By column.
    levels_ : DataFrame
        One row per column and level: ``column``, ``level``, ``customers``, ``share`` (0 to 1,
        of the customers that have a value), ``place`` (``own``, ``other`` or ``mean``).

    Raises
    ------
    ValueError
        Too many levels; all levels rare; numbers and words in one column; an order that lacks a
        level of the data, or for a column that is not there.

    Notes
    -----
    Levels are the same where they differ in blanks, case or full-width letters alone; the most
    frequent way of writing is the level's name. ``transform`` knows the texts of the training
    and these with other case; blanks around a text do not matter. Any other text is a level not
    seen before: it is taken as ``(other)`` if the column has it, else as the mean. A scorecard
    counts such customers.

    k-means on indicators sees every column separately: groups that differ only in how two
    columns go together (an interaction) are not found by it.
    Measured on tables with known groups (``benchmarks/mixed.md``): a latent class model finds
    them better on most, above all where the categories alone carry the groups (adjusted Rand index
    0.09 to 0.41 here, 0.14 to 0.73 there), since a column of noise costs k-means as much as one
    that tells. Where only numbers carry the groups, methods that give categories less weight
    (k-prototypes, indicators as they are) are ahead: give such columns a weight below 1.

    References
    ----------
    Hennig and Liao (2013), How to find an appropriate clustering for mixed-type variables with
    application to socio-economic stratification, Applied Statistics 62:309.
    Pagès (2004), Analyse factorielle de données mixtes, Revue de statistique appliquée 52(4).
    Kiers (1991), Simple structure in component analysis techniques for mixtures of qualitative
    and quantitative variables, Psychometrika 56:197. Mid-ranks: Bross (1958), How to use ridit
    analysis, Biometrics 14:18.

    Examples
    --------
    >>> table = pd.DataFrame({"job": ["farmer"] * 30 + ["clerk"] * 60 + [" Clerk"] * 10})
    >>> encoder = CategoryEncoder().set_output(transform="pandas").fit(table)
    >>> encoder.transform(table).iloc[[0, -1]].round(2)
        job:clerk  job:farmer
    0       -0.59        0.90
    99       0.25       -0.39
    >>> encoder.transform(table).var(ddof=0).sum().round(6)
    np.float64(0.5)
    >>> encoder.codings_[0].unified
    {'Clerk': 'clerk'}
    """

    def __init__(
        self,
        *,
        orders: Mapping[str, Sequence[str]] | None = None,
        missing: str | Mapping[str, str] = "mean",
        rare_share: float = 0.01,
        rare_customers: int = 20,
        max_levels: int = 20,
        total: str = "levels",
    ):
        self.orders = orders
        self.missing = missing
        self.rare_share = rare_share
        self.rare_customers = rare_customers
        self.max_levels = max_levels
        self.total = total

    def fit(self, X, y=None):
        """Learn the levels of every column, their shares and their places."""
        X = validate_data(self, _plain(X), dtype=None, ensure_all_finite="allow-nan")
        names = self._names()
        if self.total not in ("levels", "one"):
            raise ValueError(f'total is {self.total!r}; give "levels" or "one"')
        orders, missing = self._choices(names)
        self.codings_ = [
            self._coding(name, X[:, j], orders.get(name), missing(name))
            for j, name in enumerate(names)
        ]
        return self

    @property
    def levels_(self) -> pd.DataFrame:
        """The levels of all columns, as the class says."""
        check_is_fitted(self)
        rows = []
        for name, c in zip(self._names(), self.codings_):
            present = [n for n, level in zip(c.counts, c.levels) if level not in (OTHER, MISSING)]
            total = sum(present) + sum(c.pooled.values())
            rows += [
                (name, level, n, n / max(total, 1), "own")
                for level, n in zip(c.levels, c.counts)
                if level != OTHER
            ]
            place = "other" if OTHER in c.levels else "mean"
            rows += [(name, level, n, n / total, place) for level, n in c.pooled.items()]
        return pd.DataFrame(rows, columns=["column", "level", "customers", "share", "place"])

    def named(self, X: pd.DataFrame) -> pd.DataFrame:
        """The columns with every text as the name of its level; rare and new ones as they are.

        An ordered column is an ordered categorical.
        """
        check_is_fitted(self)
        out = {}
        for name, c in zip(self._names(), self.codings_):
            texts = {t: level for level, own in zip(c.levels, c.spellings) for t in own}
            texts = {t: level for t, level in texts.items() if level != OTHER}
            codes, distinct = pd.factorize(X[name])
            cleaned = [level_text(v) for v in distinct]
            levels = [texts.get(t, t) if t else None for t in cleaned]
            out[name] = pd.Series(np.array([*levels, None], object)[codes], X.index, dtype="str")
            if c.ordered:
                of = [*c.levels, *sorted(set(out[name].dropna()) - {*c.levels})]
                out[name] = out[name].astype(pd.CategoricalDtype(of, ordered=True))
        return pd.DataFrame(out, index=X.index)

    def _names(self) -> list[str]:
        return [str(n) for n in getattr(self, "feature_names_in_", range(self.n_features_in_))]

    def transform(self, X):
        """The coordinates of every customer; shape (n_customers, n_axes)."""
        codes = self._codes(X)
        return np.hstack([
            np.vstack([c.points, np.zeros(c.points.shape[1])])[code]  # −1 and −2: the mean
            for c, code in zip(self.codings_, codes)
        ])  # fmt: skip

    def get_feature_names_out(self, input_features=None):
        """``column:level`` per nominal coordinate; an ordered column keeps its name."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        return np.array(
            [a for n, c in zip(names, self.codings_) for a in c.coordinates(str(n))], dtype=object
        )

    def _codes(self, X) -> list[NDArray[np.intp]]:
        """Per column and customer the position of the level; negative: the column's mean."""
        check_is_fitted(self)
        X = validate_data(self, _plain(X), dtype=None, reset=False, ensure_all_finite="allow-nan")
        out = []
        for j, c in enumerate(self.codings_):
            known = {text: i for i, texts in enumerate(c.spellings) for text in texts}
            codes, values = pd.factorize(X[:, j])
            other, none = c.position(OTHER), c.position(MISSING)
            texts = map(level_text, values)
            place = [known.get(text, other) if text else none for text in texts]
            out.append(np.array([*place, none], dtype=np.intp)[codes])
        return out

    def _choices(self, names: list[str]):
        """The orders, and per column what a missing value is; both checked."""
        orders = {str(k): list(v) for k, v in (self.orders or {}).items()}
        by_name = None if isinstance(self.missing, str) else dict(self.missing)
        known = set(names)
        for what, given in (("orders", orders), ("missing", by_name or {})):
            if lacking := [n for n in given if n not in known]:
                raise ValueError(f"{what}: X has no column {', '.join(lacking)}; it has {names}")
        for name, choice in ({"all columns": self.missing} if by_name is None else by_name).items():
            if choice not in ("mean", "level"):
                raise ValueError(f'missing of {name} is {choice!r}; give "mean" or "level"')
            if choice == "level" and name in orders:
                raise ValueError(
                    f"{name} has an order, in which a missing value has no place; leave missing "
                    'at "mean", or take the order away'
                )
        if by_name is None:
            return orders, lambda name: "mean" if name in orders else self.missing
        return orders, lambda name: by_name.get(name, "mean")

    def _coding(self, name: str, values: NDArray, order, missing: str) -> LevelCoding:
        """One column's levels, their counts and coordinates."""
        codes, distinct = pd.factorize(values)
        counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
        texts: dict[str, dict[str, int]] = {}  # by key, how often each spelling occurs
        for value, n in zip(distinct, counts):
            if text := level_text(value):
                own = texts.setdefault(same_level(text), {})
                own[text] = own.get(text, 0) + int(n)
        if order is None:
            require_one_kind(name, distinct, texts)
        named = {key: max(own, key=lambda t: (own[t], t)) for key, own in texts.items()}
        total = {key: sum(own.values()) for key, own in texts.items()}
        n_missing = len(values) - sum(total.values())
        spelled = {k: spellings_of(k, dict.fromkeys([named[k], *own])) for k, own in texts.items()}
        unified = {t: named[k] for k, own in texts.items() for t in own if t != named[k]}
        if order is not None:
            return _ordered(name, order, total, named, spelled, unified, len(values))
        n_missing = n_missing if missing == "level" else 0
        return self._nominal(name, total, named, spelled, unified, n_missing, len(values))

    def _nominal(self, name, total, named, spelled, unified, n_missing, n_rows) -> LevelCoding:
        """The coding of a column without an order: rare levels pooled, a coordinate per level."""
        least = max(self.rare_share * sum(total.values()), self.rare_customers)
        rare_ones = {k for k in total if total[k] < least}
        rare_ones |= {OTHER} & set(total) if rare_ones else set()  # a level of this name joins
        kept = sorted((k for k in total if k not in rare_ones), key=lambda k: (-total[k], named[k]))
        rare = sorted(rare_ones, key=lambda k: (-total[k], named[k]))
        if len(kept) > self.max_levels:
            raise ValueError(
                f"{name} has {len(kept)} levels, more than {self.max_levels}: group them "
                "(province instead of city), leave the column out (--drop), or, if they have an "
                "order, declare it"
            )
        levels, sizes = [named[k] for k in kept], [total[k] for k in kept]
        spellings = [spelled[k] for k in kept]
        pool = sum(total[k] for k in rare)
        if rare and pool >= least:
            levels, sizes = [*levels, OTHER], [*sizes, pool]
            spellings.append(tuple(t for k in rare for t in spelled[k]))
        if rare and (not kept or len(levels) == 1):
            raise ValueError(
                f"{name}: all levels are rare{f' but {levels[0]!r}' if kept else ''} (fewer than "
                f"{int(np.ceil(least))} of {n_rows} customers): group levels, or leave the "
                "column out (--drop)"
            )
        if n_missing and n_missing >= least:
            levels, sizes = [*levels, MISSING], [*sizes, n_missing]
            spellings.append(())
        pooled = {named[k]: total[k] for k in rare}
        n = np.array(sizes, dtype=float)
        share = n / max(n.sum(), 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            points = (np.eye(len(n)) - share) / np.sqrt(share)
        total = (len(n) - 1) / 2 if self.total == "levels" else 1.0
        points = _of_variance(points, n, n_rows, total)
        axes = tuple(levels)
        return LevelCoding(
            tuple(levels), tuple(sizes), tuple(spellings), points, axes, pooled, unified, False
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _ordered(name, order, total, named, spelled, unified, n_rows) -> LevelCoding:
    """The coding of a column by its declared order: mid-ranks, standardised."""
    keys = [same_level(str(level)) for level in order]
    if twice := sorted({str(v) for k, v in zip(keys, order) if keys.count(k) > 1}):
        raise ValueError(f"order of {name} has a level twice: {', '.join(twice)}")
    if lacking := [named[k] for k in total if k not in set(keys)]:
        raise ValueError(
            f"order of {name} lacks {', '.join(map(repr, lacking))}, which the data have "
            f"({sum(total[k] for k in total if k not in set(keys))} customers); it has "
            f"{', '.join(map(repr, order))}. Add what lacks, where it belongs"
        )
    n = np.array([total.get(k, 0) for k in keys], dtype=float)
    share = n / max(n.sum(), 1)
    score = np.cumsum(share) - share / 2
    points = _of_variance((score - share @ score)[:, None], n, n_rows, 1.0)
    levels = tuple(named.get(k, str(v).strip()) for k, v in zip(keys, order))
    spellings = tuple(spelled.get(k, spellings_of(k, [level])) for k, level in zip(keys, levels))
    counts = tuple(int(v) for v in n)
    return LevelCoding(levels, counts, spellings, points, ("",), {}, unified, True)


def _of_variance(points: NDArray, counts: NDArray, n_rows: int, total: float) -> NDArray:
    """Coordinates whose variances over all customers, those at the mean too, add up to total."""
    variance = counts @ (points**2).sum(axis=1) / n_rows
    return points * np.sqrt(total / variance) if variance > 0 else np.zeros_like(points)


def _plain(X):
    """A frame as an array of objects in which missing is None; anything else as it is."""
    if isinstance(X, pd.DataFrame):
        return X.astype(object).where(X.notna(), None)
    return X
