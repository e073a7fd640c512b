"""What is wrong with a table: one row per finding, grouped and counted in messages."""

from __future__ import annotations

import difflib
from functools import cache

import pandas as pd

from kequn_lab._rules import reasons_text, rule_text

__all__ = ["ContractError", "join_violations", "violations_frame"]

_SHOWN = 20  # kinds of findings in a message


class ContractError(ValueError):
    """A table breaks its contract; ``violations`` has one row per finding.

    Columns of ``violations``: ``row`` (index label; the line for a text file), ``column``,
    ``rule``, ``found``. The message groups them by column and rule, and counts them;
    :meth:`text` has it in either language.
    """

    def __init__(self, violations: pd.DataFrame, *, table: str, todo: str = ""):
        self.violations = violations
        self.table = table
        self.todo = todo or _todo(violations)
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The message in ``zh`` or ``en``."""
        violations, zh = self.violations, language == "zh"
        n, rows = len(violations), violations.attrs.get("rows")
        bad = violations["row"].nunique()
        kinds = list(violations.groupby(["column", "rule"], sort=False))
        if zh:
            of = f"，涉及 {rows:,} 行中的 {bad:,} 行" if rows and bad else ""
            lines = [f"{self.table}：{n:,} 处不合约定{of}"]
        else:
            of = f" in {bad:,} of {rows:,} rows" if rows and bad else ""
            lines = [f"{self.table}: {n:,} violation{'s' * (n != 1)} of the contract{of}"]
        for (column, rule), found in kinds[:_SHOWN]:
            lines += (_worded_zh if zh else _worded)(column, rule, found, violations.attrs)
        if more := max(len(kinds) - _SHOWN, 0):
            lines.append(
                f"  …… 另有 {more:,} 类" if zh else f"  … and {more:,} more kinds of findings"
            )
        todo = reasons_text(self.todo, language)
        lines.append(f"处理办法：{todo}。" if zh else f"What to do: {todo}.")
        return "\n".join(lines)


def _worded_zh(column: str, rule: str, found: pd.DataFrame, attrs: dict) -> list[str]:
    what = rule_text(rule, "zh") if column == "all" else f"{column} 列：{rule_text(rule, 'zh')}"
    if len(found) <= 3:
        return [
            f"  {'' if pd.isna(row) else f'第 {row} 行，'}{what}；实为 {reasons_text(cell, 'zh')}"
            f"{_meant(rule, cell, '；是否为 {}？')}"
            for row, cell in zip(found["row"], found["found"])
        ]
    counts = found["found"].value_counts()
    shown = "、".join(
        f"{rule_text(cell, 'zh')}（{n:,} 次{_meant(rule, cell, '；是否为 {}？')}）"
        for cell, n in counts.head(3).items()
    )
    more = f"等 {len(counts):,} 种" if len(counts) > 3 else ""
    of = f"{attrs['rows']:,} 行中有 " if attrs.get("rows") else ""
    first = found["row"].iloc[0]
    return [f"  {of}{len(found):,} 行，首次在第 {first} 行，{what}；实为 {shown}{more}"]


def _worded(column: str, rule: str, found: pd.DataFrame, attrs: dict) -> list[str]:
    """Up to three findings of a kind one by one; more are counted, with what was found most."""
    name, what = attrs.get("row_name", "row"), rule
    what = rule if column == "all" else f"column {column!r}: {rule}"
    if len(found) <= 3:
        where = ["" if pd.isna(r) else f"{name} {r}, " for r in found["row"]]
        if column == "all":
            where = [w.replace(", ", ": ") for w in where]
        return [f"  {w}{what}; found {f}{_meant(rule, f)}" for w, f in zip(where, found["found"])]
    counts = found["found"].value_counts()
    shown = [
        f"{f} ({n:,} time{'s' * (n != 1)}{_meant(rule, f)})" for f, n in counts.head(3).items()
    ]
    more = f", and {len(counts) - 3:,} more" if len(counts) > 3 else ""
    of = f" of {attrs['rows']:,}" if attrs.get("rows") else ""
    where = f"{len(found):,}{of} rows, first {name} {found['row'].iloc[0]}"
    return [f"  {where}, {what}; found {', '.join(shown)}{more}"]


def _meant(rule: str, found: str, said: str = "; did you mean {}?") -> str:
    codes = rule.removeprefix("not one of ").split(", ") if rule.startswith("not one of") else []
    near = difflib.get_close_matches(found.lower(), codes, n=1)
    return said.format(repr(near[0])) if near else ""


#: By how a rule begins: what to do about it.
_TODO = {
    "missing column": "name the column as the contract does, or translate it in a mapping file",
    "not a date": "write year-month-day, or give date_format in a mapping file",
    "not one of": "use these codes, or translate yours in a mapping file",
    "missing id": "give these rows an id (if such an id is real, list it in real_ids in a "
    "mapping file)",
    "id ruined": "export the ids again as text",
    "a total row": "delete the total row",
    "not unique": "keep one row of each",
}

_IN_MAPPING = (
    "correct the column, or settle it in a mapping file (--mapping), under [features] for a table "
    "with one row per customer, else under [events], [customers] or [holdings]"
)


def _todo(violations: pd.DataFrame) -> str:
    rules = violations["rule"].unique()
    known = [todo for rule, todo in _TODO.items() if any(r.startswith(rule) for r in rules)]
    if violations["row"].isna().all():
        return "; ".join(known) or _IN_MAPPING
    aside = "set the rows aside (--skip-bad-rows of kequn run, score)"
    return "; ".join([*(known or ["correct these cells"]), f"or {aside}"])


def violations_frame(rows, column, rule, found, row_name=None) -> pd.DataFrame:
    """Findings in the form of :func:`check`; ``row_name`` is what a row is called (line)."""
    rows = list(rows)
    if not rows:
        out = _no_violations().copy()
        out.attrs["row_name"] = row_name or "row"
        return out
    out = pd.DataFrame({"row": pd.Series(rows, dtype=object), "column": column})
    out["rule"] = rule
    found = pd.Series(list(found), dtype=object)
    text = found.astype("str").fillna("")
    blank = (text.str.strip() != text) & text.ne("")
    text = text.mask(blank, "'" + text + "'").mask(text.eq("") | found.isna(), "an empty cell")
    out["found"] = text.astype("str")
    out.attrs["row_name"] = row_name or "row"
    return out


@cache
def _no_violations() -> pd.DataFrame:
    """The same form without a row: most checks find nothing."""
    text = pd.Series([], dtype="str")
    return pd.DataFrame(
        {"row": pd.Series([], dtype=object), "column": text, "rule": text, "found": text}
    )


def join_violations(found, *, rows: int | None = None, row_name: str | None = None):
    """Violations of several checks or chunks in one table, with the rows of the whole table."""
    found = [f for f in found if len(f)] or [violations_frame([], "", "", [])]
    out = pd.concat([f.set_axis(f.columns, axis=1) for f in found], ignore_index=True)
    out.attrs = {"row_name": row_name or "row", "rows": rows}
    return out
