"""The contract finds every broken cell and says where it is."""

import re
import time
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    ContractError,
    check,
    convert,
    require,
)


def events(**changes) -> pd.DataFrame:
    """Five valid events, with columns replaced or added."""
    base = {
        "customer_id": ["1", "1", "2", "3", "3"],
        "timestamp": pd.date_range("2024-01-01 09:00", periods=5, freq="D"),
        "amount_cny": [10.0, 20.0, 0.0, 5.5, 7.0],
        "channel": ["mobile", "web", "counter", "atm", "agent"],
    }
    return pd.DataFrame({**base, **changes})


def test_valid_table_has_no_violation_and_keeps_foreign_columns():
    table = events(note=list("abcde"))
    assert check(table, EVENTS).empty
    assert require(table, EVENTS)["note"].tolist() == list("abcde")


@pytest.mark.parametrize(
    ("column", "values", "row", "rule", "found"),
    [
        ("amount_cny", [1, 2, -3.5, 4, 5], 2, "must be >= 0", "-3.5"),
        ("amount_cny", [1, np.nan, 3, 4, 5], 1, "missing value", "an empty cell"),
        ("amount_cny", [1, 2, 3, np.inf, 5], 3, "not a finite number", "inf"),
        ("amount_cny", ["1", "2", "3", "4", "1 23"], 4, "not a finite number", "1 23"),
        ("timestamp", ["2024-01-01", "xx"] + ["2024-01-02"] * 3, 1, "not a date", "xx"),
        ("timestamp", ["2024-01-01"] * 4 + ["2024-02-30"], 4, "not a date", "2024-02-30"),
        ("channel", ["mobile", "fax", "web", "atm", "web"], 1, "not one of", "fax"),
        ("customer_id", ["1", "2", "", "4", "5"], 2, "missing id", "an empty cell"),
        ("customer_id", ["1", "2", "合计", "4", "5"], 2, "a total row", "合计"),
        (
            "customer_id",
            ["1", "2", "3", "1.23457E+17", "5"],
            3,
            "ruined by a spread",
            "1.23457E+17",
        ),
        ("helped", ["1", "0", "maybe", "", "true"], 2, "not yes or no", "maybe"),
    ],
)
def test_each_rule_names_row_column_and_what_was_found(column, values, row, rule, found):
    violations = check(events(**{column: values}), EVENTS)
    assert len(violations) == 1
    assert violations.loc[0, "row"] == row
    assert violations.loc[0, "column"] == column
    assert rule in violations.loc[0, "rule"]
    assert found in violations.loc[0, "found"]


@pytest.mark.parametrize("word", ["合计", "总 计：", "小计", "TOTAL", "Grand Total", "Sum"])
def test_a_total_row_is_named_by_its_line_wherever_it_says_so(word):
    table = pd.DataFrame(
        {"customer_id": ["1", word, "", "2"], "age_years": ["3", "", "", word], "remark": ""}
    )
    table.loc[2, "remark"] = word
    table.index = pd.RangeIndex(2, 6, name="line")
    violations = check(table, CUSTOMERS)
    assert set(violations["rule"]) == {"a total row, not a customer"}
    assert sorted(violations["row"]) == [3, 4, 5]
    with pytest.raises(ContractError, match="line 3, column 'customer_id': a total row"):
        require(table, CUSTOMERS)


def test_missing_column_is_named_with_the_nearest_one_there():
    table = events().rename(columns={"customer_id": "customerid"})
    with pytest.raises(ContractError, match="did you mean 'customerid'") as error:
        require(table, EVENTS, source="june.csv")
    assert "june.csv" in str(error.value)
    assert "mapping file" in str(error.value)


def test_duplicate_key_names_both_rows():
    holdings = pd.DataFrame(
        {"customer_id": ["1", "2", "1"], "product": ["current"] * 3, "balance_cny": [1.0, 2, 3]}
    )
    violations = check(holdings, HOLDINGS)
    assert violations["row"].tolist() == [0, 2]
    assert violations["found"].tolist() == ["1 × current"] * 2


def test_ids_are_text_with_leading_zeros_and_18_digits():
    ids = ["000123", "123456789012345678", "98765432109876543X"]
    assert require(pd.DataFrame({"customer_id": ids}), CUSTOMERS)["customer_id"].tolist() == ids
    whole = pd.DataFrame({"customer_id": [123456789012345678, 2]})
    assert require(whole, CUSTOMERS)["customer_id"].tolist() == ["123456789012345678", "2"]


def test_ids_of_every_type_become_text():
    number = UUID(int=7)
    kinds = {
        "floats with a gap": ([17850.0, np.nan], ["17850", None]),
        "uint64": (np.array([2**64 - 1, 1], dtype="uint64"), ["18446744073709551615", "1"]),
        "UUID": ([number, number], [str(number)] * 2),
        "Decimal": ([Decimal("17850"), Decimal("17850.00")], ["17850", "17850"]),
        "integers with a gap": (pd.array([1, None], dtype="Int64"), ["1", None]),
        "integers and text": ([1, "A7"], ["1", "A7"]),
    }
    for kind, (ids, expected) in kinds.items():
        typed = convert(pd.DataFrame({"customer_id": ids}), CUSTOMERS)[0]["customer_id"]
        assert typed.astype(object).where(typed.notna(), None).tolist() == expected, kind
    for ids in ([1.5, 2.0], [Decimal("1.5"), 2]):
        with pytest.raises(ContractError, match="a number with decimals cannot be an id"):
            require(pd.DataFrame({"customer_id": ids}), CUSTOMERS)
    with pytest.raises(ContractError, match="ruined by a spreadsheet"):
        require(pd.DataFrame({"customer_id": [1.1e17, 2.0]}), CUSTOMERS)


def test_dates_are_read_year_first_however_they_are_written():
    texts = ["2024-03-04", "2024/3/4", "2024年3月4日", "20240304", "2024-03-04 00:00"]
    typed = require(events(timestamp=texts), EVENTS)
    assert (typed["timestamp"] == pd.Timestamp("2024-03-04")).all()


def test_error_groups_and_counts_what_was_found():
    table = pd.concat([events(amount_cny=-1.0, channel="Mobile")] * 5, ignore_index=True)
    table.loc[3, "amount_cny"] = -2
    with pytest.raises(ContractError) as error:
        require(table, EVENTS, source="june.csv")
    assert len(error.value.violations) == 50
    lines = str(error.value).splitlines()
    assert lines[0] == "june.csv: 50 violations of the contract in 25 of 25 rows"
    assert lines[1] == (
        "  25 of 25 rows, first row 0, column 'amount_cny': must be >= 0; "
        "found -1.0 (24 times), -2.0 (1 time)"
    )
    assert lines[2].endswith("found Mobile (25 times; did you mean 'mobile'?)")
    assert len(lines) == 4


def test_sixty_thousand_bad_rows_are_said_in_a_second():
    n = 60_000
    table = pd.DataFrame({"customer_id": "a", "timestamp": "soon", "amount_cny": ["x"] * n})
    start = time.process_time()
    with pytest.raises(ContractError, match="60,000 of 60,000 rows"):
        require(table, EVENTS)
    assert time.process_time() - start < 3


def test_empty_table_is_refused():
    with pytest.raises(ContractError, match="no rows"):
        require(events().head(0), EVENTS)


def test_input_is_not_modified():
    table = events(amount_cny=list("12345"))
    before = table.copy(deep=True)
    require(table, EVENTS)
    pd.testing.assert_frame_equal(table, before)


def test_describe_lists_every_column_with_unit():
    table = EVENTS.describe().set_index("column")
    assert table.loc["amount_cny", "unit"] == "CNY"
    assert "mobile" in table.loc["channel", "allowed"]
    assert table["meaning"].ne("").all()


def test_a_table_whose_only_id_is_missing_says_so(tmp_path):
    (tmp_path / "t.csv").write_text("customer_id,age_years\nnan,30\n")
    with pytest.raises(ContractError, match="missing id; found nan"):
        read_table(tmp_path / "t.csv", CUSTOMERS)


def test_whole_messages_are_chinese_where_chinese_is_asked_for():
    n = 8
    table = pd.DataFrame(
        {
            "customer_id": ["a", "a", "", "c", "d", "e", "f", "合计"],
            "timestamp": ["2024-03-05"] * 4 + ["202411", "now", "05/03/24", "x"],
            "amount_cny": ["1", "-5", "x", "1,5", *["-1"] * 4],
            "channel": ["Mobile"] * 4 + [""] * 4,
        },
        index=range(2, 2 + n),
    )
    cells = "|".join([
        "customer_id", "timestamp", "amount_cny", "channel", "date_format", "kequn", "run", "score",
        "skip", "bad", "rows", "real_ids", "mobile", "web", "counter", "atm", "agent",
        "third_party", "Mobile", "events", "now", "mapping", "features", "customers", "holdings",
    ])  # fmt: skip
    for bad in (table, table[["channel"]], table[:0]):
        with pytest.raises(ContractError) as error:
            require(bad, EVENTS)
        said = error.value.text("zh")
        assert not re.search("[A-Za-z]{3,}", re.sub(cells, "", said)), said
        assert len(said.splitlines()) == len(str(error.value).splitlines())
        assert error.value.text("en") == str(error.value)
