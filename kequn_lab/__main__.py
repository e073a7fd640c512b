"""The command line: ``kequn run``, ``kequn check``, ``kequn score``, ``kequn sample``.

Exit codes: 0 all is well, 1 the input is wrong (the message says where), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kequn_lab import __version__
from kequn_lab._signals import stoppable


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        with stoppable():
            return args.do(args, parser)
    except KeyboardInterrupt as stop:  # whoever writes says what was written
        print(str(stop) or "interrupted: nothing was written", file=sys.stderr)
        return 130
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"kequn {args.command}: {error}", file=sys.stderr)
        return 1


def _run(args, parser) -> int:
    from kequn_lab.run import inputs
    from kequn_lab.run.results import fill_folder, run_folder

    if args.features and (args.events or args.customers or args.holdings):
        parser.error("--features is a ready customer table; it goes without the other tables")
    if (args.customers or args.holdings or args.mapping) and not args.events:
        parser.error("--events is needed with --customers, --holdings and --mapping")
    if args.events and not args.as_of:
        parser.error("--as-of is needed with --events: the last day to look at (YYYY-MM-DD)")
    with run_folder(args.out) as folder:
        analysis = _analysis(args, inputs)
        notes = fill_folder(
            analysis, folder, language=args.language, encoding=args.encoding, quiet=args.quiet
        )
    for note in [*analysis.inputs.notes, *notes]:
        print(f"{note.level}: {note.text(args.language)}", file=sys.stderr)
    print(analysis.summary())
    print(f"\nResults in {args.out}; open {args.out / 'report.html'}")
    return 0


def _analysis(args, inputs):
    from kequn_lab.run.analysis import analyse

    if args.features:
        given = inputs.from_feature_table(
            args.features, id_column=args.id, drop=args.drop, log_columns=args.log
        )
    elif args.events:
        given = inputs.from_tables(
            args.events,
            customers=args.customers,
            holdings=args.holdings,
            mapping=args.mapping,
            as_of=args.as_of,
            months=args.months,
            skip_bad_rows=args.skip_bad_rows,
            drop=args.drop,
        )
    else:
        given = inputs.from_synthetic_bank(
            args.synthetic,
            random_state=args.seed,
            preset=args.preset,
            as_of=args.as_of or "2024-12-31",
            months=args.months,
        )
    return analyse(
        given,
        n_clusters=args.k if isinstance(args.k, int) else 8,
        ks=None if isinstance(args.k, int) else args.k,
        n_starts=args.starts,
        random_state=args.seed,
        overrides=args.names,
        n_stability=args.stability,
        catalogue_folder=args.catalogue,
        previous=args.previous,
        quiet=args.quiet,
    )


def _check(args, parser) -> int:
    from kequn_lab.contract.mapping import Mapping, read_mapping
    from kequn_lab.contract.reading import read_table
    from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, check_references

    if not (args.customers or args.events or args.holdings):
        parser.error("name at least one table: --customers, --events, --holdings")
    words = read_mapping(args.mapping) if args.mapping else Mapping()
    tables, wrong = {}, 0
    for contract in (CUSTOMERS, EVENTS, HOLDINGS):
        path = getattr(args, contract.name)
        if path is None:
            continue
        mapping = getattr(words, contract.name) if args.mapping else None
        refused = []
        table = read_table(path, contract, mapping=mapping, on_refused=refused.append)
        found = [f"line {r.line}: {r.reason}; {r.text}" for r in refused]
        if contract is not CUSTOMERS and "customers" in tables:
            lost = check_references(table, tables["customers"])
            found += [f"line {v.row}: customer {v.found} {v.rule}" for v in lost.itertuples()]
        tables[contract.name] = table
        wrong += len(found)
        absent = [c.name for c in contract.columns if c.name not in table]
        print(f"{path}: {len(table)} valid rows, {len(found)} findings", end="")
        print(f"; columns not there: {', '.join(absent)}" if absent else "")
        for line in found[: args.show]:
            print(f"  {line}")
        if len(found) > args.show:
            print(f"  … and {len(found) - args.show} more (--show {len(found)})")
    return 1 if wrong else 0


def _score(args, parser) -> int:
    from kequn_lab.export.scorecard import Scorecard
    from kequn_lab.run.scoring import score_files

    if bool(args.features) == bool(args.events):
        parser.error("name either --events (with --customers, --holdings) or --features")
    if args.events and not args.as_of:
        parser.error("--as-of is needed with --events: the last day to look at (YYYY-MM-DD)")
    card = Scorecard.from_json(args.scorecard.read_text(encoding="utf-8"))
    record = score_files(
        card,
        None if args.dry_run else args.out,
        features=args.features,
        query=args.query,
        events=args.events,
        customers=args.customers,
        holdings=args.holdings,
        mapping=args.mapping,
        as_of=args.as_of,
        months=args.months,
        id_column=args.id,
        skip_bad_rows=args.skip_bad_rows,
        accept_units=args.accept_units,
        encoding=args.encoding,
    )
    for warning in record["warnings"]:
        if warning["level"] == "warning":
            print(f"warning: {warning['text_en']}", file=sys.stderr)
    done = "read, nothing written" if args.dry_run else f"labelled, in {args.out}"
    print(f"{record['rows']:,} customers {done}")
    return 0


def _sample(args, parser) -> int:
    from kequn_lab.synth import write_bank

    write_bank(
        args.out,
        n_customers=args.customers,
        months=args.months,
        preset=args.preset,
        profile=args.profile,
        population=args.population,
        format=args.format,
        random_state=args.seed,
        as_of=args.as_of,
    )
    print(f"A synthetic bank of {args.customers} customers lies in {args.out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kequn",
        description="客群实验室: segment bank customers, profile them, compare target groups.",
    )
    parser.add_argument("--version", action="version", version=f"kequn_lab {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run",
        help="from tables to labels, profiles, a comparison and pictures",
        description="Without tables, the synthetic bank is run.",
    )
    _tables(run)
    run.add_argument("--features", type=Path, metavar="TABLE", help="a ready customer table")
    run.add_argument("--id", default="customer_id", help="its column that names the customer")
    run.add_argument("--drop", type=_names, default=(), metavar="A,B", help="columns to leave out")
    run.add_argument("--log", type=_names, default=(), metavar="A,B", help="columns to log")
    run.add_argument("--synthetic", type=int, default=5000, metavar="N", help="customers to draw")
    run.add_argument("--preset", default="standard", help="difficulty of the synthetic bank")
    run.add_argument("--as-of", type=_day, metavar="DATE", help="last day to look at")
    run.add_argument("--months", type=int, default=12, help="length of the window (12)")
    run.add_argument("--skip-bad-rows", action="store_true", help="set broken rows aside")
    run.add_argument(
        "--k", type=_clusters, default=8, metavar="K",
        help="clusters: a number, auto (8, the article's), or a range such as 2:12 to weigh",
    )  # fmt: skip
    run.add_argument(
        "--names", type=_overrides, default=None, metavar="0=elderly,…",
        help="names of clusters by a person who looked; they come before the signatures",
    )  # fmt: skip
    run.add_argument("--stability", type=int, default=20, metavar="N", help="bootstrap pairs (20)")
    run.add_argument("--previous", type=Path, metavar="DIR", help="last run: names carry on")
    run.add_argument("--catalogue", type=Path, metavar="DIR", help="your copy of data/catalogue")
    run.add_argument("--starts", type=int, default=25, help="starts of the search (25)")
    run.add_argument("--seed", type=int, default=0, help="random seed (0)")
    run.add_argument("--language", choices=("zh", "en"), default="en", help="of the pictures")
    run.add_argument("--encoding", default="utf-8-sig", choices=("utf-8-sig", "utf-8", "gb18030"))
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="where results go")
    run.add_argument("--quiet", action="store_true", help="no progress bar")
    run.set_defaults(do=_run)

    check = commands.add_parser("check", help="hold tables against their contracts")
    _tables(check)
    check.add_argument("--show", type=int, default=10, help="findings to print per table (10)")
    check.set_defaults(do=_check)

    score = commands.add_parser("score", help="label new or next month's customers")
    score.add_argument("--scorecard", type=Path, required=True, metavar="S", help="scorecard.json")
    _tables(score)
    score.add_argument("--features", metavar="TABLE", help="a ready table, or a database's address")
    score.add_argument("--query", help="the SELECT that gives the customer table")
    score.add_argument("--id", default="customer_id", help="the column that names the customer")
    score.add_argument("--as-of", type=_day, metavar="DATE", help="last day to look at")
    score.add_argument("--months", type=int, help="length of the window (the scorecard's)")
    score.add_argument("--skip-bad-rows", action="store_true", help="set broken rows aside")
    score.add_argument("--encoding", default="utf-8-sig", choices=("utf-8-sig", "utf-8", "gb18030"))
    score.add_argument(
        "--accept-units", action="store_true", help="money a factor 100 or 10,000 off is meant"
    )
    score.add_argument("--dry-run", action="store_true", help="read all, write nothing")
    score.add_argument("--out", type=Path, required=True, metavar="DIR")
    score.set_defaults(do=_score)

    sample = commands.add_parser("sample", help="write a synthetic bank")
    sample.add_argument("--customers", type=int, default=2000, metavar="N")
    sample.add_argument("--months", type=int, default=12, metavar="M")
    sample.add_argument("--preset", default="standard", help="easy, standard, hard or sealed")
    sample.add_argument(
        "--profile",
        default="state_big",
        help="state_big, internet_retail, internet_corp or direct_bank",
    )
    sample.add_argument(
        "--population", type=Path, metavar="DIR", help="an edited copy of data/catalogue/population"
    )
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--as-of", type=_day, default="2024-12-31", metavar="DATE")
    sample.add_argument("--format", default="parquet", choices=("parquet", "csv", "mixed"))
    sample.add_argument("--out", type=Path, required=True, metavar="DIR")
    sample.set_defaults(do=_sample)
    return parser


def _tables(parser) -> None:
    parser.add_argument("--events", type=Path, metavar="E", help="transactions (CSV, Parquet)")
    parser.add_argument("--customers", type=Path, metavar="C", help="one row per customer")
    parser.add_argument("--holdings", type=Path, metavar="H", help="customer × product balances")
    parser.add_argument("--mapping", type=Path, metavar="M.toml", help="your bank's words → ours")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _clusters(text: str) -> int | range:
    if text == "auto":
        return 8
    first, _, last = text.partition(":")
    try:
        return range(int(first), int(last) + 1) if last else int(first)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; write 8, auto or 2:12") from None


def _overrides(text: str) -> dict[int, str]:
    try:
        pairs = (pair.split("=") for pair in text.split(","))
        return {int(cluster): segment.strip() for cluster, segment in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}; write 0=elderly,3=young_adult") from None


def _day(text: str) -> str:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write YYYY-MM-DD") from None


if __name__ == "__main__":
    sys.exit(main())
