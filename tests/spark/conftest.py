"""A small synthetic bank as files, and a session."""

import os
import shutil

import pytest

import kequn_lab as kq


@pytest.fixture(scope="session")
def java():
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java for Spark")


@pytest.fixture(scope="module")
def session(java):
    session = kq.spark.local_session(1)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def bank_files(tmp_path_factory):
    """Events, customers and holdings of 300 customers as Parquet files; the bank itself."""
    folder, bank = tmp_path_factory.mktemp("bank"), kq.make_bank(300, random_state=0)
    paths = {}
    for name in ("events", "customers", "holdings"):
        table = getattr(bank, name)
        times = dict.fromkeys(table.select_dtypes("datetime"), "datetime64[us]")
        words = dict.fromkeys(table.select_dtypes("category"), "str")
        paths[name] = folder / f"{name}.parquet"
        table.astype({**times, **words}).to_parquet(paths[name], index=False)
    return bank, paths
