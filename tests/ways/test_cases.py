"""Inputs that once showed a fault, run from outside: commands only, the outcome in words.

The tables lie beside the checkout (``../shared/cases``); without them these tests are skipped.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from kequn_lab.__main__ import main

pytestmark = pytest.mark.usefixtures("few_pictures")

QUICK = ["--stability", "0", "--starts", "2", "--quiet"]


@pytest.fixture(scope="module")
def cases(shared) -> Path:
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip("no ../shared/cases beside the checkout")
    return folder


@pytest.fixture
def kequn(capsys, tmp_path, monkeypatch):
    """Run one command in an empty folder; its exit code and all that it printed."""
    monkeypatch.chdir(tmp_path)

    def call(*args) -> tuple[int, str]:
        capsys.readouterr()
        try:
            code = main([str(a) for a in args])
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        text = printed.out + printed.err
        assert "Traceback" not in text
        return code, text

    return call


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Path:
    """A synthetic bank, a model of it, a wide table and a model of that."""
    folder = tmp_path_factory.mktemp("bank")
    assert main(["sample", "--customers", "400", "--out", str(folder / "bank")]) == 0
    tables = [f"--{t}={folder}/bank/{t}.parquet" for t in ("events", "customers", "holdings")]
    run = ["run", *tables, "--as-of", "2024-12-31", *QUICK, "--out", str(folder / "res")]
    assert main(run) == 0
    rows = "\n".join(
        f"{i:03d},{20 + i * 7 % 60},{500 + i * i % 9001}.5,{i % 10 / 10},{i * 3 % 11}"
        for i in range(200)
    )
    (folder / "feat.csv").write_text(f"customer_id,age_years,aum_cny,web_share,visits\n{rows}\n")
    wide = ["--features", str(folder / "feat.csv"), "--k", "3"]
    assert main(["run", *wide, *QUICK, "--out", str(folder / "fres")]) == 0
    return folder


def labels(folder: str) -> pd.DataFrame:
    return pd.read_csv(Path(folder, "labels.csv"), dtype={"customer_id": "str"})


# The folders -------------------------------------------------------------------------------


@pytest.mark.parametrize("table, k", [("flags.csv", "8"), ("few6.csv", "2"), ("flags.csv", "4")])
def test_few_distinct_rows_come_to_an_end_with_a_label_for_everybody(kequn, cases, table, k):
    file = cases / "01_hang_few_distinct" / table
    code, _ = kequn("run", "--features", file, "--id", "id", "--k", k, *QUICK, "--out", "o")
    assert code == 0
    assert len(labels("o")) == len(file.read_text().splitlines()) - 1


def test_segments_without_a_hull_do_not_stop_a_run(kequn, cases):
    file = cases / "02_crash_no_hull/flags.csv"
    code, _ = kequn("run", "--features", file, "--id", "id", "--k", 4, *QUICK, "--out", "o")
    assert code == 0 and len(labels("o")) == 2000


def test_customers_and_events_outside_the_window_are_counted_and_said(kequn, cases):
    file = cases / "03_window_drops_silently/ev.csv"
    code, text = kequn(
        "run", "--events", file, "--as-of", "2024-06-30", "--k", 2, *QUICK, "--out", "o"
    )
    assert code == 0
    events = pd.read_csv(file)
    left = events["customer_id"].nunique() - len(labels("o"))
    n = events["customer_id"].nunique()
    assert left > 0 and f"Of {n} customers with events, {left} have none in the window" in text
    window = json.loads(Path("o/run.json").read_text(encoding="utf-8"))["window"]
    counted = [window[k] for k in ("events_before", "events_inside", "events_after")]
    assert sum(counted) == len(events)


def test_words_for_missing_ids_are_not_a_customer(kequn, cases):
    file = cases / "05_id_nan_is_a_customer/ev.csv"
    code, text = kequn(
        "run", "--events", file, "--as-of", "2024-12-31", "--k", 2, *QUICK, "--out", "o"
    )
    assert code == 1 and "missing id; found nan (50 times)" in text and not Path("o").exists()


@pytest.mark.parametrize("table", ["q4.csv", "year.csv"])
def test_a_month_is_not_the_first_of_january(kequn, cases, table):
    code, text = kequn("check", "--events", cases / "07_yyyymm_becomes_january" / table)
    assert code == 1 and "2024" in text and "month" in text


def test_month_first_dates_that_prove_it_are_read_and_said(kequn, cases):
    code, text = kequn("check", "--events", cases / "08_check_all_rows_bad/us_dates.csv")
    assert code == 0 and "160 of 160 rows are valid" in text and "month" in text


@pytest.mark.parametrize("table", ["z.csv", "offsets.csv"])
def test_times_with_a_zone_are_converted_to_one_zone_and_said(kequn, cases, table):
    code, text = kequn("check", "--events", cases / "09_timezone_text" / table)
    assert code == 0 and "160 of 160 rows are valid" in text and "Asia/Shanghai" in text


def test_currency_thousands_and_per_cent_are_read_and_said(kequn, cases):
    file = cases / "10_thousands_currency_percent/t.csv"
    code, text = kequn("run", "--features", file, "--id", "id", "--k", 2, *QUICK, "--out", "o")
    assert code == 0 and "spend" in text and "rate" in text
    code, text = kequn("check", "--events", cases / "10_thousands_currency_percent/bank.csv")
    assert code == 0 and "2 of 2 rows are valid" in text and "thousands" in text


def test_an_excel_file_is_read(kequn, cases):
    file = cases / "12_xlsx/rfm.xlsx"
    code, _ = kequn("run", "--features", file, "--id", "id", "--k", 2, *QUICK, "--out", "o")
    assert code == 0 and len(labels("o"))


def test_random_ages_are_not_called_elderly(kequn, cases):
    folder = cases / "13_elderly_name_on_random_ages"
    code, _ = kequn(
        "run", "--events", folder / "ev.csv", "--customers", folder / "cu.csv",
        "--as-of", "2024-01-01", *QUICK, "--out", "o",
    )  # fmt: skip
    assert code == 0 and "elderly" not in set(labels("o")["segment_id"])


def test_skip_bad_rows_sets_rows_of_a_wide_table_aside(kequn, cases):
    file = cases / "15_skip_bad_rows_ignored/f.csv"
    base = ("run", "--features", file, "--id", "id", "--k", 2, *QUICK)
    code, text = kequn(*base, "--out", "o")
    assert code == 1 and "line" in text
    code, _ = kequn(*base, "--skip-bad-rows", "--out", "o")
    refused = list(Path("o").rglob("refused_*.csv"))
    assert code == 0 and len(refused) == 1 and 0 < len(labels("o")) < 60


def test_a_column_of_bands_is_called_what_it_is(kequn, cases):
    code, text = kequn("check", "--customers", cases / "16_check_all_bad_customers/c.csv")
    assert code == 1 and "age_years" in text and "65+" in text and "empty table" not in text


def test_a_column_with_a_comma_in_its_name_can_be_dropped(kequn, cases):
    file = cases / "17_comma_in_column_name/f.csv"
    code, _ = kequn(
        "run", "--features", file, "--id", "id", "--drop", '"Income, yearly"', "--k", 2,
        *QUICK, "--out", "o",
    )  # fmt: skip
    used = json.loads(Path("o/run.json").read_text(encoding="utf-8"))["features"]["used"]
    assert code == 0 and used == ["age", "visits"]


def test_a_line_break_in_a_header_is_part_of_the_name(kequn, cases):
    file = cases / "18_newline_in_header/f.csv"
    code, _ = kequn("run", "--features", file, "--id", "id", "--k", 2, *QUICK, "--out", "o")
    assert code == 0 and len(labels("o")) == 30


def test_score_takes_the_window_of_the_scorecard(kequn, cases):
    file = cases / "20_score_forgets_months/ev.csv"
    window = ("--events", file, "--as-of", "2024-06-30")
    assert kequn("run", *window, "--months", 24, "--k", 2, *QUICK, "--out", "o")[0] == 0
    score = ("score", "--scorecard", "o/scorecard.json", *window, "--out", "s")
    assert kequn(*score)[0] == 0
    pd.testing.assert_series_equal(
        labels("s").set_index("customer_id")["cluster"].sort_index(),
        labels("o").set_index("customer_id")["cluster"].sort_index(),
    )
    code, text = kequn(*score, "--months", 12)
    assert code == 1 and "24" in text and "12" in text


# The scripts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE secret",
        "WITH a AS (SELECT 1) DELETE FROM secret",
        "VACUUM INTO 'copy.db'",
        "ATTACH 'other.db' AS other",
        "SELECT 1; DROP TABLE secret",
    ],
)
def test_a_query_reads_and_never_writes(kequn, bank, query):
    with sqlite3.connect("b.db") as con:
        con.execute("create table secret(x)")
        con.execute("insert into secret values(1)")
    before = Path("b.db").read_bytes()
    code, _ = kequn(
        "score", "--scorecard", bank / "fres/scorecard.json", "--features", "sqlite:///b.db",
        "--query", query, "--out", "o",
    )  # fmt: skip
    assert code == 1 and Path("b.db").read_bytes() == before
    assert sorted(p.name for p in Path().iterdir()) == ["b.db"]


def test_a_mistyped_database_is_not_created_and_an_empty_answer_is_an_error(kequn, bank):
    card = bank / "fres/scorecard.json"
    score = ("score", "--scorecard", card, "--out", "o", "--query", "select * from t")
    code, _ = kequn(*score, "--features", "sqlite:///typo.db")
    assert code == 1 and not Path("typo.db").exists()
    with sqlite3.connect("b.db") as con:
        con.execute("create table t(customer_id,age_years,aum_cny,web_share,visits)")
    code, text = kequn(*score, "--features", "sqlite:///b.db")
    assert code == 1 and "no rows" in text and not Path("o/labels.csv").exists()


def test_one_stray_byte_does_not_turn_a_file_into_another_encoding(kequn):
    head = "customer_id,timestamp,amount_cny\n客户甲,2024-01-01,5\n客户乙,2024-01-02,6\n"
    Path("e.csv").write_bytes(head.encode() + b"M\xfcller,2024-01-03,7\n")
    code, text = kequn("check", "--events", "e.csv")
    assert code == 1 and "line 4" in text and "encoding" in text
    Path("cut.csv").write_bytes(head.encode()[:-60])
    assert kequn("check", "--events", "cut.csv")[0] == 1


def test_a_blank_first_line_keeps_the_zeros_of_ids(kequn):
    rows = "".join(f"{i:03d},{20 + i},{i * i}\n" for i in range(30))
    Path("f.csv").write_text("\ncustomer_id,age_years,aum\n" + rows)
    assert kequn("run", "--features", "f.csv", "--k", 2, *QUICK, "--out", "o")[0] == 0
    assert labels("o")["customer_id"].str.len().eq(3).all()


def damaged(bank: Path) -> dict[str, tuple[str, pd.DataFrame]]:
    events = pd.read_parquet(bank / "bank/events.parquet")
    holdings = pd.read_parquet(bank / "bank/holdings.parquet")
    channel = events["channel"].astype("str").replace({"mobile": "Mobile"})
    return {
        "negative": ("events", events.assign(amount_cny=-events["amount_cny"])),
        "code": ("events", events.assign(channel=channel)),
        "doubled": ("holdings", pd.concat([holdings, holdings])),
    }


@pytest.mark.parametrize("fault", ["negative", "code", "doubled"])
def test_run_check_and_score_refuse_the_same_table(kequn, bank, fault):
    name, table = damaged(bank)[fault]
    table.to_parquet("bad.parquet", index=False)
    files = {t: bank / f"bank/{t}.parquet" for t in ("events", "customers", "holdings")}
    files[name] = Path("bad.parquet")
    given = [f"--{t}={p}" for t, p in files.items()]
    day = ("--as-of", "2024-12-31")
    codes = {
        "run": kequn("run", *given, *day, *QUICK, "--out", "r")[0],
        "check": kequn("check", *given)[0],
        "score": kequn(
            "score", "--scorecard", bank / "res/scorecard.json", *given, *day, "--out", "s"
        )[0],
    }
    assert codes == {"run": 1, "check": 1, "score": 1}
    assert not Path("r").exists() and not Path("s").exists()


def test_blanks_around_ids_change_no_label(kequn, bank):
    events = pd.read_parquet(bank / "bank/events.parquet")
    events.assign(customer_id=" " + events["customer_id"].astype("str")).to_parquet("e.parquet")
    given = [f"--{t}={bank}/bank/{t}.parquet" for t in ("customers", "holdings")]
    score = ("score", "--scorecard", bank / "res/scorecard.json", "--as-of", "2024-12-31", *given)
    assert kequn(*score, "--events", bank / "bank/events.parquet", "--out", "right")[0] == 0
    assert kequn(*score, "--events", "e.parquet", "--out", "blank")[0] == 0
    assert labels("right").equals(labels("blank"))


@pytest.mark.parametrize("command", ["run", "score"])
def test_a_day_without_events_labels_nobody(kequn, bank, command):
    given = [f"--{t}={bank}/bank/{t}.parquet" for t in ("events", "customers", "holdings")]
    card = ["--scorecard", bank / "res/scorecard.json"] if command == "score" else QUICK
    code, text = kequn(command, *card, *given, "--as-of", "2020-12-31", "--out", "o")
    assert code == 1 and "no event between" in text and not Path("o").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_the_folder_for_results_may_be_a_mount_point(kequn, bank, tmp_path):
    out = tmp_path / "m"
    out.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", out])
    if mounted.returncode:
        pytest.skip("mount is not allowed here")
    try:
        base = ("run", "--features", bank / "feat.csv", "--k", 3, *QUICK)
        assert kequn(*base, "--out", out)[0] == 0
        assert len(labels(out)) == 200
        assert not [p for p in out.iterdir() if p.name.startswith(".")]
    finally:
        subprocess.run(["umount", out], check=True)


@pytest.mark.parametrize("command", ["check"])
def test_ambiguous_dates_are_refused_with_the_setting_that_decides(kequn, command):
    rows = "".join(f"{i},0{1 + i % 9}/04/2024,5\n" for i in range(60_000))
    Path("e.csv").write_text("customer_id,timestamp,amount_cny\n" + rows)
    code, text = kequn(command, "--events", "e.csv")
    assert code == 1 and "dayfirst" in text and "60,000" in text and len(text) < 3_000


def test_two_distinct_rows_make_two_segments_and_k_1_is_settled_at_once(kequn, bank):
    rows = "".join(f"{i},{i % 2},{i % 2 * 3}\n" for i in range(40))
    Path("e.csv").write_text("customer_id,a,b\n" + rows)
    assert kequn("run", "--features", "e.csv", "--k", 2, *QUICK, "--out", "o")[0] == 0
    code, text = kequn("run", "--features", bank / "feat.csv", "--k", 1, *QUICK, "--out", "o1")
    assert code == 0 or "k" in text


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_console_without_chinese_gets_the_results_all_the_same(bank, tmp_path, encoding):
    run = [sys.executable, "-m", "kequn_lab", "run", "--features", bank / "feat.csv", "--k", "3"]
    done = subprocess.run(
        [*run, *QUICK, "--language", "zh", "--out", tmp_path / "o"],
        env={**os.environ, "PYTHONIOENCODING": encoding}, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0 and (tmp_path / "o/labels.csv").exists(), done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not shutil.which("head"), reason="needs head")
def test_a_reader_that_stops_early_does_not_stop_the_run(bank, tmp_path):
    run = f"{sys.executable} -m kequn_lab run --features {bank}/feat.csv --k 3 {' '.join(QUICK)}"
    command = f"set -o pipefail; {run} --out {tmp_path}/o | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True)
    assert (tmp_path / "o/labels.csv").exists() and b"Traceback" not in done.stderr


BROKEN = {
    "codes is text": '[events]\ncodes="x"\n',
    "a column is a list": "[events.columns]\namount_cny=[]\n",
    "no is not false": '[events]\nsigned_amounts="no"\n',
    "not toml": "[events\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_mapping_is_named_with_its_fault(kequn, text):
    Path("e.csv").write_text("customer_id,timestamp,amount_cny\n1,2024-01-01,5\n")
    Path("m.toml").write_text(text)
    code, printed = kequn("check", "--events", "e.csv", "--mapping", "m.toml")
    assert code == 1 and "m.toml" in printed


@pytest.mark.parametrize("text", ["[" * 100_000, '{"schema": 1}', "", "{", "null"])
def test_a_broken_scorecard_is_named_with_its_fault(kequn, bank, text):
    Path("c.json").write_text(text)
    code, printed = kequn(
        "score", "--scorecard", "c.json", "--features", bank / "feat.csv", "--out", "o"
    )
    assert code == 1 and ("scorecard" in printed or "c.json" in printed)
    assert not Path("o").exists()


def test_a_scorecard_with_an_endless_number_is_refused(kequn, bank):
    text = (bank / "fres/scorecard.json").read_text(encoding="utf-8")
    Path("c.json").write_text(text.replace('"customers": 200', '"customers": 1e400'))
    code, _ = kequn("score", "--scorecard", "c.json", "--features", bank / "feat.csv", "--out", "o")
    assert code == 1


def test_labels_of_a_damaged_earlier_run_are_refused_before_the_work(kequn, bank):
    Path("prev").mkdir()
    Path("prev/labels.meta.json").write_text('{"schema":"kequn_lab.labels/1"}')
    Path("prev/labels.csv").write_text("x\n")
    code, text = kequn(
        "run", "--features", bank / "feat.csv", "--k", 3, "--previous", "prev", *QUICK,
        "--out", "o",
    )  # fmt: skip
    assert code == 1 and "labels" in text and not Path("o").exists()


def test_numbers_beyond_reason_are_refused_by_name(kequn):
    rows = "".join(
        f"{i},{1e200 if i < 5 else -1e200 if i < 10 else i},{i % 7}\n" for i in range(40)
    )
    Path("h.csv").write_text("customer_id,a,b\n" + rows)
    code, text = kequn("run", "--features", "h.csv", "--k", 3, *QUICK, "--out", "o")
    assert code == 1 and "first line 7, column 'a': must be >= -1e+18" in text


def test_what_stands_in_the_way_is_seen_before_the_work(kequn, bank):
    run = ("run", "--features", bank / "feat.csv", "--k", 3, *QUICK, "--out")
    Path("o/labels.csv").mkdir(parents=True)
    Path("o/labels.csv/x").write_text("mine")
    code, text = kequn(*run, "o")
    assert code == 1 and "labels.csv" in text and sorted(os.listdir("o")) == ["labels.csv"]
    Path("o2").mkdir()
    Path("o2/run.json").write_text("{ broken")
    code, text = kequn(*run, "o2")
    assert code == 1 and "run.json" in text and os.listdir("o2") == ["run.json"]


def test_a_record_cannot_take_a_users_file_away(kequn, bank):
    Path("o").mkdir()
    Path("o/mine.txt").write_text("m")
    Path("o/run.json").write_text('{"files":["mine.txt", "../mine.txt"]}')
    Path("mine.txt").write_text("m")
    kequn("run", "--features", bank / "feat.csv", "--k", 3, *QUICK, "--out", "o")
    assert Path("o/mine.txt").exists() and Path("mine.txt").exists()


def test_refused_rows_of_an_earlier_call_do_not_stay(kequn, bank):
    lines = (bank / "feat.csv").read_text().splitlines()[:6]
    lines[3] = lines[3].rpartition(",")[0] + ",abc"
    Path("bad.csv").write_text("\n".join(lines) + "\n")
    score = ("score", "--scorecard", bank / "fres/scorecard.json", "--out", "o", "--features")
    assert kequn(*score, "bad.csv", "--skip-bad-rows")[0] == 0
    (refused,) = Path("o").rglob("refused*.csv")
    assert lines[3] in refused.read_text(encoding="utf-8-sig").replace('"', "")
    assert kequn(*score, bank / "feat.csv")[0] == 0
    assert not list(Path("o").rglob("refused*.csv"))


@pytest.mark.parametrize(
    "rows",
    [
        " 001,30,5000,.5,3\n001,31,5000,.5,3\n",
        "1.23E+17,31,5000,.5,3\n002,31,5000,.5,3\n",
        "   ,31,5000,.5,3\n002,31,5000,.5,3\n",
        "001,31,1e400,.5,3\n002,31,5000,.5,3\n",
    ],
    ids=["id twice", "ruined id", "no id", "infinite"],
)
def test_run_and_score_refuse_the_same_wide_table(kequn, bank, rows):
    Path("e.csv").write_text("customer_id,age_years,aum_cny,web_share,visits\n" + rows)
    assert kequn("run", "--features", "e.csv", "--k", 2, *QUICK, "--out", "r")[0] == 1
    card = bank / "fres/scorecard.json"
    assert kequn("score", "--scorecard", card, "--features", "e.csv", "--out", "s")[0] == 1
    assert not Path("r").exists() and not Path("s").exists()


def test_a_column_named_twice_is_refused_everywhere(kequn, bank):
    Path("d.csv").write_text(
        "customer_id,age_years,aum_cny,web_share,visits,visits\n1,2,3,.4,5,6\n"
    )
    card = bank / "fres/scorecard.json"
    for command in (["run", "--k", "2", *QUICK], ["score", "--scorecard", card]):
        code, text = kequn(*command, "--features", "d.csv", "--out", "o")
        assert code == 1 and "visits" in text and "twice" in text


def test_labels_do_not_depend_on_the_time_zone_of_the_machine(bank, tmp_path):
    events = pd.read_parquet(bank / "bank/events.parquet")
    events["timestamp"] = events["timestamp"].dt.tz_localize("Asia/Shanghai")
    events.to_parquet(tmp_path / "e.parquet", index=False)
    found = set()
    for zone in ("UTC", "America/New_York"):
        score = [sys.executable, "-m", "kequn_lab", "score", "--as-of", "2024-12-31"]
        score += ["--scorecard", bank / "res/scorecard.json", "--events", tmp_path / "e.parquet"]
        score += [f"--{t}={bank}/bank/{t}.parquet" for t in ("customers", "holdings")]
        subprocess.run(
            [*score, "--out", tmp_path / "o"], env={**os.environ, "TZ": zone}, check=True
        )
        found.add((tmp_path / "o/labels.csv").read_bytes())
    assert len(found) == 1


def test_now_is_not_a_date(kequn):
    Path("n.csv").write_text("customer_id,timestamp,amount_cny\na,now,5\n")
    code, text = kequn("check", "--events", "n.csv")
    assert code == 1 and "now" in text


def test_line_numbers_are_those_of_the_file(kequn, bank):
    Path("e.csv").write_text(
        'customer_id,timestamp,amount_cny,product\na,2024-01-01,5,"x\ny\nz"\n'
        "b,2024-01-01,6,q\nc,2024-01-01,BAD,q\n"
    )
    code, text = kequn("check", "--events", "e.csv")
    assert code == 1 and "line 6" in text
    Path("s.csv").write_text(
        "customer_id,age_years,aum_cny,web_share,visits\na,1,1,1,1\n\n\nb,1,1\n"
    )
    card = bank / "fres/scorecard.json"
    code, text = kequn("score", "--scorecard", card, "--features", "s.csv", "--out", "o")
    assert code == 1 and "line 5" in text
