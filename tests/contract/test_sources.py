"""Whatever holds a table: read in chunks of raw cells, the same each time, or refused in words."""

import csv
import datetime
import gzip
import io
import json
import os
import random
import sqlite3
import time
import zipfile
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from kequn_lab.contract import _databases
from kequn_lab.contract._databases import require_select
from kequn_lab.contract.sources import open_source
from kequn_lab.contract.tables import ContractError

TABLE = "customer_id,city\n0001,上海\n0002,苏州\n"


def read(data, *, rows=250_000, columns=None, refused=None, **options) -> pd.DataFrame:
    source = open_source(data, **options)
    aside = refused.append if refused is not None else None
    return pd.concat(list(source.chunks(columns, rows=rows, on_refused=aside)))


def text_file(tmp_path, content: str | bytes, name="t.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def notes_of(data, **options) -> str:
    return "\n".join(n.text_en for n in open_source(data, **options).notes)


# --- encodings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"]
)
def test_encodings_that_can_be_told(tmp_path, encoding):
    file = text_file(tmp_path, TABLE.encode(encoding))
    assert read(file).to_dict("list") == {"customer_id": ["0001", "0002"], "city": ["上海", "苏州"]}
    said = {"gb": "is read as GB18030", "utf-16-": "is read as UTF-16"}
    expected = next((v for k, v in said.items() if encoding.startswith(k)), "")
    assert (expected in notes_of(file)) if expected else not notes_of(file)


OTHERS = {
    "big5": "客戶編號,姓名,城市\n1,陳怡君,臺北市\n2,林志明,高雄市\n",
    "cp932": "顧客番号,氏名\n1,山田太郎\n2,ヤマダ\n",
    "euc_jp": "顧客番号,氏名\n1,山田太郎\n2,鈴木花子,ホッカイドウ\n",
    "cp949": "고객번호,이름\n1,김철수 서울\n2,이영희 부산\n",
    "cp1252": "id,name\n1,Jörg Müller\n2,Größe\n",
    "latin-1": "id,name\n1,Jos\xe9\n",
    "cp1251": "id,имя\n1,Иванов Пётр\n2,Анна\n",
}


@pytest.mark.parametrize("encoding", OTHERS)
def test_other_encodings_are_asked_for_and_never_read_as_chinese(tmp_path, encoding):
    file = text_file(tmp_path, OTHERS[encoding].encode(encoding))
    with pytest.raises(ValueError, match=r"t.csv: the encoding cannot be told.*--encoding"):
        open_source(file)
    head = OTHERS[encoding].splitlines()[0].split(",")
    assert open_source(file, encoding=encoding).columns == tuple(head)


def test_a_stray_byte_in_utf8_is_named_by_line(tmp_path):
    file = text_file(
        tmp_path, "a,b\n客户甲,5\n".encode() + b"M\xfcller,7\n" + "客户乙,5\n".encode()
    )
    with pytest.raises(ValueError, match="line 3: byte FC is not UTF-8, though the text around"):
        open_source(file)
    late = text_file(tmp_path, ("a,b\n" + "客户甲,5\n" * 800_000).encode() + b"M\xfcller,7\n")
    with pytest.raises(ValueError, match="line 800002: byte FC"):
        open_source(late)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_file_cut_within_a_character_is_refused(tmp_path, encoding):
    whole = "customer_id,product\n客户甲,大额存单".encode(encoding)
    with pytest.raises(ValueError, match="line 2: the file ends in the middle of a character"):
        open_source(text_file(tmp_path, whole[:-1]))


def test_an_encoding_that_is_named_must_fit(tmp_path):
    file = text_file(tmp_path, TABLE.encode("gbk"))
    with pytest.raises(ValueError, match="line 2: byte C9.* is not UTF-8"):
        open_source(file, encoding="utf8")
    with pytest.raises(ValueError, match="unknown encoding 'klingon'"):
        open_source(file, encoding="klingon")
    with pytest.raises(ValueError, match="unknown encoding 'hex'"):
        open_source(file, encoding="hex")
    assert not open_source(file, encoding="GBK").notes


def test_text_with_zero_bytes_is_no_text(tmp_path):
    with pytest.raises(ValueError, match="line 2: a zero byte"):
        open_source(text_file(tmp_path, b"a,b\n1,\x002\n"))
    with pytest.raises(ValueError, match="line 400002: a zero byte"):
        read(text_file(tmp_path, b"a,b\n" + b"1,2\n" * 400_000 + b"\0,2\n"))


# --- header ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "says"),
    [
        ("", ""),
        ("\n", "header is line 2; the lines above it are blank"),
        (",,\n\n", "header is line 3"),
        ("客户报表\n", "header is line 2; above it: 客户报表"),
        ("客户报表,,\n制表：零售部,,\n", "header is line 3; above it: 客户报表; 制表：零售部"),
        ("sep=,\n", ""),
        ("2024-03\n", "header is line 2; above it: 2024-03"),
    ],
)
def test_the_header_is_found_below_blank_lines_and_titles(tmp_path, above, says):
    file = text_file(tmp_path, above + "id,age,city\n007,1,上海\n008,2,苏州\n")
    table = read(file)
    assert table["id"].tolist() == ["007", "008"]
    assert table.index[0] == above.count("\n") + 2
    assert (says in notes_of(file)) if says else not notes_of(file)


def test_two_rows_that_could_be_the_header_are_an_error(tmp_path):
    file = text_file(tmp_path, "name,city\nann,x,y\nbob,z,w\n")
    with pytest.raises(ValueError, match=r"line 1 .*2 fields\) and line 2 .* could both be"):
        open_source(file)


def test_names_may_be_years_and_a_file_without_a_header_is_suspected(tmp_path):
    years = text_file(tmp_path, "客户,2021,2022年,2023\n张三,-,-,-\nC1,1,2,3\n")
    assert open_source(years).columns == ("客户", "2021", "2022年", "2023")
    assert "if the file has no header, add one" in notes_of(years)
    with pytest.raises(ValueError, match="line 1 holds numbers .* no header above it"):
        open_source(text_file(tmp_path, "1001,2024-01-05,5.00\n1002,2024-01-06,6\n"))
    with pytest.raises(ValueError, match="could both be the header"):
        open_source(text_file(tmp_path, "导出日期,2024-01-05\n客户,金额\n甲,5\n"))


def test_a_header_that_is_too_short_is_no_title(tmp_path):
    """A comma at the end of every row but the header: torn, and the first row is not lost."""
    with pytest.raises(ContractError, match="4 fields where the header has 3"):
        read(text_file(tmp_path, "a,b,c\n1,2,3,\n4,5,6,\n"))


def test_names_of_columns(tmp_path):
    file = text_file(tmp_path, '\ufeff id ,"Income, yearly","annual\nincome",,2023\n1,2,3,4,5\n')
    assert open_source(file).columns == (
        "id",
        "Income, yearly",
        "annual income",
        "unnamed_4",
        "2023",
    )
    assert "1 columns have no name" in notes_of(file)
    assert read(file).index.tolist() == [3]
    with pytest.raises(ValueError, match="line 1: column named twice: a; rename one"):
        open_source(text_file(tmp_path, "a,b, a\n1,2,3\n"))
    with pytest.raises(ValueError, match="no column z; its columns: a, b"):
        read(text_file(tmp_path, "a,b\n1,2\n"), columns=["z"])


# --- lines -------------------------------------------------------------------------------------


def test_lines_are_those_of_the_file(tmp_path):
    file = text_file(tmp_path, 'a,b\n1,"x\ny\n\nz"\n\n2,q\n,\n3\n4,5,6\n5,"""q"" z"\n')
    refused = []
    table = read(file, refused=refused)
    assert table.index.tolist() == [2, 7, 11]
    assert table.index.name == "line"
    assert table["b"].tolist() == ["x\ny\n\nz", "q", '"q" z']
    assert [(r.line, r.text) for r in refused] == [(9, "3"), (10, "4,5,6")]
    with pytest.raises(ContractError, match="line 9.*1 fields where the header has 2"):
        read(file)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_of_every_system(tmp_path, end):
    file = text_file(tmp_path, f'a,b{end}1,2{end}"3{end}x",4{end}{end}5,6{end}\x1a')
    table = read(file)
    assert table.index.tolist() == [2, 3, 6]
    assert table["a"].str.split().tolist() == [["1"], ["3", "x"], ["5"]]


def test_an_unclosed_quote_costs_one_line_and_prints_no_more(tmp_path):
    lines = ["a,b,c"] + [f'{i},"x, y",z{i}' for i in range(1000)]
    lines[17] = '16,"x, y,z16'
    lines[600] = '599,"two\nlines",z599'
    file = text_file(tmp_path, "\n".join(lines))
    refused = []
    table = read(file, refused=refused)
    assert [r.line for r in refused] == [18]
    assert len(table) == 999
    assert table["a"].tolist() == [str(i) for i in range(1000) if i != 16]
    with pytest.raises(ContractError, match="line 18.*a quote .* opens here") as error:
        read(file)
    assert len(str(error.value)) < 500


def test_the_rest_of_a_torn_record_is_no_row(tmp_path):
    """The second line of a record with a field too many has as many fields as the header."""
    file = text_file(tmp_path, 'a,b,c\n1,"x\ny",2,3\n4,5,6\n')
    refused = []
    assert read(file, refused=refused)["a"].tolist() == ["4"]
    assert [(r.line, r.text) for r in refused] == [(2, '1,"x'), (3, 'y",2,3')]
    assert 'a quote (") closes here' in refused[1].reason


def test_a_quote_that_never_closes_in_a_large_file(tmp_path):
    rows = b"1,2,3\n" * 4_000_000
    file = text_file(tmp_path, b'a,b,c\n1,"2,3\n' + rows)
    refused = []
    start = time.monotonic()
    assert len(read(file, refused=refused, columns=["a"])) == 4_000_000
    assert [(r.line, r.text) for r in refused] == [(2, '1,"2,3')]
    assert time.monotonic() - start < 20


def test_sixty_thousand_torn_lines_take_a_moment(tmp_path):
    file = text_file(tmp_path, "a,b\n" + "1,2,3\n" * 60_000 + '1,"2\n' * 10_000)
    start = time.monotonic()
    with pytest.raises(ContractError, match="70,?000"):
        read(file)
    refused = []
    with pytest.raises(ContractError, match="no rows.*torn lines only, first in line 2: 3 fields"):
        read(file, refused=refused)
    assert len(refused) == 70_000
    assert time.monotonic() - start < 8


@pytest.mark.parametrize("columns", [2_000, 20_000])
def test_wide_tables_are_read(tmp_path, columns):
    names = ",".join(f"column_{i:07d}" for i in range(columns))
    file = text_file(tmp_path, names + "\n" + (",".join(["1234"] * columns) + "\n") * 50)
    table = read(file)
    assert table.shape == (50, columns)
    assert table.iloc[-1, -1] == "1234"


def test_random_tables_read_as_the_csv_module_reads_them(tmp_path, monkeypatch):
    """Quotes, breaks, blanks; blocks of some bytes, so that records lie across them."""
    from kequn_lab.contract import _text

    rng = random.Random(0)
    alphabet = ["a", "5", " ", ",", '"', "\n", "\r\n", "客", "", ";"]
    for size in (1, 3, 7, 64, 1 << 20):
        monkeypatch.setattr(_text, "BLOCK", size)
        for _ in range(40):
            rows = [
                ["".join(rng.choices(alphabet, k=rng.randint(0, 6))) for _ in range(3)]
                for _ in range(rng.randint(1, 12))
            ]
            buffer = io.StringIO(newline="")
            end = rng.choice(["\n", "\r\n"])
            csv.writer(buffer, lineterminator=end, quoting=rng.choice([0, 1])).writerows(rows)
            file = text_file(tmp_path, f"p,q,r{end}" + buffer.getvalue())
            refused = []
            try:
                found = read(file, refused=refused).to_numpy().tolist()
            except ContractError:
                found = []
            expected = [r for r in rows if any(r) or buffer.getvalue().startswith('"')]
            assert [r for r in found if any(r)] == [r for r in expected if any(r)]
            assert not refused


# --- chunks ------------------------------------------------------------------------------------


def test_chunks_come_again_and_have_the_size_that_was_asked(tmp_path):
    file = text_file(tmp_path, "a,b,c\n" + "".join(f"{i},x,{-i}\n" for i in range(1000)))
    source = open_source(file)
    for _ in range(2):
        chunks = list(source.chunks(["c", "a"], rows=300))
        assert [len(c) for c in chunks] == [300, 300, 300, 100]
        assert chunks[1].columns.tolist() == ["c", "a"]
        assert chunks[1].iloc[0].tolist() == ["-300", "300"]
        assert chunks[1].index[0] == 302


def test_no_rows_are_an_error(tmp_path):
    for data in (text_file(tmp_path, "a,b\n\n"), pd.DataFrame({"a": []}), pa.table({"a": []})):
        with pytest.raises(ContractError, match="no rows"):
            read(data)


# --- Parquet and frames ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["events[1].parquet", "e*.parquet", "what?.parquet", "channel=c/e.pq"]
)
def test_a_parquet_file_is_the_one_that_is_named(tmp_path, name):
    from kequn_lab.features.customers import customer_features

    def write(path, client, channel):
        events = pd.DataFrame({"customer_id": [client], "timestamp": [pd.Timestamp("2024-05-01")]})
        events.assign(amount_cny=5.0, channel=channel).to_parquet(path)

    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    write(file, "a", "mobile")
    for other in ("events1.parquet", "e1.parquet", "whatX.parquet"):
        write(tmp_path / other, "wrong", "counter")
    assert read(file, columns=["customer_id", "channel"]).to_numpy().tolist() == [["a", "mobile"]]
    features = customer_features(file, as_of="2024-12-31")
    assert features.index.tolist() == ["a"]


TYPED = {
    "id": pa.array([2**53 + 1, None, 3], pa.int64()),
    "big": pa.array([2**64 - 1, 1, 2], pa.uint64()),
    "day": pa.array([19_000, None, 19_001], pa.date32()),
    "yes": pa.array([True, None, False]),
    "text": pa.array(["007", None, "x"]),
}


@pytest.mark.parametrize("kind", ["parquet", "pyarrow", "polars", "pandas"])
def test_typed_cells_survive(tmp_path, kind):
    table = pa.table(TYPED)
    data = {
        "pyarrow": table,
        "polars": pl.from_arrow(table),
        "pandas": table.to_pandas(types_mapper=pd.ArrowDtype),
        "parquet": tmp_path / "t.parquet",
    }[kind]
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    found = read(data, rows=2)
    assert found.index.tolist() == [1, 2, 3]
    assert found.index.name == "row"
    assert found["id"].astype("str").tolist()[::2] == [str(2**53 + 1), "3"]
    assert found["big"].iloc[0] == 2**64 - 1
    assert pd.Timestamp(found["day"].iloc[0]) == pd.Timestamp("2022-01-08")
    assert found["yes"].isna().tolist() == [False, True, False]
    assert found["text"].iloc[0] == "007"


def test_bytes_are_read_as_text(tmp_path):
    uuid = UUID(int=7)
    table = pa.table(
        {
            "words": pa.array([b"ab", None], pa.binary()),
            "bytes": pa.array([b"\xff", None]),
            "fixed": pa.array([uuid.bytes, None], pa.binary(16)),
            "uuid": pa.ExtensionArray.from_storage(
                pa.uuid(), pa.array([uuid.bytes, None], pa.binary(16))
            ),
        }
    )
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    for data in (table, tmp_path / "t.parquet"):
        assert read(data).iloc[0].tolist() == ["ab", "ff", uuid.hex, str(uuid)]
        assert read(data).iloc[1].isna().all()


def test_frames_of_any_index_and_untouched(tmp_path):
    frame = pd.DataFrame({"age": [1, 2, 3]}, index=pd.Index([7, 7, 9], name="client"))
    frame.attrs["mine"] = 1
    before = frame.copy()
    assert read(frame, rows=2).to_dict("list") == {"client": [7, 7, 9], "age": [1, 2, 3]}
    pd.testing.assert_frame_equal(frame, before)
    assert open_source(frame.rename_axis(None)).columns == ("age",)
    two = frame.set_index(pd.Index([1, 2, 3], name="k"), append=True)
    assert open_source(two).columns == ("client", "k", "age")
    assert open_source(frame.assign(client=1)).columns == ("age", "client")
    assert open_source(pd.DataFrame(np.eye(2))).columns == ("0", "1")
    with pytest.raises(ValueError, match="DataFrame: column named twice: a"):
        open_source(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="several levels"):
        open_source(frame.groupby("age").agg({"age": ["sum", "mean"]}))


def test_parquet_written_by_pandas_keeps_its_named_index(tmp_path):
    file = tmp_path / "t.parquet"
    frame = pd.DataFrame({"age": [1, 2]}, index=pd.Index(["a", "b"], name="client"))
    frame.to_parquet(file)
    for data in (file, pa.Table.from_pandas(frame)):
        assert read(data).to_dict("list") == {"age": [1, 2], "client": ["a", "b"]}
    frame.set_index(np.array([5, 9])).to_parquet(file)
    assert open_source(file).columns == ("age",)


def test_a_damaged_parquet_file_is_named(tmp_path):
    file = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(10_000)}).to_parquet(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    with pytest.raises(ValueError, match=r"t.parquet is no Parquet file, or is damaged"):
        read(file)
    file.write_bytes(whole[:1000] + bytes(5000) + whole[6000:])
    with pytest.raises(ValueError, match=r"t.parquet is no Parquet file, or is damaged"):
        read(file)


def test_other_things_that_hold_a_table():
    table = pa.table({"a": [1, 2]})
    for data in (
        pl.DataFrame({"a": [1, 2]}),
        pl.LazyFrame({"a": [1, 2]}),
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        table.to_batches()[0],
    ):
        assert read(data, rows=1)["a"].tolist() == [1, 2]
    for data in (3, {"a": [1]}, [1, 2], np.eye(2), pd.Series([1])):
        with pytest.raises(TypeError, match="is no table; give a path"):
            open_source(data)


# --- Excel, packed files, other programs' files ------------------------------------------------


def workbook(tmp_path, rows, name="t.xlsx", sheet="Sheet1", **others):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for title, content in {sheet: rows, **others}.items():
        page = book[title] if title in book.sheetnames else book.create_sheet(title)
        for row in content:
            page.append(row)
    book.save(tmp_path / name)
    return tmp_path / name


def test_a_sheet_keeps_numbers_days_and_texts(tmp_path):
    day, time_ = datetime.date(2024, 1, 5), datetime.datetime(2024, 1, 5, 14, 30)
    file = workbook(
        tmp_path,
        [
            ["customer_id", "text_id", "age", "amount", "day", "time", "yes", "mixed", "empty"],
            [1001, "007", 41, 1.5, day, time_, True, 5, None],
            [1002, "008", None, 2, None, time_, False, "x", None],
            [],
            [1003, "009", 43, 3, day, None, None, time_, None],
        ],
    )
    table = read(file, rows=2)
    assert table.index.tolist() == [2, 3, 5]
    assert table["customer_id"].tolist() == [1001, 1002, 1003]
    assert pd.api.types.is_integer_dtype(table["customer_id"])
    assert str(table["age"].dtype) == "Int64"
    assert table["text_id"].tolist() == ["007", "008", "009"]
    assert table["amount"].tolist() == [1.5, 2, 3]
    assert table["day"].iloc[0] == pd.Timestamp(day)
    assert table["time"].iloc[0] == pd.Timestamp(time_)
    assert table["yes"].isna().tolist() == [False, False, True]
    assert table["mixed"].tolist() == ["5", "x", "2024-01-05 14:30:00"]
    assert table["empty"].isna().all()
    source = open_source(file)
    assert (source.name, source.row_name, source.notes) == ("t.xlsx [Sheet1]", "row", ())


def test_sheets_titles_and_rows_are_said(tmp_path):
    rows = [[], ["零售客户报表"], ["id", "金额"], ["007", 5], ["008", 6]]
    file = workbook(tmp_path, rows, sheet="数据", 说明=[["见第一张"]], 空=[])
    table = read(file)
    assert table.index.tolist() == [4, 5]
    assert table.columns.tolist() == ["id", "金额"]
    assert "the header is row 3; above it: 零售客户报表" in notes_of(file)
    said = "the sheet 数据 is read; there are also 说明 (--sheet)"
    assert said in notes_of(file)
    file = workbook(tmp_path, [["本表由数据部导出"], ["仅供内部使用"]], sheet="说明", 数据=rows)
    assert read(file).columns.tolist() == ["id", "金额"]  # one column is no table
    assert said in notes_of(file)
    assert read(workbook(tmp_path, rows, 乙=[["id", "x"], ["1", 2]]), sheet="乙")["x"].tolist() == [
        2
    ]
    for place in (2, "2"):
        assert open_source(tmp_path / "t.xlsx", sheet=place).columns == ("id", "x")
    with pytest.raises(ValueError, match="has no sheet 'x'; its sheets: Sheet1"):
        open_source(workbook(tmp_path, rows), sheet="x")
    with pytest.raises(ValueError, match="every sheet is empty or hidden"):
        open_source(workbook(tmp_path, []))
    with pytest.raises(ValueError, match="row 1 holds numbers"):
        open_source(workbook(tmp_path, [[1, 2], [3, 4]]))
    with pytest.raises(ContractError, match="no rows"):
        read(workbook(tmp_path, [["a", "b"]]))


def test_what_excel_spoils_is_said(tmp_path):
    file = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    for row in (["id", "x", "g"], [123456789012345678, "#N/A", "a"], [2, "b", "c"], [3, "d", "e"]):
        page.append(row)
    page["B2"].data_type = "e"
    page["B4"] = "=1+1"
    page.merge_cells("C2:C3")
    book.save(file)
    said = notes_of(file)
    assert "1 cells hold an error such as #N/A" in said
    assert "1 formulas have no result" in said
    assert "1 merged cells in the table" in said
    assert "column id has numbers of more than 15 digits" in said


def test_a_cell_far_out_is_named_and_a_format_far_out_does_not_matter(tmp_path):
    file = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    for row in (["a", "b"], [1, 2]):
        page.append(row)
    page.cell(1_000_000, 2_000).number_format = "0.00"
    book.save(file)
    assert read(file).shape == (1, 2)
    page.cell(1_000_000, 2_000).value = "x"
    book.save(file)
    with pytest.raises(ValueError, match="a cell far out makes it 2,000,000,000 cells large"):
        open_source(file)


def test_packed_text_is_read(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TABLE.encode("gbk")))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("inside/", "")
        archive.writestr("inside/t.csv", TABLE)
        archive.writestr("__MACOSX/._t.csv", "x")
    for name in ("t.csv.gz", "t.zip"):
        source = open_source(tmp_path / name)
        for _ in range(2):
            assert next(source.chunks())["city"].tolist() == ["上海", "苏州"]


def packed(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.sav", b"$FL2@(#)", "is an SPSS file; export the table as .xlsx, CSV or Parquet"),
        ("a.csv", b"$FL2@(#)", "is an SPSS file"),
        ("a.sas7bdat", b"xx", "is a SAS file"),
        ("a.dta", b"r\x02", "is a Stata file"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "old kind .* or one with a password"),
        ("a.xls", b"\r\n<html><table>", "a page of HTML or XML"),
        ("a.pkl", b"\x80\x04\x95", "a Python pickle"),
        ("a.json", b'[{"a": 1}]', "a JSON file"),
        ("a.ods", packed(**{"content.xml": "x"}), "an OpenDocument sheet"),
        ("a.zip", packed(a="1", b="2"), r"holds 2 files \(a, b\); unpack the one meant"),
        ("a.zip", packed(a="PAR1"), "holds no text; unpack it first"),
        ("a.tgz", gzip.compress(b"a" * 257 + b"ustar" + b"0" * 300), "a packed folder"),
        ("a.xlsx", b"PK\x03\x04junk", "cut off or damaged"),
        (
            "a.xlsx",
            packed(**{"xl/workbook.xml": "<x"}),
            "a.xlsx is no Excel workbook that can be read",
        ),
        ("a.csv.gz", gzip.compress(TABLE.encode() * 50)[:60], "cut off or damaged"),
        ("a.csv.gz", b"\x1f\x8bjunk", "cut off or damaged"),
        ("a.parquet", b"PAR1 is not enough", "no Parquet file, or is damaged"),
        ("a.csv", b"SQLite format 3\0", "a SQLite database"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,  # packed bytes hold the time
)
def test_files_that_cannot_be_read_say_what_to_do(tmp_path, name, content, says):
    with pytest.raises(ValueError, match=says) as error:
        open_source(text_file(tmp_path, content, name))
    assert name in str(error.value)


def test_options_that_do_not_fit_the_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match="t.csv is no Excel workbook"):
        open_source(text_file(tmp_path, TABLE), sheet="x")
    with pytest.raises(ValueError, match="t.xlsx is no text file"):
        open_source(workbook(tmp_path, [["a"], ["b"]]), encoding="gbk")


def test_a_name_in_another_encoding_can_be_printed(tmp_path):
    name = os.fsdecode("客户.csv".encode("gbk"))
    try:
        file = text_file(tmp_path, "a,b\n1,2,3\n", name)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(ContractError) as error:
        read(file)
    str(error.value).encode("utf-8")
    json.dumps(open_source(file).files, ensure_ascii=False).encode("utf-8")


def test_a_pipe_is_refused_in_words(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="can be read once only; save it to a file"):
        open_source(tmp_path / "pipe")


# --- databases ---------------------------------------------------------------------------------

WRITES = [
    "DROP TABLE t",
    "DELETE FROM t",
    "WITH a AS (SELECT 1) DELETE FROM t",
    "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
    "VACUUM INTO 'copy.db'",
    "ATTACH 'new.db' AS n",
    "COPY t TO PROGRAM 'touch x'",
    "COPY t TO 'x.csv'",
    "SELECT 1; DROP TABLE t",
    "SELECT * INTO t2 FROM t",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 --1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 # don't\n INTO OUTFILE '/tmp/x'",
    "SELECT '\\' INTO OUTFILE '/tmp/x' -- '",
    "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
    "SELECT $$'$$; DROP TABLE t; --'",
    "SELECT [don't] INTO t2 FROM t WHERE a = ''",
    "SELECT 1 /* /* */ ; DROP TABLE t -- */",
    "PRAGMA journal_mode = DELETE",
    "CREATE TABLE x (a)",
    "-- nothing",
    "",
]


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_is_not_one_select_is_refused(query):
    with pytest.raises(ValueError, match="the query may only read"):
        require_select(query)


@pytest.mark.parametrize(
    "query",
    [
        "select * from t",
        "SELECT * FROM t;\n",
        "-- monthly; insert later\nSELECT a FROM t WHERE b = 'delete; drop' /* update */",
        "(SELECT 1) UNION (SELECT 2)",
        'WITH a AS (SELECT 1 AS "into") SELECT * FROM a',
        "SELECT replace(a, 'x', ''), updated_at, inserted FROM t",
    ],
)
def test_one_select_is_allowed(query):
    require_select(query)


@pytest.fixture(params=["sqlite", "duckdb"])
def database(request, tmp_path):
    """A file of each kind with three customers; what runs in it, and its address."""
    file = tmp_path / "bank.db"
    connect = sqlite3.connect if request.param == "sqlite" else duckdb.connect
    if request.param == "sqlite":
        pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    with closing(connect(file)) as con:
        con.execute("CREATE TABLE t (id BIGINT, name VARCHAR(9), amount DOUBLE, big BIGINT)")
        for row in ((1, "甲", 1.5, 2**53 + 1), (2, None, 2.0, None), (3, "丙", None, 3)):
            con.execute("INSERT INTO t VALUES (?, ?, ?, ?)", row)
        con.commit()
    return file, f"{request.param}:///{file}"


def test_rows_of_a_query_come_again(database):
    _, address = database
    source = open_source(address, query="SELECT * FROM t ORDER BY id")
    assert source.columns == ("id", "name", "amount", "big")
    assert source.files[0]["file"] == address
    for _ in range(2):
        chunks = list(source.chunks(["big", "name"], rows=2))
        assert [len(c) for c in chunks] == [2, 1]
        assert chunks[0]["big"].iloc[0] == 2**53 + 1
        assert chunks[0]["name"].isna().tolist() == [False, True]
        assert chunks[1].index.tolist() == [3]
    with pytest.raises(ContractError, match="no rows; found an empty table"):
        read(address, query="SELECT * FROM t WHERE id > 5")
    with pytest.raises(OSError, match=r"bank.db: .*clients.*; check the address and query"):
        read(address, query="SELECT * FROM clients")
    with pytest.raises(ValueError, match="column named twice: id"):
        read(address, query="SELECT id, name AS id FROM t")
    with pytest.raises(ValueError, match="a database needs a query"):
        open_source(address)


def test_a_session_only_reads_even_past_the_first_wall(database, monkeypatch, tmp_path):
    file, address = database
    before = file.read_bytes()
    monkeypatch.setattr(_databases, "require_select", lambda query: None)
    for query in WRITES:
        with suppress(OSError, ValueError):
            read(address, query=query)
    assert file.read_bytes() == before
    left = {p.name for p in tmp_path.iterdir()} | {p.name for p in Path().iterdir()}
    assert not left & {"copy.db", "new.db", "x.csv", "x"}


def test_a_mistyped_address_creates_no_file(tmp_path):
    for kind in ("sqlite", "duckdb"):
        with pytest.raises(FileNotFoundError, match=r"there is no file .*bnak.db"):
            open_source(f"{kind}:///{tmp_path}/bnak.db", query="SELECT 1")
    with pytest.raises(FileNotFoundError):
        open_source("sqlite://", query="SELECT 1")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@db/bank",
        "postgresql://ann@db/bank?password=hunter2",
        "postgresql://ann@db/bank?sslpassword=hunter2&sslmode=require",
        "mssql+pyodbc://?odbc_connect=DRIVER%3Dx%3BUID%3Dann%3BPWD%3Dhunter2",
        "postgresql://ann:hunter2/3@db:x/bank",
    ],
)
def test_no_password_in_an_address_nor_in_a_message(address):
    with pytest.raises(ValueError) as error:
        open_source(address, query="SELECT 1")
    assert "hunter2" not in str(error.value)


def test_values_of_a_database_keep_their_kind():
    uuid = UUID(int=7)
    for values, kind, first in (
        ([uuid, None], "string", str(uuid)),
        ([2**64 - 1, 1], "uint64", 2**64 - 1),
        ([2**53 + 1, None], "int64", 2**53 + 1),
        ([Decimal("1.50"), Decimal("2")], "decimal128(3, 2)", Decimal("1.50")),
        ([1, "x"], "string", "1"),
        ([{"a": 1}], "string", "{'a': 1}"),
        ([datetime.date(2024, 1, 5)], "date32[day]", datetime.date(2024, 1, 5)),
    ):
        array = _databases._array(values)
        assert (str(array.type), array[0].as_py()) == (kind, first)


def test_columns_that_change_their_type_on_the_way(monkeypatch):
    spool = _databases._Spool()
    for a, b in (([None], [1]), ([1], [None]), ([2.5], [2**40]), ([None], ["x"])):
        spool.add(_databases._table(["a", "b"], list(zip(a, b))))
    schema = spool.finish()
    for _ in range(2):
        table = pa.concat_tables(spool.tables(schema, 10))
        assert table.to_pydict() == {"a": [None, 1, 2.5, None], "b": ["1", None, str(2**40), "x"]}


def test_addresses_of_other_kinds():
    with pytest.raises(ValueError, match="copy the file here"):
        open_source("https://bank.example/t.csv")
    with pytest.raises(ValueError, match="a query is for a database"):
        open_source("t.csv", query="SELECT 1")
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    with pytest.raises(ImportError, match="no driver for this kind of database"):
        open_source("klingon://ann@db/bank", query="SELECT 1")
