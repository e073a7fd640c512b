"""One variable summed up by segment, and bootstrap draws of the sums.

Customers are sorted by segment once; then a segment is a slice, and each variable costs one
gather and one partition. The bootstrap resamples sums, not customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kequn_lab._refits import Refits
from kequn_lab._words import named_share

#: The bootstrap draws customers, or where a segment has more than this many, that many random
#: groups of its customers: sums of groups vary as sums of customers do.
BLOCKS = 1000
#: Levels of a category that are listed, most frequent first; the others are one level.
MOST_LEVELS = 20
#: |Skewness| above which bootstrap-t intervals lengthen those of percentiles, which are too short.
SKEWED = 2.0


@dataclass(frozen=True)
class Rows:
    """Customers sorted by segment: then a segment is a slice, and a pass needs one gather."""

    ids: pd.Index
    order: np.ndarray  # positions of the labelled customers, segment by segment
    codes: np.ndarray  # the segment of each of them
    starts: np.ndarray  # where each segment begins

    @classmethod
    def of(cls, features: pd.DataFrame, labels: pd.Series) -> Rows:
        ids, codes = coded(_aligned(features, labels))
        n = np.bincount(codes[codes >= 0], minlength=len(ids))
        ids, renumbered = ids[n > 0], np.cumsum(n > 0) - 1
        order = np.argsort(codes, kind="stable")[np.count_nonzero(codes < 0) :]
        n = n[n > 0]
        return cls(ids, order, renumbered[codes[order]], np.cumsum(n) - n)

    @property
    def sizes(self) -> np.ndarray:
        return np.diff(self.starts, append=len(self.order))


def coded(labels: pd.Series) -> tuple[pd.Index, np.ndarray]:
    """The segments in the order to show them, and each customer's position among them."""
    if isinstance(labels.dtype, pd.CategoricalDtype):
        ids, codes = labels.cat.categories, labels.cat.codes.to_numpy()
    else:
        codes, ids = pd.factorize(labels)
        n = np.bincount(codes[codes >= 0], minlength=len(ids))
        order = sorted(range(len(ids)), key=lambda i: (-n[i], str(ids[i])))
        ids, codes = pd.Index(ids)[order], np.append(np.argsort(order), -1)[codes]
    if not (codes >= 0).any():
        raise ValueError("labels: no customer has a label")
    # Sixteen bits sort by radix, in linear time.
    return pd.Index(ids), codes.astype(np.int16 if len(ids) < 2**15 else np.int64)


def _aligned(features: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """The labels of the customers of ``features``, in their order."""
    if not features.columns.is_unique or not len(features.columns):
        raise ValueError("features needs at least one column, and each name once")
    for table, index in (("features", features.index), ("labels", labels.index)):
        if not index.is_unique:
            twice = index[index.duplicated()][:3].tolist()
            raise ValueError(f"{table} has customers twice, for example {twice}; keep one row each")
    if labels.index.equals(features.index):
        return labels
    at = labels.index.get_indexer(features.index)
    if lost := int((at < 0).sum()):
        some = features.index[at < 0][:3].tolist()
        raise ValueError(
            f"labels lack {lost} of the {len(features)} customers of features, for example "
            f"{some}; labels start with {labels.index[:3].tolist()}. Index both by customer"
        )
    return labels.take(at)


# One variable ----------------------------------------------------------------------------------


def is_text(column: pd.Series) -> bool:
    """Whether a column is to be counted rather than averaged; a date is neither."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_datetime64_any_dtype(column) or column.dtype.kind in "mMc":
        raise TypeError(
            f"{column.name} is {column.dtype}, neither number nor category; "
            "turn it into years or days before a stated date"
        )
    return True


def number_rows(column: pd.Series, rows: Rows, draw: Draw) -> dict[str, Any]:
    """The profile of a number as columns, one row per segment."""
    x = column.to_numpy(float, na_value=np.nan)[rows.order]
    known = ~np.isnan(x)
    n = np.add.reduceat(known, rows.starts, dtype=np.int64)
    if n.sum() < len(x):
        x = x[known]
    if np.isinf(x).any():
        raise ValueError(
            f"{column.name} has {int(np.isinf(x).sum())} infinite values: correct them"
        )
    lowest, highest = (x.min(), x.max()) if len(x) else (np.nan, np.nan)
    # In units of all customers' deviation: squares of large values lose no digits.
    centre, scale = (x.mean(), x.std()) if lowest < highest else (lowest, 1.0)
    draw.number((x - centre) / scale if draw.weights else x, known)
    mean, squares, q25, median, q75 = table = np.full((5, len(n)), np.nan)
    for s, end in enumerate(np.cumsum(n)):
        if n[s]:
            own = x[end - n[s] : end]
            gap = own - own.mean()
            table[:2, s] = own.mean(), gap @ gap
            table[2:, s] = np.quantile(own, [0.25, 0.5, 0.75], overwrite_input=True)
    part = _part(n[None], mean[None], squares[None], rows, centre=centre, scale=scale)
    # Values between 0 and 1 alone make no share: a rate or a score may lie there, too.
    within = lowest >= 0 and highest <= 1
    kind = "share" if within and (named_share(column.name) or _yes_or_no(x)) else "number"
    return part | {"kind": kind, "level": None, "q25": q25, "median": median, "q75": q75}


def _yes_or_no(x: np.ndarray) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def category_rows(column: pd.Series, rows: Rows, draw: Draw) -> dict[str, Any]:
    """The profile of a category as columns, one row per level and segment."""
    codes, levels = pd.factorize(column)
    codes = codes[rows.order]
    n_of = np.bincount(codes[codes >= 0], minlength=len(levels))
    frequent = np.argsort(-n_of, kind="stable")[: np.count_nonzero(n_of)]
    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.ordered:
        place = column.cat.categories.get_indexer(pd.Index(levels)[frequent])
        frequent = frequent[np.argsort(place)]
    names: list[str | None] = [str(levels[i]) for i in frequent[:MOST_LEVELS]]
    if len(frequent) > MOST_LEVELS:
        names.append(f"({len(frequent) - MOST_LEVELS} other levels)")
    position = np.full(len(levels) + 1, -1)  # the last is where a missing value, -1, looks
    position[frequent] = np.minimum(np.arange(len(frequent)), MOST_LEVELS)
    codes = position[codes]
    known = codes >= 0
    codes, names = codes[known], names or [None]  # all missing: one row that says so
    draw.category(codes, known, len(names))
    k = len(rows.ids)
    counts = np.bincount(codes * k + rows.codes[known], minlength=len(names) * k)
    counts = counts.reshape(len(names), k)
    n = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        share = counts / n
    part = _part(np.tile(n, (len(names), 1)), share, counts * (1 - share), rows)
    level = np.repeat(np.array(names, object), k)
    quartiles = dict.fromkeys(("q25", "median", "q75"), np.nan)
    return part | {"kind": "category", "level": level} | quartiles


def _part(n, mean, squares, rows: Rows, *, centre=0.0, scale=1.0) -> dict[str, Any]:
    """Columns of the profile from tables of items (one, or the levels of a category) × segments."""
    effect, rest = _contrast(n, (mean - centre) / scale, squares / scale**2)
    total = n.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        std = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
        overall = np.nansum(n * mean, axis=1, keepdims=True) / total
    items = {
        "n": n,
        "n_rest": total - n,
        "missing_share": 1 - n / rows.sizes,
        "mean": mean,
        "std": std,
        "rest_mean": rest * scale + centre,
        "overall_mean": np.broadcast_to(overall, n.shape),
        "effect": effect,
    }
    segment = np.tile(np.arange(n.shape[1]), len(n))
    return {"segment": segment, **{name: v.ravel() for name, v in items.items()}}


def _contrast(n, mean, squares) -> tuple[np.ndarray, np.ndarray]:
    """Segment minus rest in pooled deviations, and the rest's mean; segments on the last axis.

    ``squares`` are sums of squares about the segment's own mean.
    """
    mean = np.where(n > 0, mean, 0.0)
    squares = np.where(n > 0, squares, 0.0)
    others = 1.0 - np.eye(n.shape[-1])
    n_rest = n @ others
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = (n * mean) @ others / n_rest
        squares_rest = (squares + n * mean**2) @ others - n_rest * rest**2
        gap = np.where(n > 0, mean - rest, np.nan)
        pooled = np.sqrt(np.maximum(squares + squares_rest, 0.0) / (n + n_rest - 2))
        pooled = np.where(pooled < 1e-7, 0.0, pooled)  # no spread but for rounding
        effect = np.where((pooled == 0) & (np.abs(gap) < 1e-12), 0.0, gap / pooled)
    return effect, rest


# The bootstrap ---------------------------------------------------------------------------------


def _powers(z: np.ndarray) -> list[np.ndarray]:
    """z and z², of a skewed variable to z⁴: what its effect's standard error is made of."""
    squares = z * z
    skewed = len(z) and abs(float(np.mean(squares * z))) > SKEWED
    return [z, squares, squares * z, squares * squares] if skewed else [z, squares]


def _standard_error(sums: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Standard error of each effect by its influence function; sums of powers 0 to 4."""
    rest = sums.sum(axis=-1, keepdims=True) - sums
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = []
        for n, *raw in (sums, rest):
            m, q, c, f = (x / n for x in raw)
            m2 = q - m * m
            moments.append((n, m2, c - 3 * m * q + 2 * m**3,
                            f - 4 * m * c + 6 * m * m * q - 3 * m**4))  # fmt: skip
        n = sums[0] + rest[0]
        pooled = sum(part[0] * part[1] for part in moments) / (n - 2)
        by_spread = -effect / (2 * pooled * (n - 2))
        variance = np.zeros_like(effect)
        for sign, (size, m2, m3, m4) in zip((1, -1), moments):
            by_mean = sign / (size * np.sqrt(pooled))
            variance += size * (by_mean**2 * m2 + 2 * by_mean * by_spread * m3
                                + by_spread**2 * (m4 - m2 * m2))  # fmt: skip
        return np.sqrt(np.maximum(variance, 0.0))


def _studentised(effect: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Ends of the bootstrap-t interval less the effect; missing where a draw has no error."""
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (effect[1:] - effect[0]) / error[1:]
        fine = np.isfinite(t).all(axis=0) & np.isfinite(error[0])
        ends = np.full((2, effect.shape[1]), np.nan)
        ends[:, fine] = -error[0, fine] * np.quantile(t[:, fine], [0.975, 0.025], axis=0)
    return ends


def _longer(percentile: np.ndarray, studentised: np.ndarray) -> np.ndarray:
    """On each side the end that is farther out: either interval alone covers too rarely."""
    low, high = np.fmin(percentile[0], studentised[0]), np.fmax(percentile[1], studentised[1])
    return np.where(np.isnan(percentile), np.nan, [low, high])


class Draw:
    """Draws of customers (or random groups of them) within segments, the same for all variables."""

    def __init__(self, rows: Rows, n_boot: int, random_state: int):
        rng = np.random.default_rng(random_state)
        n_blocks = np.minimum(rows.sizes, BLOCKS) if n_boot else np.zeros_like(rows.sizes)
        self.first = np.cumsum(n_blocks) - n_blocks
        self.weights: list[np.ndarray] = []
        block = []
        for n, size, first in zip(n_blocks, rows.sizes, self.first):
            if n:
                block.append(first + rng.permutation(size) % n)
                self.weights.append(rng.multinomial(n, np.full(n, 1 / n), n_boot).astype(float))
        self.n_blocks = int(n_blocks.sum())
        self.block = np.concatenate(block) if block else np.empty(0, int)
        self.drawn: list[np.ndarray] = []
        self.shifts: list[np.ndarray] = []

    def number(self, z: np.ndarray, known: np.ndarray) -> None:
        """Draw the effects of a number, given standardised and without missing values."""
        if self.weights:
            block = self.block if len(z) == len(known) else self.block[known]
            self._effects([np.bincount(block, w, self.n_blocks) for w in (None, *_powers(z))])

    def category(self, codes: np.ndarray, known: np.ndarray, n_levels: int) -> None:
        """Draw the effects of the levels of a category: means of zeros and ones."""
        if self.weights:
            block = self.block[known]
            cells = np.bincount(codes * self.n_blocks + block, minlength=n_levels * self.n_blocks)
            count = np.bincount(block, minlength=self.n_blocks)
            for total in cells.reshape(n_levels, -1):
                self._effects([count, total, total])

    def _effects(self, sums: list[np.ndarray]) -> None:
        """Effects of all draws from counts, sums and sums of powers per block."""
        sums = np.stack(sums, axis=-1).astype(float)
        own = [sums[a : a + w.shape[1]] for a, w in zip(self.first, self.weights)]
        drawn = [np.vstack([x.sum(axis=0), w @ x]) for x, w in zip(own, self.weights)]
        self._add(np.stack(drawn, axis=-1).transpose(1, 0, 2))

    def _add(self, sums: np.ndarray) -> None:
        """Effects from sums (count and powers, draws, segments); draw 0: the customers as found."""
        n, total, squares = sums[:3]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / n
            effect, _ = _contrast(n, mean, np.maximum(squares - total * mean, 0.0))
        self.drawn.append(effect)
        shift = np.full((2, effect.shape[1]), np.nan)
        if len(sums) > 3:
            shift = _studentised(effect, _standard_error(sums, effect))
        self.shifts.append(shift)

    def interval(self, effects: np.ndarray) -> np.ndarray:
        """Lower and upper end (95 %) per row of the profile; missing where a draw has no effect."""
        effect = np.concatenate(self.drawn, axis=1)[1:]
        ends = np.full((2, effect.shape[1]), np.nan)
        fine = ~np.isnan(effect).any(axis=0)
        # Between two infinite draws nothing can be interpolated.
        ends[:, fine] = np.quantile(effect[:, fine], [0.025, 0.975], axis=0, method="nearest")
        return _longer(ends, effects + np.concatenate(self.shifts, axis=1))


class RefitDraw(Draw):
    """Draws of customers in which the segments were found anew."""

    def __init__(self, rows: Rows, refits: Refits, index: pd.Index):
        self.refits, self.drawn, self.shifts = refits, [], []
        self.weights = [np.ones(1)]  # there are draws
        place = np.full(len(index), -1)
        place[rows.order] = np.arange(len(rows.order))
        self.place = place[refits.at(index)]
        self.segment = refits.segments.get_indexer(rows.ids)
        if (self.segment < 0).any() or (self.place < 0).any():
            raise ValueError(
                f"refits are of the segments {list(refits.segments)}, the labels of "
                f"{list(rows.ids)}: give the refits of this clustering, and label every customer"
            )

    def number(self, z: np.ndarray, known: np.ndarray) -> None:
        full = np.zeros(len(known))
        full[known] = z
        full, there = full[self.place], known[self.place]
        self._effects([there, *(full**p for p in range(1, len(_powers(z)) + 1))])

    def category(self, codes: np.ndarray, known: np.ndarray, n_levels: int) -> None:
        full = np.full(len(known), -1)
        full[known] = codes
        full, there = full[self.place], known[self.place]
        for level in range(n_levels):
            self._effects([there, full == level, full == level])

    def _effects(self, sums: list[np.ndarray]) -> None:
        drawn = self.refits.sums(np.stack(sums, axis=-1))[:, self.segment]
        self._add(drawn.transpose(2, 0, 1))

    def interval(self, effects: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            ends = self.refits.interval(np.concatenate(self.drawn, axis=1), effects)
        shift = self.refits.scale * np.concatenate(self.shifts, axis=1)
        return _longer(ends, effects + shift)
