"""Raw cells become numbers, dates, yes/no and ids as the whole column says, and it is said."""

import datetime as dt
import os
import random
import time
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.cells import Options, survey
from kequn_lab.contract.tables import (
    EVENTS,
    Column,
    Contract,
    ContractError,
    convert,
    require,
)

MISSING = {"", "None", "NULL", "nan", "NaN", "NA", "NaT", "<NA>"}


def read(cells, dtype, **options):
    """One column read as a file's is: values, notes by code, problems, violations."""
    contract = Contract("t", (Column("x", dtype, nullable=True),))
    df = pd.DataFrame({"x": cells})
    df.index = pd.RangeIndex(2, 2 + len(df), name="line")
    seen = survey([df], contract, Options(**options))
    typed, violations = convert(df, contract, seen.formats)
    return typed["x"].tolist(), {n.warning: n for n in seen.notes}, seen.problems, violations


NAN = float("nan")


@pytest.mark.parametrize(
    ("cells", "values", "codes"),
    [
        (["1,234.50", "99", "2,050.10"], [1234.5, 99, 2050.1], {"thousands"}),
        (["1,234,567", "1,234"], [1234567, 1234], {"thousands"}),
        (["1 234", "12"], [1234, 12], {"thousands"}),
        (["1'234.5", "12"], [1234.5, 12], {"thousands"}),
        (["１，２３４．５", "５"], [1234.5, 5], {"thousands", "full_width"}),
        (["¥1,234.50", "￥99.00", "5元"], [1234.5, 99, 5], {"thousands", "currency", "full_width"}),
        (["CNY 5", "RMB6", "7 元"], [5, 6, 7], {"currency"}),
        (["-$5.5", "$-6", "€ 7"], [-5.5, -6, NAN], {"currency"}),
        (["12.5%", "7%", "0"], [0.125, 0.07, 0], {"percent"}),
        (["(500)", "7", "(¥1,000.5)"], [-500, 7, -1000.5], {"brackets", "currency", "thousands"}),
        (["500-", "7"], [-500, 7], {"trailing_minus"}),
        (["−5", "+6"], [-5, 6], {"full_width"}),
        (["1.2万", "3亿", "3500", "2万元"], [12000, 3e8, 3500, 20000],
         {"unit_wan", "unit_yi", "currency"}),
        (["-", "—", "", "NULL", "#N/A", "5"], [NAN] * 5 + [5], {"missing_words"}),
        (["1.234,50", "1.234", "99"], [1234.5, 1234, 99], {"thousands", "decimal_comma"}),
        (["R$ 117,79", "1.000,30"], [117.79, 1000.3], {"thousands", "decimal_comma", "currency"}),
        (["12,5", "1,234"], [12.5, 1.234], {"decimal_comma"}),
        (["1.5", "1e3", "-2E-1", ".5", "7."], [1.5, 1000, -0.2, 0.5, 7], set()),
        (["1.234", "5.678"], [1.234, 5.678], {"decimal_point"}),
        ([1.5, "2,000.5", None, 1234], [1.5, 2000.5, NAN, 1234], {"thousands"}),
        ([1.234, "2.000,5"], [1.234, 2000.5], {"thousands", "decimal_comma"}),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cells, values, codes):
    found, notes, problems, _ = read(cells, "number")
    np.testing.assert_allclose(found, values, rtol=1e-15)
    assert set(notes) == codes
    assert not problems


def test_a_conversion_is_said_with_count_and_line():
    note = read(["5", "1,234.50", "2,000.10"], "number")[1]["thousands"]
    assert note.text_en == (
        "x: thousands separators dropped in 2 of 3 cells, for example '1,234.50' in line 3"
    )
    assert note.text_zh == ("x：去掉千位分隔符，3 个单元格中有 2 个，例如第 3 行的 '1,234.50'")
    assert (note.level, note.value, note.variable) == ("note", 2, "x")


@pytest.mark.parametrize(
    ("options", "value"),
    [({"decimal": ","}, 1.234), ({"thousands": ","}, 1234), ({"decimal": "."}, 1234)],
)
def test_one_comma_before_three_digits_needs_an_option(options, value):
    values, _, problems, _ = read(["1,234", "500"], "number")
    assert np.isnan(values).all()
    [(_, rule, found)] = problems
    assert "decimal" in rule
    assert "thousands" in rule
    assert found == "'1,234' in line 2 (1 such cell)"
    values, _, problems, _ = read(["1,234", "500"], "number", **options)
    assert values == [value, 500]
    assert not problems


def test_one_slip_does_not_turn_thousands_into_decimals():
    values, _, problems, _ = read(["1,234"] * 50 + ["12,5"], "number")
    assert np.isnan(values).all()
    assert problems[0][2] == "'1,234' in line 2 (50 such cells); '12,5' in line 52 (1 such cell)"
    assert not read(["1,234"] * 50 + ["12,5"] * 5, "number")[2]


@pytest.mark.parametrize(
    "cell", ["1,23,456", "12,5", "1.234,5", "1,2345", "a", "1.2.3", "5 CR", "((5))", "--5", "1e5%",
             "inf", "0x1F", "1_000", "5 5", "¥5€", "5²", "½", "٣"],
)  # fmt: skip
def test_a_cell_written_otherwise_than_the_rest_is_a_violation(cell):
    values, _, problems, violations = read(["1,234.5", "2.25", cell], "number")
    assert values[:2] == [1234.5, 2.25]
    assert violations["row"].tolist() == [4]
    assert violations["found"].tolist() == [cell]
    assert not problems


def test_where_cells_contradict_each_other_what_can_be_either_is_not_taken():
    violations = read(["1.5", "2.5", "12,5", "1,234"], "number")[3]
    assert violations["found"].tolist() == ["12,5", "1,234"]
    assert "a decimal point" in violations.loc[0, "rule"]
    assert read(["1.5", "1,234", "1 234"], "number", thousands=" ")[3]["found"].tolist() == [
        "1,234"
    ]


def test_per_cent_and_plain_do_not_mix():
    violations = read(["12%", "7%", "0.12"], "number")[3]
    assert violations["found"].tolist() == ["0.12"]
    assert "%" in violations.loc[0, "rule"]
    assert read(["12%", "0.1", "0.2"], "number")[3]["found"].tolist() == ["12%"]


def test_two_currencies_do_not_mix():
    assert read(["¥5", "¥6", "$7"], "number")[3]["found"].tolist() == ["$7"]


@pytest.mark.parametrize(
    ("cells", "first", "codes"),
    [
        (["2024-03-05", "2024-03-06 10:00"], "2024-03-05", set()),
        (["2024/3/5", "2024.3.6"], "2024-03-05", set()),
        (["2024年3月5日 14:30", "2024年3月5日14:30:05"], "2024-03-05 14:30", set()),
        (["2024年3月5日 14时30分05秒"], "2024-03-05 14:30:05", set()),
        (["20240305", "20240306143005"], "2024-03-05", set()),
        ([20240305, 20240306], "2024-03-05", set()),
        (["2024-03-05T14:30:05.123456"], "2024-03-05 14:30:05.123456", set()),
        (["２０２４／３／５"], "2024-03-05", {"full_width"}),
        (["2024-03-05T06:30:00Z"], "2024-03-05 14:30", {"time_zone"}),
        (["2024-03-05T06:30:00+01:00"], "2024-03-05 13:30", {"time_zone"}),
        (["2024-03-05 06:30:00-0500"], "2024-03-05 19:30", {"time_zone"}),
        (["05/03/2024", "24/06/2024"], "2024-03-05", {"day_first"}),
        (["03/05/2024 2:30 PM", "06/24/2024 12:00 am"], "2024-03-05 14:30", {"month_first"}),
        (["45356", "45356.604166666664"], "2024-03-05", {"excel_dates"}),
        ([45356.604166666664, 45356.0], "2024-03-05 14:30", {"excel_dates"}),
        ([pd.Timestamp("2024-03-05"), "2024-03-06"], "2024-03-05", set()),
        (["9999-12-31"], "9999-12-31", set()),
    ],
)
def test_dates_as_people_write_them(cells, first, codes):
    values, notes, problems, violations = read(cells, "timestamp")
    assert values[0] == pd.Timestamp(first)
    assert not pd.isna(values).any()
    assert set(notes) == codes
    assert not problems
    assert violations.empty


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("202411", "a month without a day"),
        ("2024-11", "a month without a day"),
        ("2024年11月", "a month without a day"),
        ("2024", "a year without a day"),
        ("now", "a word"),
        ("today", "a word"),
        ("05/03/24", "a year of two digits"),
        ("5-Mar-2024", "the name of a month"),
        ("1709622000", "seconds since 1970"),
        ("14:30", "a time without a day"),
        ("45356", "a number"),
        ("2024-02-30", "not a date written year-month-day"),
        ("2024-01-01 25:00", "not a date"),
        ("24/06/2024", "not a date"),
        ("soon", "not a date"),
    ],
)
def test_what_is_no_date_is_refused_with_the_reason(cell, reason):
    values, _, _, violations = read(["2024-01-01", cell, ""], "timestamp")
    assert values[0] == pd.Timestamp("2024-01-01")
    assert pd.isna(values[1])
    assert violations["found"].tolist() == [cell]
    assert reason in violations.loc[0, "rule"]


def test_months_without_a_day_are_never_the_first_of_january():
    values, _, _, violations = read(["202411"] * 3, "timestamp")
    assert pd.isna(values).all()
    assert len(violations) == 3


def test_day_or_month_first_needs_proof_or_an_option():
    values, _, [(_, rule, found)], _ = read(["03/04/2024", "05/06/2024"], "timestamp")
    assert pd.isna(values).all()
    assert "dayfirst" in rule
    assert found == "'03/04/2024' in line 2 (2 such cells)"
    assert read(["03/04/2024"], "timestamp", dayfirst=True)[0] == [pd.Timestamp("2024-04-03")]
    assert read(["03/04/2024"], "timestamp", dayfirst=False)[0] == [pd.Timestamp("2024-03-04")]
    _, _, [(_, rule, found)], _ = read(["13/04/2024", "04/13/2024"], "timestamp")
    assert "'13/04/2024' in line 2" in found
    assert "'04/13/2024' in line 3" in found


def test_times_with_and_without_a_zone_do_not_mix():
    _, _, [(_, rule, _)], _ = read(["2024-03-04T05:06:07Z", "2024-02-03"], "timestamp")
    assert "time zone" in rule


def test_time_zones_become_the_stated_one_whatever_the_machine(monkeypatch):
    zoned = pd.date_range("2024-01-01 20:00", periods=2, tz="UTC")
    for zone in ("UTC", "America/New_York"):
        monkeypatch.setitem(os.environ, "TZ", zone)
        time.tzset()
        assert read(zoned, "timestamp")[0][0] == pd.Timestamp("2024-01-02 04:00")
        text = read(["2024-01-01T20:00:00Z"], "timestamp", timezone="Europe/Berlin")[0]
        assert text == [pd.Timestamp("2024-01-01 21:00")]
    monkeypatch.undo()
    time.tzset()


def test_declared_date_format_is_the_only_one():
    values, _, _, violations = read(
        ["05-Mar-24", "2024-03-06"], "timestamp", date_format="%d-%b-%y"
    )
    assert values[0] == pd.Timestamp("2024-03-05")
    assert violations["found"].tolist() == ["2024-03-06"]
    values, _, _, violations = read(
        ["202411", "20241101", "now"], "timestamp", date_format="%Y%m%d"
    )
    assert violations["found"].tolist() == ["202411", "now"]
    by_column = read(["240305"], "timestamp", date_format={"x": "%y%m%d"})
    assert by_column[0] == [pd.Timestamp("2024-03-05")]


@pytest.mark.parametrize("words", ["yes no", "TRUE FALSE", "是 否", "Y n", "1 0", "t F", "有 无"])
def test_yes_and_no_in_many_words(words):
    yes, no = words.split()
    values, notes, _, violations = read([yes, no, ""], "boolean")
    assert values[:2] == [True, False]
    assert pd.isna(values[2])
    assert violations.empty
    assert ("yes_no" in notes) == (words not in ("TRUE FALSE", "1 0"))
    assert read([yes, no], "feature")[0] == [1, 0]


def test_a_feature_is_a_number_or_yes_and_no():
    assert read(["1", "0", "2"], "feature")[0] == [1, 0, 2]
    assert read(["1", "是"], "feature")[0] == [1, 1]
    violations = read(["是", "否", "3"], "feature")[3]
    assert violations["found"].tolist() == ["是", "否"]
    assert read([True, False], "feature")[0] == [1, 0]


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "NULL", "None", "N/A", "NA", "(blank)", "-", "#N/A", "", "　", " ", "—"]
)
def test_a_word_for_nothing_is_a_missing_id_unless_it_is_said_to_be_real(word):
    contract = Contract("t", (Column("x", "id", required=True),))
    df = pd.DataFrame({"x": ["C1", word]})
    _, violations = convert(df, contract)
    assert violations["rule"].tolist() == ["missing id"]
    if word.strip():
        typed, violations = convert(df, contract, options=Options(real_ids=(word,)))
        assert violations.empty
        assert typed["x"].tolist() == ["C1", word]


def test_ids_that_differ_by_writing_are_one_and_it_is_said():
    values, notes, _, _ = read(["17850", "17850.0", " 17850", "１７８５０", "0017850"], "id")
    assert values == ["17850"] * 4 + ["0017850"]
    assert set(notes) == {"full_width", "id_blanks", "id_point_zero"}


def test_ids_that_a_spreadsheet_rounded_are_a_warning():
    rounded = [f"{i}" + "000" for i in range(110101199001010, 110101199001016)]
    note = read(rounded, "id")[1]["ids_rounded"]
    assert note.level == "warning"
    assert "export the ids again as text" in note.text_en
    assert not read([*rounded, "110101199001010123"], "id")[1]
    assert not read([str(i) for i in range(1000, 9000, 1000)], "id")[1]


def test_codes_that_differ_by_writing_are_named_where_codes_are_free():
    codes = ["fund A", "FundA", "bond", "Ｂ１", "B1"] * 3
    note = read(codes, "text")[1]["alike_codes"]
    assert "'FundA' = 'fund A'" in note.text_en
    assert "'B1' = 'Ｂ１'" in note.text_en
    assert note.level == "warning"
    assert not read(["current", "fund", "bond"], "text")[1]
    remarks = [f"remark {i}" for i in range(1000)]
    assert not read([*remarks, "A", "a"], "text")[1]


def events(n=60, seed=0):
    rng = np.random.default_rng(seed)
    amounts = rng.uniform(0, 5000, n)
    return pd.DataFrame(
        {
            "customer_id": [f"{i}.0" if i % 3 else f" {i}" for i in rng.integers(1, 90, n)],
            "timestamp": [f"{d}/{d % 12 + 1}/2024" for d in rng.integers(1, 28, n)],
            "amount_cny": [f"¥{a:,.2f}" for a in amounts],
            "helped": rng.choice(["是", "否", "-"], n),
        },
        index=pd.RangeIndex(2, 2 + n, name="line"),
    )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 7])
def test_the_result_does_not_depend_on_the_size_of_chunks(rows):
    table = events()
    table.loc[[33, 47], "amount_cny"] = "x"
    chunks = [table.iloc[i : i + rows] for i in range(0, len(table), rows)]
    whole, parts = survey([table], EVENTS), survey(chunks, EVENTS)
    assert whole == parts
    typed, violations = convert(table, EVENTS, whole.formats)
    pieces = [convert(chunk, EVENTS, parts.formats) for chunk in chunks]
    pd.testing.assert_frame_equal(typed, pd.concat([t for t, _ in pieces]))
    found = pd.concat([v for _, v in pieces if len(v)], ignore_index=True)
    assert violations.sort_values("row").to_numpy().tolist() == found.to_numpy().tolist()


def test_an_undecided_column_is_one_finding_not_sixty_thousand():
    n = 60_000
    table = pd.DataFrame({"customer_id": "a", "timestamp": ["03/04/2024"] * n, "amount_cny": "5"})
    start = time.perf_counter()
    with pytest.raises(ContractError) as error:
        require(table, EVENTS)
    assert time.perf_counter() - start < 2
    assert len(error.value.violations) == 1
    assert "60,000 such cells" in str(error.value)
    assert "dayfirst" in str(error.value)


ODD_TEXTS = """1|2.5|1,234|1.234|1,234.50|1.234,5|¥5|5%|(500)|500-|1e5|-|—||NULL|nan|是|no|T|
2024-01-01|03/04/2024|13/04/2024|04/13/2024|2024-01-01T00:00:00Z|202411|now|45000|合计|１２３|1 234|
 x ||=1+1|٣|½|²|1,23,456|1e400|0001-01-01|9999-12-31|10000-01-01|2024-02-30|1.5万|2亿元|
$|()|-()|.|,|+|e5|%|NA|#REF!|0000-01-01|1E+17|17850.0|Infinity|1970-01-01T00:00:00+99:99""".replace(
    "\n", ""
).split("|")
ODD_CELLS = [
    None, NAN, pd.NaT, pd.NA, 1, 2.5, True, np.int64(3), np.float32(1.5), Decimal("1.50"),
    Decimal("NaN"), UUID(int=1), dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 5), dt.timedelta(1),
    pd.Timestamp("2024-01-01", tz="Asia/Tokyo"), b"ab", [1, 2], 1 + 2j, float("inf"), 10**30,
    pd.Period("2024-01"), np.array([1, 2]), dt.date(1, 1, 1),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_odd_cells_are_read_or_refused_and_chunks_agree(seed):
    draw = random.Random(seed)
    kinds = ("number", "id", "text", "boolean", "timestamp", "feature")
    settings = [{}, {"decimal": ","}, {"thousands": " "}, {"date_format": "%Y%m%d"}]
    for kind in kinds * 2:
        n = draw.choice([1, 3, 12])
        pool = draw.choice([ODD_TEXTS, ODD_CELLS, ODD_TEXTS + ODD_CELLS])
        frame = pd.DataFrame({"x": pd.Series(draw.choices(pool, k=n), dtype=object)})
        contract = Contract("t", (Column("x", kind, required=draw.random() < 0.5),))
        options = Options(**draw.choice(settings))
        chunks = [frame.iloc[i : i + 2] for i in range(0, n, 2)]
        whole, parts = survey([frame], contract, options), survey(chunks, contract, options)
        assert (whole.formats, whole.problems) == (parts.formats, parts.problems)
        typed, violations = convert(frame, contract, whole.formats)
        pieces = [convert(chunk, contract, parts.formats)[0] for chunk in chunks]
        pd.testing.assert_frame_equal(typed, pd.concat(pieces))
        known = typed["x"].notna() | frame["x"].map(
            lambda c: pd.api.types.is_scalar(c) and pd.isna(c)
        )
        lost = set(frame.index[~known]) - set(violations["row"])
        assert whole.problems or all(str(frame["x"][i]).strip(" -—") in MISSING for i in lost)
