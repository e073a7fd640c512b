"""Commands that read a bank's tables: ``init``, ``check``, ``run``, ``score``; and ``sample``."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import replace
from inspect import signature

from kequn_lab._notes import READING
from kequn_lab._processes import two_processes
from kequn_lab._words import shell_word
from kequn_lab.commands.arguments import check_catalogue, check_names, check_paths
from kequn_lab.contract.mapping import Mapping
from kequn_lab.contract.sources import open_source
from kequn_lab.run.entrance import Given, kind_of_table, words_of

__all__ = ["check", "init", "run", "sample", "score"]

_TABLES = ("events", "customers", "holdings")
#: Options that belong to one kind of input, and are refused with the others.
_BELONG = {
    "features": ("id", "drop", "log", "categories", "query", "mapping", "encoding",
                 "sheet", "skip_bad_rows"),
    "events": ("customers", "holdings", "mapping", "as_of", "months", "drop", "encoding", "sheet",
               "skip_bad_rows"),
    "synthetic": ("synthetic", "preset", "as_of", "months"),
}  # fmt: skip
_SAY = {
    "features": (
        "{name}: one row per customer; {id} names the customer",
        "{name}：每位客户一行；客户编号列为 {id}",
    ),
    "events": ("{name}: transactions", "{name}：交易明细"),
    "until": (
        "Last day: {day}, the last in the table (--as-of names another)",
        "截止日：{day}，即表中最后一天（可用 --as-of 另定）",
    ),
    "registry": ("Registry, run {run}: {said}", "客群登记，批次 {run}：{said}"),
    "results": ("\nOpen {report}", "\n请打开 {report}"),
    "valid": (
        "{name}: {valid:,} of {rows:,} rows are valid",
        "{name}：{rows:,} 行中 {valid:,} 行有效",
    ),
    "absent": ("; columns not there: {columns}", "；没有的列：{columns}"),
    "labelled": ("{n:,} customers labelled, in {out}", "{n:,} 位客户已打标签，结果在 {out}"),
    "dry": ("{n:,} customers read, nothing written", "已读 {n:,} 位客户，未写任何文件"),
    "sampled": (
        "A synthetic bank of {n:,} customers is in {out}",
        "{n:,} 位客户的合成银行在 {out}",
    ),
    "guessed": (
        "{out} is a guess: look through every line, then\n  {command}",
        "{out} 是猜出来的：请逐行检查，然后\n  {command}",
    ),
}  # fmt: skip


def say(args: Namespace, what: str, **values) -> str:
    """A message in the language of the command."""
    return _SAY[what][args.language == "zh"].format(**values)


def run(args: Namespace) -> int:
    """From tables to a folder of results."""
    from kequn_lab.commands import cluster
    from kequn_lab.commands.registering import EVENTS
    from kequn_lab.features.weights import read_weights
    from kequn_lab.monitor.registry import open_registry
    from kequn_lab.run.results import fill_folder, run_folder

    spark = _with_spark(args)
    words = None if spark else _given(args)
    kind = _kind(args)
    if isinstance(args.k, dict) and args.by is None:
        args.error("--k by group goes with --by COLUMN, the column that says the group")
    check_paths(args, files=("weights",), folders=("catalogue", "previous"))
    check_catalogue(args.catalogue)
    check_names(args.names, args.k, args.catalogue, args.by)
    if args.weights is not None:
        args.weights = read_weights(args.weights)
    with ExitStack() as stack:
        if not spark:  # its connections do not outlive a fork
            stack.enter_context(two_processes())
        if args.labels_to is not None:
            labels = stack.enter_context(cluster.labels_folder(args))
        folder = stack.enter_context(run_folder(args.out))
        if args.registry is not None:  # entered before the result is there: no id is given twice
            args.registry = stack.enter_context(open_registry(args.registry))
        tables = stack.enter_context(cluster.on_the_cluster(args)) if spark else {}
        vars(args).update(tables)
        result = fill_folder(
            _segmented(args, kind, words),
            folder,
            language=args.language,
            encoding=args.out_encoding,
            sort=args.sort == "id",
            features=args.write_features,
            quiet=args.quiet,
        )
        if args.labels_to is not None:
            cluster.label_all(args, result, tables, labels)
    if args.labels_to is not None:
        print(cluster.labels_written(args))
    _tell(args, result.record["notes"])
    if kind == "events" and not args.as_of:
        print(say(args, "until", day=result.record["as_of"]))
    print(result.summary(args.language))
    if args.registry is not None:
        kinds = result.tables["registry_events"]["kind"].value_counts()
        said = ", ".join(f"{EVENTS[kind][args.language == 'zh']} {n}" for kind, n in kinds.items())
        print(say(args, "registry", run=result.record["run_id"], said=said))
    print(say(args, "results", report=args.out / "report.html"))
    return 0


def _segmented(args: Namespace, kind: str, words: Mapping | None):
    from kequn_lab.run import segment
    from kequn_lab.synth import make_bank

    given = {name: getattr(args, name, None) for name in [*signature(segment).parameters][1:]}
    more = {name: value for name, value in given.items() if value is not None}
    if kind == "synthetic":
        table = make_bank(
            args.synthetic or 5000,
            random_state=args.seed,
            preset=args.preset or "standard",
            as_of=args.as_of or "2024-12-31",
            months=args.months or 12,
        )
    else:
        table = getattr(args, kind)
        more |= {"kind": kind, "mapping": words}
    return segment(table, **more)


def _with_spark(args: Namespace) -> bool:
    """Whether a cluster reads the tables; options that go with it are refused without it."""
    if args.engine != "spark":
        if args.labels_to is not None or args.master is not None or args.fit_on != "sample":
            args.error("--master, --fit-on and --labels-to go with --engine spark")
        return False
    if args.file is not None or not args.events:
        args.error("--engine spark reads transactions: --events, with --customers, --holdings")
    if args.mapping or args.encoding or args.sheet or args.skip_bad_rows:
        args.error(
            "--mapping, --encoding, --sheet and --skip-bad-rows are of files that are read here; "
            "with --engine spark prepare the tables on the cluster"
        )
    args.master = args.master or "local[*]"
    for name in _TABLES:
        path = getattr(args, name)
        if path is not None and "://" not in str(path) and not path.exists():
            raise FileNotFoundError(f"--{name} {path} does not exist")
    return True


def _given(args: Namespace) -> Mapping:
    """Look at the paths, put FILE where its columns say that it belongs; the bank's words."""
    if args.file is None:
        _kind(args)  # wrong usage is said before anything else
    elif args.features or args.events:
        args.error("FILE is the table; name it, or --features or --events, not both")
    if args.query is not None and "://" not in str(args.file or args.features):
        args.error("--query asks a database: the table is its address, as sqlite:///bank.db")
    files = ("file", "features", *_TABLES, "mapping", "scorecard")
    check_paths(args, files=files, folders=())
    words = words_of(args.mapping)
    if args.query is not None:
        args.features = args.file or args.features
    elif args.file is not None:
        _place(args, words)
    settings = {"encoding": args.encoding, "sheet": args.sheet}
    if settings := {name: value for name, value in settings.items() if value is not None}:
        given = [t for t in (*_TABLES, "features") if getattr(args, t) is not None]
        words = replace(words, **{t: replace(getattr(words, t), **settings) for t in given})
    return words


def _tables(args: Namespace, words: Mapping) -> Given:
    """What ``check`` and ``score`` read."""
    window = {name: getattr(args, name, None) for name in ("as_of", "months")}
    tables = {name: getattr(args, name) for name in ("features", "query", *_TABLES)}
    return Given(**tables, **window, id_column=args.id, mapping=words)


def _place(args: Namespace, words: Mapping) -> None:
    """FILE becomes ``--features`` or ``--events``, and the id of a ready table is found."""
    from kequn_lab.contract.guessing import guess_mapping

    settings = {"encoding": args.encoding, "sheet": args.sheet}
    source = open_source(args.file, **settings)
    kind = kind_of_table(source.columns, words)
    if kind == "holdings":
        args.error(f"{source.name} holds balances; run the transactions, with it as --holdings")
    if kind == "events":
        args.events = args.file
        print(say(args, "events", name=source.name))
        return
    key = args.id or words.features.id
    if key is None and "customer_id" not in {*source.columns, *words.features.columns}:
        guess = guess_mapping(args.file, **settings)
        if guess.kind == "events":
            args.error(
                f"{source.name} looks like transactions in your own words; describe them once "
                f"with `kequn init {shell_word(str(args.file))}`, or name the column of "
                "customers (--id) if it has one row per customer"
            )
        key = guess.id_column
    args.features, args.id = args.file, key or "customer_id"
    print(say(args, "features", name=source.name, id=args.id))


def _kind(args: Namespace) -> str:
    """What a command starts from; options that would be ignored are refused."""
    kinds = [kind for kind in ("features", "events") if getattr(args, kind)]
    if args.command == "check":
        if not (kinds or args.customers or args.holdings):
            args.error("name a table: FILE, --events, --customers, --holdings")
        return ""
    if len(kinds) == 2 or (args.command == "score" and not kinds):
        args.error("name FILE, or --features, or --events (with --customers, --holdings)")
    kind = kinds[0] if kinds else "synthetic"
    for name in dict.fromkeys(sum(_BELONG.values(), ())):
        if getattr(args, name, None) in (None, (), False) or name in _BELONG[kind]:
            continue
        if (args.command, kind, name) == ("run", "features", "as_of"):
            continue
        goes = [k for k in ("events", "features") if name in _BELONG[k]]
        words = {"events": "transactions", "features": "a ready customer table"}
        where = " or ".join(words[k] for k in goes) or "the synthetic bank"
        args.error(f"--{name.replace('_', '-')} goes with {where}")
    if args.command == "score" and kind == "events" and not args.as_of:
        args.error("--as-of is needed with transactions: the last day to look at (YYYY-MM-DD)")
    return kind


def _tell(args: Namespace, notes: list[dict], levels: tuple[str, ...] = ("note",)) -> None:
    """Notes, one a line; the price is in the summary."""
    for note in notes:
        if note["level"] in levels and note["warning"] not in READING:
            print(f"- {note[f'text_{args.language}']}", file=sys.stderr)


def check(args: Namespace) -> int:
    """Every finding in the tables, as a run would see them."""
    from kequn_lab.run.checking import check_tables

    words = _given(args)
    wrong = 0
    for found in check_tables(_tables(args, words)):
        line = say(args, "valid", name=found.name, valid=found.valid, rows=found.rows)
        if found.absent:
            line += say(args, "absent", columns=", ".join(found.absent))
        print(line)
        for note in found.notes:
            print(f"  - {note.text(args.language)}")
        if found.error is not None:
            wrong += 1
            print(found.error.text(args.language))
    return 1 if wrong else 0


def score(args: Namespace) -> int:
    """Label customers by the scorecard of an earlier run."""
    from kequn_lab.export.scorecard import Scorecard
    from kequn_lab.run.scoring import score_files

    words = _given(args)
    _kind(args)
    card = Scorecard.load(args.scorecard)
    record = score_files(
        card,
        None if args.dry_run else args.out,
        _tables(args, words),
        skip_bad_rows=args.skip_bad_rows,
        accept_units=args.accept_units,
        encoding=args.out_encoding,
    )
    _tell(args, record["notes"], levels=("note", "warning"))
    print(say(args, "dry" if args.dry_run else "labelled", n=record["rows"], out=args.out))
    return 0


def sample(args: Namespace) -> int:
    """Write a synthetic bank."""
    from kequn_lab.synth import write_bank

    check_paths(args, files=(), folders=("population",))
    write_bank(
        args.out,
        n_customers=args.customers,
        months=args.months,
        preset=args.preset,
        bank_kind=args.bank_kind,
        population=args.population,
        format=args.format,
        random_state=args.seed,
        as_of=args.as_of,
    )
    print(say(args, "sampled", n=args.customers, out=args.out))
    return 0


def init(args: Namespace) -> int:
    """Write a first mapping for a table, guessed from its columns and cells."""
    from kequn_lab._files import replacing
    from kequn_lab.contract.guessing import guess_mapping

    check_paths(args, files=("file",), folders=())
    if args.out.exists():
        raise FileExistsError(f"{args.out} is there already; name another file (--out)")
    settings = {"encoding": args.encoding, "sheet": args.sheet}
    guess = guess_mapping(args.file, **settings, language=args.language)
    command = ["kequn run", shell_word(str(args.file)), "--mapping", shell_word(str(args.out))]
    if guess.kind == "events":
        command += ["--as-of", guess.last_day or "YYYY-MM-DD"]
    if args.language == "zh":
        command.append("--language zh")
    command = " ".join([*command, "--out result"])
    text = say(args, "guessed", out=args.out, command=command)
    with replacing(args.out) as file:
        comment = "".join(f"# {line}\n" for line in text.splitlines())
        file.write(f"{comment}\n{guess.text}".encode())
    print(text)
    return 0
