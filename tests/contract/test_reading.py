"""Files as banks export them: encodings, separators, torn lines."""

import pandas as pd
import pytest

from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, ContractError

TEXT = "customer_id,city\n0001,上海\n0002,苏州\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_recognised(tmp_path, encoding, separator):
    file = tmp_path / "客户.csv"
    file.write_bytes(TEXT.replace(",", separator).encode(encoding))
    table = read_table(file)
    assert table.columns.tolist() == ["customer_id", "city"]
    assert table["customer_id"].tolist() == ["0001", "0002"]
    assert table["city"].tolist() == ["上海", "苏州"]


def test_gbk_beyond_the_first_block_is_still_recognised(tmp_path):
    file = tmp_path / "late.csv"
    file.write_bytes(b"customer_id,city\n" + b"1,a\n" * 1_200_000 + "2,银\n".encode("gbk"))
    assert read_table(file)["city"].iloc[-1] == "银"


def test_index_is_the_line_of_the_file_also_after_torn_and_blank_lines(tmp_path):
    file = tmp_path / "torn.csv"
    file.write_text("a,b\n1,2\n\n3\n4,5\n6,7,8\n9,10\n")
    refused = []
    table = read_table(file, on_refused=refused.append)
    assert table.index.tolist() == [2, 5, 7]
    assert table["a"].tolist() == ["1", "4", "9"]
    assert [(r.line, r.text) for r in refused] == [(4, "3"), (6, "6,7,8")]
    with pytest.raises(ContractError, match="line 4.*1 fields where the header has 2"):
        read_table(file)


def test_quoted_separator_quote_and_newline_survive(tmp_path):
    file = tmp_path / "quoted.csv"
    file.write_text('a,b\n"x, y","say ""hi"""\n"two\nlines",2\n')
    assert read_table(file).to_numpy().tolist() == [["x, y", 'say "hi"'], ["two\nlines", "2"]]


def test_rows_that_break_the_contract_can_be_set_aside(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text(
        "customer_id,timestamp,amount_cny\n1,2024-01-01,5\n2,soon,5\n3,2024-01-02,-1\n4,2024-01-03,6\n"
    )
    with pytest.raises(ContractError, match=r"line 3, column 'timestamp'"):
        read_table(file, EVENTS)
    refused = []
    table = read_table(file, EVENTS, on_refused=refused.append)
    assert table["customer_id"].tolist() == ["1", "4"]
    assert [r.line for r in refused] == [3, 4]
    assert "must be >= 0" in refused[1].reason


def test_parquet_keeps_types_and_numbers_rows_from_one(tmp_path):
    file = tmp_path / "c.parquet"
    pd.DataFrame({"customer_id": ["a", "b"], "age_years": [3, -1]}).to_parquet(file)
    with pytest.raises(ContractError, match="row 2, column 'age_years'"):
        read_table(file, CUSTOMERS)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda p: p.mkdir(), IsADirectoryError, "is a folder"),
        (lambda p: None, FileNotFoundError, "does not exist"),
        (lambda p: p.write_bytes(b""), ContractError, "empty file"),
        (lambda p: p.write_text("customer_id,age_years\n"), ContractError, "no rows"),
        (lambda p: p.write_text("a,a\n1,2\n"), ValueError, "named twice: a"),
        (lambda p: p.write_text("hello\nworld\n"), ContractError, "missing column"),
    ],
)
def test_bad_files_are_named(tmp_path, make, error, says):
    file = tmp_path / "bad.csv"
    make(file)
    with pytest.raises(error, match=says) as raised:
        read_table(file, CUSTOMERS)
    assert "bad.csv" in str(raised.value)


def test_real_files_are_read_without_naming_the_encoding(shared):
    chinese = shared / "data" / "chinese"
    supermarket = chinese / "taidi_supermarket_gbk" / "task1_1_cleaned_transactions.csv"
    assert read_table(supermarket).shape == (42_716, 16)
    assert read_table(supermarket)["大类名称"].iloc[0] == "蔬果"
    assert read_table(chinese / "churn_cn_headers" / "银行客户留存.csv").shape == (10_000, 14)


def test_torn_last_line_of_berka_is_reported_by_line(shared):
    file = shared / "data" / "berka" / "asc" / "trans.asc"
    with pytest.raises(ContractError, match="line 49104"):
        read_table(file)
    refused = []
    table = read_table(file, on_refused=refused.append)
    assert len(table) == 49_102
    assert [r.text for r in refused] == ['3526882;11021;940331;"PRIJE']


@pytest.mark.parametrize("turn", [3, 8])
def test_a_customer_given_twice_is_found_across_chunks(tmp_path, monkeypatch, turn):
    """Ids in ascending order are not hashed; those before the order ends are looked at again."""
    monkeypatch.setattr("kequn_lab.contract.sources._CELLS", 8)
    ids = [f"c{i:02}" for i in range(20)]
    ids.insert(turn + 2, ids[turn])
    pd.DataFrame({"customer_id": ids, "age_years": 40.0}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(ContractError) as caught:
        read_table(tmp_path / "a.parquet", CUSTOMERS)
    found = caught.value.violations
    assert found["row"].tolist() == [turn + 1, turn + 3]
    assert set(found["rule"]) == {"not unique"}
