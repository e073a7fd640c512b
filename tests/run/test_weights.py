"""Weights of columns: in the fit, the scorecard, SQL, the stored model and the report."""

import json

import duckdb
import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export.models import load_model, save_model
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.profiles.variance import variance_table

pytestmark = pytest.mark.usefixtures("few_pictures")

RNG = np.random.default_rng(0)
N = 300
TABLE = pd.DataFrame(
    {
        "age": np.repeat([30.0, 60], N // 2) + RNG.normal(0, 4, N),
        "visits": np.tile([2.0, 12], N // 2) + RNG.normal(0, 1, N),
        "channel:app": RNG.random(N),
        "channel:web": RNG.random(N),
    },
    index=[f"c{i}" for i in range(N)],
)
ASK = {"k": 2, "stability": 0, "quiet": True, "start": "search"}


@pytest.fixture(scope="module")
def result():
    return kq.segment(TABLE, weights={"age": 4, "channel:*": 0.25}, **ASK)


def test_the_first_screen_says_when_one_variable_decides():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(300, 4)), columns=["age_years", "b", "c", "d"])
    how = {"k": 3, "stability": 0, "quiet": True}
    heavy = kq.segment(table, weights={"age_years": 20}, **how)
    assert "Age alone makes up" in heavy.summary(language="en")
    assert "来自“年龄”一个变量" in heavy.summary(language="zh")
    heavy.tables["variance"]["between_share"] = 0.25
    assert "alone makes up" not in heavy.summary(language="en")


def test_the_heavier_column_decides(result):
    old = (TABLE["age"] > 45).to_numpy()
    assert len({*zip(old, result.labels["cluster"])}) == 2
    busy = kq.segment(TABLE, weights={"visits": 4}, **ASK).labels["cluster"]
    assert len({*zip((TABLE["visits"] > 7).to_numpy(), busy)}) == 2


def test_a_weight_of_two_is_the_column_twice():
    weighted = kq.segment(TABLE, weights={"visits": 2}, **ASK)
    twice = kq.segment(TABLE.assign(again=TABLE["visits"]), **ASK)
    np.testing.assert_allclose(
        weighted.record["fit"]["inertia"], twice.record["fit"]["inertia"], rtol=1e-6
    )


def test_shares_of_the_variance_add_up_and_follow_the_weights(result):
    table = result.tables["variance"].set_index("variable")
    own = table[table["kind"] == "variable"]
    np.testing.assert_allclose(own[["total_share", "between_share"]].sum(), 1)
    np.testing.assert_allclose(own["total_share"], own["weight"] / 5.5)
    block = own.loc[["channel:app", "channel:web"]]
    assert table.loc["channel:*", "between_share"] == pytest.approx(block["between_share"].sum())
    assert table.index[0] == "age"


def test_between_share_is_recomputed_plainly():
    labels = np.repeat([0, 1], N // 2)
    table = variance_table(TABLE, labels).set_index("variable")
    means = TABLE.groupby(labels).mean()
    between = ((means - TABLE.mean()) ** 2).mean()
    np.testing.assert_allclose(
        table.loc[TABLE.columns, "between_share"], between / between.sum(), rtol=1e-9
    )


def test_scorecard_sql_and_stored_model_carry_the_weights(result, tmp_path):
    card = Scorecard.from_json(result.card.to_json())
    assert {f.name: f.weight for f in card.features} == {
        "age": 4, "visits": 1, "channel:app": 0.25, "channel:web": 0.25,
    }  # fmt: skip
    new = TABLE * RNG.normal(1, 0.5, TABLE.shape)
    expected = result.pipeline.predict(new)
    np.testing.assert_array_equal(card.predict(new), expected)
    customers = new.rename_axis("customer_id").reset_index()  # noqa: F841
    rows = duckdb.sql(card.to_sql("duckdb", table="customers")).df().set_index("customer_id")
    np.testing.assert_array_equal(rows.loc[new.index, "cluster"], expected)
    save_model(result.pipeline, tmp_path / "m.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "m.skops").predict(new), expected)


def test_without_weights_the_scorecard_is_as_it_was():
    features = json.loads(kq.segment(TABLE, **ASK).card.to_json())["features"]
    assert features and not [f for f in features if "weight" in f]


def test_report_shows_what_decides(result, tmp_path):
    for language, words in (("en", "Which variables decide"), ("zh", "哪些变量起决定作用")):
        result.report(tmp_path / "r.html", language=language)
        assert words in (tmp_path / "r.html").read_text("utf-8")


def test_the_command_reads_a_file_and_says_what_is_wrong_with_it(tmp_path, capsys):
    file, weights = tmp_path / "customers.csv", tmp_path / "weights.toml"
    TABLE.rename_axis("customer_id").to_csv(file)
    run = ["run", str(file), "--k", "2", "--stability", "0", "--quiet", "--start", "search",
           "--weights", str(weights), "--out", str(tmp_path / "r")]  # fmt: skip
    for text, says in (
        ("age = -1", "weight of age is -1; give a number above 0"),
        ("ages = 2", "weights: no column ages"),
        ('age = "2"', "weight of age must be a number, found '2'"),
        ("age: 2", "weights.toml is not a TOML file"),
        ("年龄 = 2", 'needs quotes: "年龄" = 2'),
    ):
        weights.write_text(text, "utf-8")
        assert main(run) == 1
        assert says in capsys.readouterr().err
    weights.write_text('age = 4\n"channel:*" = 0.25\n')
    assert main(run) == 0
    read = kq.read_result(tmp_path / "r")
    assert read.record["parameters"]["weights"] == {"age": 4, "channel:*": 0.25}
    assert read.tables["variance"]["weight"].max() == 4
