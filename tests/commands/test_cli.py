"""The command line at its edges: wrong options, faults, signals, pipes, consoles, quoting."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kequn_lab.__main__ import main
from kequn_lab.commands.parser import parser
from kequn_lab.export.sql import DIALECTS

pytestmark = pytest.mark.usefixtures("few_pictures")

QUICK = ["--k", "2", "--stability", "0", "--starts", "2", "--quiet"]


def program(*args, **environment):
    command = [sys.executable, "-m", "kequn_lab", *map(str, args)]
    return {"args": command, "env": {**os.environ, "OMP_NUM_THREADS": "1", **environment}}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A ready table of sixty customers with names of columns that are hard to type."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    columns = ("age_years", "Income, yearly", "消费")
    frame = pd.DataFrame({"id": range(60), **{c: rng.integers(0, 99, 60) for c in columns}})
    frame.to_csv("客户.csv", index=False)
    return ["run", "--features", "客户.csv", "--id", "id", *QUICK, "--out", "out"]


def refused(capsys, *args) -> str:
    """Wrong usage: exit code 2, and what is said about it."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, args)])
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--k 0", "at least 1"),
        ("--k 1:3", "starts from 2"),
        ("--k 5:2", "write 2:5"),
        ("--k 2:2", "write 2"),
        ("--k two", "write 8, auto, 2:12 or 0=6,1=3"),
        ("--names 0=", "write 0=elderly,3=young_adult"),
        ("--names elderly", "write 0=elderly,3=young_adult"),
        ("--names 0=elderly,0=young_adult", "cluster 0 has two names"),
        ("--names 0=elderly,1=elderly", "elderly is given to two clusters"),
        ('--drop "a', "a name that holds a comma"),
        ("--months 0", "not a whole number from 1 to 1200"),
        ("--stability -1", "not a whole number from 0 on"),
        ("--starts 0", "not a whole number from 1 on"),
        ("--seed -1", "not a whole number from 0 to 4294967295"),
        ("--as-of 9999-12-31", "outside the years"),
        ("--preset odd", "choose from"),
    ],
)
def test_an_option_out_of_bounds_is_refused_with_what_to_write(table, capsys, options, says):
    name, value = options.split(" ", 1)
    said = refused(capsys, *table, name, value)
    assert says in said
    assert said.count("\n") == 2  # what is wrong, and where all options are listed


@pytest.mark.parametrize("option", ["--months 6", "--holdings 客户.csv", "--preset easy"])
def test_an_option_that_would_be_ignored_is_refused(table, capsys, option):
    assert f"{option.split()[0]} goes with" in refused(capsys, *table, *option.split())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--names", "2=elderly"], "no cluster 2; they are 0 to 1"),
        (["--names", "0=eldery"], "did you mean elderly?"),
        (["--features", "客戶.csv"], "does not exist; did you mean 客户.csv?"),
        (["--features", "."], "is a folder; name a file"),
        (["--catalogue", "客户.csv"], "is a file; name a folder"),
        (["--catalogue", "."], "has no segments.csv; a catalogue needs"),
        (["--previous", "nowhere"], "--previous nowhere does not exist"),
        (["--previous", "."], "no labels.csv in it"),
    ],
)
def test_what_is_absent_is_said_in_a_sentence_before_the_work(
    table, capsys, monkeypatch, options, says
):
    monkeypatch.setattr("kequn_lab.run.readings.fit_segments", None)
    assert main([*table, *options]) == 1
    said = capsys.readouterr().err
    assert says in said and "Errno" not in said
    assert not os.path.exists("out")


@pytest.mark.parametrize("option", ["--mapping", "--events"])
def test_paths_of_other_commands_are_looked_at_too(tmp_path, capsys, option):
    given = ["--events", str(tmp_path / "e.csv")]
    (tmp_path / "e.csv").write_text("customer_id,timestamp,amount_cny\n1,2024-01-01,5\n")
    assert main(["check", *given, option, str(tmp_path / "none")]) == 1
    assert "none does not exist" in capsys.readouterr().err


def test_a_database_query_needs_an_address(table, capsys):
    args = ["score", "--scorecard", "s", "--features", "客户.csv", "--query", "select 1"]
    assert "sqlite:///bank.db" in refused(capsys, *args, "--out", "o")


def test_a_column_with_a_comma_can_be_dropped_as_the_message_writes_it(table, capsys):
    assert main([*table, "--drop", "Income, yearly"]) == 1
    assert "'id,age_years,\"Income, yearly\",消费'" in capsys.readouterr().err
    assert main([*table, "--drop", '"Income, yearly"', "--log", "消费"]) == 0
    assert "Income, yearly" not in pd.read_csv("out/tables/profile.csv")["variable"].tolist()


def test_a_fault_of_ours_is_one_sentence_and_code_70_and_debug_shows_where(
    table, capsys, monkeypatch
):
    def broken(args):
        return {}["key"]

    monkeypatch.setattr("kequn_lab.commands.running.run", broken)
    assert main(table) == 70
    said = capsys.readouterr().err
    assert said.startswith("kequn run: unexpected KeyError: 'key'. This is a fault of kequn")
    assert "--debug" in said and "Traceback" not in said and said.count("\n") == 1
    assert main([*table, "--debug"]) == 70
    assert "in broken" in capsys.readouterr().err
    monkeypatch.setenv("KEQUN_DEBUG", "1")
    assert main(table) == 70
    assert "in broken" in capsys.readouterr().err


def test_a_warning_is_a_sentence_without_its_line_of_code(table, capsys, monkeypatch):
    def warned(args):
        warnings.warn("no font draws it", stacklevel=1)
        warnings.warn("constrained_layout not applied", stacklevel=1)
        return 0

    monkeypatch.setattr("kequn_lab.commands.running.run", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(table) == 0
        assert capsys.readouterr().err == "- no font draws it\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_with_its_code(tmp_path, number):
    args = program("sample", "--customers", 100000, "--out", tmp_path / "bank")
    with subprocess.Popen(**args, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob("*")) and not list(tmp_path.glob(".*")):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(number)
        said = running.communicate(timeout=300)[1]
    assert running.returncode == 130
    assert "interrupted" in said.splitlines()[-1] and "Traceback" not in said
    assert not (tmp_path / "bank").exists()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_without_chinese_letters_reads_escapes(table, encoding):
    done = subprocess.run(
        **program(*table, "--drop", "收入", PYTHONIOENCODING=encoding), capture_output=True
    )
    assert done.returncode == 1
    assert rb"\u5ba2\u6237.csv has no column" in done.stderr
    done = subprocess.run(**program("--help", PYTHONIOENCODING=encoding), capture_output=True)
    assert done.returncode == 0 and rb"\u5ba2" in done.stdout


def test_a_reader_that_leaves_stops_neither_the_work_nor_its_exit_code(table, tmp_path):
    """As ``kequn run … 2>&1 | true``: both streams are closed at the other end."""
    table.remove("--quiet")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(**program(*table), stdout=write, stderr=write)
    os.close(write)
    assert done.returncode == 0
    assert (tmp_path / "out" / "labels.csv").exists()


EVENTS = pd.DataFrame(
    {
        "客户号": [f"{i % 30:03d}" for i in range(600)],
        "日期": [f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}" for i in range(600)],
        "金额": [(i * 37) % 501 + 1 for i in range(600)],
        "渠道": ["手机银行" if i % 30 < 15 else "柜面" for i in range(600)],
    }
)


def test_a_wide_workbook_goes_from_file_to_labels_in_one_command(table, capsys):
    wide = pd.read_csv("客户.csv").rename(columns={"id": "客户编号"})
    wide["客户编号"] = [f"{i:018d}" for i in range(60)]
    wide["姓名"] = "张三"
    wide.to_excel("客户.xlsx", index=False)
    assert main(["run", "客户.xlsx", *QUICK, "--language", "zh", "--out", "out"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("客户.xlsx [Sheet1]：每位客户一行；客户编号列为 客户编号\n")
    assert "请打开 out/report.html" in said
    labels = pd.read_csv("out/labels.csv", dtype=str)
    assert sorted(labels["customer_id"]) == sorted(wide["客户编号"])
    assert main(["check", "客户.xlsx"]) == 0
    assert "60 of 60 rows are valid" in capsys.readouterr().out
    score = ["score", "客户.xlsx", "--scorecard", "out/scorecard.json", "--out", "june"]
    assert main(score) == 0
    scored = pd.read_csv("june/labels.csv", dtype=str)
    assert scored.set_index("customer_id")["cluster"].equals(
        labels.set_index("customer_id")["cluster"].loc[scored["customer_id"]]
    )


def test_transactions_in_own_words_are_described_by_init_and_then_run(table, capsys):
    EVENTS.to_csv("交易.csv", index=False, encoding="gb18030")
    assert "kequn init 交易.csv" in refused(capsys, "run", "交易.csv", "--out", "out")
    assert main(["init", "交易.csv"]) == 0
    said = capsys.readouterr().out
    command = "kequn run 交易.csv --mapping mapping.toml --as-of 2024-12-28 --out result"
    assert said.endswith(f"{command}\n")
    assert main([*command.split()[1:], *QUICK]) == 0
    assert capsys.readouterr().out.startswith("交易.csv: transactions\n")
    assert len(pd.read_csv("result/labels.csv")) == 30
    assert main(["check", "交易.csv", "--mapping", "mapping.toml"]) == 0


def test_init_overwrites_nothing(table, capsys):
    Path("mapping.toml").write_text("mine")
    assert main(["init", "客户.csv"]) == 1
    assert "mapping.toml is there already" in capsys.readouterr().err
    assert Path("mapping.toml").read_text() == "mine"
    assert main(["init", "客户.csv", "--out", "m.toml", "--language", "zh"]) == 0
    assert "请逐行检查" in Path("m.toml").read_text(encoding="utf-8")


def test_sheet_and_encoding_of_the_table_can_be_named(table, capsys):
    with pd.ExcelWriter("两张.xlsx") as book:
        EVENTS.head(3).to_excel(book, sheet_name="一", index=False)
        pd.read_csv("客户.csv").to_excel(book, sheet_name="二", index=False)
    assert main(["check", "两张.xlsx", "--sheet", "二", "--id", "id"]) == 0
    assert "60 of 60" in capsys.readouterr().out
    EVENTS.to_csv("gb.csv", index=False, encoding="gb18030")
    assert main(["init", "gb.csv", "--encoding", "gb18030"]) == 0
    assert 'encoding = "gb18030"' in Path("mapping.toml").read_text(encoding="utf-8")


def test_file_and_options_that_say_the_same_are_refused(table, capsys):
    assert "not both" in refused(capsys, *table, "客户.csv")


@pytest.mark.parametrize("command", list(parser().commands))
def test_help_has_three_examples_and_every_default(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    said = capsys.readouterr().out
    examples = said.split("Examples:\n")[1].splitlines()
    assert len(examples) == 3
    for line in examples:
        assert parser().parse_args(shlex.split(line)[1:]).command == command
    own = "that of the report" if " RESULT" in said.splitlines()[0] else "en"
    assert f"(default: {own})" in said and "SUPPRESS" not in said


def test_the_help_of_sql_names_every_dialect():
    told = parser().commands["sql"]._option_string_actions["--dialect"].help
    named = set(re.findall(r"\w+", told)) - {"or"}
    assert named == set(DIALECTS) - {"postgres"}  # postgresql's other name


def test_progress_moves_within_the_long_steps(table, capsys):
    table[table.index("--stability") + 1] = "2"
    table.remove("--quiet")
    assert main([*table, "--log", "消费", "--k", "2:3"]) == 0  # one segment: the rule may say so
    assert main([*table, "--log", "消费", "--k", "2"]) == 0
    said = capsys.readouterr().err
    for step in ("compare k", "bootstrap pairs", "chance", "draw"):
        assert f"{step}:" in said


def test_torn_lines_are_set_aside_where_the_kind_of_table_is_found_out_too(table, capsys):
    lines = "".join(f"c{i},{20 + i % 40},{i % 7}\n" for i in range(40))
    Path("torn.csv").write_text(f"nr,age,aum\n{lines}c40,1,2,3\n", encoding="utf-8")
    how = ["--language", "zh", *QUICK, "--out", "torn"]
    assert main(["run", "torn.csv", *how]) == 1
    assert "第 42 行，有 4 个字段，而表头有 3 个" in capsys.readouterr().err
    assert main(["run", "torn.csv", *how, "--skip-bad-rows"]) == 0
    said = capsys.readouterr()
    assert "有 4 个字段，而表头有 3 个（1）" in said.out + said.err
    refused = pd.read_csv("torn/tables/refused_features.csv")
    assert refused["refused_reason_zh"].tolist() == ["有 4 个字段，而表头有 3 个"]
    assert refused["refused_reason_en"].tolist() == ["4 fields where the header has 3"]


def test_errors_are_chinese_where_chinese_is_asked_for(table, capsys):
    assert main(["check", "nein.csv", "--language", "zh"]) == 1
    assert capsys.readouterr().err == "kequn check: nein.csv 不存在\n"
    frame = pd.DataFrame({"客户": ["a", "a", "b"], "日期": "2024-03-05", "金额": [1.5, 2.0, 3.0]})
    frame.to_csv("流水.csv", index=False)
    with pytest.raises(SystemExit):
        main(["run", "流水.csv", "--language", "zh", "--out", "o"])
    assert "请先运行 `kequn init 流水.csv`" in capsys.readouterr().err


def test_the_id_is_found_where_a_mapping_names_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    own = {"客户编号": [f"C{i:05d}" for i in range(90)], "年龄": rng.normal(40, 9, 90)}
    table = pd.DataFrame({**own, "学历": rng.choice(["小学", "大学"], 90)})
    table.to_csv("c.csv", index=False)
    order = '[features."学历"]\norder = ["小学", "大学"]'
    Path("m.toml").write_text(order, encoding="utf-8")
    assert main(["run", "c.csv", "--mapping", "m.toml", *QUICK, "--out", "o"]) == 0
    assert "客户编号" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--k two", "--k：'two'；请写 8、auto、2:12 或 0=6,1=3"),
        ("--k 否=3,是=6", "每组一个簇数（否为 0，是为 1）"),
        ("--start nowhere", "--start：没有 'nowhere'；可选："),
        ("--k 0=2,1=3", "按组给出的 --k 要与指明分组列的 --by 同用"),
        ("--nonsense", "不认识的选项：--nonsense"),
    ],
)
def test_wrong_usage_is_told_in_chinese(table, capsys, options, says):
    said = refused(capsys, *table, *options.split(), "--language", "zh")
    assert says in said and "全部选项：kequn" in said


@pytest.mark.parametrize(
    ("options", "english", "chinese"),
    [
        ("--drop id", "id names the customer; it cannot be left out", "id 是客户编号列"),
        ("--drop 消费 --categories 消费", "消费 is declared as a category and left out", "二选一"),
        ("--by city", "no column 'city' to group customers by", "没有可用来分组的列 'city'"),
        ("--by 消费", "values; each would be clustered separately", "逐一单独聚类"),
        ("--categories age_years", "all levels are rare (", "age_years：所有类别都太少"),
        ("--categories city", "has no column city", "没有列 city"),
    ],
)
def test_what_does_not_go_with_the_table_is_told_in_both_languages(
    table, capsys, options, english, chinese
):
    for language, says in (("en", english), ("zh", chinese)):
        assert main([*table, *options.split(), "--language", language]) == 1
        assert says in capsys.readouterr().err


def test_an_unknown_dialect_is_wrong_usage(tmp_path, capsys):
    said = refused(capsys, "sql", tmp_path, "--dialect", "foo", "--table", "t")
    assert "no dialect foo; there are duckdb, " in said


def test_init_in_chinese_proposes_a_command_in_chinese(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("c.csv").write_text("客户编号,年龄\n1,20\n2,30\n", encoding="utf-8")
    assert main(["init", "c.csv", "--out", "m.toml", "--language", "zh"]) == 0
    assert "--language zh --out result" in capsys.readouterr().out


def test_a_long_note_is_told_whole(capsys):
    from argparse import Namespace

    from kequn_lab.commands.running import _tell

    note = {"level": "note", "warning": "x", "text_en": "long " * 100, "text_zh": "长"}
    _tell(Namespace(language="en"), [note])
    assert capsys.readouterr().err.count("long") == 100
