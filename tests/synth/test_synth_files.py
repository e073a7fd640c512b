"""A bank as files: equal whatever the chunk, whole or not at all."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kequn_lab import contract
from kequn_lab.__main__ import main
from kequn_lab._record import verify_folder
from kequn_lab.contract.reading import read_table
from kequn_lab.synth import files, make_bank, write_bank

NAMES = ("customers", "events", "holdings", "truth", "outcomes")


DATA = Path(__file__).resolve().parents[2] / "data"


def hashes(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("banks") / "bank"
    table = write_bank(out, n_customers=500, random_state=4, months=2, progress=False)
    return out, table


def test_the_files_are_the_bank_in_memory(written):
    out, table = written
    bank = make_bank(500, random_state=4, months=2)
    for name in NAMES:
        frame = getattr(bank, name)
        read = pd.read_parquet(out / f"{name}.parquet")
        assert table.set_index("file").loc[f"{name}.parquet", "rows"] == len(frame) == len(read)
        for column in frame:
            a, b = (x[column].astype("str").mask(x[column].isna()) for x in (frame, read))
            if not column.endswith("_on"):
                assert a.equals(b), column
    assert {*table["file"], "bank.json"} == {p.name for p in out.iterdir()}


def test_the_files_pass_their_contracts(written):
    out, _ = written
    for rules in (contract.CUSTOMERS, contract.EVENTS, contract.HOLDINGS):
        read_table(out / f"{rules.name}.parquet", contract=rules)


def test_every_parquet_file_says_that_it_is_synthetic(written):
    out, _ = written
    for name in NAMES:
        said = pq.read_metadata(out / f"{name}.parquet").metadata
        assert said[b"synthetic"] == b"true" and said[b"random_state"] == b"4"
        assert said[b"generator"].startswith(b"kequn_lab") and said[b"preset"] == b"standard"
    assert "**Synthetic.**" in (out / "datasheet.md").read_text(encoding="utf-8")


def test_few_values_are_codes_and_numbers_are_not(written):
    out, _ = written
    group = pq.read_metadata(out / "events.parquet").row_group(0)
    encodings = {c["path_in_schema"]: c["encodings"] for c in group.to_dict()["columns"]}
    assert "RLE_DICTIONARY" in encodings["channel"]
    assert "BYTE_STREAM_SPLIT" in encodings["amount_cny"]
    assert "DELTA_BINARY_PACKED" in encodings["timestamp"]


def test_chunks_and_workers_change_no_byte(tmp_path, monkeypatch):
    """21 parts of 100 customers, so that the row groups of ten parts are crossed."""
    for room in ("recipe", "files"):
        monkeypatch.setattr(f"kequn_lab.synth.{room}.BLOCK", 100)
    found = []
    for workers, chunk in ((1, 100), (2, 100), (4, 100), (1, 1000), (2, 1000)):
        out = tmp_path / f"{workers}-{chunk}"
        write_bank(out, n_customers=2050, random_state=0, months=1, workers=workers, chunk=chunk,
                   progress=False)  # fmt: skip
        found.append(hashes(out))
    assert all(f == found[0] for f in found[1:])
    assert pq.read_metadata(out / "customers.parquet").num_row_groups == 3


def test_csv_says_the_same(tmp_path, written):
    out, _ = written
    write_bank(tmp_path / "csv", n_customers=500, random_state=4, months=2, format="csv",
               progress=False)  # fmt: skip
    for rules in (contract.CUSTOMERS, contract.EVENTS, contract.HOLDINGS):
        text = read_table(tmp_path / "csv" / f"{rules.name}.csv", contract=rules)
        whole = read_table(out / f"{rules.name}.parquet", contract=rules)
        assert len(text) == len(whole)
        for column in whole:
            a, b = text[column].reset_index(drop=True), whole[column].reset_index(drop=True)
            assert a.isna().equals(b.isna()), column
            if pd.api.types.is_float_dtype(b.dtype):
                assert np.allclose(a, b, rtol=1e-6, atol=0, equal_nan=True), column
            else:
                assert (a[a.notna()] == b[a.notna()]).all(), column


def test_mixed_gives_what_opens_in_a_spreadsheet_as_csv(tmp_path):
    table = write_bank(tmp_path, n_customers=20, random_state=0, months=1, format="mixed",
                       progress=False)  # fmt: skip
    assert set(table["file"]) == {"customers.csv", "truth.csv", "outcomes.csv", "events.parquet",
                                  "holdings.parquet", "datasheet.md"}  # fmt: skip


# bad input and bad luck


def small(out, **options):
    write_bank(out, n_customers=10, random_state=0, months=1, progress=False, **options)


def test_an_earlier_bank_is_replaced_and_nothing_else(tmp_path):
    small(tmp_path, format="csv")
    (tmp_path / "mine.txt").write_text("precious")
    small(tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".parquet", ".json", ".md", ".txt"}
    assert verify_folder(tmp_path).empty
    record = json.loads((tmp_path / "bank.json").read_text(encoding="utf-8"))
    assert record["synthetic"] is True and record["random_state"] == "0"


def test_a_table_of_the_bank_itself_is_never_replaced(tmp_path):
    (tmp_path / "customers.csv").write_text("precious")
    with pytest.raises(FileExistsError, match=r"holds customers.csv, not as an earlier kequn samp"):
        small(tmp_path, format="csv")
    assert [p.name for p in tmp_path.iterdir()] == ["customers.csv"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "bank").write_text("a file")
    with pytest.raises(NotADirectoryError, match="is a file; name a folder"):
        write_bank(tmp_path / "bank", n_customers=10, random_state=0, progress=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_customers": 0}, "n_customers is 0"),
        ({"format": "xlsx"}, "unknown format 'xlsx'; known: parquet, csv, mixed"),
        ({"chunk": 0}, "chunk is 0"),
        ({"preset": "odd"}, "unknown preset 'odd'"),
    ],
)
def test_wrong_arguments_make_no_folder(tmp_path, wrong, message):
    with pytest.raises(ValueError, match=message):
        write_bank(tmp_path / "a", **{"n_customers": 10, "random_state": 0, **wrong})
    assert not (tmp_path / "a").exists()


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def fail(recipe, part):
        raise RuntimeError("a worker broke")

    monkeypatch.setattr(files, "draw_part", fail)
    with pytest.raises(RuntimeError, match="a worker broke"):
        write_bank(tmp_path / "a", n_customers=10, random_state=0, progress=False)
    assert not (tmp_path / "a").exists()


def test_a_full_disk_is_called_so(tmp_path, monkeypatch):
    def full(recipe, part):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "draw_part", full)
    with pytest.raises(OSError, match="the disk is full: free some space.*; nothing was written"):
        write_bank(tmp_path / "a", n_customers=10, random_state=0, progress=False)
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path):
    """A limit on the size of files stands for the full disk."""
    code = f"""if True:
        import resource, signal
        from kequn_lab.synth import write_bank
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            write_bank({str(tmp_path / "a")!r}, n_customers=3000, random_state=0, months=1,
                       progress=False)
        except OSError as error:
            print(error)
    """
    run = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "larger than the disk allows" in done.stdout and "nothing was" in done.stdout
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_half_file_and_can_be_repeated(tmp_path, how):
    out = tmp_path / "a"
    code = (  # a shell's background job inherits that SIGINT is ignored; a terminal's does not
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from kequn_lab.synth import write_bank;"
        f"write_bank({str(out)!r}, n_customers=5_000_000, random_state=0, months=1, workers=1)"
    )
    run = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(out.glob(".*/events.parquet")) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(how)
    run.wait(60)
    left = list(out.iterdir()) if out.exists() else []
    assert all(p.name.startswith(".kequn") for p in left)
    assert left or how == signal.SIGINT
    small(out)
    assert len(list(out.iterdir())) == 7


def test_two_at_once_do_not_disturb_each_other(tmp_path, monkeypatch):
    """The second one used to delete the working folder of the first."""
    draw = files.draw_part

    def meanwhile(recipe, part):
        with pytest.raises(BlockingIOError, match="another kequn writes to"):
            monkeypatch.setattr(files, "draw_part", draw)
            small(tmp_path)
        return draw(recipe, part)

    monkeypatch.setattr(files, "draw_part", meanwhile)
    small(tmp_path, workers=1)
    assert verify_folder(tmp_path).empty and len(list(tmp_path.iterdir())) == 7


def test_the_command_writes_the_bank_of_an_edited_population(tmp_path, capsys):
    copy = tmp_path / "population"
    shutil.copytree(DATA / "catalogue" / "population", copy)
    drawn = ["sample", "--customers", "40", "--months", "1", "--bank-kind", "internet_retail"]
    drawn += ["--population", str(copy)]
    assert main([*drawn, "--out", str(tmp_path / "bank")]) == 0
    truth = read_table(tmp_path / "bank" / "truth.parquet")
    same = make_bank(40, random_state=0, months=1, bank_kind="internet_retail")
    assert truth["segment_id"].tolist() == same.truth["segment_id"].tolist()

    cells = (copy / "segments.csv").read_text(encoding="utf-8")
    (copy / "segments.csv").write_text(cells.replace("0.97", "1.2", 1), encoding="utf-8")
    capsys.readouterr()
    assert main([*drawn, "--out", str(tmp_path / "other")]) == 1
    assert "line 2, column 'micro_enterprise': must be between 0 and 1; found 1.2" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "other").exists()
