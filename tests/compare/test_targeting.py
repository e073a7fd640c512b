"""targeting, overlap: gain with a known truth, lucky segments, intervals, one class."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kequn_lab._statistics import wilson
from kequn_lab.compare.separability import _auc, overlap
from kequn_lab.compare.targeting import contacts_needed, outcome_by_segment, targeting_gain
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments.pipeline import fit_segments

ROOT = Path(__file__).resolve().parents[2]


def campaign(n=20_000, seed=0):
    """A quarter of the customers buy with 40 %, the others with 10 %; age only helps a little."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(["a", "b", "c", "d"], n)
    age = rng.normal(40, 10, n)
    chance = np.where(segment == "a", 0.4, 0.1) + 0.002 * (age - 40).clip(-20, 20)
    index = [f"c{i}" for i in range(n)]
    outcome = pd.Series((rng.random(n) < chance).astype(float), index=index)
    return outcome, pd.Series(segment, index=index), pd.Series(age, index=index)


def test_wilson_is_that_of_scipy():
    low, high = wilson([0, 3, 10], 10)
    for k, lower, upper in zip([0, 3, 10], low, high, strict=True):
        plain = stats.binomtest(k, 10).proportion_ci(0.95, method="wilson")
        assert (lower, upper) == pytest.approx((plain.low, plain.high), abs=1e-12)
    assert np.isnan(wilson(0, 0)[0])


def test_outcome_by_segment_by_hand():
    outcome = pd.Series([1, 0, 1, np.nan, 1, 0], index=list("abcdef"))
    labels = pd.Series(["x", "x", "x", "x", "y", None], index=list("abcdef"))
    table = outcome_by_segment(outcome, labels)
    assert table["segment_id"].tolist() == ["y", "x", "all"]
    assert table["customers"].tolist() == [1, 3, 4] and table["outcomes"].tolist() == [1, 2, 3]
    assert table["lift"].tolist() == pytest.approx([4 / 3, 8 / 9, 1])


def test_the_gain_is_the_known_one():
    outcome, labels, age = campaign(seed=1)
    gain = targeting_gain(outcome, labels, rules={"oldest": age})
    at = gain.set_index(["strategy", "contacted_share"])["gain"]
    # Segment a is a quarter of the customers and 0.4 / (0.4 + 3 * 0.1) of the outcomes.
    assert at["segment", 0.25] == pytest.approx(4 / 7, abs=0.02)
    assert at["random", 0.25] == pytest.approx(0.25)
    assert at["random", 0.25] < at["oldest", 0.25] < at["segment", 0.25] < at["best possible", 0.25]
    assert (gain.loc[gain["contacted_share"] == 1, "gain"] == 1).all()
    assert (gain.loc[gain["contacted_share"] == 0, "gain"] == 0).all()
    lift = gain.set_index(["strategy", "contacted_share"])["lift"]
    assert lift["segment", 0.25] == pytest.approx(at["segment", 0.25] / 0.25)
    interval = gain[(gain["strategy"] == "segment") & (gain["contacted_share"] == 0.25)].iloc[0]
    assert interval["gain_low"] < 4 / 7 < interval["gain_high"]


def test_ties_are_an_average_over_random_orders():
    outcome = pd.Series([1.0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    rule = pd.Series([2.0, 2, 2, 2, 2, 1, 1, 1, 1, np.nan])
    gain = targeting_gain(outcome, pd.Series(list("xyxyxyxyxy")), rules={"rule": rule})
    got = gain[gain["strategy"] == "rule"].set_index("contacted_share")["outcomes"]
    # One of the five that tie, of which two buy; then all five; then no more.
    assert got[[0.1, 0.5, 0.9]].tolist() == pytest.approx([0.4, 2, 2])


def test_luck_is_not_rewarded():
    # 200 segments of noise: ordered by their own outcomes they would seem to double the yield.
    rng = np.random.default_rng(3)
    outcome = pd.Series((rng.random(4000) < 0.1).astype(float))
    labels = pd.Series([f"s{i}" for i in rng.integers(0, 200, 4000)])
    gain = targeting_gain(outcome, labels).set_index(["strategy", "contacted_share"])["gain"]
    got = gain["segment", 0.2]
    assert got == pytest.approx(0.2, abs=0.06)
    rate = outcome.groupby(labels).mean()
    naive = outcome[labels.map(rate).sort_values(ascending=False).index[:800]].sum()
    assert naive / outcome.sum() > 0.35


def test_contacts_needed():
    outcome, labels, _ = campaign()
    table = contacts_needed(targeting_gain(outcome, labels), outcome_share=0.5)
    table = table.set_index("strategy")
    assert table.loc["random", "contacts"] == pytest.approx(10_000)
    assert table.loc["segment", "contacts"] == pytest.approx(
        20_000 * 0.25 * 0.5 / (4 / 7), rel=0.03
    )
    assert table.loc["segment", "saved"] == pytest.approx(
        1 - table.loc["segment", "contacts"] / 10_000
    )
    assert table.index[0] == "best possible"


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ([1, 1, 1], "outcome is 1 for all 3 customers"),
        ([0, 2, 1], r"must be 0 or 1 \(or missing\); found \[2.0\]"),
        ([np.nan] * 3, "no customer has both"),
    ],
)
def test_bad_outcomes(outcome, message):
    labels = pd.Series(["x", "x", "y"])
    for function in (outcome_by_segment, targeting_gain):
        with pytest.raises(ValueError, match=message):
            function(pd.Series(outcome), labels)


def test_bad_arguments():
    outcome, labels, age = campaign(50)
    with pytest.raises(ValueError, match="cannot be called 'random'"):
        targeting_gain(outcome, labels, rules={"random": age})
    with pytest.raises(ValueError, match="outcome_share lies above 0"):
        contacts_needed(targeting_gain(outcome, labels), outcome_share=90)


# Overlap ---------------------------------------------------------------------------------------


def two_groups(distance, n=600, seed=0):
    rng = np.random.default_rng(seed)
    group = pd.Series(rng.choice(["internet", "branch"], n)).astype(
        pd.CategoricalDtype(["internet", "branch"])
    )
    branch = (group == "branch").to_numpy()
    features = pd.DataFrame(rng.normal(0, 1, (n, 3)) + distance * branch[:, None] * [1, 0, 0])
    features.columns = ["age", "mobile_share", "web_share"]
    features["mobile_share"] = np.where(branch, 0.2, 0.9)
    features["web_share"] = 0.0
    features.loc[:9, ["mobile_share", "web_share"]] = np.nan
    return features, group


def test_nothing_to_tell_and_everything():
    features, group = two_groups(0)
    nothing = overlap(features[["age"]], group).summary.set_index("measure")
    assert nothing.loc["auc", "low"] < 0.5 < nothing.loc["auc", "high"] + 0.05
    assert nothing.loc["overlap_coefficient", "value"] > 0.8
    assert nothing.loc["contested_share", "value"] > 0.9
    features, group = two_groups(6)
    apart = overlap(features[["age"]], group).summary.set_index("measure")
    assert apart.loc["auc", "value"] > 0.99 and apart.loc["overlap_coefficient", "value"] < 0.1


def test_auc_is_scikit_learns_and_that_of_two_normals():
    from sklearn.metrics import roc_auc_score

    features, group = two_groups(1, n=4000, seed=1)
    found = overlap(features[["age"]], group)
    auc = found.summary.set_index("measure").loc["auc"]
    plain = roc_auc_score(found.customers["group"] == "branch", found.customers["score"])
    assert auc["value"] == pytest.approx(plain, abs=1e-12)
    assert auc["low"] < stats.norm.cdf(1 / np.sqrt(2)) < auc["high"]


@pytest.mark.parametrize("distance, tables", [(0.0, 16), (1.0, 30)])
def test_intervals_of_auc_and_overlap_cover_where_customers_are_few(distance, tables):
    """Two groups of 40 in five columns; DeLong's interval covers less."""
    truth = {
        "auc": stats.norm.cdf(distance / np.sqrt(2)),
        "overlap_coefficient": 2 * stats.norm.cdf(-distance / 2),
    }
    group = pd.Series(np.repeat(["a", "b"], 40))
    held, values = {}, []
    for seed in range(tables):
        x = np.random.default_rng(seed).normal(size=(80, 5))
        x[40:, 0] += distance
        for n_boot in (0, 20):
            found = overlap(pd.DataFrame(x), group, n_boot=n_boot, random_state=seed).summary
            table = found.set_index("measure")
            for measure, right in truth.items():
                low, high = table.loc[measure, ["low", "high"]]
                held.setdefault((measure, n_boot), []).append(low <= right <= high)
        values.append(table.loc["overlap_coefficient", "value"])
    for measure in truth:
        assert np.mean(held[measure, 20]) >= max(0.85, np.mean(held[measure, 0]))
    # The shared area of two histograms of 40 is 0.7 where the truth is 1, 0.54 where it is 0.62.
    assert np.mean(values) == pytest.approx(truth["overlap_coefficient"], abs=0.1)


def test_the_error_of_the_auc_is_delongs():
    rng = np.random.default_rng(4)
    above, below = rng.integers(1, 9, 60).astype(float), rng.integers(0, 7, 45).astype(float)
    wins = (above[:, None] > below) + 0.5 * (above[:, None] == below)
    error = np.sqrt(wins.mean(1).var(ddof=1) / 60 + wins.mean(0).var(ddof=1) / 45)
    assert _auc(above, below) == pytest.approx((wins.mean(), error), rel=1e-9)


def test_online_shares_by_hand():
    features, group = two_groups(1)
    found = overlap(features, group)
    table = found.summary.set_index("measure")
    assert table.loc["online_share: internet", "value"] == 1.0
    assert table.loc["online_share: branch", "value"] == 0.0
    assert found.customers["online"].isna().sum() == 10  # without events: not known
    without = overlap(features[["age"]], group)
    assert without.customers["online"].isna().all()
    assert not without.summary["measure"].str.startswith("online").any()


def test_overlap_needs_two_groups_of_customers():
    features, group = two_groups(1)
    with pytest.raises(ValueError, match="each group needs at least 5 customers"):
        overlap(features, pd.Series(["x"] * 598 + ["y"] * 2))
    with pytest.raises(ValueError, match="two groups are compared"):
        overlap(features, pd.Series(["x"] * 600))
    with pytest.raises(ValueError, match=r"\['tier'\] are not"):
        overlap(features.assign(tier="t1"), group)


# The Czech bank --------------------------------------------------------------------------------


def test_loan_status_and_cards_of_berka_by_segment(shared):
    """Outcomes that no segment was made of; the counts are those of the files themselves."""
    spec = importlib.util.spec_from_file_location("berka", ROOT / "benchmarks/berka_outcomes.py")
    berka = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(berka)
    folder = shared / "data" / "berka"
    features, bad = berka.loans_and_features(folder)
    plain = pd.read_csv(folder / "asc" / "loan.asc", sep=";", dtype=str)
    tested = pd.read_csv(folder / "feup" / "loan_test.csv", sep=";", dtype=str)["account_id"]
    plain = plain[plain["account_id"].isin(tested)]
    assert len(features) == len(plain) == 354
    assert bad.sum() == plain["status"].isin(["B", "D"]).sum() == 30
    # No event of the loan's own day or later is in the features.
    assert features["recency_days"].min() >= 0
    fitted = fit_segments(model_columns(features), n_clusters=4, random_state=0)
    labels = pd.Series(fitted["kmeans"].labels_, index=features.index).astype("str")
    table = outcome_by_segment(bad, labels)
    assert table.iloc[:-1][["customers", "outcomes"]].sum().tolist() == [354, 30]
    assert (table["low"] <= table["rate"]).all() and (table["rate"] <= table["high"]).all()
    # Whatever it shows: with 30 bad loans no segment is clearly different from all customers.
    everyone = table.iloc[-1]["rate"]
    assert (table["low"] < everyone).all() and (table["high"] > everyone).all()


def test_the_courses_other_loans_have_status_minus_one_for_bad(shared):
    folder = shared / "data" / "berka"
    train = pd.read_csv(folder / "feup" / "loan_train.csv", sep=";").set_index("loan_id")
    full = pd.read_csv(folder / "asc" / "loan.asc", sep=";").set_index("loan_id")
    bad = full["status"].isin(["B", "D"]).reindex(train.index)
    assert ((train["status"] == -1) == bad).all()
