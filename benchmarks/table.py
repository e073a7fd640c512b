"""One table of the kit against its peers: ``make bench``, or in six minutes ``make bench-quick``.

    python benchmarks/table.py                 # all tasks; writes results.json, results.md, READMEs
    python benchmarks/table.py --quick         # the same at smaller sizes, without large peers
    python benchmarks/table.py --only labels score
    python benchmarks/table.py --readme        # writes the texts again from results.json

Every task is run in turns with its peers, each run in a process of its own; ratios are taken run by
run. Ratios hold on other machines, too; seconds and megabytes are of the machine named. Tasks,
sizes, peers and targets are in ``tasks.py``, what is run in ``workloads/``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import environments
import timing
from environments import NotHere
from tasks import SECONDS, TASKS, Goal, Peer, Task
from timing import CommandFailed, Run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results.json"
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}
BLOCK = re.compile(r"(<!-- bench: make bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
#: Packages whose versions say what ours is.
OURS = ("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "duckdb", "matplotlib")


# What is run -----------------------------------------------------------------------------------


def command_of(task: Task, part: str, env: str) -> tuple[list[str], dict[str, str]]:
    """The command of a side without its sizes, and its environment.

    Raises
    ------
    NotHere
        What it needs cannot be had.
    """
    script, path = HERE / "workloads" / task.script, [str(ROOT), str(HERE)]
    variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    if env == "R":
        return [environments.rscript(), str(HERE / "workloads" / part)], variables
    if env == "former":
        path[0] = str(environments.former())
        python = sys.executable
    elif env == "ours":
        python = sys.executable
    else:
        path, python = path[1:], environments.python_of(env)
    variables |= {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    return [str(python), str(script), part], variables


def side(task: Task, part: str, env: str, cores: int | None, folder: Path, sizes, turns: bool):
    """A call that runs one side in one round."""
    words, variables = command_of(task, part, env)
    given = [str(folder), *(f"{key}={value}" for key, value in sizes.items())]
    if cores:
        threads = ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT", "OPENBLAS_NUM_THREADS")
        variables |= dict.fromkeys(threads, str(cores))

    def call(number: int) -> Run:
        turn = [f"turn={number}"] if turns else []
        return timing.run([*words, *given, *turn], env=variables, cores=cores, limit_s=task.limit_s)

    return call


def measure(task: Task, quick: bool, rounds: int | None) -> dict:
    """All rounds of a task, as an entry of the results."""
    sizes = (task.quick if quick else task.full) or {}
    rounds = rounds or (task.quick_rounds if quick else task.rounds)
    first = sizes if task.turns else task.quick or sizes  # of a run that is not counted
    lacking, calls, start = {}, {}, time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        if task.prepare:
            side(task, task.prepare, "ours", None, folder, sizes, False)(0)
        calls[""] = side(task, task.ours, "ours", task.cores, folder, sizes, task.turns)
        if task.turns:
            calls[""](0)  # peers ask what ours took
        for peer in task.peers:
            try:
                if quick and not peer.quick:
                    raise NotHere("only in make bench")
                how = (task, peer.part, peer.env, peer.cores, folder)
                call = side(*how, sizes, task.turns)
                if peer.env not in ("ours", "former"):  # whether it fails, or is slow to load
                    side(*how, first, task.turns)(0)
                calls[peer.name] = call
            except (NotHere, CommandFailed) as error:
                lacking[peer.name] = str(error).splitlines()[-1]
        runs = timing.in_turns(calls, rounds)
    found = entry(task, sizes, runs, lacking, quick)
    return found | {"seconds": round(time.perf_counter() - start, 1)}


def entry(task: Task, sizes, runs: dict[str, list[Run]], lacking: dict[str, str], quick) -> dict:
    """What the runs of a task say."""
    ours = runs[""]
    peers = []
    for peer in task.peers:
        row = {"name": named(peer), "name_zh": named(peer, "zh")}
        if peer.name in lacking:
            peers.append(row | {"not_run": lacking[peer.name]})
            continue
        theirs = runs[peer.name]
        kinds = {task.measure, "cpu_s", "clock_s"}
        ratio = {kind: _round(timing.spread(timing.ratios(ours, theirs, kind))) for kind in kinds}
        row |= {"same_work": peer.same_work, **used(theirs), "ratio": dict(sorted(ratio.items()))}
        if said := theirs[-1].facts.get("extrapolated"):
            row["extrapolated"] = said
        peers.append(row)
    out = {
        "task": task.name, "en": task.en.format(**sizes), "zh": task.zh.format(**sizes),
        "measure": task.measure, "rounds": len(ours), "ours": used(ours),
        "noise": _round(timing.spread(timing.noise(ours, task.measure))),
        "facts": {
            f: _round(timing.spread([x for r in ours for x in r.value(f)])) for f in task.facts
        },
        "peers": peers, "note": task.note,
    }  # fmt: skip
    return out | {"goals": [judged(goal, out, task, ours, quick) for goal in task.goals]}


def used(runs: list[Run]) -> dict:
    """Seconds as a spread, and the largest peak."""
    seconds = {kind: _round(timing.spread([getattr(r, kind) for r in runs])) for kind in SECONDS}
    return seconds | {"peak_mb": round(max(r.peak_mb for r in runs))}


def _round(numbers: dict[str, float]) -> dict[str, float]:
    return {key: float(f"{value:.6g}") for key, value in numbers.items()}


def named(peer: Peer, language: str = "en") -> str:
    """The peer's name with the version that was run."""
    name = (language == "zh" and peer.zh) or peer.name
    if peer.env == "R":
        try:
            found = ", ".join(" ".join(pair) for pair in environments.r_versions().items())
        except NotHere:
            return name
        return f"{name} ({found})"
    if peer.env == "former":
        return f"{name} (commit {environments.FORMER})"
    if not peer.package:
        return name
    return f"{name} ({peer.package} {environments.versions(peer.env)[peer.package]})"


# What is reached -------------------------------------------------------------------------------


def judged(goal: Goal, found: dict, task: Task, ours: list[Run], quick: bool) -> dict:
    """A target, what was found, and whether it is reached; None where that cannot be said."""
    value = _found(goal, found, task, ours)
    met = None
    if value is not None and not quick:
        met = value >= goal.limit if goal.at_least else value <= goal.limit
    return _target(goal, task) | {"found": value, "met": met}


def _target(goal: Goal, task: Task) -> dict[str, str]:
    """A target in both languages."""
    zh = {peer.name: peer.zh or peer.name for peer in task.peers}
    return {
        "target": _said(goal, WORDS["en"], goal.peer),
        "target_zh": _said(goal, WORDS["zh"], zh.get(goal.peer, "")),
    }


def _said(goal: Goal, words: dict, peer: str) -> str:
    sign = "≥" if goal.at_least else "≤"
    kind, _, what = goal.what.partition(":")
    if kind in words["targets"]:
        return words["targets"][kind].format(sign=sign, limit=goal.limit)
    limit = f"{goal.limit:,g}" if goal.limit < 1000 else f"{goal.limit:,.0f}"
    unit = words["ratio"][what] if kind == "ratio" else words["units"].get(goal.unit, goal.unit)
    text = f"{sign} {limit} {unit}".strip()
    return f"{text} ({peer})" if peer and kind != "times" else text


def _found(goal: Goal, found: dict, task: Task, ours: list[Run]) -> float | None:
    kind, _, what = goal.what.partition(":")
    names = {named(p): p.name for p in task.peers}
    rows = [p for p in found["peers"] if "not_run" not in p]
    if goal.peer:
        rows = [p for p in rows if names[p["name"]] == goal.peer]
    elif kind in ("ratio", "largest"):
        rows = [p for p in rows if p["same_work"]]
    if kind in ("ratio", "largest", "times"):
        if not rows:
            return None
        if kind == "times":
            return round(1 / max(p["ratio"][what]["median"] for p in rows), 1)
        which = "median" if kind == "ratio" else "largest"
        return max(p["ratio"][what][which] for p in rows)
    if kind in SECONDS:
        return (rows[0] if goal.peer and rows else found["ours"])[kind]["median"]
    if kind == "peak_mb":
        return found["ours"]["peak_mb"]
    values = [r.value(kind) for r in ours]
    if goal.rounds == "least share":
        return round(min(sum(column) / len(column) for column in zip(*values)), 4)
    return found["facts"][kind]["median"]


# The texts -------------------------------------------------------------------------------------


def machine() -> dict:
    """Processor, cores, memory and system; no names."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)
        name = found[1].strip() if found else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = None
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {"processor": name, "architecture": platform.machine(), "cores": cores,
            "memory_gib": memory, "system": platform.system(), "load_before": load}  # fmt: skip


def versions() -> dict[str, str]:
    """Python, the kit, its commit, and what it computes with."""
    ask = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    done = subprocess.run(ask, capture_output=True, text=True)
    out = {"Python": platform.python_version(), "kequn_lab": metadata.version("kequn_lab")}
    if done.returncode == 0:
        out["commit"] = done.stdout.strip()
    return out | {name: metadata.version(name) for name in OURS}


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


def ratio_text(row: dict, measure: str) -> str:
    digits = "{:.5f}" if measure == "inertia" else "{}"
    say = digits.format if measure == "inertia" else number
    r = row["ratio"][measure]
    return f"{say(r['median'])} ({say(r['least'])} to {say(r['largest'])})"


def found_text(goal: dict) -> str:
    """What was found, with digits enough to tell it from 1."""
    if goal["found"] is None:
        return "not measured"
    near = abs(goal["found"] - 1) < 0.01
    return f"{goal['found']:.5f}" if near else number(goal["found"])


def verdict(goal: dict) -> str:
    """A target with what was found."""
    word = {True: "met", False: "**missed**", None: "not judged"}[goal["met"]]
    return f"{goal['target']}: {found_text(goal)}, {word}"


def markdown(results: dict) -> str:
    """The whole table: the full run, then the quick one."""
    lines = [
        "# How fast, how good, against whom", "",
        "Written by `make bench` and `make bench-quick`; not edited by hand. Ratios (ours / peer, "
        "below 1 is better for us) are median (least to largest) of runs taken in turns, each in a "
        "process of its own, and hold on other machines. Seconds and MB are of this machine: "
        "medians, and the largest peak of a process. *Noise* is each run of ours over the next.",
    ]  # fmt: skip
    for kind, title in (("full", "All tasks"), ("quick", "Quick: smaller sizes")):
        if kind not in results:
            continue
        part = results[kind]
        m = part["machine"]
        lines += [
            "", f"## {title}", "",
            f"{part['date']}; {m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, "
            f"{m['system']}, load before the run {m['load_before']}; "
            + ", ".join(f"{k} {v}" for k, v in part["versions"].items())
            + f". All rows took {sum(r.get('seconds', 0) for r in part['rows']):,.0f} s.", "",
            "| task | measured | ours: CPU-s, clock s, MB | peer | peer: CPU-s, clock s, MB "
            "| ours / peer | noise | target: found |",
            "|---|---|---|---|---|---|---|---|",
        ]  # fmt: skip
        for row in part["rows"]:
            lines += _markdown_row(row)
        now = part["versions"].get("commit")
        old = [r for r in part["rows"] if r.get("commit", now) != now]
        lines += [""] * bool(old)
        lines += [f"- {r['en']}: measured on {r['date']} at commit {r['commit']}." for r in old]
        notes = [f"- {r['en']}: {r['note']}." for r in part["rows"] if r.get("note")]
        lines += ["", *notes] if notes else []
    return "\n".join(lines) + "\n"


def _markdown_row(row: dict) -> list[str]:
    if "not_run" in row:
        return [f"| {row['en']} | | not run: {row['not_run']} | | | | | |"]
    measure = row["measure"]
    facts = "".join(f"; {number(v['median'])} {k.replace('per_s', 'a second')}"
                    for k, v in row["facts"].items())  # fmt: skip
    goals = "; ".join(map(verdict, row["goals"]))
    noise = "" if row["noise"] is None else (
        f"{row['noise']['median']:.2f} ({row['noise']['least']:.2f} to "
        f"{row['noise']['largest']:.2f})"
    )  # fmt: skip
    left = (f"| {row['en']} | {SECONDS.get(measure, measure)}, {row['rounds']} rounds "
            f"| {_used(row['ours'])}{facts} ")  # fmt: skip
    lines = []
    for i, peer in enumerate(row["peers"] or [{"name": "", "not_run": "no peer was run"}]):
        head = left if i == 0 else "| | | "
        tail = f"| {noise} | {goals} |" if i == 0 else "| | |"
        name = peer["name"] + ("" if peer.get("same_work", True) else " (does less)")
        if "not_run" in peer:
            lines.append(f"{head}| {name} | not run: {peer['not_run']} | {tail}")
            continue
        more = f", {peer['extrapolated']}" if "extrapolated" in peer else ""
        lines.append(f"{head}| {name} | {_used(peer)}{more} | {ratio_text(peer, measure)} {tail}")
    return lines


def _used(side: dict) -> str:
    seconds = [number(side[k]["median"]) if side.get(k) else "–" for k in SECONDS]
    return ", ".join([*seconds, f"{side['peak_mb']:,}"])


WORDS = {
    "en": {
        "head": "| task | ours | strongest peer | ours / peer | targets |\n|---|---|---|---|---|",
        "met": "met", "missed": "missed", "none": "not judged", "of": "of", "cpu_s": "CPU-s",
        "clock_s": "s", "not_run": "not run",
        "intro": "Median of at least five runs in turns (least to largest); below 1 is better for "
        "us. Seconds are of {cores} cores of {processor}, on {date}; every peer, version, memory "
        "and the noise are in [benchmarks/results.md](benchmarks/results.md).",
        "lose": "Where we lose, by target missed and by peer:",
        "nowhere": "No target is missed, no peer is faster.", "less": " (does less)",
        "miss": "{target}: {found}", "slower": "{ratio} of {peer}", "join": "; ",
        "item": "- {}: {}",
        "ratio": {"clock_s": "of its clock", "cpu_s": "of its CPU", "inertia": "of its inertia"},
        "units": {}, "targets": {
            "largest": "never above {limit:.4f} of the best peer",
            "at_best": "best known inertia in {sign} {limit:.0%} of the seeds, on the hardest set",
        },
    },
    "zh": {
        "head": "| 任务 | 我们 | 最强的对手 | 我们 ÷ 对手 | 目标 |\n|---|---|---|---|---|",
        "met": "达到", "missed": "未达到", "none": "未判定", "of": "/", "cpu_s": "CPU 秒",
        "clock_s": "秒", "not_run": "未运行",
        "intro": "轮流运行至少五次，取中位数（括号内为最小至最大）；小于 1 表示我们更好。秒数来自 "
        "{date} 的 {processor}（{cores} 核）；全部对手、版本、内存和噪声见 "
        "[benchmarks/results.md](benchmarks/results.md)。",
        "lose": "我们不如人的地方（未达到的目标、更快的对手）：",
        "nowhere": "没有未达到的目标，也没有更快的对手。", "less": "（做得更少）",
        "miss": "目标 {target}，实测 {found}", "slower": "是 {peer} 的 {ratio} 倍", "join": "；",
        "item": "- {}：{}",
        "ratio": {"clock_s": "倍其时钟时间", "cpu_s": "倍其 CPU 时间", "inertia": "倍其平方和"},
        "units": {"CPU-s": "CPU 秒", "s": "秒", "x R": "倍于 R", "customers/s": "位客户/秒",
                  "events/s": "条流水/秒"}, "targets": {
            "largest": "从不高于最好对手的 {limit:.4f} 倍",
            "at_best": "在最难的数据集上 {sign} {limit:.0%} 的种子达到已知最低的平方和",
        },
    },
}  # fmt: skip


def strongest(row: dict) -> dict | None:
    """The peer with the largest ratio, of those that do the same work."""
    ran = [p for p in row["peers"] if "not_run" not in p and p["same_work"]]
    return max(ran, key=lambda p: p["ratio"][row["measure"]]["median"], default=None)


def readme_block(results: dict, language: str) -> str:
    """What the READMEs quote, and where we lose."""
    w, part = WORDS[language], results.get("full") or results["quick"]
    lines, lost = [w["head"]], []
    for row in part["rows"]:
        name = row[language]
        if "not_run" in row:
            lines.append(f"| {name} | {w['not_run']} | | | {w['none']} |")
            continue
        peer, kind = strongest(row), "clock_s" if row["measure"] == "clock_s" else "cpu_s"
        met = [g["met"] for g in row["goals"]]
        judged = [m for m in met if m is not None]
        state = f"{sum(judged)} {w['of']} {len(met)} {w['met']}" if judged else w["none"]
        ours = f"{number(row['ours'][kind]['median'])} {w[kind]}"
        more = "" if peer and "extrapolated" not in peer else " *"
        said = ratio_text(peer, row["measure"]).replace(" to ", " – ") if peer else ""
        them = in_language(peer, "name", language) + more if peer else w["not_run"]
        lines.append(f"| {name} | {ours} | {them} | {said} | {state} |")
        if here := _lost(row, language):
            lost.append(w["item"].format(name, w["join"].join(here)))
    text = [w["lose"], "", *lost] if lost else [w["nowhere"]]
    intro = w["intro"].format(**part["machine"], date=part["date"])
    return "\n".join([*lines, "", intro, "", *text]) + "\n"


def in_language(row: dict, key: str, language: str) -> str:
    return row.get(f"{key}_{language}") or row[key]


def _lost(row: dict, language: str) -> list[str]:
    """The targets that a row misses, and the peers that are faster."""
    w = WORDS[language]
    out = [
        w["miss"].format(target=in_language(g, "target", language), found=found_text(g))
        for g in row["goals"] if g["met"] is False
    ]  # fmt: skip
    for p in row["peers"]:
        if "not_run" in p or p["name"].startswith(("the same", "itself")):
            continue
        if (r := p["ratio"][row["measure"]]["median"]) > 1 + 1e-6:
            whom = in_language(p, "name", language) + ("" if p["same_work"] else w["less"])
            out.append(w["slower"].format(ratio=number(r), peer=whom).replace("） ", "）"))
    return out


def write_texts(results: dict) -> None:
    """results.json, results.md, and the block of both READMEs."""
    text = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
    RESULTS.write_text(text, encoding="utf-8", newline="\n")
    RESULTS.with_suffix(".md").write_text(markdown(results), encoding="utf-8", newline="\n")
    for language, readme in READMES.items():
        old = readme.read_text(encoding="utf-8")
        block = readme_block(results, language)
        new = BLOCK.sub(lambda m, b=block: m[1] + b + m[2], old)
        readme.write_text(new, encoding="utf-8", newline="\n")


# The command -----------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write; 1 where a task of ours failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller sizes, without large peers")
    parser.add_argument("--only", nargs="+", choices=[t.name for t in TASKS], metavar="TASK",
                        help="these tasks; the others keep their rows")  # fmt: skip
    parser.add_argument("--rounds", type=int, help="default: at least five")
    parser.add_argument("--envs", action="store_true", help="only make the environments of peers")
    parser.add_argument("--readme", action="store_true", help="only write the texts again")
    args = parser.parse_args(argv)
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    if args.readme:
        write_texts(results)
        return 0
    if args.envs:
        return make_environments()
    kind = "quick" if args.quick else "full"
    before = {row["task"]: row for row in results.get(kind, {}).get("rows", [])}
    tasks = [task for task in TASKS if not args.quick or task.quick is not None]
    head = {"date": datetime.date.today().isoformat(), "machine": machine(), "versions": versions()}
    failed = []
    for task in tasks:
        if args.only and task.name not in args.only:
            continue
        try:
            row = measure(task, args.quick, args.rounds)
        except (NotHere, CommandFailed) as error:
            sizes = (task.quick if args.quick else task.full) or {}
            row = {"task": task.name, "en": task.en.format(**sizes), "zh": task.zh.format(**sizes),
                   "not_run": str(error)}  # fmt: skip
            failed += [str(error)] if isinstance(error, CommandFailed) else []
        before[task.name] = row | {"commit": head["versions"].get("commit"), "date": head["date"]}
        print("\n".join(_markdown_row(row)), flush=True)
        rows = [before[task.name] for task in tasks if task.name in before]
        results[kind] = head | {"rows": rows}
        write_texts(results)  # at once: the next may be interrupted
    for text in failed:
        print(f"error: {text}", file=sys.stderr)
    return 1 if failed else 0


def make_environments() -> int:
    """The environments of all peers; says which cannot be made."""
    for name in sorted({p.env for t in TASKS for p in t.peers} - {"ours"}):
        try:
            {"former": environments.former, "R": environments.rscript}.get(
                name, lambda name=name: environments.python_of(name)
            )()
            print(f"{name}: ready")
        except NotHere as error:
            print(f"{name}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
