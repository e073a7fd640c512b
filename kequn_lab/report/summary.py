"""What is read first, in the report and on the terminal: what was found, how sure, what next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kequn_lab._notes import reading_price
from kequn_lab._words import Words, aligned, percent, require_language, term
from kequn_lab.report._words import assumed_k

__all__ = ["Summary", "summarise", "summary_text"]

#: One variable decides where it makes up this share of the variance between segments, of so many
#: variables at least.
MOST_BETWEEN, FEW_VARIABLES = 0.5, 3
_READINGS = {  # how many; in English of one and of several
    "natural": ("{n} 个界线清楚", "{n} has a clear gap to the others",
                "{n} have a clear gap to the others"),
    "reproducible": (
        "{n} 个是可重复的划分（换一批客户仍会出现）",
        "{n} is a repeatable cut (found again with other customers)",
        "{n} are repeatable cuts (found again with other customers)",
    ),
    "constructed": (
        "{n} 个是任意的划分（换一批客户，界线就会移动）",
        "{n} is an arbitrary cut (with other customers the border moves)",
        "{n} are arbitrary cuts (with other customers the border moves)",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """A result in a few lines.

    Attributes
    ----------
    lines : tuple of (str, str)
        A lead word and a sentence each: found, how sure, names, next, warnings.
    segments : DataFrame
        One row per segment, in words: ``segment_id``, ``name``, ``customers``, ``share``,
        ``fit`` (evidence for the name), ``firm`` (how sure), ``advice``; and the codes behind
        them: ``fits``, ``unnamed``, ``reading``, ``action``.
    warnings : tuple of str
    no_warnings : str
        What the checks say where there is no warning.
    clean : bool
        The checks were made, stability among them, and none found anything.
    """

    lines: tuple[tuple[str, str], ...]
    segments: pd.DataFrame
    warnings: tuple[str, ...]
    no_warnings: str
    clean: bool


def summarise(
    tables: Mapping[str, pd.DataFrame], run: Mapping[str, Any], *, language: str
) -> Summary:
    """The lines at the top of the report.

    Parameters
    ----------
    tables, run, language
        As :func:`~kequn_lab.report.page.write_report`.

    Examples
    --------
    >>> sizes = pd.DataFrame({"segment_id": ["a", "b"], "customers": [30, 10],
    ...                       "share": [0.75, 0.25]})
    >>> print(summarise({"sizes": sizes}, {}, language="en").lines[0][1])
    40 customers in 2 segments. The largest is a (75.0%), the smallest b (25.0%).
    """
    require_language(language)
    say = lambda zh, en: zh if language == "zh" else en  # noqa: E731
    segments = _segments(tables, run, language, say)
    warnings = ()
    if "warnings" in tables:
        table = tables["warnings"]
        warnings = tuple(table.loc[table["level"] == "warning", f"text_{language}"])
    checked, clean = _checked(tables, segments, say)
    if aside := _set_aside(run, say):
        checked = (
            say("没有警告，但", "No warnings, but ") + aside
            if clean
            else (checked + say("", " ") + aside)
        )
        clean = False
    lines = [
        (say("发现", "Found"), _found(segments, say)),
        (say("可靠程度", "How sure"), _how_sure(segments, say)),
        (say("名称", "Names"), _names(segments, say)),
        (say("分法", "Reading"), reading_price(run, language)),
        (say("决定变量", "Decides"), _decides(tables, language, say)),
        (say("下一步", "Next"), _next(segments, tables.get("decision"), language, say)),
    ]
    n = len(warnings)
    told = say(f"共 {n} 条，见下。", f"{n}, listed below." if n > 1 else "One, below.")
    lines.append((say("警告", "Warnings"), told if n else checked))
    shown = tuple(line for line in lines if line[1])
    return Summary(shown, segments, warnings, checked, clean and not n)


def _decides(tables, language: str, say) -> str:
    """The variable that makes up most of the variance between segments, if one does."""
    table = tables.get("variance")
    if table is None:
        return ""
    rows = table[table["kind"] == "variable"]
    if len(rows) < FEW_VARIABLES or rows["between_share"].max() < MOST_BETWEEN:
        return ""
    first = rows.loc[rows["between_share"].idxmax()]
    words = Words.of(variables=tables.get("variables"))
    name = words.variable(first["variable"], language)
    between, total = percent(first["between_share"]), percent(first["total_share"])
    return say(
        f"客群间方差的 {between} 来自“{name}”一个变量（它占总方差的 {total}）。如不应由它决定，"
        "可用权重（--weights）调低。",
        f"{name} alone makes up {between} of the variance between the segments (and {total} of all "
        "variance). If it should not decide, give it a weight below 1 (--weights).",
    )


def _checked(tables, segments, say) -> tuple[str, bool]:
    """What the checks say beside warnings, and whether all is well."""
    if "warnings" not in tables:
        return say("没有检查。", "Not checked."), False
    if segments["action"].isin(["merge", "drop"]).any():
        doubt = "并非每个客群都可用，见“可靠程度”。", "Not every segment can be used as it is."
        return say(*doubt), False
    if "segment_stability" not in tables and len(segments) > 1:
        untested = "没有警告，但未计算稳定性。", "No warnings, but stability was not computed."
        return say(*untested), False
    return say("逐项检查未发现问题。", "None of the checks found anything."), True


def _set_aside(run, say) -> str:
    """That rows are not in the result, whatever the checks say of those that are."""
    notes = [n for n in run.get("notes") or [] if n["warning"] == "rows_skipped"]
    if not any(n["level"] == "note" for n in notes):  # else it is a warning already
        return ""
    refused = {file["table"]: file["refused"] for file in run.get("inputs") or []}
    n = sum(refused.values())
    were = "row was" if n == 1 else "rows were"
    return say(
        f"有 {n:,} 行被剔除，见 tables/refused_*.csv。",
        f"{n:,} {were} set aside: tables/refused_*.csv.",
    )


def summary_text(
    tables: Mapping[str, pd.DataFrame],
    run: Mapping[str, Any],
    *,
    names: pd.DataFrame,
    clusters: pd.Series,
    language: str,
) -> str:
    """A run on one screen: clusters with share, similarity and stability, then the warnings.

    Parameters
    ----------
    tables, run, language
        As :func:`summarise`.
    names : DataFrame
        As :func:`~kequn_lab.segments.name_clusters`.
    clusters : Series of int
        Of each customer.
    """
    found = summarise(tables, run, language=language)
    say = lambda zh, en: zh if language == "zh" else en  # noqa: E731
    kind = say("（合成数据）", " (synthetic)") if run.get("synthetic") else ""
    n, p, k, sizes = (
        len(clusters),
        len(run["features"]["used"]),
        len(names),
        clusters.value_counts(),
    )
    firm = dict(zip(found.segments["segment_id"], found.segments["firm"]))
    heads = ("cluster", "segment_id", "customers", "share", "similarity", "stability")
    rows = [[term(head, language) for head in heads]]
    for row in names.itertuples():
        size = int(sizes.get(row.cluster, 0))
        similarity = "—" if pd.isna(row.similarity) else f"{row.similarity:.2f}"
        number = getattr(row, "permanent_id", str(row.cluster))
        rows.append([number, getattr(row, f"name_{language}"), f"{size:,}",
                     percent(size / n), similarity, firm.get(row.segment_id) or "—"])  # fmt: skip
    warnings = [say(f"警告（{len(found.warnings)}）：", f"Warnings ({len(found.warnings)}):")]
    warnings += [f"  - {text}" for text in found.warnings]
    lines = [
        say(f"{n:,} 名客户{kind}，{p} 个变量，{k} 个客群",
            f"{n:,} customers{kind}, {p} features, {k} segment{'s' * (k != 1)}"),
        run["parameters"].get(f"k_why_{language}", "")
        or assumed_k(run["parameters"], Words.of(variables=tables.get("variables")), language),
        *aligned(rows, left=(1, 5)),
        reading_price(run, language),
        _decides(tables, language, say),
        *(warnings if found.warnings else [found.no_warnings]),
    ]  # fmt: skip
    return "\n".join(line for line in lines if line)


def _segments(tables, run, language: str, say) -> pd.DataFrame:
    """What is known of each segment, in the order of sizes."""
    sizes, stability = tables.get("sizes"), tables.get("segment_stability")
    columns = ["segment_id", "customers", "share"]
    heads = pd.DataFrame(columns=columns) if sizes is None else sizes[columns]
    words = Words.of(segments=tables.get("segments", tables.get("cards")))
    known = {n["segment_id"]: n for n in run.get("names") or []}
    checks = _checks(tables.get("cards"))
    firm = {} if stability is None else stability.set_index("segment_id").to_dict("index")
    rows = []
    for head in heads.itertuples(index=False):
        own, named = firm.get(head.segment_id, {}), known.get(head.segment_id, {})
        yes, measured = checks.get(head.segment_id, (0, 0))
        fit = term(named.get("by") or "", language)
        if measured:
            fit = say(f"{measured} 条中 {yes} 条相符", f"{yes} of {measured} points")
        action = own.get("action", "")
        advice = term(action, language) if action else ""
        if action == "merge":
            near = words.segment(own["neighbour"], language)
            advice = say(f"宜与{near}合并", f"merge with {near}")
        rows.append({
            **head._asdict(), "name": words.segment(head.segment_id, language), "fit": fit,
            "fits": 2 * yes > measured, "unnamed": named.get("mark") == "unnamed",
            "reading": own.get("reading", ""), "action": action, "advice": advice,
            "permanent_id": named.get("permanent_id", ""),
            "firm": term(own["reading"], language) if own else "",
        })  # fmt: skip
    return pd.DataFrame(rows, columns=[*columns, "name", "fit", "fits", "unnamed", "reading",
                                       "action", "advice", "firm", "permanent_id"])  # fmt: skip


def _checks(cards) -> dict:
    """Per segment: points of the description that agree, and that could be compared."""
    if cards is None or "agrees" not in cards:
        return {}
    known = cards[(cards["part"] == "check") & (cards["agrees"] != "not measured")]
    return {s: (int((a == "yes").sum()), len(a)) for s, a in known.groupby("segment_id")["agrees"]}


def _found(segments, say) -> str:
    if segments.empty:
        return ""
    n, k = int(segments["customers"].sum()), len(segments)
    big, small = (
        segments.loc[segments["share"].astype(float).agg(f)] for f in ("idxmax", "idxmin")
    )
    if k == 1:
        return say(f"{n:,} 名客户，只有一个客群。", f"{n:,} customers in one segment.")
    return say(
        f"{n:,} 名客户分为 {k} 个客群，最大的是{big['name']}（{percent(big['share'])}），"
        f"最小的是{small['name']}（{percent(small['share'])}）。",
        f"{n:,} customers in {k} segments. The largest is {big['name']} "
        f"({percent(big['share'])}), the smallest {small['name']} ({percent(small['share'])}).",
    )


def _how_sure(segments, say) -> str:
    counts = segments["reading"].value_counts()
    parts = [
        say(zh, one if counts[code] == 1 else more).format(n=counts[code])
        for code, (zh, one, more) in _READINGS.items()
        if code in counts
    ]
    if not parts:
        return say("未检验稳定性。", "Stability was not tested.") if len(segments) else ""
    text = say("，".join(parts) + "。", "; ".join(parts) + ".")
    return say(f"{len(segments)} 个客群中，{text}", f"Of {len(segments)} segments, {text}")


def _names(segments, say) -> str:
    fits, without = segments[segments["fits"]], segments[segments["unnamed"]]
    parts = []
    if len(fits):
        parts.append(say(
            f"{len(segments)} 个中有 {len(fits)} 个与名称所依据的描述相符（见下表）。",
            f"{len(fits)} of {len(segments)} fit the description behind their name (see the "
            "table).",
        ))  # fmt: skip
    if len(without):
        which = "、".join(without["name"]), ", ".join(without["name"])
        parts.append(say(
            f"暂名：{which[0]}，请看卡片后另起名称。",
            f"Working names: {which[1]}. Look at the cards and give better ones.",
        ))  # fmt: skip
    return say("", " ").join(parts)


def _next(segments, decision, language: str, say) -> str:
    parts, joint = [], say("、", ", ")
    names = dict(zip(segments["segment_id"], segments["name"]))
    if decision is not None and "recommended" in decision:
        chosen = decision[decision["target"].astype(bool)]
        for kind, rows in chosen[chosen["recommended"]].groupby("bank_kind", sort=False):
            who = joint.join(names.get(s, str(s)) for s in rows["segment_id"])
            parts.append(say(f"{term(kind, language)}：{who}。", f"{term(kind, language)}: {who}."))
        who = chosen.loc[~chosen["recommended"], "segment_id"].unique()
        if len(who):
            who = joint.join(names.get(s, str(s)) for s in who)
            parts.append(say(f"得分高但不宜推荐：{who}。",
                             f"High scores, but not to be recommended: {who}."))  # fmt: skip
    doubtful = segments[segments["action"].isin(["merge", "drop"])]
    if len(doubtful):
        who = joint.join(doubtful["name"])
        parts.append(say(f"使用前先处理：{who}（见“建议”一栏）。",
                         f"Settle before use: {who} (see Advice)."))  # fmt: skip
    if not parts and len(segments):
        parts.append(say("请熟悉客户的同事看卡片，确认名称和用途。",
                         "Show the cards to people who know these customers; settle names and "
                         "uses with them."))  # fmt: skip
    return "\n".join(parts)
