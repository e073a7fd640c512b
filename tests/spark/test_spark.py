"""Spark gives the features of DuckDB and the labels of the scorecard."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features as by_duckdb
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments.pipeline import fit_segments

pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def session():
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java for Spark")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    rng = np.random.default_rng(0)
    ids = [f"{i:04d}" for i in range(150)]
    n = 3_000
    events = pd.DataFrame(
        {
            "customer_id": rng.choice(ids, n),
            "timestamp": (
                pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 366 * 24 * 60, n), unit="min")
            ).astype("datetime64[us]"),
            "amount_cny": rng.lognormal(5, 1, n),
            "direction": rng.choice(["in", "out"], n),
            "channel": rng.choice(["mobile", "counter", "web"], n),
        }
    )
    opened = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3_000, 150), unit="D")
    customers = pd.DataFrame(
        {"customer_id": ids, "age_years": rng.integers(20, 80, 150) * 1.0,
         "opened_on": opened.astype("datetime64[us]")}
    )  # fmt: skip
    paths = {}
    for name, table in (("events", events), ("customers", customers)):
        paths[name] = folder / f"{name}.parquet"
        table.to_parquet(paths[name])
    return paths


def test_features_and_labels_are_those_of_home(session, tables, tmp_path):
    from kequn_lab import spark

    here = by_duckdb(tables["events"], customers=tables["customers"], as_of="2024-12-31")
    there = spark.customer_features(
        session.read.parquet(str(tables["events"])),
        customers=session.read.parquet(str(tables["customers"])),
        as_of="2024-12-31",
    )
    there.write.parquet(str(tmp_path / "features"))
    found = pd.read_parquet(tmp_path / "features").set_index("customer_id").sort_index()
    pd.testing.assert_frame_equal(found[here.columns], here, rtol=1e-9, check_index_type=False)

    columns = model_columns(here)
    pipeline = fit_segments(columns, n_clusters=3, n_starts=3, random_state=0)
    card = Scorecard.from_pipeline(pipeline, columns, as_of="2024-12-31")
    features = session.read.parquet(str(tmp_path / "features"))
    spark.label(card, features).write.parquet(str(tmp_path / "labels"))
    labels = pd.read_parquet(tmp_path / "labels").set_index("customer_id").sort_index()
    assert (labels["cluster"] == card.predict(here)).all()
    with pytest.raises(ValueError, match="the table lacks age_years; compute them first"):
        spark.label(card, features.drop("age_years"))
