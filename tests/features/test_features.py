"""The customer table, compared with answers written by hand and plain pandas."""

import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.mapping import read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import EVENTS
from kequn_lab.features._packed import MOST_COUNTED, hashes_differ
from kequn_lab.features.customers import customer_features, feature_query, feature_sql
from kequn_lab.features.definitions import FEATURES, feature_dictionary

MAPPINGS = Path(__file__).resolve().parents[2] / "data" / "mappings"
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "customer_type": ["person", "business", "person"],
        "age_years": [66.0, 40.0, np.nan],
        "city_tier": ["village", "tier1", None],
        "opening_channel": ["branch", "app", "agent"],
        "opened_on": pd.to_datetime(["2014-12-31", "2024-12-01", "2020-01-01"]),
        "risk_class": ["R1", None, "R5"],
    }
)
EVENTS_ = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "b", "a"],
        "timestamp": pd.to_datetime(
            [
                "2024-01-01 09:00",  # Monday, first day of the window
                "2024-03-02 10:00",  # Saturday
                "2024-12-31 23:59",  # last day, at night
                "2024-10-06 20:00",  # Sunday
                "2024-10-07 19:59",
                "2023-12-31 23:59",  # before the window
            ]
        ),
        "amount_cny": [100.0, 50.0, 30.0, 7.0, 9.0, 1e9],
        "direction": ["in", "out", "out", "in", "out", "in"],
        "channel": ["counter", "counter", "mobile", "web", None, "atm"],
        "type": ["income_in", "cash", "consume", "merchant_in", "tax_payroll", "cash"],
        "counterparty_id": ["x", "x", "y", "z", None, "w"],
        "counter_minutes": [20.0, 10.0, np.nan, np.nan, np.nan, np.nan],
        "helped": [True, False, None, None, None, None],
    }
)
HOLDINGS = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b"],
        "product": ["current", "term_deposit_3y", "consumer_loan", "micro_loan"],
        "balance_cny": [25.0, 75.0, 40.0, 1000.0],
    }
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return customer_features(
        EVENTS_, as_of="2024-12-31", holdings=HOLDINGS, customers=CUSTOMERS, months=12
    )


@pytest.mark.parametrize(
    ("feature", "a", "b", "c"),
    [
        ("tx_per_month", 3 / 12, 2 / 12, 0),
        ("active_months_share", 3 / 12, 1 / 12, 0),
        ("recency_days", 0, 85, np.nan),
        ("amount_mean_cny", 60, 8, np.nan),
        ("amount_std_cny", np.std([100, 50, 30], ddof=1), np.sqrt(2), np.nan),
        ("inflow_cny_per_month", 100 / 12, 7 / 12, 0),
        ("outflow_cny_per_month", 80 / 12, 9 / 12, 0),
        ("counter_share", 2 / 3, 0, np.nan),
        ("web_share", 0, 1, np.nan),  # the event without a channel is not counted
        ("counter_minutes_per_visit", 15, np.nan, np.nan),
        ("helped_share", 0.5, np.nan, np.nan),
        ("night_share", 1 / 3, 1 / 2, np.nan),
        ("weekend_share", 1 / 3, 1 / 2, np.nan),
        ("quarter_end_share", 2 / 3, 0, np.nan),
        ("autumn_share", 0, 1, np.nan),
        ("cash_share", 1 / 3, 0, np.nan),
        ("counterparties_per_event", 2 / 3, 1, np.nan),
        ("aum_cny", 100, 0, 0),
        ("term_aum_share", 0.75, np.nan, np.nan),
        ("products_count", 3, 1, 0),
        ("consumer_loan_cny", 40, 0, 0),
        ("micro_loan_cny", 0, 1000, 0),
        ("is_business", 0, 1, 0),
        ("tenure_years", 3653 / 365.25, 30 / 365.25, 1826 / 365.25),
        ("city_tier_rank", 1, 5, np.nan),
        ("risk_rank", 1, np.nan, 5),
        ("opened_online_share", 0, 1, 0),
    ],
)
def test_feature_by_hand(table, feature, a, b, c):
    np.testing.assert_allclose(table[feature], [a, b, c], rtol=1e-12)


def test_rows_are_the_customer_table(table):
    assert table.index.tolist() == ["a", "b", "c"]
    assert table.index.name == "customer_id"


def test_without_customer_table_rows_are_those_with_events_or_holdings():
    events = EVENTS_[EVENTS_["customer_id"] == "a"]
    assert customer_features(events, as_of="2024-12-31").index.tolist() == ["a"]
    both = customer_features(events, as_of="2024-12-31", holdings=HOLDINGS)
    assert both.index.tolist() == ["a", "b"]


def test_what_a_bank_lacks_is_left_out_by_name_not_filled():
    bare = EVENTS_[["customer_id", "timestamp", "amount_cny"]]
    table = customer_features(bare, as_of="2024-12-31")
    left_out = table.attrs["left_out"]
    assert left_out["counter_share"] == "no channel in events"
    assert left_out["aum_cny"] == "no table holdings"
    assert set(table) | set(left_out) == {f.name for f in FEATURES}
    assert not set(table) & set(left_out)


def test_dates_without_time_cannot_tell_the_night():
    dates = EVENTS_.assign(timestamp=EVENTS_["timestamp"].dt.normalize())
    table = customer_features(dates, as_of="2024-12-31")
    assert table.attrs["left_out"]["night_share"] == "no time of day in events"
    assert "weekend_share" in table


def test_window_of_three_months_ends_on_the_last_day():
    table = customer_features(EVENTS_, as_of="2024-12-31", months=3)
    assert table.loc["a", "tx_per_month"] == 1 / 3
    assert table.loc["b", "tx_per_month"] == 2 / 3


def test_no_event_in_the_window_says_where_the_events_are():
    with pytest.raises(ValueError, match=r"no event between 2019-01-01 and 2019-12-31.*2023-12-31"):
        customer_features(EVENTS_, as_of="2019-12-31")


def test_parquet_path_gives_the_same_table(tmp_path, table):
    paths = {}
    for name, frame in (("events", EVENTS_), ("holdings", HOLDINGS), ("customers", CUSTOMERS)):
        paths[name] = tmp_path / f"it's {name}.parquet"
        frame.to_parquet(paths[name])
    read = customer_features(as_of="2024-12-31", **paths)
    pd.testing.assert_frame_equal(read, table)


def test_input_is_not_modified():
    before = EVENTS_.copy(deep=True)
    customer_features(EVENTS_, as_of="2024-12-31")
    pd.testing.assert_frame_equal(EVENTS_, before)


def test_feature_table_documents_every_feature():
    table = feature_dictionary()
    assert table["feature"].is_unique
    assert table[["block", "unit", "meaning_zh", "meaning_en"]].ne("").all(axis=None)
    assert set(table["block"]) == {"people", "goods", "place"}


def test_spark_text_differs_only_in_the_dialect():
    available = {"events": {"channel", "time of day"}, "customers": {"opened_on"}}
    spark = feature_sql(available, as_of="2024-12-31", dialect="spark")
    assert "datediff(DATE '2024-12-31'" in spark
    assert "isodow" not in spark
    with pytest.raises(ValueError, match="unknown dialect 'oracle'"):
        feature_sql(available, as_of="2024-12-31", dialect="oracle")


def test_berka_features_equal_the_published_ones_on_110_of_110_accounts(shared):
    """Count, mean and std of amounts, mean and min of balances, computed by others in pandas."""
    berka = shared / "data" / "berka"
    mapping = read_mapping(MAPPINGS / "berka_translated.toml")
    events = read_table(berka / "feup" / "trans_test.csv", EVENTS, mapping=mapping.events)
    loans = read_table(berka / "feup" / "loan_test.csv")
    late = loans.loc[loans["date"].astype(int) > 971231, "account_id"]
    events = events[events["customer_id"].isin(late)]
    ours = customer_features(events, as_of="1997-12-31", months=60)
    theirs = read_table(berka / "derived" / "churn_capstone_features.csv").set_index("account_id")
    both = ours.index.intersection(theirs.index)  # they kept accounts old enough for their label
    assert len(both) == 110
    ours, theirs = ours.loc[both], theirs.loc[both].apply(pd.to_numeric, errors="coerce")
    np.testing.assert_allclose(ours["tx_per_month"] * 60, theirs["tx_count"], rtol=1e-9)
    for mine, other in {
        "amount_mean_cny": "tx_amount_mean",
        "amount_std_cny": "tx_amount_std",
        "balance_mean_cny": "balance_mean",
        "balance_min_cny": "balance_min",
    }.items():
        np.testing.assert_allclose(ours[mine], theirs[other], rtol=1e-9)


def test_one_thread_adds_so_that_the_same_events_give_the_same_bytes():
    with feature_query(events=EVENTS_, as_of="2024-12-31", months=12) as (con, *_):
        assert con.execute("SELECT current_setting('threads')").fetchone() == (1,)


@pytest.mark.parametrize("lacking", [[], ["counterparty_id"], ["channel", "type"]])
@pytest.mark.parametrize(
    ("as_of", "months"), [("2024-12-31", 12), ("2024-10-06", 4), ("2025-03-31", 24)]
)
def test_packed_counts_give_the_values_of_the_plain_text(lacking, as_of, months):
    """Also where the window ends within a month, codes are unknown and columns are lacking."""
    rng, n = np.random.default_rng(0), 3_000
    events = EVENTS_.sample(n, replace=True, random_state=0, ignore_index=True).assign(
        customer_id=rng.choice(list("abcdefgh"), n),
        timestamp=pd.Timestamp("2023-11-30") + pd.to_timedelta(rng.integers(0, 450 * 24, n), "h"),
        amount_cny=rng.lognormal(5, 1, n),
        channel=rng.choice(["mobile", "counter", "atm", "unlisted", None], n),
        counterparty_id=rng.choice(["x", "y", "z", None], n),
    )
    events.loc[events["customer_id"] == "h", ["channel", "type", "counterparty_id"]] = None
    events = events.drop(columns=lacking)
    with feature_query(events=events, as_of=as_of, months=months) as (con, packed, available, _):
        plain = feature_sql(available, as_of=as_of, months=months)
        assert "days._flags" in packed or "FROM per_customer" in packed
        assert "FILTER (WHERE channel = 'mobile')" not in packed
        found, expected = con.execute(packed).df(), con.execute(plain).df()
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_a_customer_with_more_events_than_the_bits_hold_is_counted_in_the_plain_way():
    events = EVENTS_.iloc[[2]]
    events = events.loc[events.index.repeat(MOST_COUNTED + 1)]
    with feature_query(events=events, as_of="2024-12-31", months=12) as (con, sql, *_):
        assert "FROM per_customer" not in sql
        assert con.execute(sql).df()["mobile_share"].tolist() == [1.0]
    with feature_query(events=events[1:], as_of="2024-12-31", months=12) as (con, sql, *_):
        assert "FROM per_customer" in sql
        assert con.execute(sql).df()["mobile_share"].tolist() == [1.0]


def test_one_customer_with_millions_of_events_does_not_stop_the_sums(tmp_path):
    """The last code of a sum of eight has 22 bits: four million events."""
    file = tmp_path / "events.parquet"
    duckdb.sql(
        "SELECT 'a' AS customer_id, 'invest' AS type, TIMESTAMP '2024-05-01 09:00' AS timestamp"
        f" FROM range({2**22})"
    ).write_parquet(str(file))
    assert customer_features(file, as_of="2024-12-31")["invest_share"].tolist() == [1.0]


@pytest.mark.parametrize(("months", "summed"), [(12, False), (14, True)])
def test_events_are_added_up_while_they_are_counted_if_all_are_inside(months, summed):
    with feature_query(events=EVENTS_, as_of="2024-12-31", months=months) as (_, sql, *_):
        assert ("FROM per_customer" in sql) == summed
        assert ("FROM events JOIN" not in sql) == summed


@pytest.mark.parametrize("as_of", ["2024-12-31", "2024-10-31"])
def test_days_are_a_table_whose_bounds_the_engine_knows(as_of):
    with feature_query(events=EVENTS_, as_of=as_of, months=2) as (con, sql, *_):
        found = con.execute("SELECT count(*), max(_day), bit_or(_month) FROM days").fetchone()
        assert "JOIN days" in sql
    assert found == (61, pd.Timestamp(as_of).date(), 0b11)


def test_a_visit_that_says_nothing_of_help_is_no_visit_without_help():
    table = customer_features(EVENTS_.assign(channel="counter"), as_of="2024-12-31")
    assert table.loc["a", "helped_share"] == 0.5


def test_hashes_stand_for_counterparties_unless_two_have_the_same():
    with feature_query(events=EVENTS_, as_of="2024-12-31", months=12) as (con, sql, available, _):
        assert "hash(counterparty_id)" in sql
        assert hashes_differ(con)
        con.execute("CREATE MACRO hash(id) AS length(CAST(id AS STRING))")
        assert not hashes_differ(con)
        how = {"as_of": "2024-12-31", "most_events": 3}
        assert "hash(" not in feature_sql(available, **how)


def test_features_of_events_do_without_scikit_learn():
    code = "import sys, kequn_lab; kequn_lab.customer_features; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_table_that_comes_in_parts_is_the_same_as_in_one(monkeypatch):
    day, amount = pd.Timestamp("2024-03-01 10:00"), np.arange(5_000.0)
    ids = [f"{i:04d}" for i in range(5_000)]
    events = pd.DataFrame({"customer_id": ids, "timestamp": day, "amount_cny": amount})
    whole = customer_features(events, as_of="2024-12-31")
    monkeypatch.setattr("kequn_lab.features.customers._VECTORS", 1)
    parts = customer_features(events, as_of="2024-12-31")
    pd.testing.assert_frame_equal(parts, whole)
    assert parts.index.tolist() == ids and parts["amount_mean_cny"].tolist() == amount.tolist()
