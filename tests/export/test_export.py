"""Files are whole or absent, open right in a spreadsheet, and read back cell for cell."""

import csv
import json
import os
import re
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kequn_lab import export
from kequn_lab._files import FORMULA, write_json
from kequn_lab.export.labels import escape_formulas, write_table

#: What starts a formula, for Python's regular expressions.
PATTERN = re.sub(r"\\x\{(....)\}", r"\\u\1", FORMULA)
LONG_ID = "110101199003070018"


def five() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["001", LONG_ID, "a,b", 'q"q', "客户"],
            "cluster": [0, 1, 2, 0, 1],
            "name_zh": ["年轻人客群", "=1+1", "＝HYPERLINK()", " \u3000-2", "@x"],
            "distance": [-1.5, 0.1, np.nan, 1e-300, 1 / 3],
        }
    ).astype({"name_zh": "str", "customer_id": "str"})


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_read_back_cell_for_cell(tmp_path, name, encoding):
    labels = five()
    before = labels.copy()
    export.write_labels(labels, tmp_path / name, encoding=encoding)
    pd.testing.assert_frame_equal(export.read_labels(tmp_path / name), before)
    pd.testing.assert_frame_equal(labels, before)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_many_rows_are_read_back_too(tmp_path, encoding):
    """A CSV is written a batch of rows at a time: no row is lost or doubled between two."""
    labels = pd.concat([five()] * 8_000, ignore_index=True)
    labels["customer_id"] += labels.index.astype("str")
    export.write_labels(labels, tmp_path / "labels.csv", encoding=encoding)
    pd.testing.assert_frame_equal(export.read_labels(tmp_path / "labels.csv"), labels)


def test_what_a_spreadsheet_sees(tmp_path):
    path = tmp_path / "labels.csv"
    export.write_labels(five(), path)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["customer_id"] for r in rows] == ["001", LONG_ID, "a,b", 'q"q', "客户"]
    assert [r["name_zh"] for r in rows] == [
        "年轻人客群", "'=1+1", "'＝HYPERLINK()", "' \u3000-2", "'@x"]  # fmt: skip
    assert rows[0]["distance"] == "-1.5"  # a negative number is a number
    assert rows[2]["distance"] == ""


DANGEROUS = ["=1", "+1", "-1", "@a", "\t1", "\r1", "\n1", "＝1", "＋1", "－1", "＠a", "﹦1", "  =1",
             "\u3000=1", "\xa0=1", "\ufeff=1"]  # fmt: skip
HARMLESS = ["", "a=1", "1-1", "'quoted'", "a@b", "年=1", "(-1)", "'x"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_formula_is_neutralised_in_every_text_column(tmp_path, text):
    table = pd.DataFrame({"segment_id": ["s"], "note": [text], "kind": pd.Categorical([text])})
    write_table(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        row = list(csv.reader(file))[1]
    assert row == ["s", "'" + text, "'" + text]


@pytest.mark.parametrize("text", DANGEROUS + HARMLESS + ["'=1", "''=1", "'' -1"])
def test_neutralising_is_exact_to_undo(tmp_path, text):
    labels = pd.DataFrame({"customer_id": ["a"], "name_en": [text]}, dtype="str")
    export.write_labels(labels, tmp_path / "labels.csv")
    pd.testing.assert_frame_equal(export.read_labels(tmp_path / "labels.csv"), labels)
    if text in HARMLESS:
        assert f'"{text}"' in (tmp_path / "labels.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_quick_look_at_the_first_byte_misses_no_formula(kind):
    rng, pieces = np.random.default_rng(0), [*"'\t\r\n =+-@\u00a0\u200b\u3000\ufeff＝﹣ab中é", ""]
    found = 0
    for _ in range(2_000):
        cells = ["".join(rng.choice(pieces, rng.integers(0, 4))) for _ in range(2)]
        part = pa.array(["=", *cells, None, "="], kind)[1:-1]  # a part of a larger column
        table = pa.table({"x": pa.chunked_array([part, pa.array(["x"], kind)])})
        wanted = ["'" + c if c and re.match(PATTERN, c) else c for c in [*cells, None, "x"]]
        assert escape_formulas(table)["x"].to_pylist() == wanted
        found += wanted[:2] != cells
    assert 500 < found < 1_900
    assert escape_formulas(pa.table({"x": pa.array([], kind)})).num_rows == 0


def test_a_column_name_is_no_formula_either(tmp_path):
    write_table(pd.DataFrame({"=cmd": [1]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8-sig").startswith('"\'=cmd"')


def test_rows_stay_in_their_order_and_are_sorted_by_id_on_request(tmp_path):
    mixed = five().sample(frac=1, random_state=1)
    export.write_labels(mixed, tmp_path / "as_given.csv")
    there = export.read_labels(tmp_path / "as_given.csv")["customer_id"].tolist()
    assert there == mixed["customer_id"].tolist() != sorted(there)
    for name, labels in (("a.csv", five()), ("b.csv", mixed)):
        export.write_labels(labels, tmp_path / name, sort=True)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert export.read_labels(tmp_path / "a.csv")["customer_id"].tolist() == sorted(there)


def test_the_record_beside_the_labels(tmp_path):
    path = tmp_path / "labels.csv"
    meta = {"model_id": "abc", "random_state": np.int64(42), "synthetic": True,
            "inputs": {"events.csv": "0" * 64}}  # fmt: skip
    returned = export.write_labels(five(), path, meta=meta)
    record = json.loads((tmp_path / "labels.meta.json").read_text(encoding="utf-8"))
    assert record == returned | {"random_state": 42}
    assert record["schema"] == "kequn_lab.labels/1"
    assert record["rows"] == 5
    assert record["synthetic"] is True
    import hashlib

    assert record["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert record["versions"]["pandas"] == pd.__version__
    export.write_labels(five(), path)
    assert json.loads((tmp_path / "labels.meta.json").read_text())["synthetic"] is None
    with pytest.raises(ValueError, match="sha256 written by write_labels itself"):
        export.write_labels(five(), path, meta={"sha256": "x"})


def test_a_file_that_is_not_the_recorded_one_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    export.write_labels(five(), path)
    path.write_bytes(path.read_bytes().replace(b"001", b"002"))
    with pytest.raises(ValueError, match="edited, or a run stopped between the two"):
        export.read_labels(path)
    assert export.read_labels(path, verify=False)["customer_id"].iloc[0] == "002"
    (tmp_path / "labels.meta.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"labels.meta.json does not exist"):
        export.read_labels(path)


BAD_LABELS = {
    "no id": (five().drop(columns="customer_id"), "no column customer_id; found cluster"),
    "twice": (pd.concat([five(), five().head(2)]), "2 customers twice, first '001'"),
    "missing": (five().assign(customer_id=[None, *"abcd"]), "customer_id missing in 1 rows"),
    "empty id": (five().assign(customer_id=["", *"abcd"]), "customer_id missing in 1 rows"),
    "numbers": (five().assign(customer_id=range(5)), "is int64, not text"),
}


@pytest.mark.parametrize("what", BAD_LABELS)
def test_bad_labels_leave_no_file(tmp_path, what):
    labels, message = BAD_LABELS[what]
    with pytest.raises(ValueError, match=message):
        export.write_labels(labels, tmp_path / "labels.csv")
    assert list(tmp_path.iterdir()) == []


def test_bad_targets(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .csv or .parquet"):
        write_table(five(), tmp_path / "labels.xlsx")
    with pytest.raises(ValueError, match="encoding 'latin-1'; choose one of utf-8-sig"):
        write_table(five(), tmp_path / "labels.csv", encoding="latin-1")
    with pytest.raises(FileNotFoundError, match="create the folder first"):
        write_table(five(), tmp_path / "no" / "labels.csv")
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="choose another folder"):
        write_table(five(), tmp_path / "file" / "labels.csv")
    with pytest.raises(IsADirectoryError, match="is a folder; name a file in it"):
        write_json({}, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.getuid() == 0, reason="root writes in read-only folders")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="cannot write in .*choose another folder"):
            write_table(five(), tmp_path / "labels.csv")
    finally:
        tmp_path.chmod(0o700)


def test_the_file_is_readable_as_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    write_json({}, tmp_path / "run.json")
    assert (tmp_path / "run.json").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.pop("sha256"), r"labels.meta.json: it lacks sha256"),
        (lambda r: r.update(schema="other"), "schema must be 'kequn_lab.labels/1', found 'other'"),
        (lambda r: r.update(columns=[]), "columns must be a valid dictionary|an object"),
        (lambda r: r["columns"].update(cluster="number"), r"labels.csv does not fit its record"),
        (lambda r: r["columns"].update(customer_id="int64"), r"labels.csv does not fit its record"),
        (lambda r: r.update(encoding="klingon"), r"labels.csv does not fit its record"),
    ],
)
def test_a_broken_record_of_labels_is_named(tmp_path, change, message):
    labels = pd.DataFrame({"customer_id": ["a", "b"], "cluster": [0, 1]})
    record = export.write_labels(labels, tmp_path / "labels.csv")
    change(record)
    (tmp_path / "labels.meta.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=message):
        export.read_labels(tmp_path / "labels.csv")


def test_json_is_strict_and_plain(tmp_path):
    path = tmp_path / "run.json"
    write_json({"n": np.float64(1.5), "a": np.arange(2), "d": pd.Timestamp("2024-01-31")}, path)
    assert json.loads(path.read_text()) == {"n": 1.5, "a": [0, 1], "d": "2024-01-31 00:00:00"}
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write_json({"x": float("nan")}, path)
    with pytest.raises(TypeError, match="has no place in JSON"):
        write_json({"x": object()}, path)
    assert path.read_bytes() == before


def test_tables_of_any_kind(tmp_path):
    table = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-31", None]),
            "time": pd.to_datetime(["2024-01-31 10:30", "2024-02-01 00:00"]),
            "mixed": [1, "x"],
            "list": [[1], [2]],
        },
        index=pd.Index(["年轻人", "老年"], name="segment_id"),
    )
    write_table(table, tmp_path / "t.csv")
    back = pd.read_csv(tmp_path / "t.csv", encoding="utf-8-sig", dtype="str")
    assert back.columns.tolist() == ["segment_id", "day", "time", "mixed", "list"]
    assert back.loc[0].tolist()[:2] == ["年轻人", "2024-01-31"]
    assert back.loc[0, "time"].startswith("2024-01-31 10:30:00")
    assert back.loc[1, "mixed"] == "x"
    with pytest.raises(ValueError, match="column given twice: a"):
        write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "t.csv")


WRITER = """
    import sys, pandas as pd
    from pathlib import Path
    from kequn_lab import export
    n = int(sys.argv[2])
    labels = pd.DataFrame({"customer_id": [f"{i:018d}" for i in range(n)], "cluster": 1})
    print("ready", flush=True)
    while True:
        export.write_labels(labels, Path(sys.argv[1]))
        if sys.argv[3] == "once":
            break
"""


def writer(path: Path, n: int, how: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", textwrap.dedent(WRITER), path, str(n), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def test_killed_at_any_moment_a_whole_file_stands(tmp_path):
    """kill −9 in the middle of writing over an old file: old or new, never half."""
    path = tmp_path / "labels.csv"
    sizes = {}
    for n in (5, 200_000):
        export.write_labels(
            pd.DataFrame({"customer_id": [f"{i:018d}" for i in range(n)], "cluster": 1}), path
        )
        sizes[n] = path.read_bytes()
    rng = np.random.default_rng(0)
    halves = 0
    for _ in range(5):
        path.write_bytes(sizes[5])
        child = writer(path, 200_000, "forever")
        child.stdout.readline()
        deadline = time.monotonic() + rng.uniform(0.0, 0.3)
        while time.monotonic() < deadline or not list(tmp_path.glob(".labels.csv.*.part")):
            time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert path.read_bytes() in sizes.values()
        halves += len(list(tmp_path.glob(".*.part")))
        for part in tmp_path.glob(".*.part"):
            part.unlink()
        child.stdout.close()
        child.stderr.close()
    assert halves > 0, "no kill hit the writing; the test proves nothing"


def test_disk_full(tmp_path):
    """The system refuses the bytes in the middle: an error, the old file whole, no remains."""
    path = tmp_path / "labels.csv"
    export.write_labels(five(), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    child = writer(path, 200_000, "once", preexec_fn=small_files)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 1
    assert b"OSError" in error
    assert b"too large" in error
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_disk_really_full(tmp_path):
    """The same on a file system of 2 MB, where it can be mounted."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path], capture_output=True)  # fmt: skip  # noqa: E501
    if mounted.returncode:
        pytest.skip("no right to mount a small file system; test_disk_full limits the file instead")
    try:
        path = tmp_path / "labels.csv"
        export.write_labels(five(), path)
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        big = pd.DataFrame({"customer_id": [f"{i:018d}" for i in range(200_000)]})
        with pytest.raises(OSError, match="No space left"):
            export.write_labels(big, path)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
        export.write_labels(five(), path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
