"""A bank's three Parquet files to a CSV of labels: ``kequn run`` beside scripts written by hand.

The scripts are what an analyst writes: features by one pandas ``groupby`` (or one DuckDB query),
logarithms, medians in gaps, scikit-learn's StandardScaler and KMeans (8 clusters, 10 starts). They
check nothing, name nothing and draw nothing. ``kequn run`` does all of that, with its 20 pairs of
draws for stability, the workbook and the report.
"""

import runpy
import sys
import tempfile

import timing

TABLES = ("events", "customers", "holdings")
_HOLDINGS = """
    SELECT customer_id, sum(balance_cny) FILTER (WHERE NOT product IN
        ('micro_loan', 'consumer_loan')) AS aum_cny, count(*) AS products_count,
      sum(balance_cny) FILTER (WHERE product LIKE '%loan') AS loan_cny,
      sum(balance_cny) FILTER (WHERE product = 'current') / aum_cny AS current_share,
      sum(balance_cny) FILTER (WHERE product LIKE 'term_deposit%') / aum_cny AS term_share,
      sum(balance_cny) FILTER (WHERE product IN ('wealth_product', 'guaranteed_wealth'))
        / aum_cny AS wealth_share
    FROM read_parquet('{}') GROUP BY customer_id"""
_CUSTOMERS = """
    SELECT customer_id, age_years, (customer_type = 'business')::INT AS is_business,
      date_diff('day', opened_on, DATE '2024-12-31') / 365.25 AS tenure_years, cards_count,
      (opening_channel IN ('app', 'third_party'))::INT AS opened_online
    FROM read_parquet('{}')"""


def _kequn(*words):
    sys.argv = ["kequn", *map(str, words)]
    try:
        runpy.run_module("kequn_lab", run_name="__main__", alter_sys=True)
    except SystemExit as done:
        if done.code:
            raise


def prepare(folder, customers):
    _kequn("sample", "--customers", customers, "--out", folder / "bank")


def ours(folder, customers):
    given = [w for t in TABLES for w in (f"--{t}", folder / "bank" / f"{t}.parquet")]
    with tempfile.TemporaryDirectory(dir=folder) as out:
        _kequn("run", *given, "--as-of", "2024-12-31", "--quiet", "--out", f"{out}/result")


def _labels(table, file):
    """From features to labels.csv."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    money = [c for c in table if c.endswith(("_cny", "_cny_per_month", "_per_month", "_count"))]
    table[money] = np.log1p(table[money])
    X = StandardScaler().fit_transform(table.fillna(table.median()))
    kmeans = KMeans(8, n_init=10, random_state=0).fit(X)
    table.assign(cluster=kmeans.labels_)[["cluster"]].to_csv(file)


def duckdb_features(bank):
    import duckdb
    import features

    table = features.duckdb(bank, None)
    with duckdb.connect(config={"threads": 1}) as con:
        for query, name in ((_CUSTOMERS, "customers"), (_HOLDINGS, "holdings")):
            more = con.execute(query.format(bank / f"{name}.parquet")).df()
            table = table.join(more.set_index("customer_id"), how="outer")
    return table


def pandas_features(bank):
    """The same columns."""
    import pandas as pd

    customers = pd.read_parquet(bank / "customers.parquet").set_index("customer_id")
    table = pd.DataFrame({
        "age_years": customers["age_years"],
        "is_business": (customers["customer_type"] == "business").astype(int),
        "tenure_years": (pd.Timestamp("2024-12-31") - pd.to_datetime(customers["opened_on"]))
        .dt.days / 365.25,
        "cards_count": customers["cards_count"],
        "opened_online": customers["opening_channel"].isin(["app", "third_party"]).astype(int),
    })  # fmt: skip
    held = pd.read_parquet(bank / "holdings.parquet")

    def balance(rows):
        return held[rows].groupby("customer_id")["balance_cny"].sum()

    product = held["product"]
    loan = product.str.endswith("loan")
    table["aum_cny"] = aum = balance(~product.isin(["micro_loan", "consumer_loan"]))
    table["products_count"] = held.groupby("customer_id").size()
    table["loan_cny"] = balance(loan)
    table["current_share"] = balance(product == "current") / aum
    table["term_share"] = balance(product.str.startswith("term_deposit")) / aum
    table["wealth_share"] = balance(product.isin(["wealth_product", "guaranteed_wealth"])) / aum
    return _pandas_events(bank).join(table, how="outer")


def _pandas_events(bank):
    import pandas as pd
    from features import CHANNELS, TYPES

    events = pd.read_parquet(bank / "events.parquet")
    time = events["timestamp"]
    events = events[(time >= "2024-01-01") & (time < "2025-01-01")]
    time, amount = events["timestamp"], events["amount_cny"]
    counter = events["channel"] == "counter"
    events = events.assign(
        month=time.dt.month, night=time.dt.hour >= 20, weekend=time.dt.dayofweek >= 5,
        quarter_end=time.dt.month.isin([3, 6, 9, 12]), autumn=time.dt.month.isin([9, 10, 11]),
        inflow=amount.where(events["direction"] == "in", 0.0),
        outflow=amount.where(events["direction"] == "out", 0.0),
        counter_minutes=events["counter_minutes"].where(counter),
        helped=events["helped"].astype(float).where(counter),
    )  # fmt: skip
    by = events.groupby("customer_id")
    table = by.agg(
        tx_per_month=("timestamp", "size"), active_months_share=("month", "nunique"),
        recency_days=("timestamp", "max"), amount_mean_cny=("amount_cny", "mean"),
        amount_std_cny=("amount_cny", "std"), inflow_cny_per_month=("inflow", "sum"),
        outflow_cny_per_month=("outflow", "sum"), night_share=("night", "mean"),
        counter_minutes_per_visit=("counter_minutes", "mean"), helped_share=("helped", "mean"),
        weekend_share=("weekend", "mean"), quarter_end_share=("quarter_end", "mean"),
        autumn_share=("autumn", "mean"), counterparties_per_event=("counterparty_id", "nunique"),
    )  # fmt: skip
    table["counterparties_per_event"] /= by["counterparty_id"].count()
    last = table["recency_days"].dt.normalize()
    table["recency_days"] = (pd.Timestamp("2024-12-31") - last).dt.days
    months = ["tx_per_month", "active_months_share", "inflow_cny_per_month",
              "outflow_cny_per_month"]  # fmt: skip
    table[months] /= 12
    for column, names in (("channel", {c: f"{c}_share" for c in CHANNELS}), ("type", TYPES)):
        counts = events.groupby(["customer_id", column]).size().unstack(fill_value=0)  # noqa: PD010
        shares = counts.div(counts.sum(axis=1), axis=0).reindex(columns=list(names))
        table = table.join(shares.rename(columns=names))
    return table


def duckdb(folder, customers):
    _labels(duckdb_features(folder / "bank"), folder / "duckdb.csv")


def pandas(folder, customers):
    _labels(pandas_features(folder / "bank"), folder / "pandas.csv")


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, pandas=pandas, duckdb=duckdb)
