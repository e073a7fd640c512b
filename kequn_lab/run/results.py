"""The results of a run as files: labels, tables, pictures, report and scorecard; all or nothing."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from kequn_lab import export
from kequn_lab._folder import result_folder
from kequn_lab._notes import Note, notes_table
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import feature_table
from kequn_lab.run.analysis import Analysis
from kequn_lab.run.columns import describe_columns

__all__ = ["fill_folder", "run_folder", "write_labels_workbook", "write_results"]


#: What lies on top of a result folder, beside its record; tables and figures have their folders.
NAMES = (
    "report.html", "labels.csv", "labels.meta.json", "labels.xlsx", "scorecard.json", "columns.csv",
)  # fmt: skip


def run_folder(out: str | Path) -> AbstractContextManager[Path]:
    """Give a folder for :func:`fill_folder` that takes the place of an earlier run at the end.

    ``out`` is checked and locked before the work, see :func:`~kequn_lab._folder.result_folder`.
    """
    return result_folder(out, kind="run", names=NAMES)


def write_results(analysis: Analysis, out: str | Path, **options: Any) -> tuple[Note, ...]:
    """Write a run's results to a folder: all of them, or nothing.

    Parameters
    ----------
    analysis : Analysis
    out : path
        Results of an earlier run in it are replaced; other files are left alone.
    **options
        As :func:`fill_folder`.

    Returns
    -------
    tuple of Note
        What came up while writing, such as a picture that could not be drawn.

    Raises
    ------
    OSError, ValueError
        As :func:`~kequn_lab._folder.result_folder`.
    """
    with run_folder(out) as folder:
        return fill_folder(analysis, folder, **options)


def fill_folder(
    analysis: Analysis,
    folder: Path,
    *,
    language: str = "en",
    encoding: str = "utf-8-sig",
    quiet: bool = False,
) -> tuple[Note, ...]:
    """Write a run's results into a folder that :func:`run_folder` gave.

    Parameters
    ----------
    analysis : Analysis
    folder : Path
    language : {"zh", "en"}
        Of the pictures and the report.
    encoding : str
        Of the CSV files; ``utf-8-sig`` opens right in Excel.
    quiet : bool
        No progress bar.

    Returns
    -------
    tuple of Note
    """
    pictures, notes = _draw(analysis, folder / "figures", language, quiet)
    if (n := len(analysis.labels)) >= export.EXCEL_ROWS:
        zh = f"{n:,} 位客户超出 Excel 的行数，未写 labels.xlsx；请用 labels.csv"
        en = f"labels.xlsx is left out: {n:,} customers are more than Excel has rows"
        notes.append(Note("workbook_left_out", zh, en, n, export.EXCEL_ROWS, level="note"))
    tables = dict(analysis.tables)
    if doubts := [n for n in notes if n.level == "warning"]:
        tables["warnings"] = pd.concat([tables["warnings"], notes_table(doubts)], ignore_index=True)
    record = analysis.record()
    record["notes"] = record.get("notes", []) + [asdict(n) for n in notes]
    _write_model(analysis, folder, encoding)
    _write_tables(analysis, tables, folder, encoding)
    _write_report(analysis, tables, record, pictures, folder, language)
    export.write_json(record, folder / "run.json")
    return tuple(notes)


def _write_model(analysis: Analysis, folder: Path, encoding: str) -> None:
    """The scorecard, and the labels with their record."""
    inputs = analysis.inputs
    facts = {
        "synthetic": inputs.synthetic,
        "random_state": analysis.parameters["random_state"],
        "inputs": {f"{f['table']}: {f['file']}": f["sha256"] or "" for f in inputs.files},
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


def _write_tables(analysis: Analysis, tables: dict, folder: Path, encoding: str) -> None:
    """The tables, what their columns mean, and the workbook for those who want one file."""
    tables = tables | {f"refused_{name}": t for name, t in analysis.inputs.refused.items()}
    below = folder / "tables"
    below.mkdir()
    for name, table in tables.items():
        export.write_table(_flat(table), below / f"{name}.csv", encoding=encoding)
    own = ("table", "column", "unit", "meaning_zh", "meaning_en")
    columns = describe_columns({"labels": analysis.labels, **tables, "columns": own})
    export.write_table(columns, folder / "columns.csv", encoding=encoding)
    if len(analysis.labels) < export.EXCEL_ROWS:
        labels = analysis.labels.sort_values("customer_id")
        write_labels_workbook(labels, tables["sizes"], folder / "labels.xlsx")


def write_labels_workbook(labels: pd.DataFrame, sizes: pd.DataFrame, path: str | Path) -> None:
    """Write labels, the segments and what the columns mean as one Excel workbook.

    Parameters
    ----------
    labels : DataFrame
        As :func:`~kequn_lab.segments.label_table`.
    sizes : DataFrame
        As :func:`~kequn_lab.profiles.size_table`.
    path : path
        ``….xlsx``
    """
    segments = _looks(labels).merge(sizes, on="segment_id")
    columns = describe_columns({"labels": labels, "segments": segments})
    export.write_workbook({"labels": labels, "segments": segments, "columns": columns}, path)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Lists within cells as text, which is all that a CSV can hold."""
    lists = [c for c in table if table[c].map(lambda v: isinstance(v, list | tuple | dict)).any()]
    return table.assign(**{c: table[c].map(str) for c in lists})


def _drawings(analysis: Analysis) -> dict:
    """Per picture: how it is drawn, its titles, what it shows, its section of the report if any."""
    from kequn_lab import plots

    t = analysis.tables
    order = t["order"]["variable"]
    words = {"group_zh": "name_zh", "group_en": "name_en"}
    groups = analysis.book["target_groups"][["group_id", *words]].rename(columns=words)
    out = {
        "sizes": (
            lambda: plots.size_plot(t["sizes"]),
            ("客群规模", "Sizes", "各客群占比与区间", "Share of each segment with interval"),
            None,
        ),
        "heat_map": (
            lambda: plots.heat_map(t["profile"], order=order),
            ("客群画像热图", "Segments at a glance", "各变量与其余客户的差异",
             "How each segment differs from the rest in every variable"),
            None,
        ),
        "profile": (
            lambda: plots.profile_plot(t["profile"], markers=t["markers"], order=order),
            ("客群画像", "Profiles", "各客群的标志变量", "Variables that mark each segment"),
            None,
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
            lambda: plots.difference_plot(t["comparison"], names=groups, top=12),
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
            lambda: plots.truth_plot(t["truth_table"], names=analysis.book["segments"]),
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


def _draw(
    analysis: Analysis, folder: Path, language: str, quiet: bool
) -> tuple[dict[str, Any], list[Note]]:
    """Draw into a folder; a picture that cannot be drawn is left out and said."""
    import matplotlib.pyplot as plt

    from kequn_lab import plots
    from kequn_lab.report.page import Picture

    folder.mkdir()
    pictures, notes = {}, []
    with plots.style(
        language,
        segments=_looks(analysis.labels),
        variables=feature_table(),
        synthetic=analysis.inputs.synthetic,
    ):
        for name, (draw, words, section) in tqdm(
            _drawings(analysis).items(), desc="draw", disable=quiet
        ):
            file, open_before = folder / f"{name}.png", plt.get_fignums()
            try:
                plots.save(draw().figure, file, title=words[1])
            except Exception as error:
                zh = f"图“{words[0]}”未能画出,已略去({error})"
                en = f"the picture {words[1]!r} could not be drawn and is left out ({error})"
                notes.append(Note("picture_left_out", zh, en, variable=name))
                file.unlink(missing_ok=True)
            else:
                if section:
                    pictures[name] = Picture(file.read_bytes(), *words, section)
            for number in set(plt.get_fignums()).difference(open_before):
                plt.close(number)
    return pictures, notes


def _looks(labels: pd.DataFrame) -> pd.DataFrame:
    looks = labels.drop_duplicates("segment_id").sort_values("cluster")
    return looks[["segment_id", "name_zh", "name_en"]]


def _write_report(analysis, tables, record, pictures, folder: Path, language: str) -> None:
    from kequn_lab.report.page import write_report

    # Files of their own, not for the report.
    apart = ("pairs", "slsw", "matching", "migration", "chance_likeness", "nameless_segments")
    shown = {n: t for n, t in tables.items() if n not in apart and (len(t) or n == "warnings")}
    groups = analysis.book["target_groups"][["group_id", "group_zh", "group_en"]].drop_duplicates()
    looks = _looks(analysis.labels)
    known = analysis.book["segments"][looks.columns]
    named = pd.concat([looks, known[~known["segment_id"].isin(looks["segment_id"])]])
    shown |= {"segments": named, "variables": feature_table(), "target_groups": groups}
    write_report(
        folder / "report.html", tables=shown, run=record, figures=pictures, language=language
    )
