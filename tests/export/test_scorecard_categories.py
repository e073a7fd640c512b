"""Columns of categories in the scorecard, in SQL and in the stored model: all say the same."""

import sqlite3

import duckdb
import numpy as np
import pandas as pd
import pytest

from kequn_lab.export.models import load_model, save_model
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.export.sql import DIALECTS
from kequn_lab.monitor import should_refit
from kequn_lab.monitor.drift import Spread, feature_drift, level_notes
from kequn_lab.segments.pipeline import centre_table, fit_again, fit_segments

RNG = np.random.default_rng(0)
N = 1200
HOSTILE = ["farmer", "O'Neil; DROP TABLE t--", 'say "x"', "back\\slash", "${env:HOME}", "农民", "r"]
ORDER = ["小学", "中学", "大学"]
TABLE = pd.DataFrame(
    {
        "age": RNG.normal(45, 12, N),
        "job": RNG.choice(HOSTILE, N, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.09, 0.01]),
        "education": RNG.choice(ORDER, N),
        "visits": RNG.poisson(4, N).astype(float),
    }
)
TABLE.loc[:30, "job"] = None
CATEGORIES = {"job": (), "education": ORDER}


@pytest.fixture(scope="module")
def pipeline():
    how = {"n_clusters": 4, "n_starts": 3, "random_state": 0, "categories": CATEGORIES}
    return fit_segments(TABLE, weights={"job": 2.0, "age": 0.5}, missing_levels=["job"], **how)


@pytest.fixture(scope="module")
def card(pipeline):
    return Scorecard.from_pipeline(pipeline, TABLE, as_of="2024-12-31")


@pytest.fixture(scope="module")
def rows():
    """Rows of scoring: new levels, other case, blanks, missing values, numbers far away."""
    more = ["FARMER", " farmer ", "new", "'", "''", "\\", "", " ", "$", "Farmer'", "nan", None, "R"]
    n = 5000
    table = pd.DataFrame(
        {
            "age": RNG.normal(45, 40, n),
            "job": RNG.choice(np.array([*HOSTILE, *more], dtype=object), n),
            "education": RNG.choice(
                np.array([*ORDER, "博士", " 大学 ", "大学　", None], dtype=object), n
            ),
            "visits": RNG.poisson(4, n).astype(float),
        },
        index=[f"c{i}" for i in range(n)],
    )
    table.loc[table.index[:50], ["age", "visits"]] = np.nan
    return table.rename_axis("customer_id")


def test_scorecard_predicts_as_the_pipeline(pipeline, card, rows):
    expected = pipeline.predict(rows)
    assert len(set(expected)) == 4
    np.testing.assert_array_equal(card.predict(rows), expected)
    read = Scorecard.from_json(card.to_json())
    assert read == card and read.model_id == card.model_id
    labels = read.label(rows)
    near = np.sort(pipeline.transform(rows), axis=1)[:, 0]
    np.testing.assert_allclose(labels["distance"], near, rtol=1e-9)


def test_scorecard_says_levels_weights_and_places(card):
    job, education = card.categories
    assert job.weight == 2 and education.ordered and education.axes == ("education",)
    assert (job.unseen, job.missing) == (None, "(missing)") or job.unseen == "(other)"
    assert sum(x.share for x in job.levels) == pytest.approx(1, abs=0.02)
    assert card.feature_names == ["age", "visits", "job", "education"]
    assert len(card.axes) == len(card.segments[0].centre) == 2 + len(job.axes) + 1


def test_duckdb_and_sqlite_label_as_predict(card, rows):
    customers = rows.reset_index()
    expected = card.predict(rows)
    found = duckdb.sql(card.to_sql("duckdb", table="customers")).df().set_index("customer_id")
    np.testing.assert_array_equal(found.loc[rows.index, "cluster"], expected)
    with sqlite3.connect(":memory:") as con:
        customers.to_sql("customers", con, index=False)
        found = pd.read_sql(card.to_sql("sqlite", table="customers"), con)
    found = found.set_index("customer_id")
    np.testing.assert_array_equal(found.loc[rows.index, "cluster"], expected)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_levels_are_escaped_in_every_dialect(card, dialect):
    sqlglot = pytest.importorskip("sqlglot")
    sql = card.to_sql(dialect, table="customers")
    names = {
        "sqlserver": "tsql",
        "postgresql": "postgres",
        "gaussdb": "postgres",
        "mariadb": "mysql",
    }
    tree = sqlglot.parse(sql, read=names.get(dialect, dialect))
    assert len(tree) == 1
    texts = {x.this for x in tree[0].find_all(sqlglot.exp.Literal, sqlglot.exp.National)}
    assert {"O'Neil; DROP TABLE t--", 'say "x"', "back\\slash", "农民"} <= texts
    assert ("${" in sql) == (dialect not in ("spark", "hive"))


def test_stored_model_predicts_the_same(pipeline, rows, tmp_path):
    save_model(pipeline, tmp_path / "m.skops")
    loaded = load_model(tmp_path / "m.skops")
    np.testing.assert_array_equal(loaded.predict(rows), pipeline.predict(rows))


def test_a_table_of_categories_alone(rows):
    table, how = TABLE[["job", "education"]], {"n_clusters": 3, "random_state": 0}
    fitted = fit_segments(table, categories=CATEGORIES, n_starts=3, **how)
    card = Scorecard.from_pipeline(fitted, table, as_of="2024-12-31")
    expected = fitted.predict(rows[["job", "education"]])
    customers = rows.reset_index()  # noqa: F841
    found = duckdb.sql(card.to_sql("duckdb", table="customers")).df().set_index("customer_id")
    np.testing.assert_array_equal(found.loc[rows.index, "cluster"], expected)
    np.testing.assert_array_equal(Scorecard.from_json(card.to_json()).predict(rows), expected)


def test_centres_are_named_by_level(pipeline):
    assert {"age", "visits", "education", "job:farmer", "job:(missing)"} <= set(
        centre_table(pipeline)
    )


def test_a_changed_level_is_noticed_and_a_wrong_one_refused(card):
    text = card.to_json()
    with pytest.raises(ValueError, match="model_id"):
        Scorecard.from_json(text.replace('"farmer"', '"Farmer 2"'))
    with pytest.raises(ValueError, match="'nobody' is none of its levels"):
        Scorecard.from_json(text.replace('"missing": "(missing)"', '"missing": "nobody"'))
    with pytest.raises(ValueError, match="lacks 2 of 4 features: job, education"):
        card.predict(TABLE[["age", "visits"]])


def test_a_given_start_says_nothing_of_categories():
    levels = pd.DataFrame({"age": [0.5, -0.5], "visits": np.nan})
    pipeline = fit_segments(TABLE, n_clusters=2, categories=CATEGORIES, levels=levels)
    start = np.asarray(pipeline["kmeans"].levels)
    assert start[:, 0].tolist() == [0.5, -0.5] and np.isnan(start[:, 1:]).all()
    card = Scorecard.from_pipeline(pipeline, TABLE, as_of="2024-12-31")
    np.testing.assert_array_equal(card.predict(TABLE), pipeline["kmeans"].labels_)


def test_drift_counts_levels_and_names_new_ones(card):
    same = feature_drift(card, TABLE).set_index("feature")
    assert (same.loc[["job", "education"], "psi"] < 0.001).all()
    assert same.loc["job", "missing_now"] == pytest.approx(31 / N)
    now = TABLE.assign(education="大学", job=TABLE["job"].replace("farmer", "pilot"))
    moved = feature_drift(card, now).set_index("feature")
    assert moved.loc[["job", "education"], "level"].tolist() == ["large", "large"]
    n = (TABLE["job"] == "farmer").sum()
    assert moved.loc["job", "hint"] == f"levels not seen at the training: 'pilot' ({n})"
    spread = Spread(card)
    spread.add(now)
    levels, table = spread.levels(), spread.table().set_index("feature")
    sums = levels.groupby("feature")["psi"].sum()
    np.testing.assert_allclose(sums, table.loc[sums.index, "psi"])
    farmer = levels[levels["level"] == "farmer"].iloc[0]
    assert farmer["share_now"] == 0 < farmer["share_before"]
    assert levels.groupby("feature")[["share_before", "share_now"]].sum().to_numpy() == (
        pytest.approx(1)
    )
    (note,) = level_notes(spread)
    assert "'pilot'" in note.text_en and "'pilot'" in note.text_zh and note.value == n


def test_new_levels_are_a_reason_in_both_languages_and_no_unit(card):
    before = TABLE.set_axis([f"c{i}" for i in range(N)])
    now = before.assign(job=before["job"].replace("farmer", "pilot"))
    verdict = should_refit(card, before, now, months=12)
    assert any("'pilot'" in reason for reason in verdict.reasons)
    assert any("'pilot'" in reason and "类别" in reason for reason in verdict.reasons_zh)
    assert not any("单位" in reason for reason in verdict.reasons_zh)


def test_a_given_start_is_refitted_where_levels_have_come():
    levels = pd.DataFrame({"age": [0.5, -0.5], "visits": np.nan})
    pipeline = fit_segments(TABLE, n_clusters=2, categories=CATEGORIES, levels=levels)
    now = TABLE.assign(job=TABLE["job"].where(np.arange(N) % 3 > 0, "pilot"))
    fresh = fit_again(pipeline, now)
    more = {"job:pilot"} - set(pipeline[:-1].get_feature_names_out())
    assert more and more <= set(fresh[:-1].get_feature_names_out())
    start = np.asarray(fresh["kmeans"].levels)
    assert start[:, 0].tolist() == [0.5, -0.5] and np.isnan(start[:, 1:]).all()
    np.testing.assert_array_equal(
        fit_again(pipeline, TABLE).predict(TABLE), pipeline.predict(TABLE)
    )
