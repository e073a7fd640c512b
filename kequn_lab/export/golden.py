"""Rows with known labels, by which a receiver proves that a copy of the model gives our labels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab.export._nearest import group_cards, labelled

__all__ = ["disagreements", "golden_rows"]

#: Steps beside a border, as shares of the way between two centres: far enough for the rounding of
#: any engine, near enough to show a centre or scale that was copied with few digits.
_STEPS = (-1e-2, -1e-5, 1e-5, 1e-2)
#: The same for a row with one clipped or missing value.
_BESIDE = 1e-3
#: Rows of each case at most, of 200; typical customers fill what is left.
_MOST = {"border": 80, "clip": 40, "missing": 20, "extreme": 10}


def golden_rows(card, n_rows: int = 200) -> pd.DataFrame:
    """Made-up customers at the places where copies of a scorecard go wrong, with their labels.

    Parameters
    ----------
    card : Scorecard
    n_rows : int
        How many; at least one for each centre.

    Returns
    -------
    DataFrame
        ``customer_id`` (``golden_001``, …), ``golden_case`` (``centre``, ``border``, ``clip``,
        ``missing``, ``extreme``, ``typical``), ``expected_cluster``, ``expected_segment_id``,
        ``expected_margin`` (0 on a border), and the scorecard's features. Numbers have at most 12
        digits, so that a spreadsheet keeps them. A row that gets no label expects none.

    Raises
    ------
    ValueError
        Fewer rows than centres.

    Examples
    --------
    >>> from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
    >>> age = ScorecardFeature("age", "years", 40, 18, 90, False, 44, 15, 0, (), (1,))
    >>> young = ScorecardSegment(0, "young_adult", "年轻人客群", "Young", "", None, 0.5, (-1.0,))
    >>> old = ScorecardSegment(1, "elderly", "老年客群", "Elderly", "", None, 0.5, (1.0,))
    >>> card = Scorecard((age,), (young, old), trained_on="2024-12-31", customers=100)
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
    if n_rows < (least := sum(len(part.segments) for part in parts)):
        raise ValueError(f"{n_rows} golden rows; at least one for each of the {least} centres")
    rng = np.random.default_rng(0)
    rows: list[tuple[str, NDArray]] = []
    for i, part in enumerate(parts):
        made = _rows_of(part, (n_rows - len(rows)) // (len(parts) - i), rng)
        if card.groups:
            by = card.feature_names.index(card.by)
            for _, row in made:
                row[by] = row[by] if np.isnan(row[by]) else part.value
        rows += made
    values = np.array([[_twelve_digits(x) for x in row] for _, row in rows])
    table = pd.DataFrame(values, columns=card.feature_names)
    labels = labelled(card, table.assign(customer_id="")).to_pandas()
    head = pd.DataFrame(
        {
            "customer_id": [f"golden_{i + 1:03}" for i in range(len(rows))],
            "golden_case": [case for case, _ in rows],
            "expected_cluster": labels["cluster"].astype("Int64"),
            "expected_segment_id": labels["segment_id"],
            "expected_margin": labels["margin"],
        }
    )
    return pd.concat([head, table], axis=1)


def _rows_of(card, n_rows: int, rng) -> list[tuple[str, NDArray]]:
    """Rows of one group's scorecard: the centres, a share of each case, then typical ones."""
    rows = [("centre", _raw(card, np.array(s.centre))) for s in card.segments]
    cases = {"border": _borders, "clip": _clips, "missing": _missing, "extreme": _extremes}
    for case, made in cases.items():
        most = min(_MOST[case] * n_rows // 200, n_rows - len(rows))
        rows += [(case, row) for row, _ in zip(made(card, rng), range(most))]
    while len(rows) < n_rows:
        rows.append(("typical", _typical(card, rng)))
    return rows


def _raw(card, z: NDArray) -> NDArray:
    """A place in the model's space, in the units of the customer table."""
    x = z * [f.scale for f in card.features] + [f.mean for f in card.features]
    logged = [f.log for f in card.features]
    return np.where(logged, np.sign(x) * np.expm1(np.minimum(np.abs(x), 600)), x)


def _standardised(f, value: float) -> float:
    if f.log:
        value = np.copysign(np.log1p(abs(value)), value)
    return (value - f.mean) / f.scale


def _borders(card, rng) -> Iterator[NDArray]:
    """Both sides of the middle between two centres, nearest pairs first, where no third is near."""
    centres = np.array([s.centre for s in card.segments])
    pairs = sorted(
        combinations(range(len(centres)), 2),
        key=lambda pair: float(np.linalg.norm(centres[pair[0]] - centres[pair[1]])),
    )
    for a, b in pairs:
        middle = (centres[a] + centres[b]) / 2
        gaps = np.linalg.norm(centres - middle, axis=1)
        if np.argsort(gaps, kind="stable")[:2].tolist() in ([a, b], [b, a]):
            for step in _STEPS:
                yield _raw(card, middle + step * (centres[b] - centres[a]))


def _typical(card, rng) -> NDArray:
    """Each feature drawn from its deciles, by itself."""
    out = _raw(card, np.array(card.segments[rng.integers(len(card.segments))].centre))
    for j, f in enumerate(card.features):
        if f.cuts:
            value = np.interp(rng.uniform(0, len(f.cuts) - 1), range(len(f.cuts)), f.cuts)
            out[j] = round(value) if all(cut == int(cut) for cut in f.cuts) else value
    return out


def _beside_border(card, rng, j: int, z: float, direction: int, value: float) -> NDArray:
    """A customer whose feature j is ``value`` and counts as ``z`` (in standard deviations), so near
    a border that a copy which counts it as more (``direction`` 1) or less (−1) gives another label.
    """
    centres = np.array([s.centre for s in card.segments])
    pairs = [(a, b) for a in range(len(centres)) for b in range(len(centres))]
    for i in rng.permutation(len(pairs)):
        a, b = pairs[i]
        gap = centres[b] - centres[a]
        others = np.where(np.arange(len(gap)) == j, 0, gap)
        if gap[j] * direction <= 0 or not others.any():
            continue
        place = (centres[a] + centres[b]) / 2
        on_border = -(z - place[j]) * gap[j] / (others @ others)
        place[j] = z
        place += (on_border - _BESIDE) * others
        near = np.argsort(np.linalg.norm(centres - place, axis=1), kind="stable")
        if near[:2].tolist() == [a, b]:
            row = _raw(card, place)
            break
    else:
        row = _typical(card, rng)
    row[j] = value
    return row


def _clips(card, rng) -> Iterator[NDArray]:
    """Beyond a clip, and at it."""
    for j in rng.permutation(len(card.features)):
        f = card.features[j]
        for clip, away in ((f.lower, -1), (f.upper, 1)):
            if clip is not None:
                z = _standardised(f, clip)
                yield _beside_border(card, rng, j, z, away, clip + away * (1 + abs(clip)))
                yield _beside_border(card, rng, j, z, -away, clip)


def _missing(card, rng) -> Iterator[NDArray]:
    """Without any value, then without one."""
    yield np.full(len(card.features), np.nan)
    for j in rng.permutation(len(card.features)):
        f = card.features[j]
        z = 0.0 if f.fill is None else _standardised(f, f.fill)
        for direction in (-1, 1):
            yield _beside_border(card, rng, j, z, direction, np.nan)


def _extremes(card, rng) -> Iterator[NDArray]:
    """Numbers that no customer has."""
    for j in rng.permutation(len(card.features)):
        for value in (0.0, 1e12, -1e12):
            row = _typical(card, rng)
            row[j] = value
            yield row


def _twelve_digits(x: float) -> float:
    return float(f"{x:.12g}")


def disagreements(golden: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """The golden rows that a receiver's copy labels in another way.

    Parameters
    ----------
    golden : DataFrame
        As :func:`golden_rows`.
    labels : DataFrame
        The receiver's: ``customer_id`` with ``segment_id``, or with ``cluster``. Other rows than
        golden ones are left alone.

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
    column = next((c for c in ("segment_id", "cluster") if c in labels), None)
    if column is None or "customer_id" not in labels:
        raise ValueError(
            "labels to verify need customer_id and segment_id (or cluster); there are "
            + ", ".join(map(str, labels))
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
