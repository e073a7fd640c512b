"""Groups of options that several commands share, as their help shows them."""

from __future__ import annotations

import argparse
from pathlib import Path

from kequn_lab._files import ENCODINGS
from kequn_lab.commands.arguments import clusters, columns, day, overrides, share, table, whole

__all__ = [
    "add_bank", "add_clusters", "add_columns", "add_engine", "add_labels",
    "add_reading", "add_ready",
    "add_result", "add_results", "add_source", "add_tables", "add_window",
]  # fmt: skip

SEED = whole(0, 2**32 - 1)
STARTS = ("auto", "search", "signatures")
FIT_ON = ("sample", "cluster")
PRESETS = ("easy", "standard", "hard", "sealed")


def add_tables(command: argparse.ArgumentParser) -> None:
    """The tables to read, and how."""
    tables = command.add_argument_group("tables (CSV, Excel, Parquet)")
    tables.add_argument(
        "file", nargs="?", type=table, metavar="FILE",
        help="one row per customer, or transactions: found out from its columns",
    )  # fmt: skip
    tables.add_argument("--events", type=table, metavar="E", help="transactions")
    tables.add_argument("--customers", type=table, metavar="C", help="beside them: who they are")
    tables.add_argument("--holdings", type=table, metavar="H", help="beside them: balances")
    tables.add_argument("--mapping", type=Path, metavar="M.toml", help="your words → ours")
    add_reading(tables)
    if not command.prog.endswith("check"):
        tables.add_argument(
            "--skip-bad-rows", action="store_true", help="set broken rows aside, in a file"
        )


def add_reading(group) -> None:
    """How a file is opened."""
    group.add_argument("--encoding", metavar="ENC", help="of a text file, where it is not clear")
    group.add_argument("--sheet", metavar="NAME", help="of a workbook (the first with a table)")


def add_ready(command: argparse.ArgumentParser) -> None:
    """A table of one row per customer."""
    ready = command.add_argument_group("one row per customer")
    ready.add_argument(
        "--features", type=table, metavar="TABLE", help="the same as FILE, or a database's address"
    )
    ready.add_argument("--query", metavar="SELECT", help="what to read from a database")
    ready.add_argument(
        "--id", metavar="COLUMN", help="names the customer (default: customer_id, or a guess)"
    )


def add_window(command: argparse.ArgumentParser, length: str) -> None:
    """The time to look at, of transactions."""
    window = command.add_argument_group("transactions")
    window.add_argument(
        "--as-of", type=day, metavar="DATE",
        help="last day to look at; in a run of one row per customer, the day that it tells of",
    )  # fmt: skip
    window.add_argument("--months", type=whole(1, 1200), metavar="M", help=length)


def add_engine(run: argparse.ArgumentParser) -> None:
    """Where the features of transactions are made."""
    engine = run.add_argument_group("a cluster")
    engine.add_argument(
        "--engine", choices=("duckdb", "spark"), default="duckdb",
        help="of the features of transactions",
    )  # fmt: skip
    engine.add_argument(
        "--master", metavar="URL", help="spark://…, sc://… or local[N] (default: local[*])"
    )
    engine.add_argument(
        "--fit-on", choices=FIT_ON, default="sample",
        help="sample: up to a million customers come here to be searched; cluster: Spark's own "
        "k-means is fitted to all customers there",
    )  # fmt: skip
    engine.add_argument(
        "--labels-to", type=table, metavar="PATH",
        help="all customers' labels, written by the cluster: a Parquet folder, or ….csv",
    )  # fmt: skip


def add_clusters(run: argparse.ArgumentParser) -> None:
    """How many segments, how they are found, and their names."""
    how = run.add_argument_group("clusters and names")
    how.add_argument(
        "--k", type=clusters, default="auto", metavar="K",
        help="how many: a number, auto (8, the article's), a range such as 2:12 to compare, or "
        "with --by 0=6,1=3",
    )  # fmt: skip
    how.add_argument(
        "--by", metavar="COLUMN",
        help="cluster the customers of each value separately, such as is_business; 8 clusters for "
        "each value without --k (is_business: as many as the catalogue has)",
    )  # fmt: skip
    how.add_argument(
        "--start", choices=STARTS, default="auto",
        help="search: the lowest inertia; signatures: k-means started where the catalogue "
        "expects its segments; auto: signatures, where the table holds what they speak of",
    )  # fmt: skip
    how.add_argument(
        "--pull", type=share, default=0.0, metavar="P",
        help="draw centres back to the levels expected, such as 0.3; right only if these are",
    )  # fmt: skip
    how.add_argument(
        "--min-size", type=whole(1), metavar="N",
        help="customers that each segment must have at least; the run says what it costs",
    )  # fmt: skip
    how.add_argument(
        "--names", type=overrides, metavar="0=elderly,…",
        help="names by a person who looked: a segment's id, or a name of your own",
    )  # fmt: skip
    how.add_argument(
        "--registry", type=Path, metavar="DIR",
        help="registry of segments, made if need be: names are kept, each has a permanent id",
    )  # fmt: skip
    how.add_argument(
        "--previous", type=Path, metavar="DIR",
        help="the same from one result of last time, without ids that last",
    )  # fmt: skip
    how.add_argument("--catalogue", type=Path, metavar="DIR", help="your copy of data/catalogue")
    how.add_argument(
        "--stability", type=whole(0), default=20, metavar="N",
        help="pairs of draws that show whether segments come back; 0: none",
    )  # fmt: skip
    how.add_argument(
        "--starts", type=whole(1), default=25, metavar="N", help="starts of the search"
    )
    how.add_argument("--seed", type=SEED, default=0, metavar="N", help="of all random draws")


def add_columns(run: argparse.ArgumentParser) -> None:
    """Which columns are clustered, and how."""
    which = run.add_argument_group("columns")
    which.add_argument(
        "--drop", type=columns, default=(), metavar="A,B",
        help="columns to leave out; one with a comma in its name as '\"Income, yearly\",age'",
    )  # fmt: skip
    which.add_argument(
        "--log", type=columns, default=(), metavar="A,B", help="columns whose logarithm to take"
    )
    which.add_argument(
        "--categories", type=columns, default=(), metavar="A,B",
        help="text columns that hold categories; those with an order are declared in --mapping",
    )  # fmt: skip
    which.add_argument(
        "--weights", type=Path, metavar="FILE",
        help="a TOML file that says how much columns count: age = 2, \"channel:*\" = 0.5",
    )  # fmt: skip


def add_bank(run: argparse.ArgumentParser) -> None:
    """The synthetic bank that is run where there is no table."""
    bank = run.add_argument_group("synthetic bank (without a table)")
    bank.add_argument(
        "--synthetic", type=whole(1), metavar="N", help="customers to draw (default: 5000)"
    )
    bank.add_argument(
        "--preset", choices=PRESETS, help="how hard it is to cluster (default: standard)"
    )


def add_results(command: argparse.ArgumentParser, *, required: bool = True):
    """Where the results go; the group of options, for more of them."""
    results = command.add_argument_group("results")
    results.add_argument(
        "--out", type=Path, required=required, metavar="DIR", help="folder, to be written"
    )
    results.add_argument(
        "--out-encoding", default=ENCODINGS[0], choices=ENCODINGS, help="of the CSV files"
    )
    return results


def add_result(command: argparse.ArgumentParser) -> None:
    """The folder of an earlier run."""
    command.add_argument("result", type=Path, metavar="RESULT", help="folder that a run wrote")


def add_source(command, table: str) -> None:
    """Where the customers are, and where the program goes."""
    command.add_argument("--table", required=True, metavar="T", help=table)
    command.add_argument("--id", default="customer_id", metavar="COLUMN", help="names the customer")
    command.add_argument("--out", type=Path, metavar="FILE", help="default: the screen")


def add_labels(run: argparse.ArgumentParser) -> None:
    """Where the results of a run go, and what is written beside the labels."""
    results = add_results(run)
    results.add_argument(
        "--sort", choices=("input", "id"), default="input",
        help="rows of the labels: as in the table, or by id as text",
    )  # fmt: skip
    results.add_argument(
        "--write-features", action="store_true", help="the features beside the labels, as Parquet"
    )
    results.add_argument(
        "--reasons", type=whole(0), default=0, metavar="N",
        help="tables/reasons.csv: for each customer, the N columns that decide the segment",
    )  # fmt: skip
