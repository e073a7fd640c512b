"""Columns of categories the whole way: file to labels, tables, report, scorecard, SQL, score."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.contract.mapping import read_mapping

pytestmark = pytest.mark.usefixtures("few_pictures")

RNG = np.random.default_rng(0)
N = 600
SIDE = np.repeat([0, 1], N // 2)
ORDER = ["小学", "中学", "大学"]
TABLE = pd.DataFrame(
    {
        "customer_id": [f"c{i}" for i in range(N)],
        "age": RNG.normal(40, 6, N) + 12 * SIDE,
        "visits": RNG.poisson(5, N).astype(float),
        "job": np.where(
            RNG.random(N) < 0.85,
            np.array(["farmer", "clerk"])[SIDE],
            RNG.choice(["nurse", " Clerk", "Ｆａｒｍｅｒ"], N),
        ),
        "education": np.array(ORDER)[np.clip(2 * SIDE + RNG.integers(-1, 2, N), 0, 2)],
        "remark": [f"note {i}" for i in range(N)],
    }
)
TABLE.loc[:24, "job"] = None
TABLE.loc[25:28, "job"] = "spy"
DECLARED = """
[features.job]
nominal = true
missing = "level"

[features.education]
order = ["小学", "中学", "大学"]
"""
CALLED = DECLARED.replace(
    "[features.education]",
    """labels.Farmer = {zh = "农民", en = "Farmer"}
labels.clerk = {zh = "职员"}
labels.pilot = {zh = "飞行员"}

[features.names]
job = {zh = "职业", en = "Occupation"}
age = {zh = "年龄", en = "Age"}

[features.education]""",
)


@pytest.fixture(scope="module")
def result():
    categories = {"job": [], "education": ORDER}
    return kq.segment(TABLE, categories=categories, k=2, stability=4, quiet=True)


def notes_of(result):
    return {note["warning"]: note for note in result.record["notes"]}


def test_groups_are_found_by_numbers_and_categories_together(result):
    both = pd.crosstab(SIDE, result.labels["cluster"]).to_numpy()
    assert both.max(axis=1).sum() > 0.93 * N
    table = result.tables["variance"].set_index("variable")
    assert table["total_share"].to_numpy() == pytest.approx(0.25)
    assert table.loc["visits", "between_share"] < table.loc["job", "between_share"]


def test_every_decision_about_levels_is_said_in_both_languages(result):
    notes = notes_of(result)
    assert "'spy'" in notes["rare_levels"]["text_en"] and "'spy'" in notes["rare_levels"]["text_zh"]
    assert "'Clerk' = 'clerk'" in notes["unified_levels"]["text_en"]
    assert "only categories tell" in notes["categories_in_verdicts"]["text_en"]
    assert "只靠类别区分" in notes["categories_in_verdicts"]["text_zh"]
    assert "remark" in notes["left_out_text"]["text_en"] and "alike_codes" not in notes


def test_profiles_markers_rules_and_cards_name_levels(result):
    profile = result.tables["profile"]
    levels = profile.loc[profile["variable"] == "job", "level"]
    assert set(levels) == {"farmer", "clerk", "nurse", "spy"}
    first = profile[profile["segment_id"] == profile["segment_id"].iloc[0]]
    assert first.loc[first["variable"] == "education", "level"].tolist() == ORDER
    shares = profile[profile["variable"] == "job"].groupby("segment_id")["mean"].sum()
    assert shares.to_numpy() == pytest.approx(1)
    assert result.tables["cards"]["text_en"].str.contains(r"job: farmer \d+.*\(all: ").any()
    assert result.tables["rules"]["rule"].str.contains("education|job").all()


def test_report_and_tables_are_written_and_read_again(result, tmp_path):
    result.save(tmp_path / "r", quiet=True, language="zh")
    text = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "job：farmer" in text and "哪些变量起决定作用" in text
    read = kq.read_result(tmp_path / "r")
    assert read.card == result.card
    read.report(tmp_path / "en.html", language="en")


def test_scorecard_and_sql_label_as_the_run(result):
    expected = result.labels.set_index("customer_id")["cluster"]
    customers = TABLE  # noqa: F841
    np.testing.assert_array_equal(result.card.predict(TABLE), expected)
    found = duckdb.sql(result.card.to_sql("duckdb", table="customers")).df()
    found = found.set_index("customer_id")["cluster"]
    assert (found.loc[expected.index] == expected).all()


def test_golden_rows_hold_levels_and_sql_gives_their_labels(result):
    golden = result.card.golden_rows()
    assert "farmer" in set(golden["job"].dropna())
    assert golden["job"].isna().any() and len(golden) == 200
    found = duckdb.sql(result.card.to_sql("duckdb", table="golden")).df()
    found = found.set_index("customer_id").loc[golden["customer_id"], "cluster"]
    np.testing.assert_array_equal(found, golden["expected_cluster"])


def test_command_declares_by_option_and_by_mapping_and_scores(tmp_path, capsys):
    file, mapping = tmp_path / "customers.csv", tmp_path / "bank.toml"
    TABLE.to_csv(file, index=False)
    mapping.write_text(DECLARED, "utf-8")
    run = ["run", str(file), "--k", "2", "--stability", "0", "--quiet"]
    assert main([*run, "--categories", "job,education", "--out", str(tmp_path / "a")]) == 0
    assert main([*run, "--mapping", str(mapping), "--out", str(tmp_path / "b")]) == 0
    card = kq.Scorecard.load(tmp_path / "b" / "scorecard.json")
    assert [c.ordered for c in card.categories] == [False, True]
    assert card.categories[0].missing == "(missing)"
    new = TABLE.assign(job=TABLE["job"].replace("farmer", "pilot"))
    new.to_csv(file, index=False)
    capsys.readouterr()
    score = ["score", str(file), "--scorecard", str(tmp_path / "b" / "scorecard.json")]
    assert main([*score, "--out", str(tmp_path / "s")]) == 0
    assert "levels not seen at the training: 'pilot'" in capsys.readouterr().err
    labels = pd.read_csv(tmp_path / "s" / "labels.csv", encoding="utf-8-sig")
    np.testing.assert_array_equal(labels["cluster"], card.predict(new))


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    mapping = tmp_path_factory.mktemp("called") / "bank.toml"
    mapping.write_text(CALLED, "utf-8")
    return kq.segment(TABLE, mapping=mapping, k=2, stability=0, quiet=True)


def test_levels_and_columns_are_called_in_both_languages(called):
    cards, rules = called.tables["cards"], called.tables["rules"]
    assert cards["text_zh"].str.contains("职业：农民 \\d+.*（全体 ").any()
    assert cards["text_en"].str.contains(r"Occupation: Farmer \d+.* \(all: ").any()
    assert cards["text_en"].str.contains(r"Occupation: clerk \d+").any()  # no English label
    assert rules["sentence_zh"].str.contains("职业为“(?:农民|职员)”|年龄|学历").any()
    names = called.names[["name_zh", "name_en"]].to_numpy().ravel()
    assert not any("job" in name or "age" in name.split() for name in names)


def test_ids_of_levels_stay_as_they_are_in_tables_and_sql(called):
    assert {"farmer", "clerk"} <= set(called.tables["profile"]["level"].dropna())
    assert called.tables["rules"]["rule"].str.contains("job|education|age").all()
    sql = called.card.to_sql("duckdb", table="t")
    assert "'farmer'" in sql and "农民" not in sql


def test_labels_are_in_pictures_and_in_a_report_that_is_read_again(called, tmp_path):
    called.save(tmp_path / "r", quiet=True, language="zh")
    read = kq.read_result(tmp_path / "r")
    read.report(tmp_path / "en.html", language="en")
    zh, en = ((tmp_path / f).read_text("utf-8") for f in ("r/report.html", "en.html"))
    assert "职业：农民" in zh and "job：" not in zh and "job:" not in zh
    assert "Occupation: Farmer" in en and "农民" not in en and "job:" not in en
    drawn = {
        language: {t.get_text() for t in read.plot("heat_map", language=language).get_yticklabels()}
        for language in ("zh", "en")
    }
    assert {"职业 = 农民", "年龄"} <= drawn["zh"]
    assert {"Occupation = Farmer", "Age"} <= drawn["en"]


def test_a_label_without_its_level_is_said(called):
    note = notes_of(called)["label_without_level"]
    assert "'pilot'" in note["text_en"] and "'pilot'" in note["text_zh"]
    assert "'farmer'" in note["text_en"]


@pytest.mark.parametrize(
    ("categories", "says"),
    [
        (["jobs"], "has no column jobs"),
        (["remark"], "remark: all levels are rare"),
        ({"education": ["小学", "大学"]}, "order of education lacks '中学'"),
        (["mixed"], "mixed mixes numbers and words"),
        (["many"], "many has 21 levels, more than 20: group them"),
    ],
)
def test_bad_categories_are_refused_by_name(categories, says):
    table = TABLE.assign(
        mixed=RNG.choice(["1", "2", "three"], N), many=[f"l{i % 21}" for i in range(N)]
    )
    with pytest.raises(ValueError, match=says):
        kq.segment(table, categories=categories, k=2, stability=0, quiet=True)


BAD = {
    "mixed": (["--categories", "mixed"], "mixed mixes numbers and words", "mixed 混有数字和文字"),
    "many": (["--categories", "many"], "many has 21 levels, more", "many 有 21 个类别，多于"),
    "rare": (["--categories", "remark"], "remark: all levels are rare", "remark：所有类别都太少"),
    "one": (["--categories", "one"], "all levels are rare but 'a'", "除 'a' 外所有类别都太少"),
    "nobody": (["--categories", "jobs"], "has no column jobs; its", "没有列 jobs；现有列"),
    "order": (
        "[features.education]\norder = ['小学', '大学']",
        "lacks '中学'",
        "缺少数据中有的 '中学'",
    ),
    "unknown": (
        "agee = 2",
        "weights: no column agee; there are age",
        "权重：没有列 agee；现有 age",
    ),
    "negative": ("age = -1", "weight of age is -1; give a", "age 的权重为 -1；请给出大于 0 的数"),
    "text": ("age = 'two'", "weight of age must be a number", "age 的权重应为数字，现为 'two'"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_in_both_languages(what, language, tmp_path, capsys):
    given, *says = BAD[what]
    file, toml = tmp_path / "customers.csv", tmp_path / "given.toml"
    table = TABLE.assign(
        mixed=RNG.choice(["1", "2", "three"], N),
        many=[f"l{i % 21}" for i in range(N)],
        one=["a"] * (N - 5) + ["b"] * 5,
    )
    table.to_csv(file, index=False)
    if isinstance(given, str):
        toml.write_text(given, "utf-8")
        given = ["--mapping" if what == "order" else "--weights", str(toml)]
    run = ["run", str(file), *given, "--k", "2", "--stability", "0", "--quiet"]
    assert main([*run, "--language", language, "--out", str(tmp_path / "out")]) != 0
    assert says[language == "zh"] in capsys.readouterr().err
    assert not (tmp_path / "out" / "run.json").exists()


def test_codes_written_as_numbers_are_asked_about_and_can_be_declared():
    table = TABLE.assign(branch=RNG.choice([101, 102, 117, 205], N)).drop(columns="remark")
    suspected = kq.segment(table, k=2, stability=0, quiet=True)
    assert "--categories" in notes_of(suspected)["code_as_number"]["text_en"]
    declared = kq.segment(table, categories=["branch"], k=2, stability=0, quiet=True)
    assert "code_as_number" not in notes_of(declared)
    assert "branch:101" in declared.card.axes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[features.job]\nordr = ['a']", "unknown key in .features.job.: 'ordr'; did you mean"),
        ("[features.job]\n", "give either"),
        ("[features.职业]\nnominal = true", "needs quotes"),
        ("[features.job]\nnominal = true\norder = ['a', 'b']", "give either"),
        ("[features.job]\nnominal = true\nlabels.a = 'A'", r'labels. a must be {zh = "…", en'),
        ("[features.names]\nage = 'Age'", r'age must be {zh = "…", en = "…"}; found'),
        ("[features.job]\norder = 'a'", "order must be a list of levels in quotes"),
        ("[features.job]\nnominal = true\nmissing = 'zero'", 'must be "mean" or "level"'),
        ("[features.job]\norder = ['a', 'b']\nmissing = 'level'", "missing value has no place"),
    ],
)
def test_bad_declarations_are_named(tmp_path, text, says):
    file = tmp_path / "bank.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=says):
        read_mapping(file)


def test_groups_by_themselves_take_categories():
    """Each side codes them in its own scale; the scorecard and its SQL label as the run."""
    table = TABLE.drop(columns="remark").assign(firm=RNG.integers(0, 2, N))
    how = {"categories": {"job": [], "education": ORDER}, "by": "firm", "k": 2}
    result = kq.segment(table, **how, stability=2, quiet=True)
    assert len(result.tables["segment_stability"]) == len(result.names)
    assert result.by_group.groupby("group_value").size().tolist() == [2, 2]
    expected = result.labels.set_index("customer_id")["cluster"]
    hostile = pd.concat([table, table.assign(job="pilot"), table.assign(job=None, visits=np.nan)])
    hostile = hostile.assign(customer_id=[f"h{i}" for i in range(3 * N)])
    np.testing.assert_array_equal(result.card.predict(hostile)[:N], expected)
    np.testing.assert_array_equal(result.card.predict(hostile), result.pipeline.predict(
        hostile[list(result.features)]
    ))  # fmt: skip
    found = duckdb.sql(result.card.to_sql("duckdb", table="hostile")).df()
    found = found.set_index("customer_id").loc[hostile["customer_id"], "cluster"]
    np.testing.assert_array_equal(found, result.card.predict(hostile))
    read = kq.Scorecard.from_json(result.card.to_json())
    assert read == result.card and read.model_id == result.card.model_id
    moved = json.loads(result.card.to_json())
    moved["groups"][0]["mean"]["education"] = 0.5
    with pytest.raises(ValueError, match="the mean on an axis of a category is 0"):
        kq.Scorecard.from_json(json.dumps(moved), edited=True)
