"""The command line: ``kequn run``, ``kequn check``, ``kequn score``, ``kequn sample``.

Exit codes: 0 all is well, 1 the input is wrong (the message says where), 2 wrong usage, 70 a
fault of the kit, 130 stopped by Ctrl-C or a kill.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kequn_lab.commands.console import console, guarded
from kequn_lab.commands.parser import parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    with console():
        args = parser().parse_args(argv)
        do = _COMMANDS[args.command]
        return guarded(lambda: do(args), name=f"kequn {args.command}", debug=args.debug)


#: Options of ``run`` that belong to one kind of input, and are refused with the others.
_BELONG = {
    "features": ("id", "drop", "log", "skip_bad_rows"),
    "events": ("customers", "holdings", "mapping", "as_of", "months", "drop", "skip_bad_rows"),
    "synthetic": ("synthetic", "preset", "as_of", "months"),
}


def _kind(args) -> str:
    """What a run starts from; refuses options that would be ignored."""
    kind = "features" if args.features else "events" if args.events else "synthetic"
    if args.features and args.events:
        args.error("--features is a ready customer table; it goes without --events")
    for name in dict.fromkeys(sum(_BELONG.values(), ())):
        if getattr(args, name) not in (None, (), False) and name not in _BELONG[kind]:
            where = [f"--{k}" for k in ("events", "features") if name in _BELONG[k]]
            where = f"goes with {' or '.join(where)}" if where else "is for the synthetic bank"
            args.error(f"--{name.replace('_', '-')} {where}")
    if kind == "events" and not args.as_of:
        args.error("--as-of is needed with --events: the last day to look at (YYYY-MM-DD)")
    return kind


def _run(args) -> int:
    from kequn_lab.commands.arguments import check_catalogue, check_names, check_paths
    from kequn_lab.run.results import fill_folder, run_folder

    kind = _kind(args)
    files = ("features", "events", "customers", "holdings", "mapping")
    check_paths(args, files=files, folders=("catalogue", "previous"))
    check_catalogue(args.catalogue)
    check_names(args.names, args.k, args.catalogue)
    with run_folder(args.out) as folder:
        analysis = _analysis(args, kind)
        notes = fill_folder(
            analysis, folder, language=args.language, encoding=args.encoding, quiet=args.quiet
        )
    for note in [*analysis.inputs.notes, *notes]:
        print(f"{note.level}: {note.text(args.language)}", file=sys.stderr)
    print(analysis.summary())
    print(f"\nResults in {args.out}; open {args.out / 'report.html'}")
    return 0


def _analysis(args, kind):
    from kequn_lab.run import inputs
    from kequn_lab.run.analysis import analyse

    months = args.months or 12
    if args.features:
        given = inputs.from_feature_table(
            args.features,
            id_column=args.id,
            drop=args.drop,
            log_columns=args.log,
            skip_bad_rows=args.skip_bad_rows,
        )
    elif kind == "events":
        given = inputs.from_tables(
            args.events,
            customers=args.customers,
            holdings=args.holdings,
            mapping=args.mapping,
            as_of=args.as_of,
            months=months,
            skip_bad_rows=args.skip_bad_rows,
            drop=args.drop,
        )
    else:
        given = inputs.from_synthetic_bank(
            args.synthetic or 5000,
            random_state=args.seed,
            preset=args.preset or "standard",
            as_of=args.as_of or "2024-12-31",
            months=months,
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


def _check(args) -> int:
    from kequn_lab.commands.arguments import check_paths
    from kequn_lab.run.checking import check_tables

    tables = ("customers", "events", "holdings")
    given = {name: getattr(args, name) for name in tables}
    if not any(given.values()):
        args.error("name at least one table: --customers, --events, --holdings")
    check_paths(args, files=(*tables, "mapping"), folders=())
    wrong = 0
    for found in check_tables(**given, mapping=args.mapping):
        absent = f"; columns not there: {', '.join(found.absent)}" if found.absent else ""
        print(f"{found.name}: {found.valid:,} of {found.rows:,} rows are valid{absent}")
        for note in found.notes:
            print(f"  {note.text()}")
        if found.error is not None:
            wrong += 1
            print(found.error)
    return 1 if wrong else 0


def _score(args) -> int:
    from kequn_lab.commands.arguments import check_paths
    from kequn_lab.export.scorecard import Scorecard
    from kequn_lab.run.scoring import score_files

    if bool(args.features) == bool(args.events):
        args.error("name either --events (with --customers, --holdings) or --features")
    if args.events and not args.as_of:
        args.error("--as-of is needed with --events: the last day to look at (YYYY-MM-DD)")
    if args.query and "://" not in (args.features or ""):
        args.error("--query asks a database: --features is its address, as sqlite:///bank.db")
    if args.features and not args.query:
        args.features = Path(args.features)
    files = ("scorecard", "features", "events", "customers", "holdings", "mapping")
    check_paths(args, files=files, folders=())
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
    for warning in record["notes"]:
        if warning["level"] == "warning":
            print(f"warning: {warning['text_en']}", file=sys.stderr)
    done = "read, nothing written" if args.dry_run else f"labelled, in {args.out}"
    print(f"{record['rows']:,} customers {done}")
    return 0


def _sample(args) -> int:
    from kequn_lab.commands.arguments import check_paths
    from kequn_lab.synth import write_bank

    check_paths(args, files=(), folders=("population",))
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


_COMMANDS = {"run": _run, "check": _check, "score": _score, "sample": _sample}


if __name__ == "__main__":
    sys.exit(main())
