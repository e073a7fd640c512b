"""The folder of a run: its shape, its workbook, its columns; what happens if a part fails."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from kequn_lab import export, plots
from kequn_lab.__main__ import main
from kequn_lab._folder import result_folder
from kequn_lab._record import verify_folder
from kequn_lab.export.workbook import write_workbook
from kequn_lab.run import from_synthetic_bank, results, segment
from kequn_lab.run.analysis import analyse
from kequn_lab.run.columns import describe_columns
from kequn_lab.run.options import Options
from kequn_lab.run.results import write_results

posix = pytest.mark.skipif(os.name == "nt", reason="signals and forks are POSIX")
TOP = {"report.html", "labels.csv", "labels.meta.json", "labels.xlsx", "scorecard.json",
       "golden_rows.csv", "run.json", "columns.csv", "tables", "figures"}  # fmt: skip


@pytest.fixture(scope="module")
def bank():
    return from_synthetic_bank(200, random_state=1, months=2)


@pytest.fixture(scope="module")
def analysis(bank):
    return analyse(bank, Options(n_clusters=4, n_starts=2, n_boot=20, n_stability=0, quiet=True))


@pytest.fixture(scope="module")
def result(analysis, tmp_path_factory):
    out = tmp_path_factory.mktemp("result")
    written = write_results(analysis, out, quiet=True)
    assert written.record["notes"] == analysis.record["notes"]
    return out


@pytest.fixture
def two_pictures(monkeypatch):
    """Drawing takes most of the time: two pictures are enough."""
    drawings = results.drawings

    def few(tables):
        found = drawings(tables)
        return {name: found[name] for name in ("sizes", "separation")}

    monkeypatch.setattr(results, "drawings", few)


def test_on_top_lies_what_people_open_and_the_rest_below(result, analysis):
    assert {p.name for p in result.iterdir()} == TOP
    assert {p.stem for p in (result / "tables").iterdir()} == {"names", *analysis.tables}
    assert {p.suffix for p in (result / "figures").iterdir()} == {".png"}
    assert verify_folder(result).empty
    files = json.loads((result / "run.json").read_text(encoding="utf-8"))["files"]
    assert len(files) == sum(p.is_file() for p in result.rglob("*")) - 1


def test_every_column_of_every_table_has_a_meaning_in_both_languages(result, analysis):
    columns = pd.read_csv(result / "columns.csv", keep_default_na=False)
    written = {("columns", c) for c in columns} | {("labels", c) for c in analysis.labels}
    for file in result.rglob("*.csv"):
        written |= {(file.stem, c) for c in pd.read_csv(file, nrows=1)}
    assert {(c.table, c.column) for c in columns.itertuples()} == written
    unknown = columns[(columns[["meaning_zh", "meaning_en"]] == "").any(axis=1)]
    assert unknown.empty, "add them to data/catalogue/output_columns.csv"
    assert not columns["meaning_zh"].str.fullmatch(r"[\x00-\x7f]*").any()


def test_tables_that_not_every_run_has_are_described_too(bank, analysis, tmp_path):
    with result_folder(tmp_path, kind="score") as stage:
        labels = pd.DataFrame({"customer_id": analysis.labels["customer_id"][20:]})
        labels = labels.assign(cluster=0, segment_id="elderly", name_zh="老年", name_en="Elderly")
        export.write_labels(labels, stage / "labels.csv")
    options = {"n_starts": 2, "n_boot": 20, "n_stability": 2, "quiet": True}
    weighed = analyse(bank, Options(ks=[3, 4], **options)).tables  # k may be 1: one segment
    tables = weighed | analyse(bank, Options(n_clusters=3, previous=tmp_path, **options)).tables
    assert {"scores", "pairs", "stability", "k_reading", "slsw", "segment_stability", "matching",
            "migration"} <= set(tables)  # fmt: skip
    tables = tables | {
        "refused_events": ["refused_line", "refused_reason_zh", "refused_reason_en", "客户号"]
    }
    described = describe_columns(tables)
    unknown = described[(described[["meaning_zh", "meaning_en"]] == "").any(axis=1)]
    assert unknown.empty, "add them to data/catalogue/output_columns.csv"
    assert described["meaning_en"].tolist()[-1:] == ["a column of the input, as it was"]
    assert describe_columns({"sizes": ["no_such"]}).loc[0, "meaning_en"] == ""


def test_the_workbook_holds_labels_segments_and_columns(result, analysis):
    book = openpyxl.load_workbook(result / "labels.xlsx")
    assert book.sheetnames[:4] == ["labels", "segments", "cards", "columns"]
    assert book.sheetnames[4:] == ["label", "golden", "model"]
    rows = list(book["labels"].values)
    assert list(rows[0]) == list(analysis.labels)
    assert [r[0] for r in rows[1:]] == sorted(analysis.labels["customer_id"])
    assert book["labels"]["A2"].number_format == "@" and book["labels"].freeze_panes == "A2"
    segments = pd.DataFrame(list(book["segments"].values)[1:])
    assert segments[3].sum() == len(analysis.labels)
    for row in list(book["columns"].values)[1:]:
        assert row[3] and row[4]


AWKWARD = ["=1+1", "+1", "@x", "\x01tab\x0b", "=" + "x" * 40_000, "年轻人", "001", " a ", "#REF!"]


@pytest.mark.parametrize("held", [True, False])
def test_a_workbook_keeps_awkward_cells_as_text(tmp_path, monkeypatch, held):
    monkeypatch.setattr("kequn_lab.export.workbook._HELD", 9 if held else 8)
    table = pd.DataFrame({"customer_id": AWKWARD, "note": AWKWARD})
    table["number"] = [1.5, np.nan, np.inf, -np.inf, 0, 1e300, -0.0, 2, 3]
    table["day"] = pd.Timestamp("2024-01-31")
    table["yes"] = pd.array([True, False, None] * 3, dtype="boolean")
    before = table.copy()
    write_workbook({"t": table}, tmp_path / "t.xlsx")
    pd.testing.assert_frame_equal(table, before)
    # held in memory, each text is in the file once, else in its cell
    assert ("xl/sharedStrings.xml" in ZipFile(tmp_path / "t.xlsx").namelist()) is held
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["t"]
    clean = [t.replace("\x01", "\ufffd").replace("\x0b", "\ufffd")[:32_767] for t in AWKWARD]
    for column in "AB":
        cells = [sheet[f"{column}{i}"] for i in range(2, 11)]
        assert [c.value for c in cells] == clean
        assert {c.data_type for c in cells} == {"s"}
    found = [sheet[f"C{i}"].value for i in range(2, 11)]
    assert found == [1.5, None, "inf", "-inf", 0, 1e300, 0, 2, 3]
    assert sheet["D2"].value == pd.Timestamp("2024-01-31") and sheet["E4"].value is None


def test_more_customers_than_excel_has_rows(two_pictures, analysis, tmp_path, monkeypatch):
    monkeypatch.setattr("kequn_lab.run.results.EXCEL_ROWS", 200)
    note = write_results(analysis, tmp_path, quiet=True).record["notes"][-1]
    assert note["warning"] == "workbook_left_out" and "200 customers" in note["text_en"]
    assert not (tmp_path / "labels.xlsx").exists()
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["notes"][-1]["warning"] == "workbook_left_out"
    monkeypatch.setattr("kequn_lab.export.workbook.EXCEL_ROWS", 3)
    with pytest.raises(ValueError, match="t: 3 rows, and a sheet of Excel has 3 with its heading"):
        write_workbook({"t": pd.DataFrame({"a": [1, 2, 3]})}, tmp_path / "t.xlsx")


def test_a_picture_that_fails_is_left_out_and_said(
    two_pictures, analysis, tmp_path, monkeypatch, capsys
):
    import matplotlib.pyplot as plt

    def fail(*args, **kwargs):
        plt.figure()
        raise ValueError("hulls: the table has no rows")

    monkeypatch.setattr(plots, "separation_plot", fail)
    mine = plt.figure()
    before = plt.get_fignums()  # figures that other tests left, too
    note = write_results(analysis, tmp_path, quiet=True).record["notes"][-1]
    assert plt.get_fignums() == before, "figures of the caller stay, ours are closed"
    plt.close(mine)
    found = (note["warning"], note["variable"], note["level"])
    assert found == ("picture_left_out", "separation", "warning")
    assert "hulls: the table has no rows" in note["text_en"] and "已略去" in note["text_zh"]
    assert not (tmp_path / "figures" / "separation.png").exists()
    assert (tmp_path / "figures" / "sizes.png").exists()
    warnings = pd.read_csv(tmp_path / "tables" / "warnings.csv")
    assert "picture_left_out" in set(warnings["warning"])
    assert "could not be drawn" in (tmp_path / "report.html").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert record["notes"][-1]["warning"] == "picture_left_out"
    assert verify_folder(tmp_path).empty


def test_a_report_alone_is_one_file(two_pictures, analysis, tmp_path):
    analysis.report(tmp_path / "r.html", language="zh")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert 'lang="zh' in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_inputs_of_the_same_name_keep_their_hashes(two_pictures, tmp_path):
    bank = from_synthetic_bank(200, random_state=1, months=2)
    files = [{"table": t, "file": "x.parquet", "sha256": t * 4} for t in ("events", "holdings")]
    own = replace(bank, files=tuple(files))
    found = analyse(own, Options(n_clusters=2, n_starts=2, n_boot=20, n_stability=0, quiet=True))
    write_results(found, tmp_path, quiet=True)
    for name in ("labels.meta.json", "scorecard.json"):
        record = json.loads((tmp_path / name).read_text(encoding="utf-8"))
        assert set(record["inputs"].values()) == {"events" * 4, "holdings" * 4}


@pytest.mark.parametrize("name", ["report.html", "labels.xlsx", "tables", "figures"])
def test_what_is_in_the_way_stops_a_run_before_its_work(tmp_path, name, monkeypatch, capsys):
    monkeypatch.setattr("kequn_lab.run.segmenting.analyse", lambda *a, **k: pytest.fail("worked"))
    place = tmp_path / name
    place.write_text("mine") if "." not in name else place.mkdir()
    assert main(["run", "--synthetic", "200", "--out", str(tmp_path), "--quiet"]) == 1
    assert f"{name} is" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == [name]


@posix
def test_killed_while_it_writes_the_next_run_is_whole(
    two_pictures, analysis, result, tmp_path, monkeypatch
):
    """A real run's files, killed at three moments; tests/run/test_folder.py kills at every step."""
    steps, last, move = 0, 0, os.replace

    def counted(*args):
        nonlocal steps
        steps += 1
        if steps == last:
            os._exit(9)
        return move(*args)

    monkeypatch.setattr(os, "replace", counted)
    write_results(analysis, tmp_path / "whole", quiet=True)
    moves = sum(p.is_file() for p in (tmp_path / "whole").rglob("*"))
    for last in (2, steps - moves // 2, steps):
        out = tmp_path / str(last)
        shutil.copytree(result, out)
        steps = 0
        if (pid := os.fork()) == 0:
            try:
                write_results(analysis, out, language="zh", quiet=True)
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        assert len(verify_folder(out)) == 0 or last > 2
        last = 0
        write_results(analysis, out, quiet=True)
        assert verify_folder(out).empty
        assert {p.name for p in out.iterdir()} == TOP


@posix
def test_a_run_that_is_told_to_end_leaves_nothing_and_says_so(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "kequn_lab", "run", "--synthetic", "500", "--out", out]
    run = subprocess.Popen([*map(str, command), "--quiet"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(out.glob(".kequn-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    _, error = run.communicate(timeout=60)
    # Python ends by SIGINT where it was interrupted within an import; a shell calls both 130.
    assert run.returncode in (130, -signal.SIGINT)
    assert error.strip().endswith(f"interrupted: nothing was written to {out}")
    assert not out.exists()


def test_a_folder_with_every_kind_of_file_is_described(tmp_path):
    """Raw levels, rows set aside, reasons, features, a registry: and a score of the same."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({
        "编号": [f"62220202001120{i:04d}" for i in rng.permutation(60)],
        "age_years": np.repeat([30, 60], 30) + rng.integers(0, 5, 60),
        "visits": np.repeat([1, 9], 30) + rng.integers(0, 3, 60), "job": ["a", "b"] * 30,
    })  # fmt: skip
    table.loc[7, "age_years"] = 999
    table.astype({"age_years": object}).replace({999: "x"}).to_csv(tmp_path / "t.csv", index=False)
    run = ["run", str(tmp_path / "t.csv"), "--skip-bad-rows", "--categories", "job", "--k", "2",
           "--stability", "0", "--starts", "2", "--quiet", "--registry", str(tmp_path / "r"),
           "--reasons", "2", "--write-features", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(run) == 0
    score = ["score", str(tmp_path / "t.csv"), "--skip-bad-rows", "--scorecard",
             str(tmp_path / "out" / "scorecard.json"), "--out", str(tmp_path / "june")]  # fmt: skip
    assert main(score) == 0
    for folder in ("out", "june"):
        columns = pd.read_csv(tmp_path / folder / "columns.csv", keep_default_na=False)
        assert (columns[["meaning_zh", "meaning_en"]] != "").all(axis=None)
        written = set()
        for file in (tmp_path / folder).rglob("*.*"):
            if file.suffix in (".csv", ".parquet"):
                read = pd.read_csv if file.suffix == ".csv" else pd.read_parquet
                written |= {(file.stem, c) for c in read(file)}
        assert {(c.table, c.column) for c in columns.itertuples()} == written
        assert {"labels", "refused_features"} <= {name for name, _ in written}
    written = pd.read_csv(tmp_path / "out" / "labels.csv", dtype=str)["customer_id"]
    assert written.tolist() == table.drop(index=7)["编号"].tolist()  # as in the input


def test_a_run_that_finds_one_segment_only_ends_well_without_reasons():
    table = pd.DataFrame({"age": [20.0, 21, 22, 60, 61, 62], "visits": [1, 2, 1, 9, 8, 9]})
    result = segment(table, k=1, stability=0, starts=2, reasons=2, quiet=True)
    assert "reasons" not in result.tables and len(result.names) == 1
    assert "no_reasons" in {note["warning"] for note in result.record["notes"]}
