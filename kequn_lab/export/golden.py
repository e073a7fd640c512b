"""Rows with known labels, by which a receiver proves that a copy of the model gives our labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab.export._nearest import _coordinate, group_cards, labelled
from kequn_lab.export._records import stamps

__all__ = ["disagreements", "golden_rows"]

#: Steps beside a border, as shares of the way between two centres: far enough for the rounding of
#: any engine, near enough to show a centre or scale that was copied with few digits.
_STEPS = (-1e-2, -1e-5, 1e-5, 1e-2)
#: The same for a row with one clipped or missing value.
_BESIDE = 1e-3
_ROWS = 200
#: By what a label can be compared; the cluster keeps its number when a segment is renamed.
LABELS = ("cluster", "segment_id", "permanent_id")
#: Rows of each case at most, of 200; typical customers fill what is left.
_MOST = {"border": 80, "clip": 40, "missing": 20, "category": 30, "extreme": 10}
#: A text that is no level of a category.
_UNSEEN = "golden: no level"


def golden_rows(card, n_rows: int | None = None) -> pd.DataFrame:
    """Made-up customers at the places where copies of a scorecard go wrong, with their labels.

    Parameters
    ----------
    card : Scorecard
    n_rows : int, optional
        How many, at least one for each centre; default 200, or two for each centre if that is more.

    Returns
    -------
    DataFrame
        ``customer_id`` (``golden_001``, …), ``golden_case`` (``centre``, ``border``, ``clip``,
        ``missing``, ``category``, ``extreme``, ``typical``), ``expected_cluster``,
        ``expected_segment_id`` (by a scorecard of a registry ``expected_permanent_id``, too),
        ``expected_margin`` (0 on a border), and the scorecard's features
        and categories. Numbers have at most 12 digits, so that a spreadsheet keeps them. A row
        that gets no label expects none.

    Raises
    ------
    ValueError
        Fewer rows than centres.

    Examples
    --------
    >>> from kequn_lab.export._example import card
    >>> rows = golden_rows(card, 8)
    >>> rows[["golden_case", "age", "expected_segment_id"]].head(5)
      golden_case      age expected_segment_id
    0      centre  29.0000         young_adult
    1      centre  59.0000             elderly
    2      border  43.7000         young_adult
    3      border  43.9997         young_adult
    4      border  44.0003             elderly
    """
    parts = group_cards(card) or [card]
    least = sum(len(part.segments) for part in parts)
    n_rows = max(_ROWS, 2 * least) if n_rows is None else n_rows
    if n_rows < least:
        raise ValueError(f"{n_rows} golden rows; at least one for each of the {least} centres")
    rng = np.random.default_rng(0)
    rows: list[_Row] = []
    for i, part in enumerate(parts):
        made = _rows_of(_Space(part, rng), (n_rows - len(rows)) // (len(parts) - i))
        if card.groups:
            by = card.feature_names.index(card.by)
            for row in made:
                row.numbers[by] = row.numbers[by] if np.isnan(row.numbers[by]) else part.value
        rows += made
    table = pd.DataFrame(
        [[*(float(f"{x:.12g}") for x in row.numbers), *row.texts] for row in rows],
        columns=card.feature_names,
    )
    labels = labelled(card, table.assign(customer_id="")).to_pandas()
    head = pd.DataFrame(
        {
            "customer_id": [f"golden_{i + 1:03}" for i in range(len(rows))],
            "golden_case": [row.case for row in rows],
            "expected_cluster": labels["cluster"].astype("Int64"),
            "expected_segment_id": labels["segment_id"],
            **{f"expected_{n}": labels[n] for n in stamps(card)[:1]},
            "expected_margin": labels["margin"],
        }
    )
    return pd.concat([head, table], axis=1)


@dataclass(frozen=True)
class _Row:
    case: str
    numbers: NDArray  # in the units of the customer table
    texts: Sequence[str | None]  # the levels of the categories


class _Space:
    """One group's scorecard as the space in which rows are placed."""

    def __init__(self, card, rng):
        self.features, self.categories, self.rng = card.features, card.categories, rng
        n = len(self.features)
        centres = np.array([s.centre for s in card.segments])
        self.centres, self.shares = centres[:, :n], [s.share for s in card.segments]
        self.offsets = np.array([s.offset for s in card.segments])
        ends = np.cumsum([n, *(len(c.axes) for c in self.categories)])
        slices = list(zip(self.categories, ends[:-1], ends[1:]))
        #: Squared distances of each category's levels, and last of the mean, to each centre.
        self.gaps = [np.array([c.gaps(s[a:b]) for s in centres]).T for c, a, b in slices]

    def raw(self, z: NDArray) -> NDArray:
        """A place in the model's space, in the units of the customer table."""
        x = z * [f.scale for f in self.features] + [f.mean for f in self.features]
        logged = [f.log for f in self.features]
        return np.where(logged, np.sign(x) * np.expm1(np.minimum(np.abs(x), 600)), x)

    def level(self, i: int, code: int) -> str | None:
        """A text that means a level of category i; code −1: one at no level."""
        c = self.categories[i]
        if code < 0 or not c.levels[code].spellings:
            return _UNSEEN if c.position(c.unseen) == code else None
        return c.levels[code].spellings[0]

    def code(self, i: int, text: str | None) -> int:
        """The place of the level that a text means."""
        return int(self.categories[i].codes(pd.Series([text], dtype=object))[0])

    def gaps_of(self, texts: Sequence[str | None]) -> NDArray:
        """The squared distance of a customer's levels to each centre, and its offset."""
        gaps = [g[self.code(i, text)] for i, (g, text) in enumerate(zip(self.gaps, texts))]
        return np.sum([self.offsets, *gaps], axis=0)

    def levels(self) -> tuple[list[str | None], NDArray]:
        """A level of each category, and the squared distance from them to each centre."""
        codes = [int(self.rng.integers(-1, len(c.levels))) for c in self.categories]
        texts = [self.level(i, code) for i, code in enumerate(codes)]
        return texts, self.gaps_of(texts)

    def between(self, z: NDArray, a: int, b: int, gaps: NDArray, fixed: int | None = None):
        """Where the line from z along the way from centre a to b meets their border, and the way.

        None where it does not, or where a third centre is nearer; ``fixed`` is a feature that
        keeps its place.
        """
        gap = self.centres[b] - self.centres[a]
        way = np.where(np.arange(len(gap)) == fixed, 0, gap)
        if not (way @ way):
            return None
        middle = (self.centres[a] + self.centres[b]) / 2
        z = z + ((gaps[b] - gaps[a]) / 2 - (z - middle) @ gap) / (way @ way) * way
        near = ((self.centres - z) ** 2).sum(axis=1) + gaps
        return (z, way) if set(np.argsort(near, kind="stable")[:2]) == {a, b} else None

    def typical(self) -> NDArray:
        """Each feature drawn from its deciles, independently of the others."""
        out = self.raw(self.centres[self.rng.integers(len(self.centres))])
        for j, f in enumerate(self.features):
            if f.cuts:
                place = self.rng.uniform(0, len(f.cuts) - 1)
                value = np.interp(place, range(len(f.cuts)), f.cuts)
                out[j] = round(value) if all(cut == int(cut) for cut in f.cuts) else value
        return out


def _rows_of(space: _Space, n_rows: int) -> list[_Row]:
    """The centres, a share of each case, then typical customers."""
    rows = []
    for k, centre in enumerate(space.centres):
        texts = [space.level(i, int(g[:-1, k].argmin())) for i, g in enumerate(space.gaps)]
        rows.append(_Row("centre", space.raw(centre), texts))
    cases = {
        "border": _borders, "clip": _clips, "missing": _missing,
        "category": _categories, "extreme": _extremes,
    }  # fmt: skip
    for case, made in cases.items():
        most = min(_MOST[case] * n_rows // 200, n_rows - len(rows))
        rows += [_Row(case, *row) for row, _ in zip(made(space), range(most))]
    while len(rows) < n_rows:
        rows.append(_Row("typical", space.typical(), space.levels()[0]))
    return rows


def _place(f, value: float) -> float:
    """Where a value of a feature counts, in standard deviations; 0 where nothing fills it."""
    z = float(_coordinate(f, np.array([value]))[0])
    return 0.0 if np.isnan(z) else z


def _borders(space: _Space) -> Iterator[tuple]:
    """Both sides of the border between two centres, nearest pairs first, where no third is near."""
    centres = space.centres
    pairs = sorted(
        combinations(range(len(centres)), 2),
        key=lambda pair: float(np.linalg.norm(centres[pair[0]] - centres[pair[1]])),
    )
    for a, b in pairs:
        texts, gaps = space.levels()
        if found := space.between((centres[a] + centres[b]) / 2, a, b, gaps):
            for step in _STEPS:
                yield space.raw(found[0] + step * found[1]), texts


def _beside_border(space: _Space, j: int, z: float, direction: int, value: float) -> tuple:
    """A customer whose feature j is ``value`` and counts as ``z`` (in standard deviations), so near
    a border that a copy which counts it as more (``direction`` 1) or less (−1) gives another label.
    """
    centres, (texts, gaps) = space.centres, space.levels()
    pairs = [(a, b) for a in range(len(centres)) for b in range(len(centres))]
    row = space.typical()
    for i in space.rng.permutation(len(pairs)):
        a, b = pairs[i]
        if (centres[b, j] - centres[a, j]) * direction > 0:
            start = (centres[a] + centres[b]) / 2
            start[j] = z
            if found := space.between(start, a, b, gaps, fixed=j):
                row = space.raw(found[0] - _BESIDE * found[1])
                break
    row[j] = value
    return row, texts


def _clips(space: _Space) -> Iterator[tuple]:
    """Beyond a clip, and at it."""
    for j in space.rng.permutation(len(space.features)):
        f = space.features[j]
        for clip, away in ((f.lower, -1), (f.upper, 1)):
            if clip is not None:
                z = _place(f, clip)
                yield _beside_border(space, j, z, away, clip + away * (1 + abs(clip)))
                yield _beside_border(space, j, z, -away, clip)


def _missing(space: _Space) -> Iterator[tuple]:
    """Without any value, then without one."""
    yield np.full(len(space.features), np.nan), [None] * len(space.categories)
    for j in space.rng.permutation(len(space.features)):
        z = _place(space.features[j], np.nan)
        for direction in (-1, 1):
            yield _beside_border(space, j, z, direction, np.nan)


def _categories(space: _Space) -> Iterator[tuple]:
    """Every level, a text that is none, and none at all, where the level decides the label."""
    for i, c in enumerate(space.categories):
        for text in (*(t for x in c.levels for t in x.spellings[:1]), _UNSEEN, None):
            texts, _ = space.levels()
            texts[i] = text
            code = space.code(i, text)
            yield _decided_by(space, i, texts, 0 if code < 0 else -1), texts


def _decided_by(space: _Space, i: int, texts: list, other: int) -> NDArray:
    """A place where the level of category i gives one label, and the level ``other`` another."""
    gaps = space.gaps_of(texts)
    change = space.gaps[i][other] - space.gaps[i][space.code(i, texts[i])]
    pairs = combinations(range(len(change)), 2)
    for a, b in sorted(pairs, key=lambda pair: -abs(change[pair[0]] - change[pair[1]])):
        middle = (space.centres[a] + space.centres[b]) / 2
        if found := space.between(middle, a, b, gaps + change / 2):
            return space.raw(found[0])
    return space.typical()


def _extremes(space: _Space) -> Iterator[tuple]:
    """Numbers that no customer has."""
    for j in space.rng.permutation(len(space.features)):
        for value in (0.0, 1e12, -1e12):
            row = space.typical()
            row[j] = value
            yield row, space.levels()[0]


def disagreements(
    golden: pd.DataFrame, labels: pd.DataFrame, column: str | None = None
) -> pd.DataFrame:
    """The golden rows that a receiver's copy labels in another way.

    Parameters
    ----------
    golden : DataFrame
        As :func:`golden_rows`.
    labels : DataFrame
        The receiver's: ``customer_id`` with ``cluster``, ``segment_id`` or ``permanent_id``. Other
        rows than golden ones are left alone.
    column : {"cluster", "segment_id", "permanent_id"}, optional
        What is compared; default the first of these that is there.

    Returns
    -------
    DataFrame
        ``customer_id``, ``golden_case``, ``expected``, ``found``, ``expected_margin``; a row that
        the labels lack is found as ``(no row)``, a row without a label as ``(no label)``.

    Raises
    ------
    ValueError
        No ``customer_id``, neither label, no golden row at all, or one that comes twice.

    Examples
    --------
    >>> golden = pd.DataFrame({"customer_id": ["golden_001"], "golden_case": ["centre"],
    ...     "expected_cluster": [0], "expected_segment_id": ["elderly"], "expected_margin": [0.9]})
    >>> theirs = pd.DataFrame({"customer_id": ["golden_001"], "segment_id": ["young_adult"]})
    >>> disagreements(golden, theirs)[["expected", "found"]].to_dict("records")
    [{'expected': 'elderly', 'found': 'young_adult'}]
    """
    said = [c for c in LABELS if f"expected_{c}" in golden]
    column = column or next((c for c in said if c in labels), None)
    if column not in labels or "customer_id" not in labels:
        names = [str(c) for c in labels]
        more = f" and {len(names) - 9} more" if len(names) > 9 else ""
        raise ValueError(
            f"labels to verify need customer_id (or --id) and {' or '.join(said)}; there are "
            f"{', '.join(names[:9])}{more}"
        )
    ids = labels["customer_id"].astype("str")
    theirs = labels.loc[ids.isin(golden["customer_id"]), column]
    theirs.index = ids[ids.isin(golden["customer_id"])]
    if theirs.empty:
        first = golden["customer_id"].iloc[0]
        raise ValueError(
            f"none of the golden rows ({first}, …) is among the labels; put golden_rows.csv "
            "through your copy of the model and give what comes out"
        )
    if (twice := theirs.index.duplicated()).any():
        raise ValueError(f"golden row {theirs.index[twice][0]} comes twice among the labels")
    expected = _words(golden[f"expected_{column}"])
    found = _words(theirs).reindex(golden["customer_id"]).fillna("(no row)").to_numpy()
    out = golden[["customer_id", "golden_case"]].assign(
        expected=expected, found=found, expected_margin=golden["expected_margin"]
    )
    return out[expected.to_numpy() != found].reset_index(drop=True)


def _words(labels: pd.Series) -> pd.Series:
    """Labels as text: 3, 3.0 and "3" are the same cluster."""
    text = labels.astype("str").str.strip().str.replace(r"\.0+$", "", regex=True)
    return text.mask(labels.isna() | text.isin(["", "NULL", "<NA>", "None"]), "(no label)")
