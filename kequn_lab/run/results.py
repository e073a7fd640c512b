"""The results of a run as files: labels, tables, pictures, report and scorecard; all or nothing."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from kequn_lab import catalogue, export
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import feature_table
from kequn_lab.run.analysis import Analysis

__all__ = ["require_folder", "write_results"]


def require_folder(out: str | Path) -> Path:
    """The folder results shall go to; raise at once, not after the work, if it cannot be used."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file; name a folder for the results (--out)")
    parent = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not parent.is_dir():
        raise NotADirectoryError(f"{parent} is a file; {out} cannot be made inside it")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{parent} cannot be written to; choose another folder (--out)")
    return out


def write_results(
    analysis: Analysis,
    out: str | Path,
    *,
    language: str = "en",
    encoding: str = "utf-8-sig",
    quiet: bool = False,
) -> list[str]:
    """Write a run's results to a folder: all of them, or nothing.

    Parameters
    ----------
    analysis : Analysis
    out : path
        Results of an earlier run in it are replaced; other files are left alone.
    language : {"zh", "en"}
        Of the pictures and the report.
    encoding : str
        Of the CSV files; ``utf-8-sig`` opens right in Excel.
    quiet : bool
        No progress bar.

    Returns
    -------
    list of str
        The files, relative to ``out``.
    """
    out = require_folder(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        record = analysis.record()
        _write_tables(analysis, part, encoding)
        _write_pictures(analysis, record, part, language, quiet)
        files = [p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file()]
        files = sorted([*files, "run.json"])
        export.write_json({**record, "files": files}, part / "run.json")
        _replace(part, out, files)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return files


def _write_tables(analysis: Analysis, folder: Path, encoding: str) -> None:
    inputs = analysis.inputs
    facts = {
        "synthetic": inputs.synthetic,
        "random_state": analysis.parameters["random_state"],
        "inputs": {f["file"]: f["sha256"] for f in inputs.files},
    }
    card = Scorecard.from_pipeline(
        analysis.pipeline,
        inputs.features,
        labels=analysis.labels,
        names=analysis.names,
        as_of=inputs.as_of or datetime.now(UTC).date(),
        months=inputs.months,
        currency=inputs.currency,
        timezone=inputs.timezone,
        **facts,
    )
    with export.replacing(folder / "scorecard.json") as file:
        file.write(card.to_json().encode())
    meta = {**facts, "model_id": card.model_id}
    export.write_labels(analysis.labels, folder / "labels.csv", encoding=encoding, meta=meta)
    for name, table in analysis.tables.items():
        export.write_table(_flat(table), folder / f"{name}.csv", encoding=encoding)
    for name, refused in inputs.refused.items():
        if refused:
            rows = pd.DataFrame([vars(r) for r in refused])
            export.write_table(rows, folder / f"refused_{name}.csv", encoding=encoding)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Lists within cells as text, which is all that a CSV can hold."""
    lists = [c for c in table if table[c].map(lambda v: isinstance(v, list | tuple | dict)).any()]
    return table.assign(**{c: table[c].map(str) for c in lists})


def _drawings(analysis: Analysis) -> dict:
    """Per picture: how it is drawn, its titles, what it shows, its place in the report."""
    from kequn_lab import plots

    t = analysis.tables
    order = t["order"]["variable"]
    out = {
        "sizes": (
            lambda: plots.size_plot(t["sizes"]),
            ("客群规模", "Sizes", "各客群占比与区间", "Share of each segment with interval"),
            "sizes",
        ),
        "heat_map": (
            lambda: plots.heat_map(t["profile"], order=order),
            ("客群画像热图", "Segments at a glance", "各变量与其余客户的差异",
             "How each segment differs from the rest in every variable"),
            "profiles",
        ),
        "profile": (
            lambda: plots.profile_plot(t["profile"], markers=t["markers"], order=order),
            ("客群画像", "Profiles", "各客群的标志变量", "Variables that mark each segment"),
            "profiles",
        ),
    }  # fmt: skip
    if t["profile"]["effect"].isna().all():  # one segment: there is no rest to differ from
        del out["heat_map"], out["profile"]
    if (plane := analysis.plane) is not None:
        out["separation"] = (
            lambda: plots.separation_plot(
                plane.scores,
                hulls=plane.hulls,
                centres=plane.centres,
                explained=plane.explained,
                loadings=plane.axes,
                n_customers=plane.n_customers,
            ),
            (
                "客群之间的距离",
                "How the segments lie to each other",
                "前两个主成分上的客户与客群中心",
                "Customers and centres on the first two components",
            ),
            "profiles",
        )
    if len(t["comparison"]):
        out["comparison"] = (
            lambda: plots.difference_plot(t["comparison"]),
            ("两类目标客群的差异", "How the two target groups differ",
             "标准化差异及区间,按大小排列", "Standardised differences with intervals, by size"),
            "comparison",
        )  # fmt: skip
    if "decision" in t:
        out["decision"] = (
            lambda: plots.decision_plot(t["decision"]),
            ("决策矩阵", "Decision matrix", "客群吸引力与银行竞争力",
             "Attractiveness of segments by competitiveness of the bank"),
            "decision",
        )  # fmt: skip
    if "truth_table" in t:
        out["truth"] = (
            lambda: plots.truth_plot(t["truth_table"], names=catalogue.segments()),
            ("找到的与真实的", "Found against true", "找到的客群与真实客群的交叉表",
             "Customers by segment found and true segment"),
            "truth",
        )  # fmt: skip
    if "scores" in t:
        out["indices"] = (
            lambda: plots.index_panel(t["scores"]),
            ("各指标随群数的变化", "Indices by number of segments", "各指标并不一致",
             "Each index by k; they disagree"),
            "evidence",
        )  # fmt: skip
        out["stability"] = (
            lambda: plots.stability_plot(t["pairs"]),
            ("稳定性", "Stability by number of segments", "自助法配对的调整兰德指数",
             "Adjusted Rand index over bootstrap pairs"),
            "evidence",
        )  # fmt: skip
    if "slsw" in t:
        out["segment_stability"] = (
            lambda: plots.segment_stability_plot(t["slsw"]),
            ("各客群能否重现", "Does each segment come back", "重抽样中各客群的杰卡德指数",
             "Jaccard index of each segment over resamples"),
            "evidence",
        )  # fmt: skip
    return out


def _write_pictures(analysis, record, folder: Path, language: str, quiet: bool) -> None:
    """The figures, and the report that shows them."""
    import matplotlib.pyplot as plt

    from kequn_lab import plots
    from kequn_lab.report.page import Picture, write_report

    looks = analysis.labels.drop_duplicates("segment_id").sort_values("cluster")
    looks = looks[["segment_id", "name_zh", "name_en"]]
    (folder / "figures").mkdir()
    pictures = {}
    with plots.style(
        language,
        segments=looks,
        variables=feature_table(),
        synthetic=analysis.inputs.synthetic,
    ):
        for name, (draw, words, section) in tqdm(
            _drawings(analysis).items(), desc="draw", disable=quiet
        ):
            figure = draw().figure
            file = folder / "figures" / f"{name}.png"
            plots.save(figure, file, title=words[1])
            plt.close(figure)
            pictures[name] = Picture(file.read_bytes(), words[0], words[1], *words[2:], section)
    apart = ("pairs", "slsw", "matching", "migration")  # files of their own, not for the report
    tables = {
        n: t for n, t in analysis.tables.items() if n not in apart and (len(t) or n == "warnings")
    }
    groups = catalogue.target_groups()[["group_id", "group_zh", "group_en"]].drop_duplicates()
    known = catalogue.segments()[looks.columns]
    named = pd.concat([looks, known[~known["segment_id"].isin(looks["segment_id"])]])
    tables |= {"segments": named, "variables": feature_table(), "target_groups": groups}
    write_report(
        folder / "report.html", tables=tables, run=record, figures=pictures, language=language
    )


def _replace(part: Path, out: Path, files: list[str]) -> None:
    """Put finished files in their place; take away those of an earlier run that are no more."""
    old = out / "run.json"
    earlier = json.loads(old.read_text(encoding="utf-8")).get("files", []) if old.exists() else []
    # run.json goes last: while it is the old one, it names the old files.
    for name in sorted(files, key=lambda f: f == "run.json"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(part / name, out / name)
    for name in set(earlier) - set(files):
        stale = (out / name).resolve()
        if stale.is_relative_to(out.resolve()):
            stale.unlink(missing_ok=True)
