"""What the commands take: options, their bounds, and the help with its examples."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kequn_lab import __version__
from kequn_lab._rules import rule_text
from kequn_lab.commands.arguments import day, renaming, table, whole
from kequn_lab.commands.groups import (
    PRESETS,
    SEED,
    add_bank,
    add_clusters,
    add_columns,
    add_engine,
    add_labels,
    add_reading,
    add_ready,
    add_result,
    add_results,
    add_source,
    add_tables,
    add_window,
)

__all__ = ["parser"]

_PROFILES = ("state_big", "internet_retail", "internet_corp", "direct_bank")


class _Parser(argparse.ArgumentParser):
    """Says only what is wrong: a page of options would hide it."""

    commands: Mapping[str, argparse.ArgumentParser]  # by name, for those who read the options
    language = "en"  # in which wrong usage is told

    def error(self, message: str):
        said = rule_text(message, self.language)
        more = "全部选项：" if self.language == "zh" else "All options: "
        self.exit(2, f"{self.prog}: {said}\n{more}{self.prog} --help\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows every default, and examples as they are typed."""

    def __init__(self, prog):
        super().__init__(prog, max_help_position=30, width=100)

    def _get_help_string(self, action):
        nothing = (None, False, (), argparse.SUPPRESS)
        told = any(action.default is d for d in nothing) or "(default" in action.help
        return action.help if told else f"{action.help} (default: {action.default})"


def parser(language: str = "en") -> argparse.ArgumentParser:
    """The parser of ``kequn`` and its commands; it tells wrong usage in the language."""
    top = _Parser(
        prog="kequn",
        formatter_class=_Help,
        description="客群实验室: segment customers, see who they are, compare target groups.",
        epilog="To start:\n  kequn run --out demo              a synthetic bank\n"
        "  kequn run customers.xlsx --out r  one row per customer\n"
        "  kequn init transactions.csv       transactions: describe them once, then run\n"
        "  kequn rename r 2=常客             from a result: other names, no refit\n"
        "Each command has its own help: kequn run --help",
    )
    top.add_argument("--version", action="version", version=f"kequn_lab {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        _run,
        _init,
        _check,
        _score,
        _rename,
        _report,
        _plot,
        _sql,
        _pmml,
        _sas,
        _verify,
        _compare,
        _registry,
        _sample,
        _workshop,
    ):
        command = add(commands)
        general = command.add_argument_group("in general")
        if add in (_rename, _report, _plot, _sql, _pmml, _sas, _verify, _compare):
            told: Any = {"help": "of messages and pictures (default: that of the report)"}
        elif add is _workshop:
            told = {"help": "of chapters and messages; of a folder laid out, its own (default: en)"}
        else:
            told = {"default": "en", "help": "of messages and results"}
        general.add_argument("--language", choices=("zh", "en"), **told)
        general.add_argument(
            "--debug", action="store_true", help="show where in the program an error arose"
        )
        command.set_defaults(error=command.error)
    top.commands = commands.choices
    for one in (top, *top.commands.values()):
        one.language = language
    return top


def _command(commands, name: str, arguments: str, what: str, *examples: str, more: str = ""):
    return commands.add_parser(
        name,
        help=what,
        usage=f"kequn {name} {arguments}",
        formatter_class=_Help,
        description=f"{what[0].upper()}{what[1:]}.\n{more}".strip(),
        epilog="Examples:\n" + "\n".join(f"  {line}" for line in examples),
    )


def _run(commands) -> argparse.ArgumentParser:
    run = _command(
        commands,
        "run",
        "[FILE] --out DIR [options]",
        "from tables to labels, profiles, a comparison, pictures and a report",
        "kequn run --out demo",
        "kequn run customers.xlsx --id 客户编号 --k 5 --language zh --out result",
        "kequn run transactions.csv --mapping mapping.toml --as-of 2024-12-31 --out result",
        more="Without a table, a synthetic bank is run.",
    )
    add_tables(run)
    add_ready(run)
    add_window(run, "length of the window (default: 12)")
    add_columns(run)
    add_clusters(run)
    add_bank(run)
    add_engine(run)
    add_labels(run)
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    return run


def _init(commands) -> argparse.ArgumentParser:
    init = _command(
        commands,
        "init",
        "FILE [options]",
        "guess how a table of yours is to be read, into a mapping file to look through",
        "kequn init transactions.csv",
        "kequn init 交易.xlsx --sheet 明细 --out 我行.toml --language zh",
        "kequn init export.csv --encoding gb18030",
    )
    init.add_argument("file", type=Path, metavar="FILE", help="CSV, Excel or Parquet")
    init.add_argument(
        "--out", type=Path, default=Path("mapping.toml"), metavar="M.toml", help="to be written"
    )
    add_reading(init)
    return init


def _check(commands) -> argparse.ArgumentParser:
    check = _command(
        commands,
        "check",
        "[FILE] [options]",
        "say all that is wrong in tables, and how they are read; nothing is written",
        "kequn check customers.xlsx --id 客户编号",
        "kequn check transactions.csv --mapping mapping.toml",
        "kequn check --events e.csv --customers c.csv --holdings h.csv",
    )
    add_tables(check)
    add_ready(check)
    return check


def _score(commands) -> argparse.ArgumentParser:
    score = _command(
        commands,
        "score",
        "[FILE] --scorecard S --out DIR [options]",
        "label new or next month's customers by the scorecard of an earlier run",
        "kequn score next.csv --scorecard result/scorecard.json --out june",
        "kequn score events.parquet --as-of 2025-06-30 --scorecard s.json --out june",
        'kequn score sqlite:///bank.db --query "select * from c" --scorecard s.json --dry-run',
    )
    score.add_argument(
        "--scorecard", type=Path, required=True, metavar="S", help="scorecard.json of a result"
    )
    add_tables(score)
    add_ready(score)
    add_window(score, "length of the window (default: the scorecard's)")
    score.add_argument(
        "--accept-units", action="store_true", help="money a factor 100 or 10,000 off is meant"
    )
    score.add_argument("--dry-run", action="store_true", help="read all, write nothing")
    add_results(score, required=False)
    return score


def _rename(commands) -> argparse.ArgumentParser:
    rename = _command(
        commands,
        "rename",
        "RESULT 5=NAME …",
        "give segments of a result other names, everywhere in it; nothing is fitted again",
        "kequn rename result 5=高净值客户",
        'kequn rename result "5=高净值客户/High net worth"',
        "kequn rename result 0=常客/Regulars cluster_3=新客/Newcomers",
    )
    add_result(rename)
    rename.add_argument(
        "name", nargs="+", type=renaming, metavar="5=NAME",
        help="cluster (or id, or present name) and new name; Chinese/English, or one for both",
    )  # fmt: skip
    return rename


def _report(commands) -> argparse.ArgumentParser:
    report = _command(
        commands,
        "report",
        "RESULT [options]",
        "write the report and pictures of a result in another language",
        "kequn report result --language zh",
        "kequn report result --language en",
        "kequn report result --language zh --out 报告.html",
    )
    add_result(report)
    report.add_argument("--out", type=Path, metavar="FILE", help="a file instead of the result's")
    return report


def _plot(commands) -> argparse.ArgumentParser:
    plot = _command(
        commands,
        "plot",
        "RESULT [NAME] [options]",
        "draw one picture of a result; without a name, say which there are",
        "kequn plot result",
        "kequn plot result sizes",
        "kequn plot result comparison --language zh --out 差异.svg",
    )
    add_result(plot)
    plot.add_argument("name", nargs="?", metavar="NAME", help="such as sizes, comparison, decision")
    plot.add_argument(
        "--out", type=Path, metavar="FILE", help=".png, .svg or .pdf (default: NAME.png)"
    )
    return plot


def _sql(commands) -> argparse.ArgumentParser:
    sql = _command(
        commands,
        "sql",
        "RESULT --dialect D --table T [options]",
        "write the model of a result as one SELECT that labels customers in a database",
        "kequn sql result --dialect postgresql --table customers",
        "kequn sql result --dialect mysql --table crm.customers --id 客户编号",
        "kequn sql result --dialect postgresql --table crm.customers --dbt segments",
    )
    add_result(sql)
    sql.add_argument(
        "--dialect", required=True, metavar="D",
        help="duckdb, gaussdb, hive, mariadb, mysql, oracle, postgresql, spark, sqlite or "
        "sqlserver",
    )  # fmt: skip
    add_source(sql, "of the customers' features")
    sql.add_argument(
        "--dbt", type=Path, metavar="DIR", help="a dbt project instead, which tests itself"
    )
    return sql


def _sas(commands) -> argparse.ArgumentParser:
    sas = _command(
        commands,
        "sas",
        "RESULT --table T [options]",
        "write the model of a result as a SAS DATA step that labels customers",
        "kequn sas result --table work.customers",
        "kequn sas result --table crm.customers --language zh",
        "kequn sas result --table work.customers --id 客户编号 --out segments.sas",
    )
    add_result(sas)
    add_source(sas, "data set of the customers' features")
    return sas


def _pmml(commands) -> argparse.ArgumentParser:
    pmml = _command(
        commands,
        "pmml",
        "RESULT [options]",
        "write the model of a result as PMML 4.4, which scoring engines read",
        "kequn pmml result --out segments.pmml",
        "kequn pmml result",
        "kequn pmml 结果 --out 客群.pmml --language zh",
    )
    add_result(pmml)
    pmml.add_argument("--out", type=Path, metavar="FILE", help="default: the screen")
    return pmml


def _verify(commands) -> argparse.ArgumentParser:
    verify = _command(
        commands,
        "verify",
        "RESULT --against TABLE [options]",
        "say whether a copy of the model, in a database or elsewhere, gives our labels",
        "kequn verify result --against labelled.csv",
        "kequn verify result --against labelled.parquet --language zh",
        'kequn verify result --against sqlite:///crm.db --query "select * from golden_labels"',
        more="Put golden_rows.csv of the result through the copy; its labels are the TABLE: "
        "customer_id\nwith segment_id or cluster.",
    )
    add_result(verify)
    verify.add_argument(
        "--against", type=table, required=True, metavar="TABLE", help="a file, or a database"
    )
    verify.add_argument("--query", metavar="SELECT", help="what to read from a database")
    verify.add_argument("--id", default="customer_id", metavar="COLUMN", help="names the customer")
    return verify


def _compare(commands) -> argparse.ArgumentParser:
    compare = _command(
        commands,
        "compare",
        "RESULT OTHER [options]",
        "say who moved since an earlier result, what drifted, and whether a refit is due",
        "kequn compare may june",
        "kequn compare may june_scored --out moved.csv",
        "kequn compare may/labels.csv june/labels.csv --language zh",
        more="OTHER is the folder of a later run, or of a score by RESULT's scorecard. Two label\n"
        "files are compared customer by customer.",
    )
    add_result(compare)
    compare.add_argument("other", type=Path, metavar="OTHER", help="folder of the later one")
    compare.add_argument("--out", type=Path, metavar="CSV", help="who moved, from where to where")
    return compare


def _registry(commands) -> argparse.ArgumentParser:
    registry = _command(
        commands,
        "registry",
        "ACTION DIR [SEGMENT …] [options]",
        "show the segments of a registry, or change one, with a reason that is kept",
        "kequn registry show registry",
        'kequn registry rename registry S0003=银发客户/Silver --reason "new brand"',
        'kequn registry merge registry S0007 S0003 --reason "same offers"',
        more="merge: the first goes into the second. retire: ends one, whose id never comes back.",
    )
    registry.add_argument("action", choices=("show", "rename", "merge", "retire"), metavar="ACTION",
                          help="show, rename, merge or retire")  # fmt: skip
    registry.add_argument("registry", type=Path, metavar="DIR", help="folder of the registry")
    registry.add_argument("segments", nargs="*", metavar="SEGMENT", help="permanent id, as S0003")
    registry.add_argument("--reason", metavar="TEXT", help="of the change; it is kept")
    registry.add_argument("--date", type=day, metavar="DATE", help="of the change (default: today)")
    registry.add_argument("--history", action="store_true", help="show what happened, too")
    return registry


def _sample(commands) -> argparse.ArgumentParser:
    sample = _command(
        commands,
        "sample",
        "--out DIR [options]",
        "write a synthetic bank whose true segments are known",
        "kequn sample --out bank",
        "kequn sample --customers 100000 --months 24 --format csv --out bank",
        "kequn sample --preset hard --bank-kind internet_retail --seed 7 --out bank",
    )
    sample.add_argument("--customers", type=whole(1), default=2000, metavar="N", help="to draw")
    sample.add_argument("--months", type=whole(1, 1200), default=12, metavar="M", help="of events")
    sample.add_argument(
        "--preset", default="standard", choices=PRESETS, help="how hard it is to cluster"
    )
    sample.add_argument("--bank-kind", default="state_big", choices=_PROFILES, help="kind of bank")
    sample.add_argument(
        "--population", type=Path, metavar="DIR", help="an edited copy of data/catalogue/population"
    )
    sample.add_argument("--seed", type=SEED, default=0, metavar="N", help="of all random draws")
    sample.add_argument("--as-of", type=day, default="2024-12-31", metavar="DATE", help="last day")
    sample.add_argument(
        "--format", default="parquet", choices=("parquet", "csv", "mixed"), help="of the tables"
    )
    sample.add_argument("--out", type=Path, required=True, metavar="DIR", help="to be written")
    return sample


def _workshop(commands) -> argparse.ArgumentParser:
    workshop = _command(
        commands,
        "workshop",
        "start|reset|release DIR [CHAPTER] [options]",
        "lay out the course in a folder of your own and open it in JupyterLab",
        "kequn workshop start class --language zh",
        "kequn workshop reset class 04",
        "kequn workshop release class 04",
        more="start writes what is not there yet and overwrites nothing; reset writes chapters "
        "afresh and\nrenames yours; release adds a chapter with its solutions.",
    )
    workshop.add_argument("action", choices=("start", "reset", "release"), metavar="ACTION",
                          help="start, reset or release")  # fmt: skip
    workshop.add_argument("dir", type=Path, metavar="DIR", help="the participant's folder")
    workshop.add_argument("chapter", nargs="?", metavar="CHAPTER", help="such as 04 or 04b")
    workshop.add_argument(
        "--no-lab", action="store_true", help="write the folder, do not start JupyterLab"
    )
    return workshop
