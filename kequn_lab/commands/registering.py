"""The registry of segments on the command line: ``registry show|rename|merge|retire``."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from datetime import date
from math import isnan

from kequn_lab._rules import rule_text
from kequn_lab._words import aligned
from kequn_lab.commands.arguments import check_paths, renaming
from kequn_lab.monitor.registry import Registry, open_registry, read_registry

__all__ = ["EVENTS", "registry"]

#: What can happen to a segment, as people read it.
EVENTS = {
    "carried": ("carried on", "沿用"), "new": ("new", "新增"), "gone": ("gone", "消失"),
    "split": ("split", "拆分"), "merged": ("merged", "合并"), "renamed": ("renamed", "改名"),
    "retired": ("retired", "停用"),
}  # fmt: skip
#: The rule that decided, in Chinese.
_DECIDED = {"first run": "首次", "customers": "客户", "centres": "中心", "person": "人工"}
_HEAD = (
    ("id", "segment", "customers", "born", "ended"),
    ("编号", "客群", "客户数", "起始", "终止"),
)
_EVENTS = (
    ("date", "event", "from", "to", "customers", "Jaccard", "rule", "reason"),
    ("日期", "事件", "原客群", "现客群", "客户数", "Jaccard", "依据", "原因"),
)
_SAY = {
    "rename": ("{day}: {id} is called {name}", "{day}：{id} 现名 {name}"),
    "merge": ("{day}: {id} went into {into}", "{day}：{id} 并入 {into}"),
    "retire": ("{day}: {id} has ended", "{day}：{id} 已停用"),
}
#: How many segments each action takes, and how that is typed.
_TAKES = {"show": (0, ""), "rename": (1, "S0003=NAME"), "merge": (2, "S0007 S0003"),
          "retire": (1, "S0005")}  # fmt: skip


def registry(args: Namespace) -> int:
    """Show a registry, or change a segment in it."""
    n, typed = _TAKES[args.action]
    if len(args.segments) != n:
        args.error(f"{args.action} takes {typed or 'no segment'} after the folder")
    check_paths(args, files=(), folders=("registry",))
    zh = args.language == "zh"
    if args.action == "show":
        _show(read_registry(args.registry), zh, events=args.history)
        return 0
    if not (args.reason or "").strip():
        args.error(f"{args.action} needs --reason: why; it is kept in the registry")
    if args.action == "rename":
        try:
            segment, name = renaming(args.segments[0])
        except ArgumentTypeError as error:
            args.error(str(error))
    known = read_registry(args.registry)  # one that is not there is not made
    today = date.today().isoformat()
    day = args.date or today
    if day > max(today, known.last):
        raise ValueError(f"--date {day} lies in the future; today is {today}")
    how = {"date": day, "reason": args.reason}
    with open_registry(args.registry) as opened:
        if args.action == "rename":
            names = (name, name) if isinstance(name, str) else name
            opened.registry = opened.registry.renamed(segment, *names, **how)
            told = {"name": names[0] if zh else names[1]}
        elif args.action == "merge":
            segment, into = args.segments
            opened.registry = opened.registry.merged(segment, into, **how)
            told = {"into": into}
        else:
            segment, told = args.segments[0], {}
            opened.registry = opened.registry.retired(segment, **how)
    print(_SAY[args.action][zh].format(day=day, id=segment, **told))
    return 0


def _reason(text: str, language: str) -> str:
    """A reason as it was written by a person, or by a run in the language asked for."""
    why, colon, names = text.partition(": ")
    return f"{rule_text(why, language)}{colon}{names}"


def _show(found: Registry, zh: bool, *, events: bool) -> None:
    customers = found.members["permanent_id"].value_counts()
    rows = [_HEAD[zh]]
    for s in found.segments.itertuples():
        n = "" if s.ended else f"{customers.get(s.permanent_id, 0):,}"
        rows.append((s.permanent_id, s.name_zh if zh else s.name_en, n, s.born, s.ended))
    print("\n".join(aligned(rows, left=(0, 1, 3, 4))))
    if events:
        rows, language = [_EVENTS[zh]], "zh" if zh else "en"
        for e in found.events.itertuples():
            none = isnan(e.jaccard)
            overlap = "" if none else f"{e.jaccard:.2f} [{e.jaccard_low:.2f}, {e.jaccard_high:.2f}]"
            what = (e.date, EVENTS[e.kind][zh], e.before, e.after, f"{e.customers:,}")
            rule = _DECIDED.get(e.rule, e.rule) if zh else e.rule
            rows.append((*what, overlap, rule, _reason(e.reason, language)))
        print("\n".join(aligned(rows, left=(0, 1, 2, 3, 5, 6, 7))))
