"""Rows that were skipped: why, what that does to the means, and how they can be fed back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kequn_lab._files import FORMULA
from kequn_lab._notes import Note
from kequn_lab._rules import reasons_text
from kequn_lab.contract.sources import Refused

__all__ = ["REFUSED_COLUMNS", "Skipped"]

#: Columns of a file of refused rows that are not the bank's; they are not read back.
REFUSED_COLUMNS = ("refused_line", "refused_reason_zh", "refused_reason_en")
#: Above this share of rows the means may be others, which is a warning.
MANY = 0.01


class Skipped:
    """Rows set aside, with the reason, and what that does to the means.

    Examples
    --------
    >>> from kequn_lab.contract.reading import open_table
    >>> from kequn_lab.contract.tables import CUSTOMERS
    >>> table = pd.DataFrame({"customer_id": ["a", "b", "c"], "age_years": ["30", "40", "-50"]})
    >>> opened, skipped = open_table(table, CUSTOMERS), Skipped()
    >>> sum(map(len, opened.chunks(skipped=skipped)))
    2
    >>> [(r.line, r.reason) for r in skipped.rows]
    [(3, 'age_years: must be >= 0')]
    >>> print(skipped.note(opened).text_en)  # doctest: +ELLIPSIS
    DataFrame: 1 of 3 rows (33.3 %) set aside, ... with them the mean of age_years ...
    """

    def __init__(self):
        self.rows: list[Refused] = []
        self._kept: dict[str, NDArray] = {}
        self._gone: dict[str, NDArray] = {}

    def take(self, raw, typed: pd.DataFrame, violations: pd.DataFrame) -> pd.DataFrame:
        """Set the rows with findings aside; return the others."""
        bad = typed.index.isin(violations["row"].astype("int64")) if len(violations) else None
        kept = typed if bad is None else typed[~bad]
        _add(self._kept, kept)
        if bad is not None:
            _add(self._gone, typed[bad])
            why = (violations["column"] + ": " + violations["rule"]).groupby(violations["row"])
            reasons = why.agg(lambda r: "; ".join(dict.fromkeys(r)))
            for (line, cells), reason in zip(raw[bad].iterrows(), reasons.loc[raw.index[bad]]):
                self.rows.append(Refused(int(line), reason, csv_line(cells)))
        return kept

    def note(self, opened) -> Note | None:
        """How many rows, why, and the means with and without them."""
        rows = [*opened.torn, *self.rows]
        if not rows:
            return None
        n, share, name = opened.rows, len(rows) / opened.rows, opened.source.name
        reasons = pd.Series([r.reason for r in rows]).value_counts()
        most = list(reasons.head(2).items())
        why = ", ".join(f"{reason} ({count:,})" for reason, count in most)
        why_zh = "、".join(f"{reasons_text(reason, 'zh')}（{count:,}）" for reason, count in most)
        means = []
        for column, (total, count) in self._kept.items():
            more = self._gone.get(column, np.zeros(2))
            if count and more[1]:
                means.append((column, total / count, (total + more[0]) / (count + more[1])))
        en = [f"the mean of {c} would be {w:,.6g} instead of {wo:,.6g}" for c, wo, w in means[:3]]
        zh = [f"{c} 的均值为 {w:,.6g}，剔除后为 {wo:,.6g}" for c, wo, w in means[:3]]
        return Note(
            "rows_skipped",
            f"{name}：{n:,} 行中有 {len(rows):,} 行（{share:.1%}）被剔除，最常见的原因：{why_zh}"
            + (f"；若保留，{'；'.join(zh)}" if zh else ""),
            f"{name}: {len(rows):,} of {n:,} rows ({100 * share:.1f} %) set aside, most often: "
            f"{why}" + (f"; with them {'; '.join(en)}" if en else ""),
            value=share,
            bound=MANY,
            level="warning" if share > MANY else "note",
        )  # fmt: skip

    def table(self, opened) -> pd.DataFrame:
        """The rows as in the source, all columns, with line and reason in front.

        Corrected, they can be fed back: the three columns in front are not read.
        """
        lines = {r.line: r.reason for r in self.rows}
        found = [
            chunk[chunk.index.isin(lines)]
            for chunk in (opened.source.chunks(on_refused=lambda _: None) if lines else ())
        ]
        found.append(_cells(opened.torn, opened.source.columns))
        table = pd.concat([f for f in found if len(f)] or found)
        reason = {**lines, **{r.line: r.reason for r in opened.torn}}
        table.insert(0, REFUSED_COLUMNS[0], table.index)
        for i, language in enumerate(("zh", "en"), start=1):
            said = [reasons_text(reason[line], language) for line in table.index]
            table.insert(i, REFUSED_COLUMNS[i], said)
        return table.sort_index(kind="stable").reset_index(drop=True)


def restored(table: pd.DataFrame) -> pd.DataFrame:
    """Rows that were refused, without the apostrophes that kept a spreadsheet from running them."""
    text = {
        name: pd.array(
            pc.replace_substring_regex(pa.array(cells), rf"^'({FORMULA})", r"\1"), dtype="str"
        )
        for name, cells in table.items()
        if pd.api.types.is_string_dtype(cells.dtype)
    }
    return table.assign(**text)


def csv_line(cells: Iterable) -> str:
    """Cells as a line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(["" if pd.isna(c) else c for c in cells])
    return out.getvalue()


def _add(sums: dict[str, NDArray], table: pd.DataFrame) -> None:
    """Sum and count of every column of numbers, those so far included."""
    for name, column in table.items():
        if column.dtype == "float64":
            more = np.array([column.sum(), column.count()])
            sums[name] = sums.get(name, np.zeros(2)) + more


def _cells(torn: Iterable[Refused], columns: tuple[str, ...]) -> pd.DataFrame:
    """Torn lines cut into cells as far as they go; what is too much stays in the last one."""
    lines = [r.text for r in torn]
    cut = {s: [_split(t, s) for t in lines] for s in ",;\t|"}
    sep = max(cut, key=lambda s: sum(map(len, cut[s])))
    n = len(columns)
    rows = [[*c[: n - 1], *([sep.join(c[n - 1 :])] if len(c) >= n else [])] for c in cut[sep]]
    rows = [row + [""] * (n - len(row)) for row in rows]
    return pd.DataFrame(rows, columns=columns, index=[r.line for r in torn], dtype="str")


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(line), delimiter=separator), [])
    except csv.Error:
        return line.split(separator)
