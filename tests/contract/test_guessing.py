"""A first mapping file: guessed from names and cells, ready to run, open where nothing speaks."""

import tomllib

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.guessing import guess_mapping
from kequn_lab.contract.mapping import read_mapping
from kequn_lab.contract.sources import open_source
from kequn_lab.contract.tables import EVENTS, convert

CHINESE = pd.DataFrame(
    {
        "流水号": ["1", "2", "3", "4"],
        "客户号": ["007", "008", "007", "009"],
        "交易日期": ["2024年3月5日", "2024年3月6日", "2024年12月30日", "2024年3月6日"],
        "发生额": ["1,200.50", "30", "8", "5"],
        "余额": ["2,000", "1,970", "8", "5"],
        "借贷标志": ["贷", "借", "借", "借"],
        "渠道": ["手机银行", "柜面", "某处", "支付宝"],
        "摘要": ["工资", "ATM取款", "消费", "还款"],
        "备注": ["a\nb", "", "c", "d"],
    }
)


def read(guess, folder):
    path = folder / "mapping.toml"
    path.write_text(guess.text, encoding="utf-8")
    return read_mapping(path)


def typed(table, mapping):
    raw = mapping.translate(table, contract=EVENTS)
    return convert(raw, EVENTS, options=mapping)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_transactions_with_chinese_words_are_ready_to_run(tmp_path, language):
    guess = guess_mapping(CHINESE, language=language)
    assert (guess.kind, guess.last_day, guess.id_column) == ("events", "2024-12-30", "客户号")
    events = read(guess, tmp_path).events
    assert events.columns == {
        "customer_id": "客户号", "timestamp": "交易日期", "amount_cny": "发生额",
        "balance_cny": "余额", "direction": "借贷标志", "channel": "渠道", "type": "摘要",
    }  # fmt: skip
    assert events.codes["direction"] == {"贷": "in", "借": "out"}
    assert events.codes["channel"] == {
        "手机银行": "mobile", "柜面": "counter", "支付宝": "third_party", "某处": "",
    }  # fmt: skip
    assert events.codes["type"] == {
        "工资": "income_in", "ATM取款": "cash", "消费": "consume", "还款": "loan",
    }  # fmt: skip
    frame, violations = typed(CHINESE, events)
    assert violations.empty
    assert frame["amount_cny"].tolist() == [1200.5, 30, 8, 5]
    assert "007 · 008 · 009" in guess.text  # three samples to check the guess by
    assert '"某处" = ""' in guess.text and "third_party" in guess.text.split('"某处" = ""')[1]


def test_a_column_of_codes_that_say_in_and_out_is_the_direction_whatever_its_name(tmp_path):
    table = CHINESE.drop(columns="借贷标志").assign(type=["credit", "withdrawal in cash"] * 2)
    events = read(guess_mapping(table), tmp_path).events
    assert events.columns["direction"] == "type"
    assert events.codes["direction"] == {"credit": "in", "withdrawal in cash": "out"}


def test_amounts_below_zero_are_money_out(tmp_path):
    table = CHINESE.drop(columns="借贷标志").assign(发生额=["5", "-3", "(7)", "2-"])
    events = read(guess_mapping(table), tmp_path).events
    assert events.signed_amounts and "direction" not in events.columns
    frame, violations = typed(table, events)
    assert violations.empty
    assert frame["direction"].tolist() == ["in", "out", "out", "out"]


@pytest.mark.parametrize(
    ("cells", "option", "first"),
    [
        (["930101", "930102", "931230", "930105"], ("date_format", "%y%m%d"), "1993-01-01"),
        (
            ["03/04/2024", "04/04/2024", "05/06/2024", "01/02/2024"],
            ("dayfirst", True),
            "2024-04-03",
        ),
    ],
)
def test_dates_that_need_an_option_get_it(tmp_path, cells, option, first):
    table = CHINESE.assign(交易日期=cells)
    events = read(guess_mapping(table), tmp_path).events
    assert getattr(events, option[0]) == option[1]
    assert f"{typed(table, events)[0]['timestamp'].iloc[0]:%Y-%m-%d}" == first


def test_a_day_and_a_clock_in_two_columns_are_joined(tmp_path):
    table = CHINESE.assign(交易日期="2024-03-05", 时刻=["08:15", "9:20", "23:59:59", "00:00"])
    events = read(guess_mapping(table), tmp_path).events
    assert events.columns["timestamp"] == ["交易日期", "时刻"]
    assert typed(table, events)[0]["timestamp"].iloc[2] == pd.Timestamp("2024-03-05 23:59:59")


def test_one_row_per_customer_is_a_ready_table_also_with_dates_and_amounts(tmp_path):
    n = 50
    table = pd.DataFrame(
        {
            "年龄": np.arange(n) % 60 + 20,
            "客户编号": [f"{i:05d}" for i in range(n)],
            "开户日期": "2020-01-01",
            "金额": [f"{i + 1},000" for i in range(n)],
            "性别": ["男", "女"] * (n // 2),
        }
    )
    table.to_csv(tmp_path / "客户.csv", index=False, encoding="gb18030")
    guess = guess_mapping(tmp_path / "客户.csv")
    assert guess.kind == "features"
    features = read(guess, tmp_path).features
    assert features.id == "客户编号"
    assert features.thousands == ","
    for name in ("性别", "开户日期"):
        assert f"# words or dates, not used: {name} (" in guess.text


def test_where_no_column_names_the_customer_the_file_says_where_to_write_it(tmp_path):
    table = CHINESE.drop(columns=["客户号", "流水号"]).rename(columns={"备注": "x"})
    guess = guess_mapping(table)
    assert guess.id_column is None
    assert '# customer_id = "…"' in guess.text
    read(guess, tmp_path)  # and it is a mapping all the same


def test_names_and_cells_that_break_lines_stay_within_their_comment():
    table = CHINESE.rename(columns={"备注": 'no"te\n[x]', "渠道": '渠道"'})
    parsed = tomllib.loads(guess_mapping(table).text)
    assert parsed["events"]["columns"]["channel"] == '渠道"'


def test_columns_that_bear_our_names_are_not_called_unused():
    table = CHINESE.assign(counter_minutes=5)
    assert "counter_minutes" not in guess_mapping(table).text
    assert list(open_source(table).columns)[-1] == "counter_minutes"
