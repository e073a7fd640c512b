"""The savings ladder of the article: liquid money first, then one, three and five years.

Teaching material, not advice. The order of the rungs, the months of spending and the minimums
are the article's; the shares of the rungs are assumptions (``ladder_shares.csv``); products that
later rules ended are marked, with the source, and can be replaced by today's (``era``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab.products._placement import (
    integer_rungs,
    long_rungs_closed,
    place,
    reserve_fen,
    risk_ranks,
)

__all__ = [
    "Ladder", "allocation_ladder", "ladder_by_segment", "ladder_products", "monthly_spending",
]  # fmt: skip

NOTICE = {
    "zh": "教学材料,不构成投资建议。各档比例为假设,不是文章所说。",
    "en": "Teaching material, not advice. The shares of the rungs are assumptions, "
    "not the article's.",
}
#: Money that no rung can take: it stays in the current account.
UNPLACED = "unplaced"
_PRODUCT_FACTS = [
    *("name_zh", "name_en", "minimum_cny", "step_cny", "term_months", "liquidity", "risk_class"),
    *("deposit_insured", "status_today", "status_rule", "replaced_by"),
]


def ladder_products(*, era: str = "article") -> pd.DataFrame:
    """The products of each rung, with shares and facts; edit the table and pass it on.

    Parameters
    ----------
    era : {"article", "current"}
        ``article``: products of about 2019, the ended ones marked. ``current``: an ended product
        is replaced by the catalogue's ``replaced_by``.

    Returns
    -------
    DataFrame
        One row per rung and product: ``rung_id``, ``product_id``, ``product_order``,
        ``share_of_rest`` (the rung's share of what is left after the liquid rung; empty for L0),
        as in ``ladder_shares.csv``, and the facts ``name_zh``,
        ``name_en``, ``minimum_cny``, ``step_cny``, ``term_months``, ``liquidity``,
        ``risk_class``, ``deposit_insured``, ``status_today``, ``status_rule`` (id of the source
        in the catalogue's rules), ``replaces``.

    Examples
    --------
    >>> table = ladder_products(era="current")
    >>> table.loc[table["replaces"].notna(), ["rung_id", "product_id", "replaces"]]
      rung_id       product_id           replaces
    1      L1   wealth_product  guaranteed_wealth
    2      L2  term_deposit_1y      smart_deposit
    """
    if era not in ("article", "current"):
        raise ValueError(f"era must be 'article' or 'current'; found {era!r}")
    shares = catalogue.read("ladder_shares")
    facts = catalogue.products().set_index("product_id")
    table = shares.assign(replaces=pd.Series(index=shares.index, dtype="str"))
    ended = facts["status_today"].str.startswith("ended") & facts["replaced_by"].notna()
    if era == "current":
        old = table["product_id"].isin(facts.index[ended])
        table["replaces"] = table["product_id"].where(old)
        new = table.loc[old, "product_id"].map(facts["replaced_by"])
        table.loc[old, "product_id"] = new
    return table.join(facts[_PRODUCT_FACTS].drop(columns="replaced_by"), on="product_id")


@dataclass(frozen=True)
class Ladder:
    """The rung of each customer's money, and what to ask before following it.

    Attributes
    ----------
    rungs : DataFrame
        One row per customer and product that gets money: ``customer_id``, ``rung_id``,
        ``product_id`` (both categories), ``amount_fen`` (int, exact: a customer's rows add up to
        the money), ``amount_cny``, ``share`` (of the customer's money).
    flags : DataFrame
        Indexed by customer; True where it applies: ``spending_unknown`` (no reserve can be worked
        out, so all stays liquid), ``reserve_short`` (money ends within the liquid rung),
        ``long_rungs_closed`` (the article's conditions do not hold or are unknown), ``cd_trap``
        (the minimum of a large CD could only be met by giving up the reserve: refused),
        ``cd_large`` (a CD is more than half of the money), ``above_insurance`` (insured deposits
        above the limit at one bank), ``early_withdrawal`` (money in products that are not liquid:
        ask what leaving early costs), ``ended_product`` (a product no longer sold).
    products : DataFrame
        The table that was used, see :func:`ladder_products`.
    """

    rungs: pd.DataFrame
    flags: pd.DataFrame
    products: pd.DataFrame

    def explain(self, customer_id: str, *, language: str = "zh") -> pd.DataFrame:
        """The rungs of one customer in words: ``rung_id``, ``product``, ``amount_cny``, ``why``."""
        mine = self.rungs[self.rungs["customer_id"] == customer_id]
        if mine.empty and customer_id not in self.flags.index:
            raise KeyError(f"no customer {customer_id!r} on this ladder")
        flags = self.flags.loc[customer_id]
        facts = self.products.set_index(["rung_id", "product_id"])
        rows = []
        for row in mine.itertuples():
            why, name = _why(row, facts, flags, language)
            rows.append((row.rung_id, name, row.amount_cny, why))
        out = pd.DataFrame(rows, columns=["rung_id", "product", "amount_cny", "why"])
        out.attrs["notice"] = NOTICE[language]
        return out


def _why(row, facts: pd.DataFrame, flags: pd.Series, language: str) -> tuple[str, str]:
    zh = language == "zh"
    if row.rung_id == UNPLACED:
        why = "低于各档起点的零头,留在活期" if zh else "too little for any rung: stays at hand"
        return why, "活期" if zh else "Current account"
    fact = facts.loc[(row.rung_id, row.product_id)]
    if row.rung_id == "L0":
        why = "随用随取的生活性支出" if zh else "spending money, available at any time"
        if flags["spending_unknown"]:
            why = "支出不明,全部随用随取" if zh else "spending unknown, so all stays liquid"
    else:
        share = f"{fact['share_of_rest']:.0%}"
        why = f"余钱的 {share} 归此档" if zh else f"{share} of the rest belongs to this rung"
        if fact["minimum_cny"] > 0:
            least = f"{fact['minimum_cny']:,.0f}"
            why += f";起点 {least} 元" if zh else f"; minimum {least} CNY"
    if fact["status_today"].startswith("ended"):
        year = fact["status_today"].split()[-1]
        why += f";{year} 年已停" if zh else f"; ended in {year}"
    return why, fact["name_zh" if zh else "name_en"]


def allocation_ladder(
    customers: pd.DataFrame,
    ladder: pd.DataFrame,
    *,
    liquid_months: float = 6,
) -> Ladder:
    """Put each customer's money on the ladder, exact to the fen. Teaching material, not advice.

    Parameters
    ----------
    customers : DataFrame
        Indexed by customer: ``money_cny`` (>= 0), ``spending_cny_per_month`` (living expenses,
        see :func:`monthly_spending`; all outflow would count transfers, too), and optionally
        ``age_years``, ``health_fair`` (bool), ``planned_spending_cny`` (large, soon),
        ``risk_class`` (R1 to R5).
    ladder : DataFrame
        As :func:`ladder_products`.
    liquid_months : float
        Months of spending kept liquid; the article says three to six.

    Returns
    -------
    Ladder

    Raises
    ------
    ValueError
        For missing columns, negative or missing money, duplicate customers, shares that do not
        add up to 1, a maximum below the minimum.

    Notes
    -----
    1. Liquid rung: ``liquid_months`` of spending plus planned spending, or all the money if that
       is less. It never shrinks when money grows. Spending that is missing or zero is unknown:
       all stays liquid.
    2. The rest is split by shares over the open rungs. The three and five year rungs are open
       under the article's conditions (fair health, not too old: 80 years, an assumption); a
       condition whose column is
       absent is not asked, a missing value closes them. A product above the customer's risk
       class is not used (an unknown class buys R1 only, an absent column is not asked).
    3. From the longest rung down, products take what their minimum and step allow; what they
       cannot take moves to the next shorter rung, and at last stays ``unplaced``.
    4. A large CD is refused if it were all the money: taking out one yuan would end it.

    Examples
    --------
    >>> saver = pd.DataFrame({"money_cny": [100_000.0], "spending_cny_per_month": [2_000.0],
    ...                       "age_years": [66]}, index=["c1"])
    >>> found = allocation_ladder(saver, ladder_products(era="current"))
    >>> found.rungs[["rung_id", "product_id", "amount_cny"]]
      rung_id       product_id  amount_cny
    0      L0       money_fund     12000.0
    1      L1   wealth_product     13200.0
    2      L2  term_deposit_1y     22000.0
    3      L3     savings_bond     35200.0
    4      L4  term_deposit_5y     17600.0
    """
    money, reserve, unknown = reserve_fen(customers, liquid_months)
    rungs = integer_rungs(ladder)
    liquid = np.where(unknown, money, np.minimum(money, reserve))
    closed = long_rungs_closed(customers)
    ranks, class_of = risk_ranks(customers), rungs["risk_class"].fillna("R1")
    may_buy = {i: ranks >= float(risk_class[1:]) for i, risk_class in class_of.items()}
    amounts, unplaced = place(money, liquid, rungs, closed, may_buy)

    liquid_row = rungs.index[rungs["rung_id"] == "L0"][0]
    amounts[liquid_row] = liquid
    lines = [(row.rung_id, row.product_id, amounts[row.Index]) for row in rungs.itertuples()]
    lines.append((UNPLACED, "current", unplaced))
    placed = _tidy(customers.index, lines, money)
    limit_cny = catalogue.read("rules").set_index("rule_id")["value"]["deposit_insurance_limit"]
    flags = _flags(money, reserve, unknown, closed, rungs, amounts, unplaced, float(limit_cny))
    return Ladder(placed, flags.set_axis(customers.index), ladder)


# Steps -----------------------------------------------------------------------------------------


def _tidy(index: pd.Index, lines, money: np.ndarray) -> pd.DataFrame:
    rungs = pd.CategoricalDtype(list(dict.fromkeys(rung for rung, _, _ in lines)), ordered=True)
    products = pd.CategoricalDtype(list(dict.fromkeys(product for _, product, _ in lines)))
    fen = np.stack([amount for _, _, amount in lines], axis=1)
    customer, line = np.nonzero(fen)
    amount = fen[customer, line]
    rung_codes = rungs.categories.get_indexer([rung for rung, _, _ in lines])
    product_codes = products.categories.get_indexer([product for _, product, _ in lines])
    return pd.DataFrame(
        {
            "customer_id": index.take(customer),
            "rung_id": pd.Categorical.from_codes(rung_codes[line], dtype=rungs),
            "product_id": pd.Categorical.from_codes(product_codes[line], dtype=products),
            "amount_fen": amount,
            "amount_cny": amount / 100,
            "share": amount / money[customer],
        }
    )


def _flags(money, reserve, unknown, closed, rungs, amounts, unplaced, limit_cny) -> pd.DataFrame:
    def held(rows):
        return sum((amounts[i] for i in rungs.index[rows]), np.zeros(len(money), np.int64))

    cd = held(rungs["product_id"] == "large_cd")
    cd_minimum = rungs.loc[rungs["product_id"] == "large_cd", "minimum"].min()
    insured = held(rungs["deposit_insured"].astype("boolean").fillna(False)) + unplaced
    not_liquid = (rungs["liquidity"] != "high") & (rungs["rung_id"] != "L0")
    return pd.DataFrame(
        {
            "spending_unknown": unknown,
            "reserve_short": ~unknown & (money < reserve),
            "long_rungs_closed": closed,
            "cd_trap": (money >= cd_minimum) & (money - reserve < cd_minimum) & ~unknown,
            "cd_large": 2 * cd > money,
            "above_insurance": insured > round(limit_cny * 100),
            "early_withdrawal": held(not_liquid) > 0,
            "ended_product": held(rungs["status_today"].str.startswith("ended")) > 0,
        }
    )


def ladder_by_segment(ladder: Ladder, labels: pd.Series) -> pd.DataFrame:
    """How the money of each segment is spread over the ladder.

    Parameters
    ----------
    ladder : Ladder
        As :func:`allocation_ladder` returns it.
    labels : Series
        Segment of each customer, indexed by ``customer_id``.

    Returns
    -------
    DataFrame
        ``segment_id``, ``rung_id``, ``product_id``, ``customers`` (with money there),
        ``amount_cny``, ``share`` (of the segment's money on the ladder; adds up to 1).
    """
    segment = ladder.rungs["customer_id"].map(labels)
    by = [segment.rename("segment_id"), ladder.rungs["rung_id"], ladder.rungs["product_id"]]
    grouped = ladder.rungs.groupby(by, observed=True)["amount_fen"].agg(["size", "sum"])
    out = grouped.rename(columns={"size": "customers"}).reset_index()
    out["amount_cny"] = out["sum"] / 100
    out["share"] = out["sum"] / out.groupby("segment_id")["sum"].transform("sum")
    return out.drop(columns="sum")


def monthly_spending(events: pd.DataFrame, *, as_of) -> pd.Series:
    """Living expenses per customer, CNY per month: what was spent, and cash that was drawn.

    Parameters
    ----------
    events : DataFrame
        ``customer_id``, ``timestamp``, ``amount_cny``, ``type`` and, if there, ``direction``.
    as_of : date
        Last day of the twelve months.

    Returns
    -------
    Series
        Indexed by customer: payments (``consume``) and cash out (``cash``) over twelve months;
        customers without any are not in it (their spending is unknown).

    Examples
    --------
    >>> events = pd.DataFrame({"customer_id": ["a", "a", "a"], "amount_cny": [600., 600, 9000],
    ...                        "type": ["consume", "cash", "transfer_out"], "direction": "out",
    ...                        "timestamp": pd.to_datetime(["2024-03-01"] * 3)})
    >>> monthly_spending(events, as_of="2024-12-31").to_dict()
    {'a': 100.0}
    """
    end = pd.Timestamp(as_of).normalize() + pd.Timedelta(days=1)
    start = end - pd.DateOffset(months=12)
    spent = events["type"].isin(["consume", "cash"]) & events["timestamp"].between(
        start, end, inclusive="left"
    )
    if "direction" in events:
        spent &= events["direction"] == "out"
    total = events.loc[spent].groupby("customer_id", observed=True)["amount_cny"].sum()
    return (total / 12).rename("spending_cny_per_month")
