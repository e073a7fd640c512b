"""A bank's own words become ours, and a wrong mapping file says which word is wrong."""

from pathlib import Path

import pandas as pd
import pytest

from kequn_lab.contract.mapping import TableMapping, read_mapping
from kequn_lab.contract.tables import EVENTS, convert
from kequn_lab.run.checking import check_tables
from kequn_lab.run.entrance import Given
from kequn_lab.run.inputs import from_customer_table

ROOT = Path(__file__).resolve().parents[2]
RAW = pd.DataFrame(
    {
        "acct": ["7", "7", "8"],
        "day": ["240101", "240102", "240103"],
        "clock": ["09:30", "10:00", "23:59"],
        "fen": ["-1250", "300", "0"],
        "how": ["APP ", "柜面", ""],
    }
)
MAPPING = """
[events]
date_format = "%y%m%d %H:%M"
signed_amounts = true
[events.columns]
customer_id = "acct"
timestamp = ["day", "clock"]
amount_cny = "fen"
channel = "how"
[events.codes.channel]
APP = "mobile"
"柜面" = "counter"
"" = ""
[events.scale]
amount_cny = 0.01
[events.constants]
product = "current"
"""


def mapping_file(folder: Path, text: str) -> Path:
    file = folder / "bank.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_names_codes_units_signs_dates_and_constants(tmp_path):
    mapping = read_mapping(mapping_file(tmp_path, MAPPING)).events
    events, violations = convert(mapping.translate(RAW, contract=EVENTS), EVENTS, options=mapping)
    assert violations.empty
    assert events["amount_cny"].tolist() == [12.5, 3.0, 0.0]
    assert events["direction"].tolist() == ["out", "in", "in"]
    assert events["timestamp"].iloc[2] == pd.Timestamp("2024-01-03 23:59")
    assert events["channel"].iloc[:2].tolist() == ["mobile", "counter"]
    assert events["channel"].isna().tolist() == [False, False, True]
    assert set(events["product"]) == {"current"}


def test_unlisted_code_reaches_the_contract_unless_there_is_a_star():
    codes = {"channel": {"APP": "mobile"}}
    table = TableMapping({"channel": "how"}, codes).translate(RAW)
    assert table["channel"].iloc[1] == "柜面"
    star = TableMapping({"channel": "how"}, {"channel": {"APP": "mobile", "*": "web"}})
    assert star.translate(RAW)["channel"].tolist() == ["mobile", "web", "web"]


def test_cell_that_is_no_number_is_shown_as_it_is_in_the_file():
    raw = pd.DataFrame({"customer_id": "a", "timestamp": "2024-01-01", "amount_cny": ["1", "x"]})
    words = TableMapping(scale={"amount_cny": 0.01})
    typed, violations = convert(words.translate(raw, contract=EVENTS), EVENTS, options=words)
    assert typed["amount_cny"].tolist()[0] == 0.01
    assert violations["found"].tolist() == ["x"]


def test_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(ValueError, match="june.csv.*'accts'.*did you mean 'acct'"):
        TableMapping({"customer_id": "accts"}).translate(RAW, source="june.csv")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[events", "not a TOML file"),
        ("[event]\n", "unknown table: 'event'; did you mean 'events'"),
        ("[events]\ndateformat = 'x'\n", "did you mean 'date_format'"),
        ("[events.columns]\namount = 'x'\n", "unknown column in .events.columns.: 'amount'"),
        ("[events.codes.channel]\nAPP = 'mobil'\n", "code for 'APP'.*did you mean 'mobile'"),
        ("[events]\nsigned_amounts = 'no'\n", "signed_amounts must be true or false; found 'no'"),
        ("[events]\ncodes = 'x'\n", r"\[events\] codes must be a table, \[events.codes\]"),
        ("[events.columns]\namount_cny = []\n", r"\[events.columns\] amount_cny must be a column"),
        ("[events.codes]\nchannel = 'x'\n", r"\[events.codes\] channel must be a table of codes"),
        ("[events.scale]\namount_cny = '1'\n", "amount_cny must be a number; found '1'"),
        ("[events]\nscale = 1.5\n", r"scale must be a table, \[events.scale\]; found 1.5"),
        ("[events.scale]\namount_cny = nan\n", "amount_cny must be a number; found nan"),
        ("[events]\ndate_format = 'y/m/d'\n", "no codes such as %Y-%m-%d"),
        ("[currency]\na = 1\n", "currency must be text"),
        ("events = 3\n", "events must be a table; found 3"),
        ("currency = 3\n", "currency must be text in quotes; found 3"),
        ("[events]\ndecimal = ';'\n", "decimal must be"),
        ("[events]\ndecimal = ','\nthousands = ','\n", "give two signs"),
        ("[events]\ntimezone = 'Shanghai'\n", "unknown timezone 'Shanghai'"),
        ("[events]\nreal_ids = 'NA'\n", "real_ids must be a list"),
        ("[features]\nids = 'x'\n", "did you mean 'id'"),
        ("x = " + "[" * 3000, "nested too deep|not a TOML file"),
    ],
)
def test_wrong_mapping_file_says_which_word(tmp_path, text, says):
    with pytest.raises(ValueError, match=says):
        read_mapping(mapping_file(tmp_path, text))


@pytest.mark.parametrize("content", [b"\x00\x01\xff", "[events]\n日期 = 1".encode("gbk")])
def test_a_file_that_is_no_text_is_named(tmp_path, content):
    file = tmp_path / "bank.toml"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="bank.toml is not a TOML file in UTF-8"):
        read_mapping(file)
    with pytest.raises(FileNotFoundError, match="mapping file .*none.toml does not exist"):
        read_mapping(tmp_path / "none.toml")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_mapping(tmp_path)


def test_options_of_cells_reach_the_conversion(tmp_path):
    text = """
[events]
decimal = ","
dayfirst = true
timezone = "Europe/Berlin"
real_ids = ["NA"]
[features]
id = "Kunde"
drop = ["Notiz"]
columns = { aum_cny = "Guthaben" }
"""
    mapping = read_mapping(mapping_file(tmp_path, text))
    raw = pd.DataFrame(
        {"customer_id": ["NA"], "timestamp": ["03/04/2024"], "amount_cny": ["1,234"]}
    )
    typed, violations = convert(raw, EVENTS, options=mapping.events)
    assert violations.empty
    assert typed.loc[0].tolist() == ["NA", pd.Timestamp("2024-04-03"), 1.234]
    table = pd.DataFrame({"Kunde": ["1", "2"], "Guthaben": ["5", "7"], "Notiz": ["x", "y"]})
    assert list(from_customer_table(table, mapping=mapping).features) == ["aum_cny"]
    with pytest.raises(ValueError, match="has no column Guthaben"):
        from_customer_table(table.rename(columns={"Guthaben": "Guthabn"}), mapping=mapping)


def test_what_has_no_effect_in_a_mapping_is_named(tmp_path):
    text = '[customers]\nthousands = ","\n[features]\nscale = {kids = 2, age = 12}'
    words = mapping_file(tmp_path, text)
    table = pd.DataFrame({"customer_id": ["a", "b", "c"], "age": [1.0, 2.0, 3.0]})
    said = "scale of the mapping has no effect on kids"
    unused = "[customers] of the mapping has no effect (thousands)"
    found = next(iter(check_tables(Given(features=table, mapping=words)))).notes
    notes = from_customer_table(table, mapping=words).notes
    for told in (found, notes):
        text = "\n".join(note.text_en for note in told)
        assert said in text and unused in text and "age" not in text.split(said)[1]
    events = pd.DataFrame({"customer_id": ["a"], "timestamp": "2024-03-05", "amount_cny": [5.0]})
    both = check_tables(Given(events=events, customers=table[["customer_id"]], mapping=words))
    assert [n.text_zh for found in both for n in found.notes if n.warning == "mapping_unused"] == [
        "映射中的 [features] 不起作用（scale）：没有给出该表"
    ]


def test_a_column_that_features_takes_and_that_is_not_there_is_an_error(tmp_path):
    words = mapping_file(tmp_path, '[features.columns]\nage = "Alter"')
    table = pd.DataFrame({"customer_id": ["a", "b"], "visits": [1.0, 2.0]})
    with pytest.raises(ValueError, match="has no column Alter"):
        from_customer_table(table, mapping=words)
    assert list(from_customer_table(table.assign(age=[3, 4]), mapping=words).features) == [
        "visits", "age",
    ]  # fmt: skip


@pytest.mark.parametrize("file", sorted((ROOT / "data" / "mappings").glob("*.toml")), ids=str)
def test_mappings_in_the_repository_are_valid(file):
    assert read_mapping(file).events.columns["customer_id"]
