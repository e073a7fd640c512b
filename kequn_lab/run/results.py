"""The results of a run as files: labels, tables, pictures, report and scorecard; all or nothing."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kequn_lab import export
from kequn_lab._folder import result_folder
from kequn_lab._notes import Note, notes_table
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.definitions import feature_table
from kequn_lab.run.analysis import Analysis
from kequn_lab.run.columns import describe_columns
from kequn_lab.run.figures import draw_figures, looks

__all__ = [
    "fill_folder", "run_folder", "write_labels_workbook", "write_results", "write_run_report",
]  # fmt: skip


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
    pictures, notes = draw_figures(analysis, folder / "figures", language, quiet)
    if (n := len(analysis.labels)) >= export.EXCEL_ROWS:
        zh = f"{n:,} 位客户超出 Excel 的行数，未写 labels.xlsx；请用 labels.csv"
        en = f"labels.xlsx is left out: {n:,} customers are more than Excel has rows"
        notes.append(Note("workbook_left_out", zh, en, n, export.EXCEL_ROWS, level="note"))
    tables, record = _with_notes(analysis, notes)
    _write_model(analysis, folder, encoding)
    _write_tables(analysis, tables, folder, encoding)
    _write_report(analysis, tables, record, pictures, folder / "report.html", language)
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
    segments = looks(labels).merge(sizes, on="segment_id")
    columns = describe_columns({"labels": labels, "segments": segments})
    export.write_workbook({"labels": labels, "segments": segments, "columns": columns}, path)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Lists within cells as text, which is all that a CSV can hold."""
    lists = [c for c in table if table[c].map(lambda v: isinstance(v, list | tuple | dict)).any()]
    return table.assign(**{c: table[c].map(str) for c in lists})


def write_run_report(
    analysis: Analysis, path: str | Path, *, language: str = "en", quiet: bool = True
) -> tuple[Note, ...]:
    """Write the report of a run as one HTML file.

    Parameters
    ----------
    analysis : Analysis
    path : path
    language : {"zh", "en"}
    quiet : bool
        No progress bar.

    Returns
    -------
    tuple of Note
        As :func:`fill_folder`.
    """
    with tempfile.TemporaryDirectory() as folder:
        pictures, notes = draw_figures(analysis, Path(folder, "figures"), language, quiet)
    tables, record = _with_notes(analysis, notes)
    _write_report(analysis, tables, record, pictures, path, language)
    return tuple(notes)


def _with_notes(analysis: Analysis, notes: list[Note]) -> tuple[dict[str, pd.DataFrame], dict]:
    """The tables and the record of a run, with what came up while writing."""
    tables, record = dict(analysis.tables), analysis.record()
    if doubts := [n for n in notes if n.level == "warning"]:
        tables["warnings"] = pd.concat([tables["warnings"], notes_table(doubts)], ignore_index=True)
    return tables, record | {"notes": [*record["notes"], *map(asdict, notes)]}


def _write_report(analysis, tables, record, pictures, path, language: str) -> None:
    from kequn_lab.report.page import write_report

    # Files of their own, not for the report.
    apart = ("pairs", "slsw", "matching", "migration", "chance_likeness", "nameless_segments")
    shown = {n: t for n, t in tables.items() if n not in apart and (len(t) or n == "warnings")}
    groups = analysis.book["target_groups"][["group_id", "group_zh", "group_en"]].drop_duplicates()
    own = looks(analysis.labels)
    known = analysis.book["segments"][own.columns]
    named = pd.concat([own, known[~known["segment_id"].isin(own["segment_id"])]])
    shown |= {"segments": named, "variables": feature_table(), "target_groups": groups}
    write_report(path, tables=shown, run=record, figures=pictures, language=language)
