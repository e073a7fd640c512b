"""``kequn run --engine spark``: tables read by a cluster, labels written there."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import threading
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["label_all", "labels_folder", "labels_written", "on_the_cluster"]

_NAMES = ("events", "customers", "holdings")
#: Seconds in which an address must answer, and a cluster do a first small job.
_REACHED, _STARTED = 5, 120
_SAY = {
    "none": (
        "no PySpark here: install kequn_lab[spark] (Spark needs Java 17 and later)",
        "没有 PySpark：请安装 kequn_lab[spark]（Spark 需要 Java 17 或更高版本）",
    ),
    "java": (
        "no Java here, which Spark needs (17 or later): install it or set JAVA_HOME; with Spark "
        "Connect (--master sc://HOST:PORT) none is needed here",
        "没有 Java，而 Spark 需要 17 或更高版本：请安装或设置 JAVA_HOME；连接 Spark Connect "
        "（--master sc://主机:端口）时本机不需要 Java",
    ),
    "master": (
        "--master {master}: not an address of Spark; write spark://HOST:PORT, sc://HOST:PORT, "
        "local[N], yarn or k8s://…",
        "--master {master}：不是 Spark 的地址；请写 spark://主机:端口、sc://主机:端口、local[N]、"
        "yarn 或 k8s://…",
    ),
    "silent": (
        "--master {master}: nobody answers at {where}; is the cluster running, and the address "
        "right?",
        "--master {master}：{where} 没有应答；请确认集群已启动、地址无误",
    ),
    "slow": (
        "--master {master}: no job was done within {seconds} s; are there workers with free cores "
        "and memory?",
        "--master {master}：{seconds} 秒内没有完成任何任务；请确认有空闲的 worker（核与内存）",
    ),
    "failed": ("Spark: {told}", "Spark：{told}"),
    "there": (
        "--labels-to {path} is there already; name another folder",
        "--labels-to {path} 已存在；请另给一个文件夹",
    ),
    "inside": (
        "--labels-to {path} lies in the result folder {out}, which is replaced as a whole; name a "
        "folder beside it",
        "--labels-to {path} 在结果文件夹 {out} 之内，而后者会整体替换；请写在它的旁边",
    ),
    "labelled": (
        "All customers labelled on the cluster: {where}",
        "已在集群上为全部客户打标签：{where}",
    ),
}  # fmt: skip


def _say(args: Namespace, what: str, **values) -> str:
    return _SAY[what][args.language == "zh"].format(**values)


@contextmanager
def on_the_cluster(args: Namespace) -> Iterator[dict[str, Any]]:
    """The tables as Spark reads them; the session ends with the block."""
    try:
        import pyspark  # noqa: F401
    except ImportError as error:
        raise ValueError(_say(args, "none")) from error
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
    session = None
    try:
        session = _session(args)
        yield {n: _read(session, getattr(args, n)) for n in _NAMES if getattr(args, n) is not None}
    except Exception as error:
        if not type(error).__module__.startswith(("pyspark", "py4j")):
            raise
        raise ValueError(_say(args, "failed", told=_told(error))) from error
    finally:
        if session is not None:
            session.stop()


def _session(args: Namespace):
    """A session that has done a first job; who does not answer in time is an error."""
    _require_address(args)
    remote = args.master.startswith("sc://")
    if remote:
        _require_connect(args)
    found: dict[str, Any] = {}

    def start() -> None:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("kequn run")
        if remote:
            builder = builder.remote(args.master)
        else:
            shown = str(not args.quiet).lower()
            builder = builder.master(args.master).config("spark.ui.showConsoleProgress", shown)
        try:
            found["session"] = builder.getOrCreate()
            found["done"] = found["session"].range(1).count()
        except BaseException as error:
            found["error"] = error

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(_STARTED)
    if "error" in found:
        raise found["error"]
    if "done" not in found:
        if "session" in found:
            with suppress(Exception):
                found["session"].interruptAll()
            with suppress(Exception):
                found["session"].stop()
        raise ValueError(_say(args, "slow", master=args.master, seconds=_STARTED))
    return found["session"]


def _require_connect(args: Namespace) -> None:
    """Who answers speaks Spark Connect's protocol; PySpark itself would try for ten minutes."""
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder

    channel = DefaultChannelBuilder(args.master).toChannel()
    try:
        grpc.channel_ready_future(channel).result(timeout=_STARTED)
    except grpc.FutureTimeoutError:
        told = _say(args, "silent", master=args.master, where=args.master)
        raise ValueError(told) from None
    finally:
        channel.close()


def _require_address(args: Namespace) -> None:
    """The master's address has a form that Spark knows, and somebody answers there."""
    master = args.master
    if not re.fullmatch(r"local(\[[\d*]+(, *\d+)?\])?|yarn|k8s://.+|(spark|sc)://[^/]+.*", master):
        raise ValueError(_say(args, "master", master=master))
    remote = master.startswith("sc://")
    if not remote and shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ValueError(_say(args, "java"))
    if not master.startswith(("spark://", "sc://")):
        return
    places = []
    for place in re.split(r"[/;?]", master.split("://", 1)[1])[0].split(","):
        host, _, port = (
            place.rpartition(":")
            if place.rstrip("]").rpartition(":")[2].isdigit()
            else (place, "", "15002" if remote else "7077")
        )
        places.append((host.strip("[]"), int(port)))
    if not any(map(_answers, places)):
        where = ", ".join(f"{host}:{port}" for host, port in places)
        raise ValueError(_say(args, "silent", master=master, where=where))


def _answers(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=_REACHED).close()
    except (OSError, OverflowError, UnicodeError):
        return False
    return True


def _told(error: Exception) -> str:
    """What Spark says, without the stack of its calls."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("at ")]
    told = next((line for line in lines if "Exception" in line or line.startswith("[")), "")
    told = told or next(iter(lines), type(error).__name__)
    return re.sub(r"^: *|(?:\w+\.)+(?=\w+(?:Exception|Error))", "", told)


def _read(session, path):
    """Parquet, a folder of it, or CSV with a heading; types of a CSV are found out by Spark."""
    path = _address(path)
    if path.lower().endswith((".csv", ".csv.gz")):
        return session.read.csv(path, header=True, inferSchema=True)
    return session.read.parquet(path)


@contextmanager
def labels_folder(args: Namespace) -> Iterator[Any]:
    """Where all labels are written: here, a hidden folder that gets its name when all is done;
    elsewhere the folder itself, which Spark marks as whole with ``_SUCCESS``."""
    path = args.labels_to
    if not isinstance(path, Path):
        yield path
        return
    if path.exists() or path.is_symlink():
        raise FileExistsError(_say(args, "there", path=path))
    if path.resolve().is_relative_to(args.out.resolve()):
        raise ValueError(_say(args, "inside", path=path, out=args.out))
    stage = path.resolve().parent / f".kequn-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield stage
        if stage.exists():
            stage.rename(path.resolve())
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def label_all(args: Namespace, result, tables: dict[str, Any], to: Any) -> None:
    """Every customer's label, written by the cluster: a folder for each segment."""
    from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
    from kequn_lab.spark import customer_features, label
    from kequn_lab.spark.tables import typed

    tables = {c.name: typed(tables[c.name], c) for c in (CUSTOMERS, EVENTS, HOLDINGS)
              if c.name in tables}  # fmt: skip
    features = customer_features(**tables, as_of=result.record["as_of"], months=args.months or 12)
    writer = label(result.card, features).write.partitionBy("segment_id")
    if str(args.labels_to).endswith(".csv"):
        writer.csv(_address(to), header=True)
    else:
        writer.parquet(_address(to))


def labels_written(args: Namespace) -> str:
    """The line that says so."""
    return _say(args, "labelled", where=args.labels_to)


def _address(path) -> str:
    """A path of this machine as an address: Spark's working folder may be another."""
    return path.resolve().as_uri() if isinstance(path, Path) else path
