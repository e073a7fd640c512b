"""DuckDB here and Spark there: the same features (1e-9) and the same labels."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.mapping import read_mapping
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features as by_duckdb
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.run.entrance import raw_tables
from kequn_lab.segments.pipeline import fit_segments

pytestmark = [pytest.mark.usefixtures("java"), pytest.mark.filterwarnings("ignore")]


def assert_equal(session, paths, *, as_of, months: int = 12, k: int = 3):
    """Features and labels of the tables in Parquet files, by both engines."""
    from kequn_lab import spark

    here = by_duckdb(**paths, as_of=as_of, months=months)
    tables = {name: session.read.parquet(str(path)) for name, path in paths.items()}
    lazy = spark.customer_features(**tables, as_of=as_of, months=months).cache()
    there = lazy.toPandas().set_index("customer_id").sort_index()
    assert list(there.index) == list(here.index)
    pd.testing.assert_frame_equal(
        there[here.columns], here, rtol=1e-9, atol=1e-12, check_dtype=False, check_index_type=False
    )
    columns = model_columns(here)
    pipeline = fit_segments(columns, n_clusters=k, n_starts=2, random_state=0)
    card = Scorecard.from_pipeline(pipeline, columns, as_of=as_of)
    labels = spark.label(card, lazy).toPandas().set_index("customer_id")["cluster"].sort_index()
    np.testing.assert_array_equal(labels, card.predict(here))
    lacking = card.feature_names[0]
    with pytest.raises(ValueError, match=f"the table lacks {lacking}; compute them first"):
        spark.label(card, lazy.drop(lacking))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_awkward_events(session, tmp_path, zone):
    """NULLs, decimals that no double holds, events twice, before and after the window, and at its
    first and last moment."""
    rng = np.random.default_rng(7)
    n, ids = 4_000, [f"{i:03d}" for i in range(90)]
    start, edge = pd.Timestamp("2023-11-01"), pd.Timestamp("2024-12-31")
    times = start + pd.to_timedelta(rng.integers(0, 500 * 86_400, n), unit="s")
    times = times.to_series(index=range(n))
    times[:4] = [pd.Timestamp("2024-01-01"), edge, edge + pd.Timedelta("23:59:59.999999"),
                 edge + pd.Timedelta(days=1)]  # fmt: skip
    events = pd.DataFrame({
        "customer_id": rng.choice(ids, n),
        "timestamp": times.to_numpy("datetime64[us]"),
        "amount_cny": rng.integers(0, 10**7, n) / 100 + 0.005,
        "direction": rng.choice(["in", "out", None], n),
        "channel": rng.choice(["mobile", "counter", "web", None], n),
        "counterparty_id": rng.choice(["a", "b", "c", None], n),
        "counter_minutes": np.where(rng.random(n) < 0.7, np.nan, rng.random(n) * 30),
        "balance_cny": np.where(rng.random(n) < 0.2, np.nan, rng.normal(0, 1e4, n)),
    })  # fmt: skip
    events = pd.concat([events, events.iloc[:300]], ignore_index=True)
    events = events[events["customer_id"] != "000"]  # a customer without any event
    customers = pd.DataFrame({
        "customer_id": ids,
        "age_years": np.where(rng.random(90) < 0.2, np.nan, rng.integers(18, 90, 90)),
    })  # fmt: skip
    paths = {"events": tmp_path / "events.parquet", "customers": tmp_path / "customers.parquet"}
    events.to_parquet(paths["events"], index=False)
    customers.to_parquet(paths["customers"], index=False)
    session.conf.set("spark.sql.session.timeZone", zone)
    assert_equal(session, paths, as_of="2024-12-31")


def test_the_sample(session, bank_files):
    assert_equal(session, bank_files[1], as_of="2024-12-31", k=8)


def test_berka(session, shared):
    """A real bank: the first fifteen months of 1,229 accounts."""
    mappings = Path(__file__).resolve().parents[2] / "data" / "mappings"
    given = {"events": shared / "data" / "berka" / "asc" / "trans_complete_lines.asc"}
    with raw_tables(given, read_mapping(mappings / "berka.toml")) as entered:
        assert_equal(session, entered.tables, as_of="1994-03-31", k=5)
