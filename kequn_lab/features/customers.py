"""Raw tables to one row per customer, by one SQL query on any engine.

Every feature is a fact in :data:`FEATURES`: its SQL expression, the columns it needs, its unit
and meaning. The query is put together from those whose columns a bank has; the others are left
out by name, never filled with zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kequn_lab.features.window import bounds, count_window

__all__ = [
    "DEFINITIONS",
    "FEATURES",
    "Feature",
    "customer_features",
    "feature_sql",
    "feature_table",
]

#: The version of what the features mean. It changes when the value of any feature changes for
#: the same events; a scorecard labels only features of its own version.
DEFINITIONS = "1"

#: DuckDB spills to disk above it.
MEMORY_LIMIT = "2GB"


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


def _share(column: str, code: str, name: str, block: str, zh: str, en: str) -> Feature:
    per = f"count({column})"
    sql = f"count(*) FILTER (WHERE {column} = '{code}') / nullif({per}, 0)"
    return Feature(name, "events", (column,), sql, "share of events", block, zh, en, per=per)


def _share_of_all(name: str, condition: str, zh: str, en: str, needs=()) -> Feature:
    sql = f"count(*) FILTER (WHERE {condition}) / count(*)"
    return Feature(name, "events", needs, sql, "share of events", "people", zh, en, per="count(*)")


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
    _share("channel", "mobile", "mobile_share", "place", "手机银行占比", "Mobile share"),
    _share("channel", "web", "web_share", "place", "网上银行占比", "Web share"),
    _share("channel", "counter", "counter_share", "place", "柜台占比", "Counter share"),
    _share("channel", "atm", "atm_share", "place", "自助机占比", "ATM share"),
    _share("channel", "agent", "agent_share", "place", "代理点占比", "Agent share"),
    _share("channel", "third_party", "third_party_share", "place", "第三方支付占比",
           "Third-party share"),
    Feature("counter_minutes_per_visit", "events", ("channel", "counter_minutes"),
            "avg(counter_minutes) FILTER (WHERE channel = 'counter')", "minutes", "place",
            "柜台每次时长", "Counter minutes per visit", log=True),
    Feature("helped_share", "events", ("channel", "helped"),
            "avg(CASE WHEN helped THEN 1e0 ELSE 0e0 END)"
            " FILTER (WHERE channel = 'counter' AND helped IS NOT NULL)",
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

#: What differs between engines. Recency and tenure are differences of DATEs: epochs would
#: move them by a day where the session's time zone is not the data's.
DIALECTS: dict[str, dict[str, str]] = {
    "duckdb": {
        "recency_days": "date_diff('day', CAST(max({timestamp}) AS DATE), {as_of})",
        "tenure_days": "date_diff('day', CAST(opened_on AS DATE), {as_of})",
        "iso_weekday": "isodow({timestamp})",
        "active_months": "bit_count(bit_or(CAST(1 AS BIGINT) << (12 * year({timestamp})"
        " + month({timestamp}) - {first_month})))",
    },
    "spark": {
        "recency_days": "datediff({as_of}, CAST(max({timestamp}) AS DATE))",
        "tenure_days": "datediff({as_of}, CAST(opened_on AS DATE))",
        "iso_weekday": "(weekday({timestamp}) + 1)",
        "active_months": "bit_count(bit_or(shiftleft(CAST(1 AS BIGINT), 12 * year({timestamp})"
        " + month({timestamp}) - {first_month})))",
    },
}


def feature_table() -> pd.DataFrame:
    """The features as a table: name, block, unit, table, needs, log, meaning_zh, meaning_en.

    Examples
    --------
    >>> feature_table().set_index("feature").loc["counter_share", "meaning_en"]
    'Counter share'
    """
    names = ["name", "block", "unit", "table", "needs", "log", "meaning_zh", "meaning_en"]
    rows = [{n: getattr(f, n) for n in names} for f in FEATURES]
    table = pd.DataFrame(rows).rename(columns={"name": "feature"})
    return table.assign(needs=table["needs"].map(", ".join))


def feature_sql(available: dict[str, set[str]], *, as_of, months: int = 12, dialect="duckdb"):
    """The one query over ``customers``, ``events`` and ``holdings``.

    Parameters
    ----------
    available : dict of str to set of str
        Table name to the columns it has. ``time of day`` among the events' columns says
        that timestamps are more than dates.
    as_of : date-like
        Last day of the window.
    months : int
        Length of the window, 1 to 60 months.
    dialect : {"duckdb", "spark"}
        The engine.

    Returns
    -------
    str
        SQL text; one row per customer, ordered by ``customer_id``.

    Examples
    --------
    >>> print(feature_sql({"events": {"channel"}}, as_of="2024-12-31")[:31])
    WITH events_by_customer AS (
    """
    if dialect not in DIALECTS:
        raise ValueError(f"unknown dialect {dialect!r}; known: {', '.join(DIALECTS)}")
    start, end = bounds(as_of, months)
    literal = {
        "months": f"{months}e0",
        "as_of": f"DATE '{end - pd.Timedelta(days=1):%Y-%m-%d}'",
        "first_month": str(12 * start.year + start.month),
        "timestamp": "timestamp" if dialect == "duckdb" else "`timestamp`",
    }
    words = {**literal, **{k: v.format(**literal) for k, v in DIALECTS[dialect].items()}}
    used = [f for f in FEATURES if f.table in available and set(f.needs) <= available[f.table]]
    where = {
        "events": f"WHERE {words['timestamp']} >= DATE '{start:%Y-%m-%d}'"
        f" AND {words['timestamp']} < DATE '{end:%Y-%m-%d}'",
        "holdings": "",
    }
    parts, joins, columns = [], [], []
    tables = [t for t in ("events", "holdings") if t in available]
    for table in tables:
        own = [f for f in used if f.table == table]
        lines = [f"    {f.sql.format(**words)} AS {f.name}" for f in own]
        body = ",\n".join(["    customer_id", *lines])
        parts.append(
            f"{table}_by_customer AS (\n  SELECT\n{body}\n  FROM {table}\n"
            f"  {where[table]}\n  GROUP BY customer_id\n)"
        )
        joins.append(f"LEFT JOIN {table}_by_customer USING (customer_id)")
    if "customers" in available:
        own = [f for f in used if f.table == "customers"]
        lines = [f"    {f.sql.format(**words)} AS {f.name}" for f in own]
        body = ",\n".join(["    customer_id", *lines])
        parts.append(f"everyone AS (\n  SELECT\n{body}\n  FROM customers\n)")
    else:
        ids = "\n  UNION\n  ".join(f"SELECT customer_id FROM {t}_by_customer" for t in tables)
        parts.append(f"everyone AS (\n  {ids}\n)")
    for f in used:
        column = f.name if f.empty is None else f"coalesce({f.name}, {f.empty:g}e0)"
        columns.append(f"  CAST({column} AS DOUBLE) AS {f.name}")
    select = ",\n".join(["  customer_id", *columns])
    return (
        f"WITH {', '.join(parts)}\nSELECT\n{select}\nFROM everyone\n"
        + "\n".join(joins)
        + "\nORDER BY customer_id"
    )


def customer_features(
    events,
    *,
    as_of,
    holdings=None,
    customers=None,
    months: int = 12,
) -> pd.DataFrame:
    """Raw tables to one row per customer, computed by DuckDB.

    Parameters
    ----------
    events : DataFrame or path of a Parquet file
        As :data:`~kequn_lab.contract.EVENTS`; columns a bank lacks may be missing.
    as_of : date-like
        Last day of the window; later events are not looked at.
    holdings, customers : DataFrame or path of a Parquet file, optional
        As the contracts. With ``customers`` every one of them gets a row, also without events.
    months : int
        Length of the window in months.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, columns as :func:`feature_table` names them, float64.
        ``attrs["left_out"]`` says which features the tables do not allow, and why;
        ``attrs["window"]`` what :func:`~kequn_lab.features.window.count_window` counted.

    Raises
    ------
    ValueError
        No event lies in the window.

    Examples
    --------
    >>> events = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "timestamp": pd.to_datetime(
    ...         ["2024-03-01 21:00", "2024-03-02 10:00", "2024-12-30 09:00"]
    ...     ),
    ...     "amount_cny": [10.0, 30.0, 5.0],
    ...     "channel": ["mobile", "counter", "mobile"],
    ... })
    >>> table = customer_features(events, as_of="2024-12-31")
    >>> table[["amount_mean_cny", "mobile_share", "recency_days"]]
                 amount_mean_cny  mobile_share  recency_days
    customer_id
    a                       20.0           0.5         304.0
    b                        5.0           1.0           1.0
    """
    given = {"events": events, "holdings": holdings, "customers": customers}
    with feature_query(as_of=as_of, months=months, **given) as (con, sql, available, window):
        out = con.execute(sql).df().set_index("customer_id")
    left_out = _lacking(available)
    empty = [f for f in out if out[f].isna().all()]
    out = out.drop(columns=empty)
    out.attrs["left_out"] = left_out | dict.fromkeys(empty, "missing for every customer")
    out.attrs["window"] = window
    return out


@contextmanager
def feature_query(*, as_of, months: int, **tables):
    """The tables on a DuckDB connection, the query that makes their features, and the window.

    Parameters
    ----------
    as_of, months : the window
    **tables
        ``events`` and, if there are any, ``holdings`` and ``customers``.

    Yields
    ------
    tuple
        The connection, the SQL text, the columns of each table by name, and the counts of
        :func:`~kequn_lab.features.window.count_window`. Sums depend on the order in which
        numbers are added: one thread adds them, so that the same input gives the same bytes.
    """
    import duckdb

    con = duckdb.connect(config={"memory_limit": MEMORY_LIMIT})
    try:
        available = _register(con, tables)
        used = [f for f in FEATURES if f.table == "events" and set(f.needs) <= available["events"]]
        counted = tuple(dict.fromkeys(f.per for f in used if f.per))
        window = count_window(con, as_of=as_of, months=months, counted=counted)
        if window["timed"]:
            available["events"].add("time of day")
        few = window.pop("few")
        window["few"] = {f.name: few[f.per] for f in used if f.per}
        con.execute("SET threads = 1")
        yield con, feature_sql(available, as_of=as_of, months=months), available, window
    finally:
        con.close()


def _register(con, tables: dict) -> dict[str, set[str]]:
    """Frames and Parquet files as views; the columns of each by name."""
    available = {}
    for name, table in tables.items():
        if table is None:
            continue
        if isinstance(table, pd.DataFrame):
            con.register(name, table)
        else:
            path = str(Path(table)).replace("'", "''")
            con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")
        available[name] = {r[0] for r in con.execute(f"DESCRIBE {name}").fetchall()}
    return available


def _lacking(available: dict[str, set[str]]) -> dict[str, str]:
    out = {}
    for f in FEATURES:
        if f.table not in available:
            out[f.name] = f"no table {f.table}"
        elif lacking := set(f.needs) - available[f.table]:
            out[f.name] = f"no {', '.join(sorted(lacking))} in {f.table}"
    return out
