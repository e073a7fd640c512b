"""The nearest centre of every customer: what a scorecard computes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import local
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kequn_lab._statistics import margin
from kequn_lab.export._records import fact, stamps

ROWS = 32_768  # per chunk: many small calls would cost more than what leaves the cache
_EPS = float(np.finfo(np.float32).eps) / 2


@dataclass(frozen=True)
class GroupCard:
    """The part of a scorecard that labels one group; like a scorecard without groups."""

    value: float
    features: tuple[Any, ...]
    segments: tuple[Any, ...]
    categories: tuple[Any, ...] = ()

    @property
    def clusters(self) -> NDArray[np.int32]:
        """The cluster of each of its centres, then −1 for none."""
        return np.array([*(s.cluster for s in self.segments), -1], np.int32)


def offsets_of(card) -> tuple[float, ...]:
    """What is added to the squared distance to each centre; empty where nothing is."""
    offsets = tuple(s.offset for s in card.segments)
    return offsets if any(offsets) else ()


def _offset(card, squared: NDArray) -> NDArray:
    """Squared distances with the offsets added, last of all, as SQL does."""
    offsets = offsets_of(card)
    return squared + np.array(offsets)[:, None] if offsets else squared


def group_cards(card) -> list[GroupCard]:
    """A card for each group: the features standardised by the group's numbers, the levels of
    categories placed in its scale, its centres."""
    out, n = [], len(card.features)
    for g in card.groups:
        scaled = zip(card.features, g.mean[:n], g.scale[:n], strict=True)
        features = tuple(replace(f, mean=mean, scale=scale) for f, mean, scale in scaled)
        centres = tuple(
            replace(card.segments[c.cluster], share=c.share, centre=c.centre) for c in g.centres
        )
        ends = np.cumsum([n, *(len(c.axes) for c in card.categories)])
        categories = tuple(
            _scaled(c, g.scale[start:end])
            for c, start, end in zip(card.categories, ends[:-1], ends[1:])
        )
        out.append(GroupCard(g.value, features, centres, categories))
    return out


def _scaled(category, scale: tuple[float, ...]):
    """A category whose levels lie in the scale of a group; the mean stays at 0."""
    levels = tuple(
        replace(x, point=tuple(p / s for p, s in zip(x.point, scale))) for x in category.levels
    )
    return replace(category, levels=levels)


def _rows_of_groups(card, columns: list[NDArray]):
    """The card of each group and the positions of its rows."""
    values = columns[card.feature_names.index(card.by)]
    for part in group_cards(card):
        yield part, np.flatnonzero(values == part.value)


def nearest(card, table) -> NDArray[np.int32]:
    """The cluster of each row, −1 where a value is missing that nothing fills, or in no group."""
    columns = _columns(card, table)
    if not card.groups:
        return _nearest(card, columns)
    out = np.full(len(columns[0]), -1, np.int32)
    for part, rows in _rows_of_groups(card, columns):
        out[rows] = part.clusters[_nearest(part, [c[rows] for c in columns])]
    return out


def _nearest(card, columns: list[NDArray]) -> NDArray[np.int32]:
    """Single precision first; where rounding could have decided, again in double precision. Fill
    and clip touch only columns where something is missing or beyond the bounds.
    """
    doubt = _single_precision_error(card)
    if doubt is None:
        return _by_chunks(lambda rows: _exact(card, [c[rows] for c in columns]), len(columns[0]))
    slopes, offsets = (m.astype(np.float32) for m in _scores(card))
    lower, upper = (np.array([getattr(f, e) for f in card.features]) for e in ("lower", "upper"))
    logged = np.array([f.log for f in card.features])
    counting = np.vstack([np.arange(len(slopes)), np.ones(len(slopes))]).astype(np.float32)

    here = local()  # a thread's own memory: asking for it anew each time makes threads wait

    def chunk(rows: slice) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        n = rows.stop - rows.start
        if getattr(here, "n", None) != n:
            here.n = n
            here.x = np.empty((len(columns), n), dtype=np.float32)
            here.score = np.empty((len(slopes), n), dtype=np.float32)
            here.near = np.empty((len(slopes), n), dtype=np.float32)
        x, score, near = here.x, here.score, here.near
        for column, line in zip(columns, x):
            line[:] = column[rows]
        low, high = x.min(axis=1, initial=np.inf), x.max(axis=1, initial=-np.inf)
        # NaN where one is missing, which is within no bounds
        for j in np.flatnonzero(~((low >= lower) & (high <= upper)) | logged):
            _tame(card.features[j], x[j])
        np.matmul(slopes, x, out=score)
        score += offsets
        near[...] = score <= score.min(axis=0) + np.float32(doubt)
        labels, count = counting @ near  # faster than a choice by row
        unsure = np.flatnonzero(count != 1)  # several are as near, or a value is missing
        return labels.astype(np.int32), rows.start + unsure

    with threadpool_limits(1, "blas"):
        labels, again = _by_chunks(chunk, len(columns[0]))
    labels[again] = _exact(card, [c[again] for c in columns])
    return labels


def _exact(card, columns: list[NDArray]) -> NDArray[np.int32]:
    """The cluster of each row in double precision, its sums in the order that SQL sums."""
    return _closest(_offset(card, _squared(card, columns)))[0]


def _scores(card) -> tuple[NDArray, NDArray]:
    """Linear score per segment: squared distance up to a constant, in clipped and logged
    features. Standardising is part of the matrix product."""
    centres = np.array([s.centre for s in card.segments])
    mean = np.array([f.mean for f in card.features])
    slopes = -2 * centres / np.array([f.scale for f in card.features])
    offset = np.array([s.offset for s in card.segments])
    return slopes, ((centres**2).sum(axis=1) - slopes @ mean + offset)[:, None]


def labelled(card, table) -> pa.Table:
    """The label table of :meth:`Scorecard.label` as Arrow, for writing."""
    columns = _columns(card, table)
    if not card.groups:
        out = _distances(card, columns)
    else:
        out = np.tile([-1, np.nan, np.nan], (len(columns[0]), 1))
        for part, rows in _rows_of_groups(card, columns):
            out[rows] = _distances(part, [c[rows] for c in columns])
            out[rows, 0] = part.clusters[out[rows, 0].astype(int)]
    labels = out[:, 0].astype(np.int32)
    known = pa.array(labels, mask=labels < 0)

    def facts(*names: str) -> dict[str, pa.Array]:
        return {n: pa.array([fact(card, s, n) for s in card.segments]).take(known) for n in names}

    number, run = stamps(card)[:1], stamps(card)[1:]
    return pa.table(
        {
            "customer_id": _ids(table),
            "cluster": known,
            **facts("segment_id", *number, "name_zh", "name_en", "target_group"),
            "distance": pa.array(out[:, 1], from_pandas=True),
            "margin": pa.array(out[:, 2], from_pandas=True),
            **facts(*run),
        }
    )


def _distances(card, columns: list[NDArray]) -> NDArray:
    """Position of the nearest centre, distance to it, margin; shape (n_rows, 3)."""

    def chunk(rows: slice) -> NDArray:
        squared = _squared(card, [c[rows] for c in columns])
        labels, best, second = _closest(_offset(card, squared))
        near, next_ = np.sqrt(best), np.sqrt(second)
        if len(card.segments) == 1:
            next_ = near
        clear = np.where(labels < 0, np.nan, margin(near, next_))
        if offsets_of(card):
            near = np.sqrt(squared[labels, np.arange(len(labels))])
            near[labels < 0] = np.nan
        return np.stack([labels, near, clear], axis=1)

    return _by_chunks(chunk, len(columns[0])).reshape(-1, 3)


def coordinates(card, table) -> NDArray[np.float64]:
    """Customers in the model's space, in standard deviations; shape (n_rows, n_axes)."""
    return space_of(card, _columns(card, table))


def space_of(card, columns: list[NDArray]) -> NDArray[np.float64]:
    """The same of columns that were read already."""
    out = [_coordinate(f, c)[:, None] for f, c in zip(card.features, columns)]
    for c, codes in zip(card.categories, columns[len(card.features) :]):
        points = np.array([*(x.point for x in c.levels), (0.0,) * len(c.axes)])
        out.append(points[codes.astype(int)])
    return np.hstack(out)


def _by_chunks(work, n_rows: int):
    """Run the chunks side by side; numpy leaves the interpreter free while it counts.

    Where `work` gives several arrays, each is joined.
    """
    rows = [slice(i, min(i + ROWS, n_rows)) for i in range(0, max(n_rows, 1), ROWS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(work, rows))
    if isinstance(done[0], tuple):
        return tuple(np.concatenate(parts) for parts in zip(*done))
    return np.concatenate(done)


def _ids(table) -> pa.Array:
    names = table.column_names if isinstance(table, pa.Table) else list(table.columns)
    if "customer_id" in names:
        ids = table["customer_id"]
    elif isinstance(table, pd.DataFrame):
        ids = table.index.astype("str").to_series()
    else:
        raise ValueError(f"no column customer_id; found {', '.join(names)}; name the id so")
    if isinstance(ids, pd.Series):
        ids = pa.array(ids, from_pandas=True)
    if not (pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type)):
        raise ValueError(f"customer_id is {ids.type}, not text; convert it with astype(str)")
    return ids


def _columns(card, table) -> list[NDArray]:
    """The features of a table as arrays of numbers, NaN for missing."""
    names = table.column_names if isinstance(table, pa.Table) else list(table.columns)
    lacking = [n for n in card.feature_names if n not in names]
    if lacking:
        raise ValueError(
            f"the table lacks {len(lacking)} of {len(card.feature_names)} features: "
            f"{', '.join(lacking)}; compute them (kequn_lab.features), or train a scorecard "
            "without them"
        )
    out = []
    for name in (f.name for f in card.features):
        column = table[name]
        try:
            single = column.dtype == np.float32 if isinstance(column, pd.Series) else False
            if single:
                out.append(column.to_numpy())
            elif isinstance(column, pd.Series):
                out.append(column.to_numpy(dtype=np.float64, na_value=np.nan))
            else:
                out.append(column.cast(pa.float64()).to_numpy())
        except (TypeError, ValueError) as error:
            kind = column.dtype if isinstance(column, pd.Series) else column.type
            raise ValueError(f"column {name!r} is {kind}, not numbers: {error}") from error
    return out + [c.codes(table[c.name]) for c in card.categories]


def _tame(f, x: NDArray) -> None:
    """Fill, clip, logarithm: one feature's way up to standardising, in place."""
    if f.fill is not None and (missing := np.isnan(x)).any():
        x[missing] = f.fill
    if f.lower is not None:
        np.maximum(x, x.dtype.type(f.lower), out=x)
    if f.upper is not None:
        np.minimum(x, x.dtype.type(f.upper), out=x)
    if f.log:
        size = np.abs(x)
        size += 1
        np.log(size, out=size)
        x[:] = size if f.lower is not None and f.lower >= 0 else np.copysign(size, x)


def _coordinate(f, values: NDArray) -> NDArray[np.float64]:
    """One feature in the model's space, in standard deviations."""
    x = values.astype(np.float64)
    _tame(f, x)
    x -= f.mean
    x /= f.scale
    return x


def _squared(card, columns: list[NDArray]) -> NDArray[np.float64]:
    """Squared distances, shape (n_segments, n_rows); summed in the order that SQL sums."""
    out = np.zeros((len(card.segments), len(columns[0])))
    for j, (f, values) in enumerate(zip(card.features, columns)):
        z = _coordinate(f, values)
        for k, segment in enumerate(card.segments):
            step = z - segment.centre[j]
            step *= step
            out[k] += step
    axis = len(card.features)
    for c, codes in zip(card.categories, columns[axis:]):
        place = codes.astype(int)
        for k, segment in enumerate(card.segments):
            out[k] += c.gaps(segment.centre[axis : axis + len(c.axes)])[place]
        axis += len(c.axes)
    return out


def _closest(score: NDArray) -> tuple[NDArray[np.int32], NDArray, NDArray]:
    """Position, lowest and second lowest of each column; ties to the first, NaN to −1."""
    best = score[0].copy()
    second = np.full_like(best, np.inf)
    labels = np.zeros(len(best), dtype=np.int32)
    for k in range(1, len(score)):
        np.copyto(labels, k, where=score[k] < best)
        np.minimum(second, np.maximum(best, score[k]), out=second)
        np.minimum(best, score[k], out=best)
    labels[np.isnan(best)] = -1
    return labels, best, second


def _single_precision_error(card) -> float | None:
    """How far rounding can move the difference of two scores; None if nothing bounds it."""
    if card.categories or any(f.lower is None or f.upper is None for f in card.features):
        return None
    slopes, offsets = map(np.abs, _scores(card))
    steps = len(card.features) + 4  # roundings of a slope, a product and the sums it is in
    worst = steps * _EPS * offsets[:, 0]
    for slope, f in zip(slopes.T, card.features):
        ends = np.clip([f.lower, f.upper, 0.0 if f.fill is None else f.fill], f.lower, f.upper)
        size = np.abs(np.log1p(np.abs(ends)) if f.log else ends).max()
        worst += slope * _EPS * (steps * size + 4 * (size + f.log))
    return float(2 * worst.max())
