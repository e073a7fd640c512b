"""A ready customer table: which of its columns can be features, and which are doubtful."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kequn_lab._notes import Note
from kequn_lab.contract._texts import MOST_SEEN, Tally
from kequn_lab.contract.cells import Survey
from kequn_lab.contract.tables import Contract

__all__ = ["doubtful_columns", "infer_contract"]

#: Why a column of a customer table is no feature: in both languages, and what to do.
_LEFT_OUT = {
    "text": (
        "文字列", "若是类别，用 --categories 或在映射文件中声明即可使用",
        "text", "to use one that holds categories, name it (--categories, or a mapping file)",
    ),
    "date": (
        "日期列", "以距今的天数或年数代替",
        "a date", "to use one, write the days or years since then",
    ),
    "code": (
        "编码列（以 0 开头）", "若是类别，用 --categories 或在映射文件中声明即可使用",
        "a code with leading zeros", "to use one, name it (--categories, or a mapping file)",
    ),
    "empty": ("空列", "补上数值后才能使用", "empty", "fill it to use it"),
}  # fmt: skip


def infer_contract(contract: Contract, seen: Survey) -> tuple[Contract, Survey]:
    """Keep the columns of a customer table that hold numbers or yes and no.

    Others are left out by name, with a note. A column that is mostly numbers stays, and its
    other cells are violations: money with some dirty cells is not text.

    Parameters
    ----------
    contract : Contract
        The id, and every other column as ``feature``.
    seen : Survey
        Of the whole table under that contract.

    Returns
    -------
    Contract, Survey
        Without the columns left out; the survey's notes say which, why and what to do.

    Examples
    --------
    >>> from kequn_lab.contract.cells import survey
    >>> from kequn_lab.contract.tables import Column
    >>> table = pd.DataFrame({"id": ["1", "2"], "aum": ["5", "7"], "city": ["沪", "苏"]})
    >>> features = [Column(c, "feature", nullable=True) for c in ("aum", "city")]
    >>> every = Contract("features", (Column("id", "id", required=True), *features))
    >>> contract, seen = infer_contract(every, survey([table], every))
    >>> [column.name for column in contract.columns]
    ['id', 'aum']
    >>> print(seen.notes[0].text_en)
    Left out, as text: city ('沪'); to use one that holds categories, name it ...
    """
    why: dict[str, list[str]] = {}
    for column in contract.columns:
        kind = _kind(seen.tallies.get(column.name, Tally())) if column.dtype == "feature" else None
        if kind in _LEFT_OUT:
            why.setdefault(kind, []).append(column.name)
    gone = {name for names in why.values() for name in names}
    notes = [n for n in seen.notes if n.variable not in gone]
    for kind, names in why.items():
        zh, todo_zh, en, todo_en = _LEFT_OUT[kind]
        shown = [_shown(name, seen.tallies.get(name)) for name in names]
        notes.append(
            Note(
                f"left_out_{kind}",
                f"{zh}不进入模型：{'、'.join(shown)}；{todo_zh}",
                f"Left out, as {en}: {', '.join(shown)}; {todo_en}",
                value=float(len(names)),
                variable=names[0],
            )
        )
    kept = tuple(c for c in contract.columns if c.name not in gone)
    return replace(contract, columns=kept), replace(
        seen,
        formats={name: f for name, f in seen.formats.items() if name not in gone},
        notes=tuple(notes),
        problems=tuple(p for p in seen.problems if p[0] not in gone),
    )


def _shown(name: str, tally: Tally | None) -> str:
    return f"{name} ({tally.example('cells')[1][:20]!r})" if tally and "cells" in tally else name


def _kind(tally: Tally) -> str:
    """``feature``, or why a column is none."""
    cells, numbers, yes_no, dates, coded = (
        tally.count(k) for k in ("cells", "number", "yes_no", "date", "zero_led")
    )
    if not cells:
        return "empty"
    if dates == cells:
        return "date"
    if yes_no == cells:
        return "feature"
    if 2 * coded >= cells:
        return "code"
    # Codes such as 1, 2, X have few distinct numbers; money has many.
    different = len(tally.seen.get("number", ()))
    many = different >= MOST_SEEN or 2 * different >= numbers
    others = len(tally.seen.get("other", ()))
    mostly = 2 * numbers >= cells or (numbers and others <= 3)
    if numbers >= 0.9 * cells or (many and mostly):
        return "feature"
    return "date" if 2 * dates >= cells else "text"


# --- what is doubtful ---------------------------------------------------------------------------

LARGEST = 1e18  # no bank's figure is larger, and single precision can still square it
MOSTLY_MISSING = 0.5
NEAR_COPY = 0.9999
_SENTINEL_SHARE = 0.005
_ROWS = 20_000  # compared with each other; a candidate is then looked at on all rows
_NAMED_ID = re.compile(
    r"(?:^|[_\W])(?:id|no|code|phone|mobile_?no|zip|account)(?:$|[_\W])"
    r"|(?:编号|代码|编码|号码|账号|卡号|机构号|网点号|证件号|手机号|电话|邮编)$",
    re.IGNORECASE,
)
#: Places and kinds of work, whose numbers are codes even if they follow each other.
_NAMED_KIND = re.compile(
    r"(?:^|[_\W])(?:branch|region|province|city|district|industry|occupation|department)$"
    r"|(?:分行|支行|网点|机构|营业部|地区|省份|城市|区县|行业|职业|部门)$",
    re.IGNORECASE,
)


def doubtful_columns(frame: pd.DataFrame) -> list[Note]:
    """Columns of a customer table that may not mean what a model takes them for.

    More than half missing; a number such as -999 that means missing; a copy of another
    column; an id or a code used as a number.

    Parameters
    ----------
    frame : DataFrame
        One row per customer, in its types; the id as index or among the columns as text.

    Examples
    --------
    >>> ages = [31, 42, 53, 64, 75] * 8
    >>> frame = pd.DataFrame({"age": [*ages, 999, 999, 999], "money": range(100, 530, 10)})
    >>> [note.text_en for note in doubtful_columns(frame)]
    ['age: 999 in 3 of 43 rows, far above all other values; is it a sign for missing?']
    """
    notes: list[Note] = []
    numbers = {}
    for name in frame.columns:
        column = frame[name]
        missing = column.isna().mean() if len(column) else 0.0
        if missing > MOSTLY_MISSING:
            notes.append(
                _note(
                    "mostly_missing", name, missing, MOSTLY_MISSING,
                    f"{missing:.0%} 缺失，模型看到的多是填补值",
                    f"{missing:.0%} missing; what the model sees is mostly filled in",
                )
            )  # fmt: skip
        if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype.kind in "iuf":
            values = column.to_numpy(dtype="float64", na_value=np.nan)
            numbers[name] = np.where(np.abs(values) > LARGEST, np.nan, values)  # refused later
            notes += _about_numbers(name, numbers[name][np.isfinite(numbers[name])])
    return notes + _near_copies(numbers)


def _note(code: str, name, value: float, bound: float | None, zh: str, en: str, **facts) -> Note:
    return Note(code, f"{name}：{zh}", f"{name}: {en}", float(value), bound, variable=str(name),
                **facts)  # fmt: skip


def _about_numbers(name, values: NDArray) -> Iterable[Note]:
    if len(values) < 20:
        return
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 3:
        return
    yield from _sentinels(name, distinct, counts)
    if not (distinct == np.round(distinct)).all() or distinct[0] < 0:
        return
    named = bool(_NAMED_ID.search(str(name)))
    digits = len(str(int(distinct[-1])))
    same_digits = digits == len(str(int(distinct[0])))
    span = distinct[-1] - distinct[0] + 1
    if len(distinct) >= 0.99 * len(values):
        running = span <= 1.2 * len(distinct) and len(values) >= 50
        if running or named or (same_digits and digits >= 7):
            yield _note(
                "id_as_number", name, len(distinct) / len(values), 0.99,
                "几乎每行一个值，像是编号而不是数量；不应进入模型",
                "nearly every row has its own value, as an id has; leave it out of the model",
            )  # fmt: skip
        return
    few = len(distinct) <= 50 and len(values) >= 5 * len(distinct)
    gaps = span > 1.5 * len(distinct) and len(set(np.diff(distinct))) > 1
    amounts = (distinct % 10 == 0).mean() > 0.5
    kind = few and bool(_NAMED_KIND.search(str(name)))
    if (
        kind
        or (few and same_digits and digits >= 3 and gaps and not amounts)
        or (named and digits >= 3)
    ):
        shown = ", ".join(f"{v:.0f}" for v in distinct[:4])
        yield _note(
            "code_as_number", name, len(distinct), None,
            f"取值如 {shown} 像是代码而不是数量；请声明为类别（--categories），或不放入模型",
            f"values such as {shown} look like codes, not amounts; name it as a category "
            "(--categories), or leave it out of the model",
        )  # fmt: skip


def _sentinels(name, distinct: NDArray, counts: NDArray) -> Iterable[Note]:
    """A value of nines, or -1, repeated at an extreme and far from all others."""
    least = max(3, _SENTINEL_SHARE * counts.sum())
    for place, beside, side in ((0, 1, "below"), (-1, -2, "above")):
        value, next_, n = distinct[place], distinct[beside], counts[place]
        nines = re.fullmatch(r"-?9{3,}|-9{2}", f"{value:.0f}") and value == round(value)
        lone = value == -1 and next_ >= 0 and len(distinct) >= 5
        apart = abs(value - next_) > 0.25 * abs(value) and abs(value) > abs(next_)
        if n < least or not (lone or (nines and apart)):
            continue
        where = {"below": ("小", "below"), "above": ("大", "above")}[side]
        yield _note(
            "sentinel", name, n / counts.sum(), _SENTINEL_SHARE,
            f"{counts.sum():,} 行中有 {n:,} 行为 {value:.0f}，远{where[0]}于其他值；是否表示缺失？",
            f"{value:.0f} in {n:,} of {counts.sum():,} rows, far {where[1]} all other values; "
            "is it a sign for missing?",
        )  # fmt: skip


def _near_copies(numbers: dict) -> list[Note]:
    """Columns that carry what another one carries already."""
    names = [n for n, v in numbers.items() if np.isfinite(v).sum() > 2 and np.nanstd(v) > 0]
    if len(names) < 2:
        return []
    rows = len(numbers[names[0]])
    most = _ROWS if len(names) <= 500 else _ROWS // 10
    step = max(1, rows // most)
    z = np.column_stack([_standard(numbers[n][::step]) for n in names])
    near = np.abs(z.T @ z) / len(z) > NEAR_COPY
    notes, copies = [], set()
    for i, j in np.argwhere(np.triu(near, 1)):
        if j in copies or not _is_copy(numbers[names[i]], numbers[names[j]]):
            continue
        copies.add(j)
        notes.append(
            _note(
                "near_copy", names[j], 1.0, NEAR_COPY,
                f"与 {names[i]} 几乎相同，等于把它算了两遍；请去掉一个",
                f"nearly the same as {names[i]}, which then counts twice; leave one out",
            )
        )  # fmt: skip
    return notes


def _standard(values: NDArray) -> NDArray:
    there = np.isfinite(values)
    spread = values[there].std() if there.any() else 0.0
    if not spread:
        return np.zeros(len(values), dtype="float32")
    centred = np.where(there, values - values[there].mean(), 0.0) / spread
    return (centred * np.sqrt(len(values) / there.sum())).astype("float32")


def _is_copy(a: NDArray, b: NDArray) -> bool:
    """Correlated, also by rank: one rich customer alone makes no copy."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 0.99 * max(np.isfinite(a).sum(), np.isfinite(b).sum()):
        return False
    a, b = a[both], b[both]
    if np.array_equal(a, b):
        return True
    if not a.std() or not b.std() or abs(np.corrcoef(a, b)[0, 1]) <= NEAR_COPY:
        return False
    ranks = pd.DataFrame({"a": a, "b": b}).rank()
    return abs(ranks["a"].corr(ranks["b"])) > 0.999
