"""Names and numbers as people read them, in Chinese and in English."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import shlex
import subprocess
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

LANGUAGES = ("zh", "en")
# Behind a number; other units say nothing that the variable's name does not.
_UNITS = {
    "zh": {"days": "天", "minutes": "分钟"},
    "en": {"years": "years", "days": "days", "minutes": "minutes"},
}
#: Channels of a bank, with their names: what ``channel`` may hold, one feature each, pictures.
CHANNELS = {
    "mobile": ("手机银行", "Mobile"),
    "web": ("网上银行", "Web"),
    "counter": ("柜台", "Counter"),
    "atm": ("自助机", "ATM"),
    "agent": ("代理点", "Agent"),
    "third_party": ("第三方支付", "Third-party"),
}
#: Channels without a person or a machine of the bank at a place.
ONLINE = ("mobile", "web", "third_party")
#: Codes that tables hold, as people read them.
TERMS = {
    # what is compared
    "internet_bank": ("互联网银行", "Internet bank"),
    "internet_bank_corporate": ("互联网银行（企业）", "Internet bank, corporate"),
    "traditional_bank": ("传统银行", "Traditional bank"),
    "segment": ("按客群", "By segment"),
    "random": ("随机", "At random"),
    "best possible": ("最好可能", "Best possible"),
    "all": ("全部", "All"),
    "no group": ("不属于任何一组", "No group"),
    "smd": ("标准化均值差", "Standardised mean difference"),
    "cliffs_delta": ("Cliff δ（换算）", "Cliff's delta, converted"),
    "cramers_v_corrected": (
        "Cramér V（校正偏差、换算，无方向）",
        "Cramér's V, bias-corrected and converted, no direction",
    ),
    # how a name was given
    "signature": ("与描述相符", "fits a description"),
    "override": ("人工命名", "named by a person"),
    "previous": ("沿用上次的名称", "name of the last run"),
    "marks": ("暂名，取自特点", "working name"),
    # how firm a segment is, and what to do with it
    "natural": ("界线清楚", "clear gap"),
    "reproducible": ("可重复的划分", "repeatable cut"),
    "constructed": ("任意的划分", "arbitrary cut"),
    "keep": ("保留", "keep"),
    "merge": ("宜合并", "merge"),
    "drop": ("不宜单独使用", "do not use on its own"),
    "stable": ("稳定", "stable"),
    "fairly stable": ("较稳定", "fairly stable"),
    "a pattern, borders move": ("大致重现，界线移动", "found again, borders move"),
    "not stable": ("不稳定", "not stable"),
    # a segment in the reading of the lowest inertia
    "same": ("相同", "the same"),
    "merged": ("会合并", "would be merged"),
    "cut": ("会拆开", "would be cut"),
    "moved": ("界线不同", "other borders"),
    # columns of tables
    "cluster": ("簇", "Cluster"),
    "customers": ("客户数", "Customers"),
    "index": ("指标", "Index"),
    "k": ("k", "k"),
    "rank": ("名次", "Rank"),
    "reading": ("判断", "Reading"),
    "segment_id": ("客群", "Segment"),
    "share": ("占比", "Share"),
    "similarity": ("相似度", "Similarity"),
    "stability": ("稳定性", "Stability"),
    "variable": ("变量", "Variable"),
    # indices by number of segments
    "inertia": ("组内平方和", "Inertia"),
    "inertia_drop_share": ("平方和降幅", "Drop of inertia"),
    "silhouette": ("轮廓系数", "Silhouette"),
    "simplified_silhouette": ("简化轮廓系数", "Simplified silhouette"),
    "calinski_harabasz": ("CH 指数", "Calinski–Harabasz"),
    "davies_bouldin": ("DB 指数", "Davies–Bouldin"),
    "gap": ("Gap 统计量", "Gap statistic"),
    "smallest_share": ("最小客群占比", "Smallest segment"),
    "agreement": ("到达最优解的起点占比", "Starts at the best solution"),
    "ari_used": ("调整兰德指数（中位数）", "Adjusted Rand index (median)"),
}
#: Levels that no table has, but the kit makes.
COMMON_LEVELS = {
    "(other)": {"zh": "（其他）", "en": "(other)"},
    "(missing)": {"zh": "（缺失）", "en": "(missing)"},
}
_MORE_STARTS = ("需要更多起点", "more starts needed")
TERMS |= {
    f"{en} once searched to the end; more starts needed": (
        f"搜索充分后{zh}；{_MORE_STARTS[0]}",
        f"{said} after a full search; {_MORE_STARTS[1]}",
    )
    for en, (zh, said) in TERMS.items()
    if en in ("stable", "fairly stable", "a pattern, borders move", "not stable")
}
TERMS["searches disagree; more starts needed"] = (
    f"各次搜索结果不同；{_MORE_STARTS[0]}",
    f"searches differ; {_MORE_STARTS[1]}",
)


def common_level(level) -> dict[str, str]:
    """A level that no table has but the kit makes, by language; empty for any other.

    Examples
    --------
    >>> common_level("(3 other levels)")["zh"]
    '（其他 3 类）'
    """
    if counted := re.fullmatch(r"\((\d+) other levels\)", str(level)):
        return {"zh": f"（其他 {counted[1]} 类）", "en": str(level)}
    return COMMON_LEVELS.get(str(level), {})


def term(code, language: str) -> str:
    """A code in words; an unknown code is returned unchanged.

    Examples
    --------
    >>> term("natural", "en"), term("natural", "zh")
    ('clear gap', '界线清楚')
    """
    return TERMS.get(str(code), (str(code),) * 2)[language == "en"]


def require_language(language: str) -> None:
    """Refuse any language but the two."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {language!r}; give 'zh' or 'en'")


@dataclass(frozen=True)
class Words:
    """Names of segments and variables, and how their values are written.

    Examples
    --------
    >>> variables = pd.DataFrame({"feature": ["aum_cny"], "meaning_zh": ["金融资产"],
    ...                           "meaning_en": ["Assets"], "unit": ["CNY"]})
    >>> words = Words.of(variables=variables)
    >>> words.variable("aum_cny", "zh"), words.value(12345.6, "aum_cny", "en")
    ('金融资产', 'CNY 12,300')

    Rows that have a ``level``, too, say what that level of a category is called.

    >>> rows = [("job", None, "职业", "Occupation"), ("job", "farmer", "农民", "Farmer")]
    >>> columns = ["feature", "level", "meaning_zh", "meaning_en"]
    >>> words = Words.of(variables=pd.DataFrame(rows, columns=columns))
    >>> words.variable("job", "zh", level="farmer"), words.variable("job", "en", level="nurse")
    ('职业：农民', 'Occupation: nurse')
    """

    segments: Mapping = field(default_factory=dict)  # id -> {"zh": …, "en": …}
    variables: Mapping = field(default_factory=dict)
    units: Mapping = field(default_factory=dict)
    currency: str = "CNY"
    levels: Mapping = field(default_factory=dict)  # (variable, level) -> {"zh": …, "en": …}

    @classmethod
    def of(cls, *, segments=None, variables=None, currency: str = "CNY") -> Words:
        """From frames: segment_id, name_zh, name_en; feature, meaning_zh, meaning_en, unit."""
        units, levels = {}, {}
        if variables is not None and "level" in variables:
            of_level = variables["level"].notna()
            levels = _pairs(variables[of_level], ["feature", "level"], "meaning", "variables")
            variables = variables[~of_level]
        if variables is not None and "unit" in variables:
            units = dict(zip(variables["feature"], variables["unit"]))
        return cls(
            _pairs(segments, "segment_id", "name", "segments"),
            _pairs(variables, "feature", "meaning", "variables"),
            units,
            currency,
            levels,
        )

    def segment(self, segment_id, language: str) -> str:
        return self.segments.get(segment_id, {}).get(language, str(segment_id))

    def variable(self, variable, language: str, *, level=None) -> str:
        name = self.variables.get(variable, {}).get(language, str(variable))
        if level is None or pd.isna(level):
            return name
        return f"{name}{'：' if language == 'zh' else ': '}{self.level(variable, level, language)}"

    def level(self, variable, level, language: str) -> str:
        """What a level of a category is called."""
        own = self.levels.get((variable, level)) or common_level(level)
        return own.get(language, str(level))

    def unit(self, variable, language: str) -> str:
        """The unit of a variable where its values need one."""
        unit = str(self.units.get(variable, ""))
        if unit.startswith("CNY"):
            return "元" if language == "zh" and self.currency == "CNY" else self.currency
        return _UNITS[language].get(unit, "")

    def value(self, value, variable, language: str, *, share=False, unit=True) -> str:
        """A value of a variable, with its unit; ``share``: 0 to 1, shown in percent."""
        if value is None or pd.isna(value):
            return "—"
        known = str(self.units.get(variable, ""))
        if share or known == "0 or 1" or known.startswith("share") or named_share(variable):
            return percent(value)
        word = self.unit(variable, language) if unit else ""
        # Currency codes come before the number, other units behind it.
        both = [word, number(value)] if word == self.currency else [number(value), word]
        return " ".join(both).strip()


def _pairs(table: pd.DataFrame | None, key: str | list[str], column: str, what: str) -> dict:
    if table is None:
        return {}
    keys = [key] if isinstance(key, str) else key
    names = [f"{column}_{language}" for language in LANGUAGES]
    if lacking := [c for c in (*keys, *names) if c not in table]:
        raise ValueError(f"{what} lacks {', '.join(lacking)}; it has {', '.join(map(str, table))}")
    rows = table.drop_duplicates(keys)
    ids = rows[key] if isinstance(key, str) else zip(*(rows[k] for k in keys))
    said = rows[names].itertuples(index=False)
    return {i: dict(zip(LANGUAGES, map(str, both))) for i, both in zip(ids, said)}


def named_share(variable) -> bool:
    """Whether a column's name says that it holds shares from 0 to 1.

    Examples
    --------
    >>> named_share("web_share"), named_share("柜台占比"), named_share("rate")
    (True, True, False)
    """
    return str(variable).endswith(("_share", "占比"))


def listed(items: list[str], language: str, *, most: int = 5) -> str:
    """Some of many, and how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"], "en", most=2), listed(["a", "b", "c"], "zh", most=2)
    ('a, b and 1 more', 'a、b等 3 个')
    """
    joint, rest = ("、" if language == "zh" else ", "), len(items) - most
    shown = joint.join(items[:most])
    if rest <= 0:
        return shown
    return f"{shown}等 {len(items)} 个" if language == "zh" else f"{shown} and {rest} more"


def rounded(value: float, digits: int = 3) -> float:
    """To so many significant digits.

    Examples
    --------
    >>> rounded(12345.6), rounded(0.012345)
    (12300.0, 0.0123)
    """
    if not math.isfinite(value) or value == 0:
        return float(value)
    return round(float(value), digits - 1 - math.floor(math.log10(abs(value))))


def number(value: float) -> str:
    """Three significant digits, thousands separated.

    Examples
    --------
    >>> number(12345.6), number(2.5), number(-0.01234)
    ('12,300', '2.5', '−0.0123')
    """
    if not math.isfinite(value):
        return "—" if math.isnan(value) else "∞" if value > 0 else "−∞"
    value = rounded(value)
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.12f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")


def percent(value: float, decimals: int | None = None) -> str:
    """A share in percent: one decimal, two where it is small.

    Examples
    --------
    >>> percent(0.1234), percent(0.00012), percent(1.0, 0)
    ('12.3%', '0.01%', '100%')
    """
    if not math.isfinite(value):
        return "—"
    if decimals is None:
        decimals = 1 if value == 0 or abs(value) >= 0.001 else 2
    return f"{100 * value:.{decimals}f}%".replace("-", "−")


def width(text: str) -> int:
    """Places that a text takes on a screen; a hanzi takes two.

    Examples
    --------
    >>> width("客群 x")
    6
    """
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def aligned(rows: Sequence[Sequence[str]], *, left: Sequence[int]) -> list[str]:
    """Lines of a table for the terminal; the columns in ``left`` to the left, numbers right.

    Examples
    --------
    >>> aligned([("客群", "n"), ("x", "10")], left=[0])
    ['  客群   n', '  x     10']
    """
    widths = [max(map(width, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        gaps = [" " * (w - width(text)) for text, w in zip(row, widths)]
        cells = [t + g if i in left else g + t for i, (t, g) in enumerate(zip(row, gaps))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def as_option(names: Iterable[str]) -> str:
    """Names as a shell takes them for one option that is a list, such as ``--drop``.

    Examples
    --------
    >>> print(as_option(["age", "Income, yearly"]))
    'age,"Income, yearly"'
    """
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(names)
    return shell_word(row.getvalue())


def shell_word(text: str) -> str:
    """A text as a shell takes it for one word.

    Examples
    --------
    >>> print(shell_word("交易.csv"), shell_word("my table.csv"))
    交易.csv 'my table.csv'
    """
    if re.fullmatch(r"[\w@%+=:,./-]+", text):
        return text
    return subprocess.list2cmdline([text]) if os.name == "nt" else shlex.quote(text)
