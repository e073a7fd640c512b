"""From a result folder, without its tables: other names, languages, pictures, SQL, a comparison."""

import shutil
import sqlite3
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab import read_result
from kequn_lab.__main__ import main
from kequn_lab._record import verify_folder
from kequn_lab.export.sql import DIALECTS
from kequn_lab.monitor.comparing import compare_labels, level_shift, scorecard_shift

pytestmark = pytest.mark.usefixtures("few_pictures")

RUN = ["--k", "3", "--stability", "0", "--starts", "2", "--quiet"]


def customers(seed: int = 0) -> pd.DataFrame:
    """Three kinds of customers, thirty each, far apart."""
    rng = np.random.default_rng(seed)
    kind = np.arange(90) % 3
    table = {"customer_id": [f"{i:03d}" for i in range(90)], "visits": kind * 10, "age": kind * 20}
    return pd.DataFrame(
        {k: v if k == "customer_id" else v + rng.random(90) for k, v in table.items()}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    customers().to_csv(folder / "c.csv", index=False)
    assert main(["run", str(folder / "c.csv"), *RUN, "--out", str(folder / "may")]) == 0
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A copy of the result, in the working folder; its table is not there any more."""
    shutil.copytree(made / "may", tmp_path / "may")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_renamed_segment_bears_its_name_in_every_file(folder, capsys):
    before = read_result("may")
    old = before.names.set_index("cluster").loc[1]
    assert main(["rename", "may", "1=高净值客户/High net worth", "0=常客"]) == 0
    assert f"{old['name_en']} is called High net worth now" in capsys.readouterr().out
    assert verify_folder("may").empty
    after = read_result("may")
    who = ["customer_id", "cluster", "distance"]
    assert after.labels[who].equals(before.labels[who])  # nobody moved
    for path in (folder / "may").rglob("*"):
        if path.suffix in (".csv", ".json", ".html"):
            text = path.read_text(encoding="utf-8-sig")
            assert old["name_en"] not in text and old["name_zh"] not in text, path
            assert "cluster_1" not in text and "cluster_0" not in text, path
    report = (folder / "may" / "report.html").read_text(encoding="utf-8")
    assert "High net worth" in report
    names = after.names.set_index("cluster")
    assert names.loc[[0, 1], "name_zh"].tolist() == ["常客", "高净值客户"]
    assert names.loc[[0, 1], "by"].tolist() == ["override"] * 2
    assert [s.name_en for s in after.card.segments][:2] == ["常客", "High net worth"]


def test_a_name_given_by_a_person_is_a_name_next_month_too(folder, capsys):
    assert main(["rename", "may", "1=高净值客户"]) == 0
    customers(1).to_csv("june.csv", index=False)
    assert main(["run", "june.csv", *RUN, "--previous", "may", "--out", "june"]) == 0
    june = read_result("june").names.set_index("name_zh").loc["高净值客户"]
    assert june["by"] == "previous" and june["matched"] and june["mark"] != "unnamed"
    assert june["segment_id"] == "own_1"


def test_names_are_swapped_and_the_catalogue_keeps_its_own(tmp_path):
    bank = kq.make_bank(300, random_state=1, months=2)
    result = kq.segment(bank, k=4, stability=0, starts=2, quiet=True)
    a, b = result.names["name_zh"].head(2)
    c, d = result.names["name_en"].head(2)
    swapped = result.rename({0: (b, d), 1: (a, c)})
    assert swapped.names["name_zh"].head(2).tolist() == [b, a]
    for name, sentence in (("rules", "sentence_zh"), ("warnings", "text_zh")):
        old, new = result.tables[name][sentence], swapped.tables[name][sentence]
        assert sorted(old.str.count(a)) == sorted(new.str.count(b))
    assert swapped.cards["quote_zh"].equals(result.cards["quote_zh"])
    assert swapped.known_segments.equals(result.known_segments)


def test_a_name_that_cannot_be_given_changes_nothing(folder, capsys):
    kept = (folder / "may" / "run.json").read_bytes()
    for names, says in (
        (["9=x"], "no segment '9'"),
        (["0=常客", "1=常客"], "two segments would be called '常客'"),
        (["1=老年客群"], "run again with --names"),
    ):
        assert main(["rename", "may", *names]) == 1
        assert says in capsys.readouterr().err
    assert (folder / "may" / "run.json").read_bytes() == kept
    with pytest.raises(SystemExit):
        main(["rename", "may", "常客"])


def test_a_report_is_written_in_another_language_and_keeps_it(folder, capsys):
    assert main(["report", "may", "--language", "zh"]) == 0
    assert "请打开 may/report.html" in capsys.readouterr().out
    assert '<html lang="zh' in (folder / "may" / "report.html").read_text(encoding="utf-8")
    assert main(["rename", "may", "0=常客"]) == 0
    assert "现名 常客" in capsys.readouterr().out  # in the language of the report
    assert '<html lang="zh' in (folder / "may" / "report.html").read_text(encoding="utf-8")
    before = (folder / "may" / "run.json").read_bytes()
    assert main(["report", "may", "--language", "en", "--out", "r.html"]) == 0
    assert '<html lang="en' in (folder / "r.html").read_text(encoding="utf-8")
    assert (folder / "may" / "run.json").read_bytes() == before


def test_a_picture_is_drawn_by_its_name(folder, capsys):
    assert main(["plot", "may"]) == 0
    assert "sizes" in capsys.readouterr().out
    assert main(["plot", "may", "sizes"]) == 0
    assert (folder / "sizes.png").read_bytes().startswith(b"\x89PNG")
    assert main(["plot", "may", "separation", "--language", "zh", "--out", "图.svg"]) == 0
    assert b"<svg" in (folder / "图.svg").read_bytes()
    assert main(["plot", "may", "size"]) == 1
    assert "there are sizes" in capsys.readouterr().err


def test_the_select_labels_as_the_run_did(folder, capsys):
    assert main(["sql", "may", "--dialect", "duckdb", "--table", "customers"]) == 0
    select = capsys.readouterr().out
    table = customers()
    with duckdb.connect() as db:
        db.register("customers", table)
        found = db.sql(select).df().set_index("customer_id")["cluster"]
    labels = read_result("may").labels.set_index("customer_id")["cluster"]
    assert found.loc[labels.index].tolist() == labels.tolist()
    assert main(["sql", "may", "--dialect", "postgresql", "--table", "c", "--out", "s.sql"]) == 0
    assert "DOUBLE PRECISION" in (folder / "s.sql").read_text()
    with pytest.raises(SystemExit):
        main(["sql", "may", "--dialect", "dbase", "--table", "c"])
    said = capsys.readouterr().err
    assert all(d in said for d in DIALECTS)


def test_the_model_leaves_for_other_programs(folder, capsys):
    card = read_result("may").card
    assert main(["sas", "may", "--table", "crm.customers"]) == 0
    assert capsys.readouterr().out == card.to_sas(table="crm.customers") + "\n"
    assert main(["pmml", "may", "--out", "m.pmml"]) == 0
    assert (folder / "m.pmml").read_text("utf-8") == card.to_pmml()
    sql = ["sql", "may", "--dialect", "duckdb", "--table", "customers", "--dbt", "project"]
    assert main(sql) == 0
    assert (folder / "project" / "dbt_project.yml").exists()
    assert main(sql) == 1 and "project is there already" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*sql, "--out", "x.sql"])
    assert not (folder / "x.sql").exists()


def test_a_month_later_is_compared_without_the_tables(folder, capsys):
    later = customers(1)
    gone = later["customer_id"].astype(int) % 3 == 2
    gone &= later["customer_id"].astype(int) > 30
    later = later[~gone]
    later.to_csv("june.csv", index=False)
    score = ["score", "june.csv", "--scorecard", "may/scorecard.json", "--out", "scored"]
    assert main(score) == 0
    capsys.readouterr()
    assert main(["compare", "may", "scored"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{len(later)} customers are in both, {gone.sum()} left, 0 are new\n")
    assert "A refit is due:" in said and "is leaving" in said
    assert main(["run", "june.csv", *RUN, "--out", "june"]) == 0
    capsys.readouterr()
    assert main(["compare", "may", "june", "--language", "zh"]) == 0
    assert "june 重新拟合过：3 个客群中有 3 个仍在" in capsys.readouterr().out


def test_nothing_speaks_for_a_refit_where_nothing_changed(folder, capsys):
    assert main(["compare", "may", "may"]) == 0
    said = capsys.readouterr().out
    assert "90 customers are in both" in said and said.count("100.0%") == 3
    assert "Nothing speaks for a refit" in said


def test_an_id_that_another_fit_gives_to_others_is_not_the_same_segment():
    names = {"name_zh": "", "name_en": ""}
    before = pd.DataFrame({"customer_id": range(9), "segment_id": list("xxxxxxyyy"), **names})
    after = before.assign(segment_id=list("yyyxxxzzz"))
    none = pd.DataFrame(columns=["feature", "level"])
    moves = compare_labels(before, after, drift=none, refitted=True).moves.set_index("segment_id")
    assert moves.loc["y", "same_share"] == 1.0  # called z now
    assert moves.loc["x", "same_share"] == 0.5
    assert moves.loc["x", "to"].endswith("(new)")
    scored = compare_labels(before, after, drift=none).moves.set_index("segment_id")
    assert scored.loc["y", "same_share"] == 0.0  # the same model: an id is an id


def with_jobs(folder, name: str, shares: list[float]):
    """A run of customers whose jobs come in these shares, exactly."""
    table = pd.concat([customers(seed) for seed in range(10)], ignore_index=True)
    table["customer_id"] = [f"{i:04d}" for i in range(900)]
    counts = (np.array(shares) * 900).round().astype(int)
    jobs = np.repeat(["clerk", "farmer", "teacher", "pilot"], counts)
    table["job"] = np.random.default_rng(0).permutation(jobs)
    table.to_csv(folder / f"{name}.csv", index=False)
    run = ["run", f"{name}.csv", *RUN, "--categories", "job", "--out", name]
    assert main(run) == 0
    return read_result(name).card


def test_a_comparison_names_the_levels_that_changed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    old = with_jobs(tmp_path, "old", [0.5, 0.3, 0.2, 0.0])
    now = with_jobs(tmp_path, "now", [0.3, 0.31, 0.29, 0.1])
    shift = level_shift(old, now).set_index("level")
    assert shift.loc["clerk", ["share_before", "share_now"]].tolist() == [0.5, 0.3]
    assert shift.loc["clerk", "shift_sd"] == pytest.approx(-0.2 / (0.4 * 0.6) ** 0.5)
    assert shift.loc["pilot", ["share_before", "share_now"]].tolist() == [0.0, 0.1]
    assert shift["moved"].to_dict() == {
        "clerk": True, "farmer": False, "teacher": True, "pilot": True, "(missing)": False,
    }  # fmt: skip
    assert not level_shift(old, old)["moved"].any()
    few = replace(old, customers=9), replace(now, customers=9)
    assert not level_shift(*few)["moved"].any()  # chance explains it
    job = scorecard_shift(old, now).set_index("feature").loc["job"]
    assert job["level"] == "look"
    assert abs(job["shift_sd"]) == shift["shift_sd"].abs().max()
    capsys.readouterr()
    assert main(["compare", "old", "now"]) == 0
    told = "job (clerk 50.0% → 30.0%, pilot 0.0% → 10.0%, teacher 20.0% → 29.0%)"
    assert told in capsys.readouterr().out
    assert main(["compare", "old", "old", "--language", "zh"]) == 0
    assert "job" not in capsys.readouterr().out
    assert main(["score", "now.csv", "--scorecard", "old/scorecard.json", "--out", "s"]) == 0
    capsys.readouterr()
    assert main(["compare", "old", "s", "--language", "zh"]) == 0
    assert "job（clerk 50.0% → 30.0%" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["rename", "report", "plot", "sql", "compare", "verify"])
def test_what_is_no_result_is_said(folder, capsys, command):
    more = {"rename": ["0=x"], "compare": ["may"], "sql": ["--dialect", "hive", "--table", "t"],
            "verify": ["--against", "t.csv"]}  # fmt: skip
    assert main([command, "nowhere", *more.get(command, [])]) == 1
    assert "nowhere does not exist" in capsys.readouterr().err
    (folder / "empty").mkdir()
    assert main([command, "empty", *more.get(command, [])]) == 1
    assert "holds no result" in capsys.readouterr().err
    with (folder / "may" / "labels.csv").open("a") as file:
        file.write("x")
    assert main([command, "may", *more.get(command, [])]) == 1
    assert "labels.csv" in capsys.readouterr().err


def test_a_copy_of_the_model_is_verified_by_golden_rows(folder, capsys):
    golden = pd.read_csv(folder / "may" / "golden_rows.csv", encoding="utf-8-sig")
    theirs = read_result(folder / "may").card.label(golden)
    theirs.columns = theirs.columns.str.upper()  # as Oracle names them
    theirs.to_csv("theirs.csv", index=False)
    assert main(["verify", "may", "--against", "theirs.csv"]) == 0
    assert capsys.readouterr().out == "All 200 golden rows have the same label.\n"
    with sqlite3.connect("crm.db") as con:
        theirs.to_sql("labels", con)
    query = "select customer_id as 客户, segment_id from labels"
    there = ["--against", "sqlite:///crm.db", "--query", query, "--id", "客户"]
    assert main(["verify", "may", *there, "--language", "zh"]) == 0
    assert capsys.readouterr().out == "200 行验证数据的标签全部一致。\n"
    first = theirs.loc[0, "CLUSTER"]
    theirs.assign(CLUSTER=theirs["CLUSTER"].where(theirs.index > 1, 9)).to_csv("t.csv")
    assert main(["verify", "may", "--against", "t.csv"]) == 1
    said = capsys.readouterr().err
    assert "2 of 200 golden rows have another label. The first is golden_001 (centre)" in said
    assert f"expected {first}, found 9" in said
    assert main(["verify", "may", "--against", "t.csv", "--language", "zh"]) == 1
    assert "golden_001（中心）" in capsys.readouterr().err
    assert main(["verify", "may", "--against", "may/labels.csv"]) == 1
    assert "none of the golden rows" in capsys.readouterr().err
    assert main(["rename", "may", "0=常客"]) == 0
    capsys.readouterr()
    assert main(["verify", "may", "--against", "theirs.csv"]) == 1  # other names, same customers
    said = capsys.readouterr()
    assert "the same cluster and another segment_id" in said.err and "All 200" not in said.out
