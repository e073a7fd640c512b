"""What the features are: per column its SQL expression, the columns it needs, unit, meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from kequn_lab._words import CHANNELS

__all__ = ["DEFINITIONS", "FEATURES", "Feature", "feature_dictionary"]

#: The version of what the features mean. It changes when the value of any feature changes for
#: the same events; a scorecard labels only features of its own version.
DEFINITIONS = "1"


@dataclass(frozen=True)
class Feature:
    """One column of the customer table.

    ``table`` and ``needs`` name the source; ``sql`` is an aggregate over the customer's rows
    (for customers, an expression). ``block`` is the article's 人货场: people, goods, place.
    ``log`` says that the model uses log(1+x), for money and counts.
    """

    name: str
    table: str
    needs: tuple[str, ...]
    sql: str
    unit: str
    block: str
    meaning_zh: str
    meaning_en: str
    log: bool = False
    empty: float | None = None  # the value of a customer without rows in the source
    per: str = ""  # of what few events make noise: the count of a customer's events behind it
    counted: str = ""  # the condition of the events that ``sql`` counts, of a share of events


def _share(column: str, code: str, name: str, block: str, zh: str, en: str) -> Feature:
    per, counted = f"count({column})", f"{column} = '{code}'"
    sql = f"count(*) FILTER (WHERE {counted}) / nullif({per}, 0)"
    return Feature(
        name, "events", (column,), sql, "share of events", block, zh, en, per=per, counted=counted
    )


def _share_of_all(name: str, condition: str, zh: str, en: str, needs=()) -> Feature:
    sql = f"count(*) FILTER (WHERE {condition}) / count(*)"
    return Feature(
        name, "events", needs, sql, "share of events", "people", zh, en,
        per="count(*)", counted=condition,
    )  # fmt: skip


def _aum_share(name: str, condition: str, zh: str, en: str) -> Feature:
    sql = (
        f"coalesce(sum(balance_cny) FILTER (WHERE {condition}), 0e0)"
        f" / nullif(sum(balance_cny) FILTER (WHERE {_ASSET}), 0e0)"
    )
    return Feature(
        name, "holdings", ("product", "balance_cny"), sql, "share of assets", "goods", zh, en
    )


_ASSET = "product NOT IN ('micro_loan', 'consumer_loan')"
_AMOUNT = ("amount_cny",)
_TIME = ("time of day",)  # a date without a time cannot tell night from day
_RANK = "CASE {column} " + "{when}" + " END"


def _rank(column: str, codes: Iterable[str]) -> str:
    when = " ".join(f"WHEN '{code}' THEN {i}e0" for i, code in enumerate(codes, start=1))
    return _RANK.format(column=column, when=when)


FEATURES: tuple[Feature, ...] = (
    Feature("age_years", "customers", ("age_years",), "age_years", "years", "people",
            "年龄", "Age"),
    Feature("is_business", "customers", ("customer_type",),
            "CASE customer_type WHEN 'business' THEN 1e0 WHEN 'person' THEN 0e0 END",
            "0 or 1", "people", "企业户", "Registered as a business"),
    Feature("tenure_years", "customers", ("opened_on",), "{tenure_days} / 365.25e0", "years",
            "people", "开户年限", "Years since first account", log=True),
    Feature("city_tier_rank", "customers", ("city_tier",),
            _rank("city_tier", ("village", "county", "tier3_5", "tier2", "tier1")),
            "1 village to 5 tier-1 city", "people", "城市层级", "City tier"),
    Feature("cards_count", "customers", ("cards_count",), "cards_count", "count", "people",
            "卡数", "Cards", log=True),
    Feature("risk_rank", "customers", ("risk_class",),
            _rank("risk_class", ("R1", "R2", "R3", "R4", "R5")),
            "1 cautious to 5", "people", "风险等级", "Risk class"),
    Feature("opened_online_share", "customers", ("opening_channel",),
            "CASE WHEN opening_channel IN ('app', 'third_party') THEN 1e0 "
            "WHEN opening_channel IS NOT NULL THEN 0e0 END",
            "0 or 1", "place", "线上开户", "Opened online"),
    Feature("tx_per_month", "events", (), "count(*) / {months}", "events per month", "people",
            "月均交易笔数", "Events per month", log=True, empty=0.0),
    Feature("active_months_share", "events", (), "least({active_months} / {months}, 1e0)",
            "share of months", "people", "活跃月份占比", "Active months", empty=0.0),
    Feature("recency_days", "events", (), "{recency_days}", "days", "people",
            "距上次交易天数", "Days since last event", log=True),
    Feature("amount_mean_cny", "events", _AMOUNT, "avg(amount_cny)", "CNY", "people",
            "笔均金额", "Mean amount", log=True),
    Feature("amount_std_cny", "events", _AMOUNT, "stddev_samp(amount_cny)", "CNY", "people",
            "金额标准差", "Amount standard deviation", log=True, per="count(*)"),
    Feature("inflow_cny_per_month", "events", (*_AMOUNT, "direction"),
            "coalesce(sum(amount_cny) FILTER (WHERE direction = 'in'), 0e0) / {months}",
            "CNY per month", "people", "月均流入", "Inflow per month", log=True, empty=0.0),
    Feature("outflow_cny_per_month", "events", (*_AMOUNT, "direction"),
            "coalesce(sum(amount_cny) FILTER (WHERE direction = 'out'), 0e0) / {months}",
            "CNY per month", "people", "月均流出", "Outflow per month", log=True, empty=0.0),
    Feature("balance_mean_cny", "events", ("balance_cny",), "avg(balance_cny)", "CNY", "people",
            "平均余额", "Mean balance", log=True),
    Feature("balance_min_cny", "events", ("balance_cny",), "min(balance_cny)", "CNY", "people",
            "最低余额", "Lowest balance", log=True),
    *(_share("channel", code, f"{code}_share", "place", f"{zh}占比", f"{en} share")
      for code, (zh, en) in CHANNELS.items()),
    Feature("counter_minutes_per_visit", "events", ("channel", "counter_minutes"),
            "avg(counter_minutes) FILTER (WHERE channel = 'counter')", "minutes", "place",
            "柜台每次时长", "Counter minutes per visit", log=True),
    Feature("helped_share", "events", ("channel", "helped"),
            "avg(CAST(helped AS DOUBLE)) FILTER (WHERE channel = 'counter')",
            "share of counter visits", "place", "填单协助占比", "Helped at the counter",
            per="count(helped)"),
    _share_of_all("night_share", "hour({timestamp}) >= 20", "夜间占比", "Night share (20–24 h)",
                  _TIME),
    _share_of_all("weekend_share", "{iso_weekday} >= 6", "周末占比", "Weekend share"),
    _share_of_all("quarter_end_share", "month({timestamp}) IN (3, 6, 9, 12)", "季末月占比",
                  "Quarter-end share"),
    _share_of_all("autumn_share", "month({timestamp}) IN (9, 10, 11)", "秋季占比",
                  "Autumn share (Sep–Nov)"),
    _share("type", "consume", "consume_share", "goods", "消费占比", "Spending share"),
    _share("type", "income_in", "income_share", "goods", "收入占比", "Income share"),
    _share("type", "transfer_out", "transfer_out_share", "goods", "转出占比", "Transfer share"),
    _share("type", "merchant_in", "merchant_in_share", "goods", "收单占比", "Merchant receipts"),
    _share("type", "cash", "cash_share", "goods", "现金占比", "Cash share"),
    _share("type", "loan", "loan_event_share", "goods", "贷款交易占比", "Loan events"),
    _share("type", "tax_payroll", "tax_payroll_share", "goods", "税费代发占比", "Tax and payroll"),
    _share("type", "invest", "invest_share", "goods", "理财交易占比", "Investment events"),
    Feature("counterparties_per_event", "events", ("counterparty_id",),
            "count(DISTINCT counterparty_id) / nullif(count(counterparty_id), 0)",
            "per event", "people", "笔均对手数", "Counterparties per event",
            per="count(counterparty_id)"),
    Feature("aum_cny", "holdings", ("product", "balance_cny"),
            f"coalesce(sum(balance_cny) FILTER (WHERE {_ASSET}), 0e0)", "CNY", "goods",
            "金融资产", "Assets at the bank", log=True, empty=0.0),
    Feature("products_count", "holdings", ("product", "balance_cny"),
            "count(*) FILTER (WHERE balance_cny > 0)", "count", "goods", "持有产品数",
            "Products held", empty=0.0),
    _aum_share("current_aum_share", "product = 'current'", "活期占比", "Current account"),
    _aum_share("term_aum_share", "product LIKE 'term_deposit%'", "定期占比", "Term deposits"),
    _aum_share("large_cd_aum_share", "product = 'large_cd'", "大额存单占比", "Large CDs"),
    _aum_share("structured_aum_share", "product = 'structured_deposit_product'", "结构性存款占比",
               "Structured deposits"),
    _aum_share("bond_aum_share", "product = 'savings_bond'", "国债占比", "Savings bonds"),
    _aum_share("money_fund_aum_share", "product = 'money_fund'", "货币基金占比", "Money funds"),
    _aum_share("wealth_aum_share", "product IN ('wealth_product', 'guaranteed_wealth')",
               "理财占比", "Wealth products"),
    _aum_share("insurance_aum_share", "product = 'bancassurance'", "银保占比", "Bancassurance"),
    Feature("micro_loan_cny", "holdings", ("product", "balance_cny"),
            "coalesce(sum(balance_cny) FILTER (WHERE product = 'micro_loan'), 0e0)", "CNY",
            "goods", "经营贷余额", "Business loan", log=True, empty=0.0),
    Feature("consumer_loan_cny", "holdings", ("product", "balance_cny"),
            "coalesce(sum(balance_cny) FILTER (WHERE product = 'consumer_loan'), 0e0)", "CNY",
            "goods", "消费贷余额", "Consumer loan", log=True, empty=0.0),
)  # fmt: skip


def feature_dictionary() -> pd.DataFrame:
    """The features as a table: name, block, unit, table, needs, log, meaning_zh, meaning_en.

    Examples
    --------
    >>> feature_dictionary().set_index("feature").loc["counter_share", "meaning_en"]
    'Counter share'
    """
    names = ["name", "block", "unit", "table", "needs", "log", "meaning_zh", "meaning_en"]
    rows = [{n: getattr(f, n) for n in names} for f in FEATURES]
    table = pd.DataFrame(rows).rename(columns={"name": "feature"})
    return table.assign(needs=table["needs"].map(", ".join))
