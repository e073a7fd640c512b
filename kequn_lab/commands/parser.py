"""What the commands take: options, their bounds, and the help."""

from __future__ import annotations

import argparse
from pathlib import Path

from kequn_lab import __version__
from kequn_lab.commands.arguments import clusters, columns, day, overrides, whole

__all__ = ["parser"]

_SEED = whole(0, 2**32 - 1)
_ENCODINGS = ("utf-8-sig", "utf-8", "gb18030")
_PRESETS = ("easy", "standard", "hard", "sealed")
_PROFILES = ("state_big", "internet_retail", "internet_corp", "direct_bank")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str):
        """Only what is wrong: a page of options would hide it."""
        self.exit(2, f"{self.prog}: {message}\nAll options: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The parser of ``kequn`` and its commands."""
    top = _Parser(
        prog="kequn",
        description="客群实验室: segment bank customers, profile them, compare target groups.",
    )
    top.add_argument("--version", action="version", version=f"kequn_lab {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_run, _check, _score, _sample):
        command = add(commands)
        command.add_argument(
            "--debug", action="store_true", help="show where in the program an error arose"
        )
        command.set_defaults(error=command.error)
    top.commands = commands.choices  # by name, for those who read the options
    return top


def _run(commands) -> argparse.ArgumentParser:
    run = commands.add_parser(
        "run",
        help="from tables to labels, profiles, a comparison and pictures",
        description="Without tables, the synthetic bank is run.",
    )
    _tables(run)
    run.add_argument("--features", type=Path, metavar="TABLE", help="a ready customer table")
    run.add_argument("--id", metavar="COLUMN", help="its column of customers (customer_id)")
    run.add_argument(
        "--drop", type=columns, default=(), metavar="A,B",
        help="columns to leave out; one with a comma in its name as '\"Income, yearly\",age'",
    )  # fmt: skip
    run.add_argument("--log", type=columns, default=(), metavar="A,B", help="columns to log")
    run.add_argument("--synthetic", type=whole(1), metavar="N", help="customers to draw (5000)")
    run.add_argument("--preset", choices=_PRESETS, help="of the synthetic bank (standard)")
    run.add_argument("--as-of", type=day, metavar="DATE", help="last day to look at")
    run.add_argument("--months", type=whole(1, 1200), metavar="M", help="length of the window (12)")
    run.add_argument("--skip-bad-rows", action="store_true", help="set broken rows aside")
    run.add_argument(
        "--k", type=clusters, default=8, metavar="K",
        help="clusters: a number, auto (8, the article's), or a range such as 2:12 to weigh",
    )  # fmt: skip
    run.add_argument(
        "--names", type=overrides, default=None, metavar="0=elderly,…",
        help="names of clusters by a person who looked; they come before the signatures",
    )  # fmt: skip
    run.add_argument(
        "--stability", type=whole(0), default=20, metavar="N", help="bootstrap pairs (20); 0: none"
    )
    run.add_argument("--previous", type=Path, metavar="DIR", help="last run: names carry on")
    run.add_argument("--catalogue", type=Path, metavar="DIR", help="your copy of data/catalogue")
    run.add_argument(
        "--starts", type=whole(1), default=25, metavar="N", help="starts of the search (25)"
    )
    run.add_argument("--seed", type=_SEED, default=0, help="random seed (0)")
    run.add_argument("--language", choices=("zh", "en"), default="en", help="of the pictures")
    run.add_argument("--encoding", default="utf-8-sig", choices=_ENCODINGS)
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results go")
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    return run


def _check(commands) -> argparse.ArgumentParser:
    check = commands.add_parser("check", help="hold tables against their contracts")
    _tables(check)
    return check


def _score(commands) -> argparse.ArgumentParser:
    score = commands.add_parser("score", help="label new or next month's customers")
    score.add_argument("--scorecard", type=Path, required=True, metavar="S", help="scorecard.json")
    _tables(score)
    score.add_argument("--features", metavar="TABLE", help="a ready table, or a database's address")
    score.add_argument("--query", help="the SELECT that gives the customer table")
    score.add_argument(
        "--id", metavar="COLUMN", help="the column that names the customer (customer_id)"
    )
    score.add_argument("--as-of", type=day, metavar="DATE", help="last day to look at")
    score.add_argument(
        "--months", type=whole(1, 1200), metavar="M", help="length of the window (the scorecard's)"
    )
    score.add_argument("--skip-bad-rows", action="store_true", help="set broken rows aside")
    score.add_argument("--encoding", default="utf-8-sig", choices=_ENCODINGS)
    score.add_argument(
        "--accept-units", action="store_true", help="money a factor 100 or 10,000 off is meant"
    )
    score.add_argument("--dry-run", action="store_true", help="read all, write nothing")
    score.add_argument("--out", type=Path, required=True, metavar="DIR")
    return score


def _sample(commands) -> argparse.ArgumentParser:
    sample = commands.add_parser("sample", help="write a synthetic bank")
    sample.add_argument("--customers", type=whole(1), default=2000, metavar="N")
    sample.add_argument("--months", type=whole(1, 1200), default=12, metavar="M")
    sample.add_argument("--preset", default="standard", choices=_PRESETS)
    sample.add_argument("--profile", default="state_big", choices=_PROFILES)
    sample.add_argument(
        "--population", type=Path, metavar="DIR", help="an edited copy of data/catalogue/population"
    )
    sample.add_argument("--seed", type=_SEED, default=0)
    sample.add_argument("--as-of", type=day, default="2024-12-31", metavar="DATE")
    sample.add_argument("--format", default="parquet", choices=("parquet", "csv", "mixed"))
    sample.add_argument("--out", type=Path, required=True, metavar="DIR")
    return sample


def _tables(command: argparse.ArgumentParser) -> None:
    command.add_argument("--events", type=Path, metavar="E", help="transactions (CSV, Parquet)")
    command.add_argument("--customers", type=Path, metavar="C", help="one row per customer")
    command.add_argument("--holdings", type=Path, metavar="H", help="customer × product balances")
    command.add_argument("--mapping", type=Path, metavar="M.toml", help="your bank's words → ours")
