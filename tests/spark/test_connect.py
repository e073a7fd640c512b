"""Spark Connect: the same labels as on one machine, from a session without a JVM of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.commands.cluster import _answers

pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
pytest.importorskip("grpc", reason="grpcio is not installed (extra spark)")
AS_OF = "2024-12-31"

#: A session of either kind makes the other impossible in one process, so this is one of its own.
SCRIPT = """
import json, sys
from pyspark.sql import SparkSession
import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.spark import clustering

clustering.STARTS = 1
master, out, paths = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
session = SparkSession.builder.remote(master).getOrCreate()
tables = {name: session.read.parquet(path) for name, path in paths.items()}
more = {name: tables[name] for name in ("customers", "holdings")}
result = kq.segment(
    tables["events"], **more, as_of="2024-12-31", stability=0, starts=3, quiet=True
)
result.to_csv(f"{out}/segment.csv")
argv = ["run", "--engine", "spark", "--master", master, "--as-of", "2024-12-31",
        "--stability", "0", "--starts", "3", "--quiet", "--out", f"{out}/r", "--k", "4",
        "--fit-on", "cluster", "--labels-to", f"{out}/all.parquet"]
argv += [word for name, path in paths.items() for word in (f"--{name}", path)]
sys.exit(main(argv))
"""


@pytest.fixture
def server(java, tmp_path):
    """The address of a Connect server of its own, on loopback."""
    import pyspark

    home = Path(pyspark.__file__).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    argv = [
        home / "bin" / "spark-submit",
        "--class", "org.apache.spark.sql.connect.service.SparkConnectServer",
        "--master", "local[2]", "--conf", "spark.ui.enabled=false",
        "--conf", f"spark.connect.grpc.binding.port={port}",
        "--conf", "spark.sql.shuffle.partitions=2",
    ]  # fmt: skip
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(home)}
    with open(tmp_path / "server.log", "wb") as log:
        process = subprocess.Popen(
            argv, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        end = time.monotonic() + 180
        while not _answers(("127.0.0.1", port)):
            assert time.monotonic() < end and process.poll() is None, (
                tmp_path / "server.log"
            ).read_text(errors="replace")[-2000:]
            time.sleep(0.5)
        yield f"sc://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def run_script(script: str, *args: str, seconds: int = 600):
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *args],
        capture_output=True, text=True, timeout=seconds, env=environment,
    )  # fmt: skip


def test_connect_gives_the_labels_of_home(server, bank_files, tmp_path):
    bank, paths = bank_files
    given = json.dumps({name: str(path) for name, path in paths.items()})
    done = run_script(SCRIPT, server, str(tmp_path), given)
    assert done.returncode == 0, done.stderr[-3000:]

    def clusters(table):
        return table.set_index("customer_id")["cluster"].sort_index()

    def read(name):
        return clusters(pd.read_csv(tmp_path / name, dtype={"customer_id": str}))

    home = clusters(kq.segment(bank, stability=0, starts=3, quiet=True).labels)
    pd.testing.assert_series_equal(read("segment.csv"), home, check_index_type=False)
    everybody = clusters(pd.read_parquet(tmp_path / "all.parquet"))
    own = read("r/labels.csv")
    assert (own.to_numpy() == everybody.loc[own.index].to_numpy()).all()
    fit = json.loads((tmp_path / "r" / "run.json").read_text(encoding="utf-8"))["fit"]
    assert fit["start"] == "cluster" and sum(fit["cluster_sizes"]) == len(home)
    assert fit["inertia"] == pytest.approx(fit["cluster_inertia"])
    assert "k-means was fitted by Spark to all 300 customers" in done.stdout


def test_who_does_not_answer_is_not_waited_for(tmp_path):
    """A server that takes the call and says nothing: Connect itself would try for ten minutes."""
    script = (
        "import sys\nfrom kequn_lab.commands import cluster\nfrom kequn_lab.__main__ import main\n"
        "cluster._STARTED = 2\nsys.exit(main(sys.argv[1:]))"
    )
    (tmp_path / "e.parquet").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"sc://127.0.0.1:{server.getsockname()[1]}"
        done = run_script(
            script, "run", "--engine", "spark", "--master", address, "--as-of", AS_OF,
            "--events", str(tmp_path / "e.parquet"), "--out", str(tmp_path / "r"), seconds=200,
        )  # fmt: skip
    assert done.returncode == 1
    assert f"nobody answers at {address}" in done.stderr
    assert not (tmp_path / "r").exists()
