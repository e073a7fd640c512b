"""Two readings of the same customers: k-means started at the signatures, beside the search."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from kequn_lab import catalogue
from kequn_lab.__main__ import main
from kequn_lab.report.summary import summarise
from kequn_lab.run import from_synthetic_bank
from kequn_lab.run.analysis import analyse
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.options import Options
from kequn_lab.run.readings import compare_readings
from kequn_lab.segments import SeededKMeans, centre_table, expected_levels
from kequn_lab.segments.signatures import similarities
from kequn_lab.validation import segment_stability

pytestmark = pytest.mark.usefixtures("few_pictures")

QUICK = {"n_boot": 0, "n_starts": 2, "n_stability": 0, "quiet": True}
EIGHT = catalogue.segments()["segment_id"].tolist()


@pytest.fixture(scope="module")
def bank() -> Inputs:
    return from_synthetic_bank(500, random_state=101)


@pytest.fixture(scope="module")
def result(bank):
    return analyse(bank, Options(**QUICK))


# The estimator ---------------------------------------------------------------------------------


def places(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3 * n, 4)) + np.repeat([[0] * 4, [3] * 4, [-3, 3, 0, 0]], n, axis=0)


def test_without_a_pull_it_is_scikit_learns_kmeans_from_that_start():
    X, start = places(), np.array([[0.0, 0, 1, 0], [2, 2, 2, 2], [-1, 2, 0, 0]])
    own = SeededKMeans(start).fit(X)
    plain = KMeans(3, init=start, n_init=1, tol=0).fit(X)
    np.testing.assert_allclose(own.cluster_centers_, plain.cluster_centers_)
    np.testing.assert_allclose(own.means_, own.cluster_centers_)
    assert (own.labels_ == plain.labels_).all() and (own.predict(X) == own.labels_).all()
    assert own.inertia_ == pytest.approx(plain.inertia_)


def test_what_is_not_expected_starts_at_the_average_and_a_pull_leaves_it_alone():
    X = places()
    levels = np.array([[0.0, 0, np.nan, np.nan], [2, np.nan, 2, 2], [-1, 2, 0, 0]])
    model = SeededKMeans(levels, pull=0.5).fit(X)
    more = 0.5 * len(X) / 3
    for k, level in enumerate(levels):
        own = X[model.labels_ == k]
        drawn = (own.sum(axis=0) + more * level) / (len(own) + more)
        expected = np.where(np.isnan(level), own.mean(axis=0), drawn)
        np.testing.assert_allclose(model.cluster_centers_[k], expected, atol=1e-3)
        np.testing.assert_allclose(model.means_[k], own.mean(axis=0))


def test_rows_of_weight_two_are_two_rows_and_a_copy_learns_the_same():
    X, start = places(), np.array([[0.0, 0, 1, 0], [2, 2, 2, 2], [-1, 2, 0, 0]])
    twice = np.concatenate([X, X[:50]])
    weight = np.where(np.arange(len(X)) < 50, 2, 1)
    model = SeededKMeans(start, pull=0.3)
    one = clone(model).fit(X, sample_weight=weight).cluster_centers_
    np.testing.assert_allclose(one, clone(model).fit(twice).cluster_centers_)


def test_a_start_that_nobody_is_like_is_said():
    with pytest.warns(ConvergenceWarning, match="no row is nearest to start 1"):
        SeededKMeans([[0.0], [99.0]]).fit([[0.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match="levels must have 1 columns"):
        SeededKMeans([[0.0, 1.0]]).fit([[0.0], [1.0]])
    with pytest.raises(ValueError, match="pull must be a number from 0 on"):
        SeededKMeans([[0.0], [1.0]], pull=-1).fit([[0.0], [1.0]])


# The run ---------------------------------------------------------------------------------------


def test_the_main_job_finds_all_eight_each_by_its_own_signature(result):
    assert result.names["segment_id"].tolist() == EIGHT
    assert set(result.names["by"]) == {"signature"}
    assert result.record["fit"]["start"] == "signatures"
    assert "segments_without_cluster" not in set(result.warnings["warning"])


def test_its_labels_are_plain_kmeans_and_the_scorecards(bank, result):
    model = result.pipeline["preprocess"].transform(bank.features)
    start = expected_levels(catalogue.signatures(), model.columns).fillna(0).to_numpy()
    plain = KMeans(8, init=start, n_init=1, tol=0).fit(model)
    assert (plain.labels_ == result.labels["cluster"]).mean() > 0.99
    assert result.card.predict(bank.features).tolist() == result.labels["cluster"].tolist()


def test_the_price_is_in_the_record_on_the_screen_and_in_the_report(result):
    fit = result.record["fit"]
    assert fit["inertia_above"] == pytest.approx(fit["inertia"] / fit["inertia_lowest"] - 1)
    assert 0 < fit["inertia_above"] < 0.03 and 0.3 < fit["rand_with_lowest"] < 1
    for language, lead in (("en", "The price of this reading"), ("zh", "这种分法")):
        line = [x for x in result.summary(language).splitlines() if x.startswith(lead)]
        assert len(line) == 1
        assert (
            line[0]
            in dict(summarise(result.tables, result.record, language=language).lines)[
                "Reading" if language == "en" else "分法"
            ]
        )
    assert result.readings["segment_id"].tolist() == EIGHT
    assert not any(w == "reading_price" for w in result.warnings["warning"])


def test_the_price_speaks_of_segments_by_their_names_of_now(result):
    joined = result.readings.query("verdict != 'same' and verdict != 'moved'")
    segment = joined["segment_id"].iloc[0]
    named = result.rename({segment: ("甲类", "Kind A")})
    assert "Kind A" in named.summary("en").split("The price")[1]
    assert "甲类" in named.summary("zh").split("这种分法")[1]


def test_the_search_is_asked_for_and_another_k_or_a_range_is_searched(bank):
    for options in ({"start": "search"}, {"n_clusters": 7}, {"ks": [2, 3]}):
        found = analyse(bank, Options(**QUICK | options))
        assert found.record["fit"]["start"] == "search"
        assert "readings" not in found.tables and "The price" not in found.summary()


def test_a_table_without_segments_is_searched_and_nothing_is_named(bank):
    rng = np.random.default_rng(0)
    shuffled = bank.features.apply(lambda column: rng.permutation(column.to_numpy()))
    noise = Inputs(shuffled, log_columns=bank.log_columns)
    found = analyse(noise, Options(**QUICK))
    assert found.record["fit"]["start"] == "search" and not found.names["matched"].any()
    forced = analyse(noise, Options(start="signatures", **QUICK))
    assert forced.names["matched"].sum() <= 1  # the names are not given by fiat


def test_a_table_that_cannot_tell_the_segments_is_searched_unless_asked(bank):
    few = Inputs(bank.features.drop(columns=["age_years", "is_business"]))
    assert analyse(few, Options(**QUICK)).record["fit"]["start"] == "search"
    assert analyse(few, Options(start="signatures", **QUICK)).record["fit"]["start"] == "signatures"


def test_a_start_that_is_not_possible_says_why(bank):
    with pytest.raises(ValueError, match="makes 8 clusters.*k is 5"):
        analyse(bank, Options(n_clusters=5, start="signatures", **QUICK))
    with pytest.raises(ValueError, match="no feature of micro_enterprise"):
        analyse(Inputs(bank.features[["age_years"]]), Options(pull=0.3, **QUICK))
    with pytest.raises(ValueError, match="pull goes with a start at signatures"):
        analyse(bank, Options(pull=0.3, start="search", **QUICK))
    with pytest.raises(ValueError, match="start is 'seed'; give one of auto"):
        analyse(bank, Options(start="seed", **QUICK))


def test_draws_for_the_stability_start_at_the_signatures_too(bank, result):
    model, kmeans = (
        result.pipeline["preprocess"].transform(bank.features),
        result.pipeline["kmeans"],
    )
    options = {"labels": kmeans.labels_, "n_boot": 2, "random_state": 0, "progress": False}
    started = segment_stability(model, start=kmeans, **options)
    searched = segment_stability(model, n_starts=2, **options)
    assert started["slsw"].mean() > searched["slsw"].mean()
    pulled = clone(kmeans).set_params(pull=0.3).fit(model)
    options["labels"] = pulled.labels_
    held = segment_stability(model, start=pulled, **options)
    assert held["slsw"].mean() > started["slsw"].mean()


def test_a_name_rests_on_the_customers_not_on_a_pulled_centre(bank):
    found = analyse(bank, Options(pull=0.3, **QUICK))
    model = found.pipeline["preprocess"].transform(bank.features)
    means = model.groupby(found.pipeline["kmeans"].labels_).mean()
    signatures = catalogue.signatures()
    own = np.diag(similarities(means, signatures)[EIGHT])
    np.testing.assert_allclose(found.names["similarity"], own)
    pulled = np.diag(similarities(centre_table(found.pipeline), signatures)[EIGHT])
    assert (pulled > own).all()


def test_the_command_takes_start_and_pull_and_says_the_pull(tmp_path, capsys):
    options = ["--synthetic", "200", "--stability", "0", "--starts", "2", "--quiet"]
    assert main(["run", "--out", str(tmp_path / "r"), "--pull", "0.3", *options]) == 0
    said = capsys.readouterr()
    assert said.out.count("The price of this reading") == 1 and "reading" not in said.err
    assert "centres are pulled to the levels expected (0.3)" in said.out
    report = (tmp_path / "r/report.html").read_text(encoding="utf-8")
    assert "The price of this reading" in report
    assert "Compared with the lowest inertia" in report
    columns = pd.read_csv(tmp_path / "r/columns.csv")
    assert columns.query("table == 'readings'")["meaning_en"].notna().all()


# The comparison --------------------------------------------------------------------------------


def test_same_merged_cut_and_moved_by_hand():
    names = pd.DataFrame({"cluster": range(5), "segment_id": list("abcde")})
    other = pd.DataFrame({"cluster": range(5), "name_zh": list("甲乙丙丁戊"), "name_en": "x"})
    pairs = [(0, 0, 9), (0, 1, 1), (1, 1, 6), (2, 1, 7), (3, 2, 5), (3, 3, 4), (4, 4, 4), (0, 4, 3)]
    one, two = (np.repeat([p[i] for p in pairs], [p[2] for p in pairs]) for i in (0, 1))
    table = compare_readings(one, two, names=names, other_names=other).set_index("segment_id")
    assert table["verdict"].to_dict() == {
        "a": "moved", "b": "merged", "c": "merged", "d": "cut", "e": "moved",
    }  # fmt: skip
    assert table.loc["b", "other_id"] == "c" and table.loc["c", "other_id"] == "b"
    assert table.loc["d", "jaccard"] == pytest.approx(5 / 9)
    same = compare_readings(one, one, names=names, other_names=other)
    assert set(same["verdict"]) == {"same"}


# Beside categories -----------------------------------------------------------------------------


def test_a_start_at_the_signatures_takes_categories_beside(bank, result):
    """They start at their mean; here one says half of the truth, and one is noise."""
    rng = np.random.default_rng(0)
    segment = bank.truth.set_index("customer_id")["segment_id"].loc[bank.features.index]
    told = np.where(rng.random(len(segment)) < 0.5, segment.isin(EIGHT[:4]), rng.random(500) < 0.5)
    more = bank.features.assign(
        rank=np.array(["low", "high"])[told.astype(int)], city=rng.choice(["a", "b", "c"], 500)
    )
    inputs = replace(bank, features=more, categories={"rank": ("low", "high"), "city": ()})
    options = Options(**QUICK, start="signatures", weights={"city": 0.5, "age_years": 2}, pull=0.1)
    beside = analyse(inputs, options)
    kmeans = beside.pipeline["kmeans"]
    names = list(beside.pipeline[:-1].get_feature_names_out())
    assert len(names) == bank.features.shape[1] + 4
    at = [i for i, n in enumerate(names) if n == "rank" or n.startswith("city:")]
    assert np.isnan(np.asarray(kmeans.levels)[:, at]).all()
    expected = expected_levels(catalogue.signatures(), ["age_years"]).to_numpy()[:, 0]
    age = np.asarray(kmeans.levels)[:, names.index("age_years")]
    np.testing.assert_allclose(age, expected * np.sqrt(2))
    assert beside.names["matched"].sum() >= result.names["matched"].sum() - 1
    found = beside.card.predict(more).to_numpy()
    np.testing.assert_array_equal(found, beside.labels["cluster"])
    assert beside.record["fit"]["start"] == "signatures"
