"""A whole run with Spark: the same labels as on one machine, also where a worker is killed."""

import os
import re
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.contract import EVENTS, ContractError

pytestmark = [pytest.mark.usefixtures("java", "few_pictures"), pytest.mark.filterwarnings("ignore")]
FAST = {"stability": 0, "starts": 3, "quiet": True}
AS_OF = "2024-12-31"


def session_of(master: str, **config):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.shuffle.partitions", "4")
    for name, value in config.items():
        builder = builder.config(name.replace("_", "."), value)
    return builder.getOrCreate()


@pytest.fixture
def tables(session, bank_files):
    return {name: session.read.parquet(str(path)) for name, path in bank_files[1].items()}


@pytest.fixture(scope="module")
def home(bank_files):
    bank, _ = bank_files
    return kq.segment(bank, **FAST)


def whole_way(tables, **options):
    return kq.segment(
        tables["events"], customers=tables.get("customers"), holdings=tables.get("holdings"),
        as_of=AS_OF, **{**FAST, **options},
    )  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_the_labels_are_those_of_home_in_any_time_zone(session, tables, home, zone):
    from kequn_lab.spark import tables as cluster_tables

    session.conf.set("spark.sql.session.timeZone", zone)
    events = tables["events"]
    assert not events.where(cluster_tables._broken(events, EVENTS)).take(1)
    there = whole_way(tables)
    pd.testing.assert_frame_equal(there.features[home.features.columns], home.features, rtol=1e-9)
    columns = ["customer_id", "cluster", "segment_id"]
    pd.testing.assert_frame_equal(there.labels[columns], home.labels[columns])
    assert there.record["window"] == home.record["window"]
    assert there.record["facts"]["engine"] == "spark"
    views = [t.name for t in session.catalog.listTables()]
    assert not [name for name in views if name.startswith("per_customer")]


def test_of_many_customers_a_sample_comes_home_and_is_said(tables, monkeypatch):
    from kequn_lab.spark import customer_features, label
    from kequn_lab.spark import tables as module

    monkeypatch.setitem(module.MOST_COLLECTED, "sample", 120)
    result = whole_way(tables, k=3)
    assert 110 <= len(result.labels) <= 190  # every small cell rounds up
    warned = result.warnings.set_index("warning").loc["customers_sampled"]
    assert re.search(
        r"300 customers are too many .* off by [\d.]+ points at most", warned["text_en"]
    )
    again = whole_way(tables, k=3)
    assert again.labels.equals(result.labels)
    features = customer_features(**tables, as_of=AS_OF)
    assert label(result.card, features).count() == 300


def test_k_means_is_fitted_by_spark_and_its_distance_from_the_search_is_said(
    tables, monkeypatch, tmp_path
):
    from kequn_lab.spark import clustering, customer_features, label
    from kequn_lab.spark import tables as module

    monkeypatch.setattr(clustering, "STARTS", 1)
    monkeypatch.setitem(module.MOST_COLLECTED, "cluster", 150)
    result = whole_way(tables, k=4, fit_on="cluster")
    fit = result.record["fit"]
    assert fit["start"] == "cluster" and sum(fit["cluster_sizes"]) == 300 > len(result.labels)
    assert fit["inertia"] == pytest.approx(fit["inertia_lowest"] * (1 + fit["inertia_above"]))
    ratio = f"{1 + fit['inertia_above']:.4f}"
    assert f"its inertia is {ratio} times that of the kit's search" in result.summary("en")
    assert f"组内平方和是本工具搜索结果的 {ratio} 倍" in result.summary("zh")
    poorer = "cluster_fit_worse" in set(result.warnings["warning"])
    assert poorer == (fit["inertia_above"] > 0.01)
    labels = label(result.card, customer_features(**tables, as_of=AS_OF)).toPandas()
    sizes = labels["cluster"].value_counts().sort_index()
    assert tuple(sizes) == tuple(fit["cluster_sizes"])
    there = labels.set_index("customer_id")["cluster"].loc[result.labels["customer_id"]]
    np.testing.assert_array_equal(there, result.labels["cluster"])
    result.save(tmp_path / "r")
    assert ratio in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    for more in ({"start": "signatures"}, {"pull": 0.3}, {"by": "is_business"}):
        with pytest.raises(ValueError, match="k-means on the cluster"):
            whole_way(tables, fit_on="cluster", **more)


def test_fit_on_is_of_spark_tables():
    table = pd.DataFrame({"age_years": [20.0, 21, 60, 61]})
    with pytest.raises(ValueError, match="tables of Spark"):
        kq.segment(table, k=2, fit_on="cluster")
    with pytest.raises(ValueError, match="give one of sample, cluster"):
        kq.segment(table, k=2, fit_on="driver")


def test_a_ready_table_of_spark_is_taken_too(session, home):
    frame = home.features.reset_index().rename(columns={"customer_id": "客户编号"})
    result = kq.segment(session.createDataFrame(frame), id="客户编号", **FAST)
    assert (result.labels["cluster"].to_numpy() == home.labels["cluster"].to_numpy()).all()
    with pytest.raises(ValueError, match="neither timestamp .* nor customer_id"):
        kq.segment(session.createDataFrame(frame), **FAST)


def test_broken_tables_are_refused_in_the_words_of_the_kit(session, tables):
    events = tables["events"]
    negative = events.selectExpr(
        *(f"-{c} AS {c}" if c == "amount_cny" else c for c in events.columns)
    )
    with pytest.raises(ContractError, match=r"(?s)'amount_cny': must be >= 0.*42,\d+ rows of the"):
        whole_way({**tables, "events": events.union(negative)})
    with pytest.raises(ContractError, match="missing column"):
        whole_way({**tables, "events": events.drop("amount_cny")})
    strange = events.limit(3).selectExpr(
        *("'nobody' AS customer_id" if c == "customer_id" else c for c in events.columns)
    )
    with pytest.raises(ValueError, match="3 rows are of customers that the customer table lacks"):
        whole_way({**tables, "events": events.union(strange)})
    twice = tables["customers"].union(tables["customers"].limit(1))
    with pytest.raises(ValueError, match="1 customers are there more than once"):
        whole_way({**tables, "customers": twice})
    with pytest.raises(ValueError, match="events: the table has no rows"):
        whole_way({**tables, "events": events.limit(0)})
    with pytest.raises(ValueError, match="no event between"):
        kq.segment(events, as_of="1999-12-31", **FAST)
    with pytest.raises(ValueError, match="rename columns"):
        kq.segment(events, skip_bad_rows=True)


def test_the_command_runs_the_whole_way(bank_files, home, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _, paths = bank_files
    argv = ["run", "--stability", "0", "--starts", "3", "--quiet", "--as-of", AS_OF, "--out", "r"]
    for name, path in paths.items():
        argv += [f"--{name}", str(path)]
    spark = ["--engine", "spark", "--master", "local[1]", "--labels-to", "all.parquet"]
    assert main([*argv, *spark]) == 0
    assert "All customers labelled on the cluster: all.parquet" in capsys.readouterr().out
    own = kq.read_result("r").labels.set_index("customer_id")["cluster"]
    there = pd.read_parquet("all.parquet").set_index("customer_id")["cluster"].sort_index()
    np.testing.assert_array_equal(there, own.sort_index())
    np.testing.assert_array_equal(own, home.labels["cluster"])
    for wrong in (["--master", "local[1]"], [*spark, "--encoding", "utf-8"]):
        with pytest.raises(SystemExit):
            main([*argv, *wrong])


# A cluster -------------------------------------------------------------------------------------


class Cluster:
    """A master and two workers as processes of their own, on loopback."""

    def __init__(self, folder: Path):
        import pyspark

        self.folder, home = folder, Path(pyspark.__file__).parent
        self.program, self.running = home / "bin" / "spark-class", []
        self.environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home)}
        self.start("master", "master.Master", "--host", "127.0.0.1", "--port", "0")
        self.url = self.said("master", r"spark://127\.0\.0\.1:\d+")
        for i in range(2):
            more = ("--host", "127.0.0.1", "--cores", "1", "--memory", "1g", self.url)
            self.start(f"worker{i}", "worker.Worker", "--work-dir", str(folder / f"w{i}"), *more)
        for i in range(2):
            self.said(f"worker{i}", "Successfully registered with master")

    def start(self, name: str, kind: str, *args: str) -> None:
        with open(self.folder / f"{name}.log", "wb") as log:
            self.running.append(subprocess.Popen(
                [self.program, f"org.apache.spark.deploy.{kind}", "--webui-port", "0", *args],
                stdout=log, stderr=log, env=self.environment, start_new_session=True,
            ))  # fmt: skip

    def said(self, name: str, pattern: str) -> str:
        end = time.monotonic() + 90
        while time.monotonic() < end:
            text = (self.folder / f"{name}.log").read_text(errors="replace")
            if found := re.search(pattern, text):
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"{name} did not say {pattern}:\n{text[-2000:]}")

    def kill_a_worker(self) -> None:
        """The second worker with its executors, as when a machine goes."""
        os.killpg(self.running[2].pid, signal.SIGKILL)
        for line in subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True
                                   ).stdout.splitlines():  # fmt: skip
            pid, _, args = line.strip().partition(" ")
            if "CoarseGrainedExecutorBackend" in args and f"{self.folder}/w1" in self.cwd(pid):
                os.kill(int(pid), signal.SIGKILL)

    @staticmethod
    def cwd(pid: str) -> str:
        try:
            return os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return ""

    def stop(self) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


@pytest.fixture
def cluster(java, tmp_path):
    if not Path("/proc").is_dir():
        pytest.skip("no /proc, by which a worker's processes are found")
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


def test_a_worker_that_dies_changes_nothing(cluster, bank_files, home):
    from pyspark.sql import SparkSession

    if (old := SparkSession.getActiveSession()) is not None:
        old.stop()
    session = session_of(
        cluster.url, spark_driver_host="127.0.0.1", spark_driver_bindAddress="127.0.0.1",
        spark_executor_memory="512m", spark_cores_max="2", spark_sql_shuffle_partitions="8",
    )  # fmt: skip
    try:
        tables = {n: session.read.parquet(str(p)) for n, p in bank_files[1].items()}
        tables["events"].repartition(8).count()  # both workers are at work
        killer = threading.Timer(0.5, cluster.kill_a_worker)
        killer.start()
        there = whole_way({**tables, "events": tables["events"].repartition(16, "customer_id")})
        killer.join()
        assert cluster.running[2].poll() is not None or cluster.running[2].wait(10) is not None
    finally:
        session.stop()
    columns = ["customer_id", "cluster", "segment_id"]
    one, other = (r.labels[columns].to_csv(index=False) for r in (there, home))
    assert one == other
