"""A first mapping file for a table that nobody has described yet: guesses, with samples to check.

The column's name and its cells speak; where they do not, the line is left for a person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from kequn_lab.contract.cells import Survey, read_column, survey
from kequn_lab.contract.mapping import TableMapping
from kequn_lab.contract.sources import Source, open_source
from kequn_lab.contract.tables import EVENTS, Column, Contract

__all__ = ["Guess", "guess_mapping"]

#: Words in a column's name, the surest first, that speak for one of our columns.
_NAMES = {
    "customer_id": "customer_id customerid client_id cust_id cust_no member_id user_id account_id "
    "客户号 客户编号 客户代码 客户id 会员号 会员编号 顾客编号 用户编号 用户id 账号 账户 卡号 "
    "客户 会员 顾客 用户 customer client cust member user account acct id 编号",
    "timestamp": "timestamp 交易时间 交易日期 日期 时间 datetime date time day",
    "amount_cny": "amount_cny 交易金额 发生额 金额 amount amt value price 销售额 money",
    "balance_cny": "balance_cny 余额 balance",
    "direction": "direction 收支 借贷 方向 进出 dr_cr drcr debit_credit",
    "channel": "channel 渠道 终端",
    "type": "交易类型 业务类型 类型 摘要 用途 operation type category",
    "product": "product 产品 商品 大类",
    "counterparty_id": "counterparty 对方账号 对方户名 对手 对方 payee merchant_id",
}
#: Words in a code, the surest meaning first.
_CODES = {
    "direction": {
        "out": "out debit withdraw dr 支 借 付 取 出",
        "in": "in credit deposit cr 收 贷 存 入",
    },
    "channel": {
        "third_party": "third alipay wechat 第三方 支付宝 微信 财付通 快捷 银联",
        "mobile": "mobile app 手机 掌上 移动",
        "web": "web online internet pc 网银 网上",
        "atm": "atm 自助 自动 取款机",
        "agent": "agent 客户经理 代理 助农",
        "counter": "counter branch teller 柜 网点 厅堂",
    },
    "type": {
        "tax_payroll": "tax 税",
        "loan": "loan 贷款 还款 贷",
        "invest": "invest fund wealth 理财 基金 证券 保险",
        "merchant_in": "merchant 收单 商户",
        "consume": "consume purchase pos shop 消费 购",
        "cash": "cash atm withdraw deposit 现金 取现 取款 存现 存款",
        "income_in": "salary payroll income 工资 代发 薪 养老 退休 转入 收款",
        "transfer_out": "transfer remit 转账 转出 汇款",
    },
}
#: Comments of the file, as English and Chinese readers read them.
_SAY = {
    "columns": ('ours = "yours"', '我们的列名 = "您的列名"'),
    "codes": ('"yours" = "ours"; "" leaves it open', '"您的代码" = "我们的代码"；"" 表示不用'),
    "one of": ("one of {}?", "是其中哪一个：{}？"),
    "below zero": ("amounts below zero are money out", "负数为支出"),
    "two ways": ("a guess: the cells can be read in two ways", "猜测：单元格有两种读法"),
    "which": ("which column names the customer?", "哪一列是客户编号？"),
    "drop": ("columns to leave out, in quotes", "不要的列，写在引号里"),
    "unused": ("not used: {}", "未用：{}"),
    "taken": ("taken: {}", "采用：{}"),
    "words": ("words or dates, not used: {}", "文字或日期，不用：{}"),
}
_TIME_ONLY = r"^\d{1,2}:\d{2}(:\d{2})?$"
_MOST_CODES = 40


@dataclass(frozen=True)
class Guess:
    """A guessed mapping.

    Attributes
    ----------
    kind : str
        ``events`` (transactions) or ``features`` (one row per customer).
    text : str
        The mapping file, commented.
    last_day : str or None
        Of the events.
    id_column : str or None
        None when no column seems to name the customer; the file says where to write it.
    """

    kind: str
    text: str
    last_day: str | None = None
    id_column: str | None = None


@dataclass
class _Facts:
    """What the first rows say about each column."""

    rows: pd.DataFrame
    numbers: Survey
    dates: Survey
    language: str
    taken: dict[str, str] = field(default_factory=dict)

    def say(self, what: str, about: str = "") -> str:
        return _SAY[what][self.language == "zh"].format(" ".join(about.split()))

    def share(self, name: str, *kinds: str) -> float:
        tally = {**self.numbers.tallies[name], **self.dates.tallies[name]}
        cells = tally.get("cells", (0,))[0]
        return sum(tally.get(k, (0,))[0] for k in kinds) / cells if cells else 0.0

    def is_number(self, name: str) -> bool:
        return self.share(name, "number") > 0.9

    def is_date(self, name: str, *, named: bool) -> bool:
        numbers = ("serial",) if named else ()
        return self.share(name, "year", "small", "naive", "aware", *numbers) > 0.9 and (
            named or not self.is_number(name)
        )

    def cells(self, name: str) -> pd.Series:
        text = self.rows[name].dropna().astype("str").str.strip()
        return text[text != ""]

    def is_clock(self, name: str) -> bool:
        cells = self.cells(name)
        return len(cells) > 0 and bool(cells.str.fullmatch(_TIME_ONLY).all())

    def repeats(self, name: str) -> bool:
        return self.cells(name).duplicated().any()

    def samples(self, name: str) -> str:
        return " · ".join(" ".join(t.split())[:30] for t in self.cells(name).unique()[:3])


def guess_mapping(
    data, *, encoding: str | None = None, sheet: str | None = None, language: str = "en"
) -> Guess:
    """Guess how a table is to be read.

    Parameters
    ----------
    data : path or table
        Whatever :func:`~kequn_lab.contract.sources.open_source` opens.
    encoding, sheet : str, optional
    language : {"en", "zh"}
        Of the comments.

    Examples
    --------
    >>> table = pd.DataFrame({"客户号": ["007", "008", "007"], "金额": ["1,200.50", "30", "8"],
    ...     "日期": ["2024/3/5", "2024/3/6", "2024/3/6"], "渠道": ["手机银行", "柜面", "柜面"]})
    >>> guess = guess_mapping(table)
    >>> guess.kind, guess.last_day
    ('events', '2024-03-06')
    >>> print(guess.text)
    [events]
    <BLANKLINE>
    [events.columns]  # ours = "yours"
    customer_id = "客户号"  # 007 · 008
    timestamp = "日期"  # 2024/3/5 · 2024/3/6
    amount_cny = "金额"  # 1,200.50 · 30 · 8
    channel = "渠道"  # 手机银行 · 柜面
    <BLANKLINE>
    [events.codes.channel]  # "yours" = "ours"; "" leaves it open
    "手机银行" = "mobile"
    "柜面" = "counter"
    <BLANKLINE>
    """
    source = open_source(data, encoding=encoding, sheet=sheet)
    rows = next(source.chunks(rows=50_000, on_refused=_nothing))
    numbers, dates = (
        survey([rows], _contract(source.columns, kind)) for kind in ("feature", "timestamp")
    )
    facts = _Facts(rows, numbers, dates, language)
    settings = {"encoding": encoding, "sheet": sheet}
    settings = [_line(key, value) for key, value in settings.items() if value is not None]
    taken = facts.taken
    taken |= _named(facts, "timestamp", lambda c: facts.is_date(c, named=True) or _packed(facts, c))
    if "timestamp" not in taken:
        dates = [c for c in source.columns if facts.is_date(c, named=False)]
        taken |= {"timestamp": dates[0]} if len(dates) == 1 else {}
    taken |= _named(facts, "amount_cny", facts.is_number)
    taken |= _named(facts, "customer_id", lambda c: c not in taken.values())
    events = {"timestamp", "amount_cny"} <= set(taken)
    if events and ("customer_id" not in taken or facts.repeats(taken["customer_id"])):
        return _events(source, facts, settings)
    return _features(source, facts, settings)


def _contract(columns: Iterable[str], kind: str) -> Contract:
    return Contract("guess", tuple(Column(c, kind, nullable=True) for c in columns))


def _named(facts: _Facts, ours: str, fits) -> dict[str, str]:
    """The column whose name speaks most surely for one of ours, among those that fit."""
    free = [c for c in facts.rows.columns if c not in facts.taken.values()]
    for word in (ours, *_NAMES[ours].split()):
        for column in free:
            if _says(column, word) and len(facts.cells(column)) and fits(column):
                return {ours: column}
    return {}


def _says(text: str, word: str) -> bool:
    """ASCII words begin a word of the text, Chinese ones lie anywhere in it."""
    text = text.lower()
    if not word.isascii():
        return word in text
    return text == word or any(t.startswith(word) for t in re.findall(r"[a-z]+", text))


def _packed(facts: _Facts, column: str) -> bool:
    """Six digits that are a date, 930101, and no month, 199301."""
    cells = facts.cells(column)
    if not cells.str.fullmatch(r"\d{6}").all():
        return False
    days = pd.to_datetime(cells, format="%y%m%d", errors="coerce")
    months = pd.to_datetime(cells, format="%Y%m", errors="coerce").dt.year.between(1970, 2069)
    return bool(days.notna().mean() > 0.95 and not months.all())


def _events(source: Source, facts: _Facts, settings: list[str]) -> Guess:
    taken = facts.taken
    for ours in ("balance_cny", "direction", "channel", "type", "product", "counterparty_id"):
        if ours == "balance_cny":
            fits = facts.is_number
        else:
            most = _MOST_CODES if ours in _CODES else len(facts.rows)
            fits = lambda c, most=most: facts.cells(c).nunique() <= most  # noqa: E731
        taken |= _named(facts, ours, fits)
        if ours == "direction" and ours not in taken:
            taken |= _both_ways(facts)
    codes = {ours: _codes(facts, taken[ours], ours) for ours in _CODES if ours in taken}
    for ours in [ours for ours in codes if not any(codes[ours].values())]:
        del codes[ours], taken[ours]  # its codes are of another kind
    columns: dict[str, Any] = dict(taken)
    options: dict[str, Any] = {}
    if _packed(facts, taken["timestamp"]):
        options["date_format"] = "%y%m%d"
        settings.append(_line("date_format", "%y%m%d"))
    if facts.cells(taken["amount_cny"]).str.contains(r"^[-−(]|-$").any():
        options["signed_amounts"] = True
        settings.append(_line("signed_amounts", True, facts.say("below zero")))
        columns.pop("direction", None)
    clock = [c for c in source.columns if c not in taken.values() and facts.is_clock(c)]
    if clock:
        columns["timestamp"] = [taken["timestamp"], clock[0]]
    codes = {ours: codes[ours] for ours in codes if ours in columns}
    mapping = TableMapping(columns=columns, codes=codes, **options)
    for option, value in _settled(source, mapping).items():
        mapping = replace(mapping, **{option: value})
        settings.append(_line(option, value, facts.say("two ways")))
    day = _last_day(source, mapping) if "customer_id" in columns else None
    lines = ["[events]", *settings, "", f"[events.columns]  # {facts.say('columns')}"]
    for ours in sorted(columns, key=[c.name for c in EVENTS.columns].index):
        lines.append(_line(ours, columns[ours], facts.samples(taken[ours])))
    if "customer_id" not in columns:
        lines.append(f'# customer_id = "…"  # {facts.say("which")}')
    ours_by_name = {c.name for c in EVENTS.columns}
    used = {*columns.values()} if not clock else {*taken.values(), clock[0]}
    for name in (c for c in source.columns if c not in used and c not in ours_by_name):
        lines.append(f"# {facts.say('unused', name)} ({facts.samples(name)})")
    for ours, translation in codes.items():
        lines += ["", f"[events.codes.{ours}]  # {facts.say('codes')}"]
        asked = facts.say("one of", ", ".join(EVENTS[ours].isin or ()))
        for theirs, code in translation.items():
            key = json.dumps(theirs, ensure_ascii=False)
            lines.append(_line(key, code, "" if code else asked))
    return Guess("events", "\n".join(lines) + "\n", day, columns.get("customer_id"))


def _both_ways(facts: _Facts) -> dict[str, str]:
    """The column whose few codes all say in or out, whatever its name."""
    for column in (c for c in facts.rows.columns if c not in facts.taken.values()):
        few = 2 <= facts.cells(column).nunique() <= 6
        if few and set(_codes(facts, column, "direction").values()) == {"in", "out"}:
            return {"direction": column}
    return {}


def _codes(facts: _Facts, column: str, ours: str) -> dict[str, str]:
    """What each code of a column may mean; an empty text where nothing speaks for a meaning."""
    known = {w: code for code, words in _CODES[ours].items() for w in words.split()}
    allowed = EVENTS[ours].isin or ()
    return {
        text: text
        if text in allowed
        else next((code for word, code in known.items() if _says(text, word)), "")
        for text in sorted(facts.cells(column).unique())
    }


def _settled(source: Source, mapping: TableMapping) -> dict:
    """Options for what the cells leave open."""
    out: dict[str, Any] = {}
    for option, value in (("dayfirst", True), ("thousands", ",")):
        chunks = (
            mapping.translate(c, source=source.name) for c in source.chunks(on_refused=_nothing)
        )
        if any(f"{option} =" in p[1] for p in survey(chunks, EVENTS, mapping).problems):
            out[option] = value
            mapping = replace(mapping, **out)
    return out


def _last_day(source: Source, mapping: TableMapping) -> str | None:
    """The last day of the events, or None where the dates cannot be read."""
    contract = Contract("events", (EVENTS["timestamp"],))
    chunks = [
        mapping.translate(c, source=source.name)["timestamp"]
        for c in source.chunks(on_refused=_nothing)
    ]
    seen = survey((c.to_frame() for c in chunks), contract, mapping)
    if seen.problems or "timestamp" not in seen.formats:
        return None
    days = [read_column(c, seen.formats["timestamp"])[0].max() for c in chunks]
    last = max((d for d in days if pd.notna(d)), default=None)
    return None if last is None else f"{last:%Y-%m-%d}"


def _features(source: Source, facts: _Facts, settings: list[str]) -> Guess:
    unique = [c for c in source.columns if len(facts.cells(c)) and not facts.repeats(c)]
    key = facts.taken.get("customer_id", unique[0] if unique else None)
    lines = ["[features]", *settings]
    if key is None:
        lines.append(f'# id = "…"  # {facts.say("which")}')
    else:
        lines.append(_line("id", key, facts.samples(key)))
    if any("thousands =" in rule for _, rule, _ in facts.numbers.problems):
        lines.append(_line("thousands", ",", facts.say("two ways")))
    lines.append(_line("drop", [], facts.say("drop")))
    for name in (c for c in source.columns if c != key):
        taken = max(facts.share(name, "number"), facts.share(name, "yes_no")) > 0.5
        use = facts.say("taken" if taken else "words", name)
        lines.append(f"# {use} ({facts.samples(name)})")
    return Guess("features", "\n".join(lines) + "\n", None, key)


def _line(key: str, value, comment: str = "") -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}" + (
        f"  # {comment}" if comment else ""
    )


def _nothing(_) -> None:
    """Torn lines are said by whoever reads the table; a guess does without them."""
