"""Commands on a result: new names, its report and pictures, its model for other programs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pandas as pd

from kequn_lab._rules import rule_text
from kequn_lab._words import Words, aligned, percent
from kequn_lab.commands.arguments import check_paths
from kequn_lab.run.result import Result
from kequn_lab.run.results import fill_folder, read_result, run_folder

__all__ = ["compare", "plot", "pmml", "rename", "report", "sas", "sql", "verify"]

_SAY = {
    "customers": (
        "{both:,} customers are in both, {left:,} left, {new:,} are new",
        "{both:,} 位客户两次都在，{left:,} 位离开，{new:,} 位新来",
    ),
    "refitted": (
        "{other} was fitted anew: {kept} of {n} segments are there again",
        "{other} 重新拟合过：{n} 个客群中有 {kept} 个仍在",
    ),
    "due": ("A refit is due:", "应当重新拟合："),
    "not due": (
        "Nothing speaks for a refit: no segment loses its customers, no feature drifted.",
        "没有重新拟合的理由：没有客群在流失，没有变量偏移。",
    ),
    "one model": ("One model made both.", "两份标签出自同一模型。"),
    "two models": (
        "Two models (or names) made them: whether it is the model or the customer who changed, "
        "labels alone do not say.",
        "两份标签出自不同的模型（或名称）：是模型变了还是客户变了，单凭标签无法分辨。",
    ),
    "no model": (
        "Which model made them is not known: no record (labels.meta.json) beside the file.",
        "不知道出自哪个模型：文件旁没有记录（labels.meta.json）。",
    ),
    "moved": (
        "{n:,} customers who moved are in {out}, the counts in {pairs}",
        "{n:,} 位变动的客户见 {out}，汇总见 {pairs}",
    ),
    "pictures": ("Pictures of this result: {names}", "这个结果的图：{names}"),
    "renamed": ("{old} is called {new} now", "{old} 现名 {new}"),
    "verified": ("All {n} golden rows have the same label.", "{n} 行验证数据的标签全部一致。"),
    "another segment_id": (
        "{n} of {rows} golden rows have the same {same} and another segment_id: segments were "
        "renamed since; write the copy again",
        "{rows} 行验证数据中有 {n} 行 {same} 一致而 segment_id 不同：客群后来改过名，"
        "请重新生成副本",
    ),
    "another permanent_id": (
        "{n} of {rows} golden rows have the same {same} and another permanent_id: the copy is of "
        "another run; write the copy again",
        "{rows} 行验证数据中有 {n} 行 {same} 一致而 permanent_id 不同：副本来自另一批次，"
        "请重新生成副本",
    ),
    "different": (
        "{bad} of {n} golden rows have another label. The first is {id} ({case}): expected "
        "{expected}, found {found}. By case: {cases}. Compare the copy with scorecard.json: "
        "numbers with all their digits, the order of the steps, missing values",
        "{n} 行验证数据中有 {bad} 行标签不同。第一行是 {id}（{case}）：应为 {expected}，实为 "
        "{found}。按情形：{cases}。请将副本与 scorecard.json 核对：数值是否完整、步骤顺序、缺失值",
    ),
    "open": ("Open {report}", "请打开 {report}"),
}
_HEAD = (
    ("segment", "customers", "stayed", "left", "moved most to"),
    ("客群", "客户数", "未变", "离开", "其余多去往"),
)
_PAIRS = (("from", "to", "customers", "why"), ("原客群", "现客群", "客户数", "原因"))
_CASES = {
    "centre": "中心", "border": "边界", "clip": "截断处", "missing": "缺失值", "category": "类别",
    "extreme": "极端值", "typical": "一般客户",
}  # fmt: skip
_WHY = {
    "behaviour": ("behaviour", "客户行为"),
    "model or behaviour": ("model or behaviour", "模型或行为"),
    "unknown": ("not known", "不明"), "new": ("new customer", "新客户"), "left": ("left", "离开"),
}  # fmt: skip


def _say(language: str, what: str, **values) -> str:
    return _SAY[what][language == "zh"].format(**values)


def _opened(args: Namespace) -> tuple[Result, str]:
    """The result, and the language: that of the option, else that of its report."""
    check_paths(args, files=(), folders=("result", "other"))
    result = read_result(args.result)
    return result, args.language or result.record.get("language", "en")


def rename(args: Namespace) -> int:
    """Give segments other names."""
    result, language = _opened(args)
    column = f"name_{language}"
    new = result.rename(dict(args.name))
    known = result.tables["known_segments"].set_index("segment_id")
    for row in new.names.itertuples():
        theirs = known.index[known.isin([row.name_zh, row.name_en]).any(axis=1)]
        if row.segment_id not in theirs and len(theirs):
            raise ValueError(
                f"{getattr(row, column)} is a segment of the catalogue, with a target group; to "
                f"make a cluster that segment, run again with --names {row.cluster}={theirs[0]}"
            )
    _write(new, args, language)
    for old, now in zip(result.names[column], new.names[column]):
        if old != now:
            print(_say(language, "renamed", old=old, new=now))
    print(_say(language, "open", report=args.result / "report.html"))
    return 0


def report(args: Namespace) -> int:
    """The report and its pictures in another language."""
    result, language = _opened(args)
    if args.out is None:
        _write(result, args, language)
    else:
        result.report(args.out, language=language)
    print(_say(language, "open", report=args.out or args.result / "report.html"))
    return 0


def _write(result: Result, args: Namespace, language: str) -> None:
    with run_folder(args.result) as folder:
        fill_folder(
            result, folder, language=language, encoding=result.record["encoding"], quiet=True
        )


def plot(args: Namespace) -> int:
    """One picture of the report as a file."""
    from kequn_lab import plots
    from kequn_lab.run.drawings import drawings

    result, language = _opened(args)
    there = drawings(result.tables)
    if args.name is None:
        print(_say(language, "pictures", names=", ".join(there)))
        return 0
    out = args.out or Path(f"{args.name}.png")
    ax = result.plot(args.name, language=language)
    plots.save(ax.figure, out, title=there[args.name].title_en)
    print(out)
    return 0


def sql(args: Namespace) -> int:
    """The scorecard as a SELECT, or as a dbt project around it."""
    from kequn_lab.export.sql import DIALECTS

    if args.dialect not in DIALECTS:
        args.error(f"--dialect: no dialect {args.dialect}; there are {', '.join(DIALECTS)}")
    result, _ = _opened(args)
    source = {"table": args.table, "id_column": args.id}
    if args.dbt is None:
        return _put(result.card.to_sql(args.dialect, **source), args.out)
    if args.out is not None:
        args.error("--dbt DIR and --out FILE: give one of them")
    result.card.to_dbt(args.dbt, args.dialect, **source)
    print(args.dbt)
    return 0


def sas(args: Namespace) -> int:
    """The scorecard as a SAS DATA step."""
    result, _ = _opened(args)
    return _put(result.card.to_sas(table=args.table, id_column=args.id), args.out)


def pmml(args: Namespace) -> int:
    """The scorecard as PMML."""
    result, _ = _opened(args)
    return _put(result.card.to_pmml(), args.out)


def _put(text: str, out: Path | None) -> int:
    """On the screen, or into a file."""
    from kequn_lab._files import replacing

    if out is None:
        print(text)
    else:
        with replacing(out) as file:
            file.write(f"{text.rstrip()}\n".encode())
        print(out)
    return 0


def verify(args: Namespace) -> int:
    """Whether a copy of the model gives the labels of the golden rows."""
    from kequn_lab.contract.sources import open_source
    from kequn_lab.export.golden import LABELS, disagreements

    result, language = _opened(args)
    golden = result.card.golden_rows()
    source = open_source(args.against, query=args.query)
    labels = pd.concat(list(source.chunks()))
    labels.columns = labels.columns.str.strip().str.lower()
    labels = labels.rename(columns={args.id.lower(): "customer_id"})
    wrong = disagreements(golden, labels)
    if wrong.empty:
        same, *others = [c for c in LABELS if c in labels and f"expected_{c}" in golden]
        for column in others:
            if n := len(disagreements(golden, labels, column)):
                said = _say(language, f"another {column}", n=n, rows=len(golden), same=same)
                raise ValueError(said)
        print(_say(language, "verified", n=len(golden)))
        return 0
    called = _CASES if language == "zh" else {}
    wrong = wrong.replace({"golden_case": called})
    cases = ", ".join(f"{case} {n}" for case, n in wrong["golden_case"].value_counts().items())
    first = wrong.iloc[0]
    shown = {"id": first["customer_id"], "case": first["golden_case"], "cases": cases}
    raise ValueError(
        _say(language, "different", bad=len(wrong), n=len(golden), expected=first["expected"],
             found=rule_text(first["found"], language), **shown)
    )  # fmt: skip


def compare(args: Namespace) -> int:
    """Who moved since, what drifted, whether a refit is due."""
    from kequn_lab import export
    from kequn_lab._record import read_record, require_whole
    from kequn_lab.features.definitions import feature_dictionary
    from kequn_lab.monitor.comparing import compare_labels, level_shift, scorecard_shift

    if args.result.is_file() or args.other.is_file():
        return _compare_files(args)
    before, language = _opened(args)
    scored = "drift" in read_record(args.other)
    if scored:
        record = require_whole(args.other)
        drift, levels = (pd.DataFrame(record.get(name, [])) for name in ("drift", "levels"))
        labels = export.read_labels(args.other / "labels.csv")
    else:
        after = read_result(args.other)
        drift, labels = scorecard_shift(before.card, after.card), after.labels
        levels = level_shift(before.card, after.card)
    words = Words.of(variables=feature_dictionary())
    levels = levels if len(levels) else None
    how = {"drift": drift, "levels": levels, "refitted": not scored, "words": words}
    found = compare_labels(before.labels, labels, **how)
    names = found.names
    print(_say(language, "customers", both=found.both, left=found.left, new=found.new))
    if not scored:
        kept = (found.matching["event"] == "kept").sum()
        print(_say(language, "refitted", other=args.other, kept=kept, n=len(before.names)))
    rows = [_HEAD[language == "zh"]]
    for move in found.moves.itertuples():
        to = f"{names.segment(move.to, language)} {percent(move.to_share)}" if move.to else "—"
        rows.append((names.segment(move.segment_id, language), f"{move.customers:,}",
                     percent(move.same_share), percent(move.left_share), to))  # fmt: skip
    print("\n".join(aligned(rows, left=(0, 4))))
    if found.reasons:
        print(_say(language, "due"))
        for zh, en in found.reasons:
            print(f"  - {zh if language == 'zh' else en}")
    else:
        print(_say(language, "not due"))
    if args.out is not None:
        same = scored or before.card.model_id == after.card.model_id
        _tell_moves(args, before.labels, labels, language, same_model=same)
    return 0


def _compare_files(args: Namespace) -> int:
    """Who moved between two label files."""
    from kequn_lab.monitor.moves import read_version

    check_paths(args, files=("result", "other"), folders=())
    before, after = read_version(args.result), read_version(args.other)
    models = [labels.attrs["meta"].get("model_id") for labels in (before, after)]
    same = models[0] == models[1] if all(models) else None
    ids = [set(labels["customer_id"]) for labels in (before, after)]
    language = args.language or "en"
    counts = {"both": len(ids[0] & ids[1]), "left": len(ids[0] - ids[1])}
    print(_say(language, "customers", **counts, new=len(ids[1] - ids[0])))
    print(_say(language, {True: "one model", False: "two models", None: "no model"}[same]))
    _tell_moves(args, before, after, language, same_model=same)
    return 0


def _tell_moves(args: Namespace, before, after, language: str, *, same_model: bool | None) -> None:
    """Counts by pair on the screen; with --out the customers, and the counts beside them."""
    from kequn_lab.export.labels import write_table
    from kequn_lab.monitor.moves import count_moves, label_moves

    moves = label_moves(before, after, same_model=same_model)
    pairs = count_moves(moves)
    rows = [_PAIRS[language == "zh"]]
    for pair in pairs.itertuples():
        why = _WHY[pair.reason][language == "zh"]
        rows.append((pair.segment_before, pair.segment_after, f"{pair.customers:,}", why))
    print("\n".join(aligned(rows, left=(0, 1, 3))))
    if args.out is not None:
        beside = args.out.with_name(f"{args.out.stem}_pairs{args.out.suffix}")
        write_table(moves, args.out)
        write_table(pairs, beside)
        print(_say(language, "moved", n=len(moves), out=args.out, pairs=beside))
