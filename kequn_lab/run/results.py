"""A result as files: labels, tables, pictures, report and scorecard; all or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from kequn_lab import export
from kequn_lab._files import ENCODINGS, write_json
from kequn_lab._folder import result_folder
from kequn_lab._notes import Note, notes_table
from kequn_lab._processes import beside
from kequn_lab._record import require_whole
from kequn_lab.export.labels import read_csv, write_table
from kequn_lab.export.workbook import EXCEL_ROWS, write_workbook
from kequn_lab.run.categories import variable_words
from kequn_lab.run.columns import describe_columns
from kequn_lab.run.drawings import Drawing, drawings
from kequn_lab.run.result import Result

__all__ = ["fill_folder", "read_result", "run_folder", "write_labels_workbook", "write_results"]


#: The files at the top of a result folder, beside its record, and one file of each folder below: a
#: file or a link in the way of these is found before the work, in the way of others after it.
NAMES = (
    "report.html", "labels.csv", "labels.meta.json", "labels.xlsx", "scorecard.json", "columns.csv",
    "tables/sizes.csv", "figures/sizes.png",
)  # fmt: skip
#: Tables that are files of their own, not part of the report.
_APART = (
    "pairs", "slsw", "matching", "migration", "registry_events", "reasons", "chance_likeness",
    "nameless_segments", "called",
)  # fmt: skip


def run_folder(out: str | Path) -> AbstractContextManager[Path]:
    """Give a folder for :func:`fill_folder` that takes the place of an earlier run at the end.

    ``out`` is checked and locked before the work, see :func:`~kequn_lab._folder.result_folder`.
    """
    return result_folder(out, kind="run", names=NAMES)


def write_results(result: Result, out: str | Path, **options: Any) -> Result:
    """Write a result to a folder: all of it, or nothing.

    Parameters
    ----------
    result : Result
    out : path
        Results of an earlier run in it are replaced; other files are left alone.
    **options
        As :func:`fill_folder`.

    Returns
    -------
    Result
        As written: with a warning for each picture that could not be drawn.

    Raises
    ------
    OSError, ValueError
        As :func:`~kequn_lab._folder.result_folder`.
    """
    with run_folder(out) as folder:
        return fill_folder(result, folder, **options)


def fill_folder(
    result: Result,
    folder: Path,
    *,
    language: str = "en",
    encoding: str = ENCODINGS[0],
    sort: bool = False,
    features: bool = False,
    quiet: bool = False,
) -> Result:
    """Write a result into a folder that :func:`run_folder` gave.

    Parameters
    ----------
    result : Result
    folder : Path
    language : {"zh", "en"}
        Of the pictures and the report.
    encoding : str
        Of the CSV files; ``utf-8-sig`` opens right in Excel.
    sort : bool
        Labels in the order of ``customer_id`` as text, not in that of the table.
    features : bool
        Write the customer table that was clustered, too, as ``features.parquet``.
    quiet : bool
        No progress bar.

    Returns
    -------
    Result
        As written.

    Raises
    ------
    ValueError
        ``features`` of a result that was read from a folder, which holds none.
    """
    from kequn_lab import plots  # noqa: F401 - once, for both processes

    how: dict[str, Any] = {"language": language, "quiet": quiet}
    aside, own = _shared(drawings(result.tables))
    with beside(partial(draw_pictures, result, aside, **how)) as others:
        pictures, notes = draw_pictures(result, own, **how)
        more = _write_labels(result, folder, encoding, sort=sort, features=features)
        their_pictures, their_notes = others()
    pictures, notes = {**their_pictures, **pictures}, [*their_notes, *notes]
    if (n := len(result.labels)) >= EXCEL_ROWS:
        zh = f"{n:,} 位客户超出 Excel 的行数，未写 labels.xlsx；请用 labels.csv"
        en = f"labels.xlsx is left out: {n:,} customers are more than Excel has rows"
        notes.append(Note("workbook_left_out", zh, en, n, EXCEL_ROWS, level="note"))
    result = _with_notes(result, notes)
    (folder / "figures").mkdir()
    for name, picture in pictures.items():
        (folder / "figures" / f"{name}.png").write_bytes(picture.image)
    kinds = _write_tables(result, folder, encoding, more)
    _write_report(result, folder / "report.html", pictures, language=language)
    written = {"language": language, "encoding": encoding, "tables": kinds}
    record = {**result.record, **written}
    write_json(record, folder / "run.json")
    return result


def _shared(every: dict[str, Drawing]) -> tuple[dict[str, Drawing], dict[str, Drawing]]:
    """Pictures that are files only, which take as long to draw as the others and the labels to
    draw and write; and the others."""
    return (
        {name: d for name, d in every.items() if d.section is None},
        {name: d for name, d in every.items() if d.section is not None},
    )


def _write_labels(
    result: Result, folder: Path, encoding: str, *, sort: bool, features: bool
) -> dict[str, pd.DataFrame]:
    """Labels, and what labels new customers; gives the tables that were written."""
    result.card.save(folder / "scorecard.json")
    golden = result.card.golden_rows()
    write_table(golden, folder / "golden_rows.csv", encoding=encoding)
    result.to_csv(folder / "labels.csv", encoding=encoding, sort=sort)
    if len(result.labels) < EXCEL_ROWS:
        result.to_excel(folder / "labels.xlsx")
    out = {"golden_rows": golden}
    if features:
        _write_features(result.features, folder / "features.parquet", sort=sort)
    if features and result.features is not None:
        out["features"] = result.features.rename_axis("customer_id").reset_index().head(0)
    return out


def _with_notes(result: Result, notes: list[Note]) -> Result:
    doubts = notes_table(n for n in notes if n.level == "warning")
    if not notes:
        return result
    warnings = result.tables["warnings"]
    warnings = pd.concat([warnings, doubts], ignore_index=True) if len(doubts) else warnings
    record = {**result.record, "notes": [*result.record["notes"], *map(dataclasses.asdict, notes)]}
    tables = {**result.tables, "warnings": warnings}
    return dataclasses.replace(result, tables=tables, record=record)


def _write_features(features: pd.DataFrame | None, path: Path, *, sort: bool) -> None:
    """The customer table in the order of the labels."""
    if features is None:
        raise ValueError("a result from a folder holds no customer table to write (features)")
    table = features.set_axis(features.index.astype("str"))
    table = table.rename_axis("customer_id").reset_index()
    write_table(table.sort_values("customer_id") if sort else table, path)


def _write_tables(
    result: Result, folder: Path, encoding: str, more: dict[str, pd.DataFrame]
) -> dict[str, dict[str, str]]:
    """The tables, and what their columns mean; ``more`` was written already.

    Returns the types of the columns, by table.
    """
    aside = {f"refused_{n}": table for n, table in result.refused.items()}
    tables = {"names": result.names, **result.tables, **aside}
    below = folder / "tables"
    below.mkdir()
    kinds = {
        name: write_table(_flat(table), below / f"{name}.csv", encoding=encoding)
        for name, table in tables.items()
    }
    own = ("table", "column", "unit", "meaning_zh", "meaning_en")
    columns = describe_columns({"labels": result.labels, **more, **tables, "columns": own})
    write_table(columns, folder / "columns.csv", encoding=encoding)
    return kinds


def write_labels_workbook(
    labels: pd.DataFrame,
    sizes: pd.DataFrame,
    path: str | Path,
    *,
    cards: pd.DataFrame | None = None,
    card: export.Scorecard | None = None,
) -> None:
    """Write labels, the segments and what the columns mean as one Excel workbook.

    Parameters
    ----------
    labels : DataFrame
        As :func:`~kequn_lab.segments.label_table`.
    sizes : DataFrame
        As :func:`~kequn_lab.profiles.size_table`.
    path : path
        ``….xlsx``
    cards : DataFrame, optional
        As :func:`~kequn_lab.profiles.segment_cards`.
    card : Scorecard, optional
        Adds the sheets that label a customer by formulas.
    """
    looks = labels.drop_duplicates("segment_id").sort_values("cluster")
    segments = looks[["segment_id", "name_zh", "name_en"]].merge(sizes, on="segment_id")
    sheets = {"labels": labels, "segments": segments}
    if cards is not None:
        sheets["cards"] = _flat(cards)
    sheets["columns"] = describe_columns(sheets)
    write_workbook(sheets, path, card=card)


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Lists within cells as text, which is all that a CSV can hold."""
    lists = [c for c in table if table[c].map(lambda v: isinstance(v, list | tuple | dict)).any()]
    return table.assign(**{c: table[c].map(str) for c in lists})


def draw_pictures(
    result: Result, some: Mapping[str, Drawing], *, language: str, quiet: bool = True
) -> tuple[dict[str, Any], list[Note]]:
    """Draw pictures of a result; one that cannot be drawn is left out and said."""
    import matplotlib.pyplot as plt

    from kequn_lab import plots
    from kequn_lab.report.page import Picture

    pictures, notes = {}, []
    with result.styled(language), TemporaryDirectory(prefix="kequn_") as folder:
        for name, d in tqdm(some.items(), desc="draw", disable=quiet):
            before, file = plt.get_fignums(), Path(folder, f"{name}.png")
            try:
                plots.save(d.draw(result.tables, plots).figure, file, title=d.title_en)
            except Exception as error:
                zh = f"图“{d.title_zh}”未能画出，已略去（{error}）"
                en = f"the picture {d.title_en!r} could not be drawn and is left out ({error})"
                notes.append(Note("picture_left_out", zh, en, variable=name))
            else:
                words = (d.title_zh, d.title_en, d.alt_zh, d.alt_en)
                pictures[name] = Picture(file.read_bytes(), *words, d.section or "pictures")
            for number in set(plt.get_fignums()).difference(before):
                plt.close(number)
    return pictures, notes


def write_run_report(result: Result, path: str | Path, *, language: str = "en") -> None:
    """Write the report of a result as one HTML file.

    Parameters
    ----------
    result : Result
    path : path
    language : {"zh", "en"}
    """
    pictures, notes = draw_pictures(result, drawings(result.tables), language=language)
    _write_report(_with_notes(result, notes), path, pictures, language=language)


def _write_report(result: Result, path: str | Path, pictures: dict, *, language: str) -> None:
    """Write the report of a result, with the pictures that have a place in it."""
    from kequn_lab.report.page import write_report

    tables = result.tables
    shown = {
        n: t for n, t in tables.items()
        if n not in (*_APART, "known_segments") and not n.startswith("plane_")
        and (len(t) or n == "warnings")
    }  # fmt: skip
    looks, known = result.names[["segment_id", "name_zh", "name_en"]], tables["known_segments"]
    others = known[~known["segment_id"].isin(looks["segment_id"])]
    shown |= {
        "segments": pd.concat([looks, others]),
        "variables": variable_words(tables.get("called")),
    }
    placed = {n: p for n, p in pictures.items() if drawings(tables)[n].section}
    write_report(path, tables=shown, run=result.record, figures=placed, language=language)


def read_result(folder: str | Path) -> Result:
    """Read a result back from its folder, to rename, draw or hand over without a refit.

    Parameters
    ----------
    folder : path
        As :func:`write_results` filled it.

    Returns
    -------
    Result
        Without ``features`` and ``pipeline``.

    Raises
    ------
    FileNotFoundError
        No result in this folder.
    ValueError
        Its files are not those that ``run.json`` lists.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import kequn_lab as kq
    >>> table = pd.DataFrame({"age": [20.0, 21, 22, 60, 61, 62], "visits": [1, 2, 1, 9, 8, 9]})
    >>> with TemporaryDirectory() as folder:
    ...     kq.segment(table, k=2, stability=0, quiet=True).save(folder, quiet=True)
    ...     kq.read_result(folder).labels["cluster"].tolist()
    [0, 0, 0, 1, 1, 1]
    """
    folder = Path(folder)
    record = require_whole(folder)
    if "tables" not in record:
        raise ValueError(f"{folder} holds no result of kequn run, but of {record.get('schema')}")
    kinds, encoding = record["tables"], record["encoding"]
    tables = {
        name: read_csv(folder / f"tables/{name}.csv", kinds[name], encoding=encoding)
        for name in kinds
    }
    tables = {name: table.to_pandas() for name, table in tables.items()}
    aside = {n: tables.pop(n) for n in list(tables) if n.startswith("refused_")}
    return Result(
        labels=export.read_labels(folder / "labels.csv"),
        names=tables.pop("names"),
        tables=tables,
        record=record,
        card=export.Scorecard.load(folder / "scorecard.json"),
        refused={n.removeprefix("refused_"): table for n, table in aside.items()},
    )
