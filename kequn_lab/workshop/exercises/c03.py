"""Questions of chapter 03."""

from functools import cache

import numpy as np
import pandas as pd

from kequn_lab import contract, features
from kequn_lab.workshop.exercises import Exercise, Guess
from kequn_lab.workshop.shipped import sample

__all__: list[str] = []

#: A column that has more of all variance than this decides the distance.
_MOST = 0.05


@cache
def _channels() -> pd.DataFrame:
    """Two columns of the transactions: a chapter that holds them all has little room."""
    data, needed = sample(), ["customer_id", "channel"]
    if "customers" in data:
        return pd.read_parquet(data["table"], columns=needed)
    return data["table"].events[needed]


@cache
def _features() -> pd.DataFrame:
    data = sample()
    if "customers" in data:
        customers = contract.read_table(data["customers"], contract.CUSTOMERS)
        events, holdings = data["table"], data["holdings"]
    else:
        bank = data["table"]
        events, customers, holdings = bank.events, bank.customers, bank.holdings
    tables = {"customers": customers, "holdings": holdings}
    table = features.customer_features(events, **tables, as_of="2024-12-31")
    return table.fillna(table.median())


def _counter_share() -> pd.Series:
    events = _channels()
    return (events["channel"] == "counter").groupby(events["customer_id"]).mean()


def _judge_share(answer, facts):
    if np.ndim(answer) == 0:
        return "one number"
    given, right = pd.Series(answer).dropna().astype(float), _counter_share()
    if len(given) < len(right):
        return "visitors"
    if given.max() > 1 or not np.allclose(given.reindex(right.index), right):
        return "count"
    return "right"


def _judge_scaled(answer, facts):
    variance = pd.DataFrame(answer).var()
    share = variance.max() / variance.sum()
    if share < _MOST:
        return "right"
    low, high = np.nanmin(answer), np.nanmax(answer)
    if low >= 0 and high <= 1:
        return "range"
    return "raw" if share > facts["log_share"] + 0.01 else "log"


EXERCISES = (
    Exercise(
        "03.1",
        kind="fill in",
        goal=("由流水算出每位客户一个数", "Turn transactions into one number per customer"),
        judge=_judge_share,
        hints={
            "right": (
                "与工具箱的 SQL 算出的相同，从未去过柜台的 {never:,} 位客户也在内。",
                "The same as the kit's SQL, with the {never:,} customers who never came to the "
                "counter.",
            ),
            "one number": (
                "这是所有交易的平均，只有一个数。要的是每位客户一行：按 customer_id 分组。",
                "This is the mean over all transactions. Wanted is one row per customer: group by "
                "customer_id.",
            ),
            "visitors": (
                "只有去过柜台的客户。零也是一个值：没去过的 {never:,} 位的占比是零。",
                "Only those who came to the counter are here. Zero is a value: it is the share of "
                "the {never:,} who never came.",
            ),
            "count": (
                "要的是占比：柜台笔数除以这位客户的全部笔数，在零与一之间。",
                "Wanted is a share: counter transactions over all transactions of the customer, "
                "from zero to one.",
            ),
        },
        right=lambda facts: _counter_share(),
        wrong={
            "one number": lambda facts: float((_channels()["channel"] == "counter").mean()),
            "visitors": lambda facts: _counter_share()[lambda share: share > 0],
            "count": lambda facts: _counter_share() * _channels().groupby("customer_id").size(),
        },
    ),
    Guess(
        "03.a",
        (
            "没有渠道这一列时，柜台占比会怎样？",
            "Without a column of channels, what becomes of the counter share?",
        ),
        (
            ("全部是零", "it is zero for everybody"),
            ("填上平均值", "it is filled with an average"),
            ("报错停下", "an error"),
            ("从表里略去", "it is left out"),
        ),
    ),
    Guess(
        "03.b",
        (
            "最强的一列占全部平方距离的多少？",
            "How much of all squared distance has the strongest column?",
        ),
        (
            ("二十分之一左右", "about a twentieth"),
            ("四分之一左右", "about a quarter"),
            ("接近一半或更多", "nearly half or more"),
        ),
    ),
    Exercise(
        "03.2",
        kind="fill in",
        goal=("知道尺度决定距离", "See that scale decides the distance"),
        judge=_judge_scaled,
        hints={
            "right": (
                "各列一样重。原来最强的一列占 {raw_share:.0%}。",
                "Every column counts alike. Before, the strongest had {raw_share:.0%}.",
            ),
            "raw": (
                "最强的一列仍占 {raw_share:.0%}：减去平均值不改变尺度，还要除以标准差。",
                "The strongest column still has {raw_share:.0%}: taking off the mean does not "
                "change the scale; divide by the standard deviation, too.",
            ),
            "log": (
                "对数把大数压小，但各列的尺度还是不同：只取对数时最强的一列占 {log_share:.0%}。"
                "再除以标准差。",
                "A logarithm makes big numbers smaller, yet scales still differ: with the log "
                "alone the strongest has {log_share:.0%}. Divide by the standard deviation.",
            ),
            "range": (
                "除以最大值与最小值之差，尺度就由最极端的一位客户决定：最强的一列占 "
                "{range_share:.0%}。用标准差。",
                "Divided by the range, one extreme customer sets the scale: the strongest column "
                "has {range_share:.0%}. Use the standard deviation.",
            ),
        },
        right=lambda facts: (_features() - _features().mean()) / _features().std(),
        wrong={
            "raw": lambda facts: _features() - _features().mean(),
            "log": lambda facts: np.log1p(_features().clip(lower=0)),
            "range": lambda facts: (
                (_features() - _features().min()) / (_features().max() - _features().min())
            ),
        },
    ),
    Guess(
        "03.c",
        (
            "经营贷余额取对数、标准化之后是什么形状？",
            "Business loans after logarithm and scaling: which shape?",
        ),
        (
            ("一座钟形的山", "one bell"),
            ("分开的两堆", "two heaps"),
            ("拖着长尾的一堆", "one heap with a long tail"),
        ),
    ),
)
