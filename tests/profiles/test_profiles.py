"""profiles: five customers with the answer, then every statistic recomputed plainly."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.profiles import _by_segment
from kequn_lab.profiles.tables import marker_table, profile_table, size_table, variable_order

FIVE = pd.DataFrame(
    {
        "age_years": [70.0, 60, 20, 30, np.nan],
        "web_share": [0.0, 0.1, 0.9, 0.7, 0.8],
        "city": ["village", "village", "tier1", None, "tier1"],
    },
    index=list("abcde"),
)
LABELS = pd.Series(["old", "old", "young", "young", "young"], index=list("abcde"))


def row(table, segment, variable, level=None):
    found = table[(table["segment_id"] == segment) & (table["variable"] == variable)]
    found = found[found["level"].eq(level)] if level else found
    assert len(found) == 1
    return found.iloc[0]


@pytest.fixture(scope="module")
def bank():
    """Skewed, symmetric, binary and missing values in four segments of unequal size."""
    rng = np.random.default_rng(3)
    n = 4000
    labels = pd.Series(rng.choice(list("pqrs"), n, p=[0.6, 0.25, 0.12, 0.03]), name="segment")
    shift = labels.map({"p": 0.0, "q": 0.5, "r": 1.0, "s": -1.0})
    features = pd.DataFrame(
        {
            "money_cny": 1e6 + np.exp(rng.normal(shift + 5, 1.2)),
            "age_years": np.where(rng.random(n) < 0.1, np.nan, rng.normal(40 + 5 * shift, 9)),
            "is_business": (rng.random(n) < 0.3 + 0.1 * shift).astype(float),
        }
    )
    return features, labels


# Sizes -----------------------------------------------------------------------------------------


def test_sizes_of_five_customers():
    table = size_table(LABELS)
    assert table["segment_id"].tolist() == ["young", "old"]  # largest first
    assert table["customers"].tolist() == [3, 2]
    assert table["share"].tolist() == [0.6, 0.4]


def test_wilson_interval_solves_its_equation():
    """The ends are the shares that lie just 1.96 of their own standard errors off."""
    table = size_table(pd.Series(["a"] * 17 + ["b"] * 83))
    for end in ("share_low", "share_high"):
        p = table[end]
        assert np.allclose((table["share"] - p).abs() / np.sqrt(p * (1 - p) / 100), 1.959964)


def test_sizes_keep_the_order_and_the_empty_ones_of_categories():
    labels = LABELS.astype(pd.CategoricalDtype(["old", "middle", "young"]))
    table = size_table(labels)
    assert table["segment_id"].tolist() == ["old", "middle", "young"]
    assert table.loc[1, ["customers", "share", "share_low"]].tolist() == [0, 0, 0]
    assert 0 < table.loc[1, "share_high"] < 0.6


def test_sizes_leave_out_customers_without_a_label():
    table = size_table(pd.Series(["a", None, "a", "b"]))
    assert table["share"].tolist() == [2 / 3, 1 / 3]
    with pytest.raises(ValueError, match="no customer has a label"):
        size_table(pd.Series([None, None], dtype="str"))


# Profiles --------------------------------------------------------------------------------------


def test_profile_of_five_customers():
    table = profile_table(FIVE, LABELS, n_boot=0)
    old, young = row(table, "old", "age_years"), row(table, "young", "age_years")
    assert (old["mean"], old["median"], old["q25"], old["q75"]) == (65, 65, 62.5, 67.5)
    assert (young["n"], young["missing_share"]) == (2, pytest.approx(1 / 3))
    assert old["effect"] == pytest.approx(40 / 50**0.5) == -young["effect"]
    assert row(table, "young", "web_share")["kind"] == "share"
    village = row(table, "old", "city", "village")
    assert (village["mean"], village["rest_mean"], village["n"]) == (1.0, 0.0, 2)
    assert np.isnan(village["median"])


def test_profile_agrees_with_plain_pandas(bank):
    features, labels = bank
    table = profile_table(features, labels, n_boot=0)
    for name, x in features.items():
        for segment in "pqrs":
            own, rest = x[labels == segment], x[labels != segment]
            found = row(table, segment, name)
            pooled = np.sqrt(
                ((own.count() - 1) * own.var() + (rest.count() - 1) * rest.var())
                / (own.count() + rest.count() - 2)
            )
            expected = {
                "n": own.count(),
                "missing_share": own.isna().mean(),
                "mean": own.mean(),
                "std": own.std(),
                "q25": own.quantile(0.25),
                "median": own.median(),
                "q75": own.quantile(0.75),
                "rest_mean": rest.mean(),
                "overall_mean": x.mean(),
                "effect": (own.mean() - rest.mean()) / pooled,
            }
            for column, value in expected.items():
                assert found[column] == pytest.approx(value, rel=1e-9), (name, segment, column)


def test_category_agrees_with_indicators(bank):
    """A level is a variable of zeros and ones, so it has the same numbers and intervals."""
    features, labels = bank
    city = pd.Series(np.where(features["is_business"] == 1, "firm", "person"), name="kind")
    options = {"n_boot": 200, "random_state": 1}
    of_text = profile_table(city.to_frame(), labels, **options)
    of_number = profile_table(features[["is_business"]], labels, **options)
    of_text = of_text[of_text["level"] == "firm"].reset_index(drop=True)
    columns = ["n", "mean", "std", "rest_mean", "effect", "effect_low", "effect_high"]
    pd.testing.assert_frame_equal(of_text[columns], of_number[columns])


def test_intervals_of_skewed_variables_cover(monkeypatch):
    """150 log-normal tables; percentiles alone cover less."""
    sigma, n = 1.0, 60
    means = np.exp([sigma**2 / 2, 0.4 + sigma**2 / 2])
    spread = means**2 * (np.exp(sigma**2) - 1)
    truth = (means[0] - means[1]) / np.sqrt(spread.mean())
    labels = pd.Series(np.repeat(["a", "b"], n)).astype("category")
    covered = {}
    for skewed in (_by_segment.SKEWED, np.inf):
        monkeypatch.setattr(_by_segment, "SKEWED", skewed)
        held = []
        for seed in range(150):
            x = np.exp(sigma * np.random.default_rng(seed).normal(size=2 * n))
            table = pd.DataFrame({"aum_cny": x * np.exp(0.4 * (np.arange(2 * n) >= n))})
            row = profile_table(table, labels, n_boot=300, random_state=seed).iloc[0]
            held.append(row["effect_low"] <= truth <= row["effect_high"])
        covered[skewed] = np.mean(held)
    assert covered[np.inf] < covered[2.0] and covered[2.0] >= 0.91


def test_bootstrap_agrees_with_drawing_customers(bank, monkeypatch):
    """Segment p has more customers than blocks, so groups of customers are drawn."""
    monkeypatch.setattr(_by_segment, "SKEWED", np.inf)  # percentiles alone
    features, labels = bank
    assert (labels == "p").sum() > 2 * 1000
    table = profile_table(features, labels, n_boot=2000)
    rng = np.random.default_rng(0)
    for name, segment in (("money_cny", "p"), ("age_years", "s"), ("is_business", "r")):
        strata = [g.to_numpy() for _, g in features[name].groupby(labels)]
        chosen = list("pqrs").index(segment)
        draws = []
        for _ in range(600):
            drawn = [x[rng.integers(0, len(x), len(x))] for x in strata]
            a = drawn.pop(chosen)
            a, b = a[~np.isnan(a)], np.concatenate(drawn)
            b = b[~np.isnan(b)]
            squares = a.var() * len(a) + b.var() * len(b)
            draws.append((a.mean() - b.mean()) / np.sqrt(squares / (len(a) + len(b) - 2)))
        found, spread = row(table, segment, name), np.std(draws)
        assert found["effect_low"] < found["effect"] < found["effect_high"]
        assert found["effect_low"] == pytest.approx(np.quantile(draws, 0.025), abs=0.25 * spread)
        assert found["effect_high"] == pytest.approx(np.quantile(draws, 0.975), abs=0.25 * spread)


def test_same_seed_same_intervals(bank):
    features, labels = bank
    first = profile_table(features, labels, n_boot=50, random_state=7)
    pd.testing.assert_frame_equal(first, profile_table(features, labels, n_boot=50, random_state=7))
    other = profile_table(features, labels, n_boot=50, random_state=8)
    assert not np.allclose(first["effect_low"], other["effect_low"])


def test_labels_align_by_index_not_by_position():
    turned = profile_table(FIVE, LABELS.iloc[::-1], n_boot=0)
    pd.testing.assert_frame_equal(turned, profile_table(FIVE, LABELS, n_boot=0))
    more = pd.concat([LABELS, pd.Series({"z": "old"})])
    pd.testing.assert_frame_equal(
        profile_table(FIVE, more, n_boot=0), profile_table(FIVE, LABELS, n_boot=0)
    )


def test_customers_without_a_label_count_nowhere():
    labels = LABELS.where(LABELS.index != "a")
    table = profile_table(FIVE, labels, n_boot=0)
    pd.testing.assert_frame_equal(table, profile_table(FIVE.drop("a"), labels.drop("a"), n_boot=0))


def test_input_is_not_changed(bank):
    features, labels = (x.copy() for x in bank)
    profile_table(features, labels, n_boot=5)
    pd.testing.assert_frame_equal(features, bank[0])
    pd.testing.assert_series_equal(labels, bank[1])


# Bad and odd input -----------------------------------------------------------------------------


def test_segment_with_one_customer_has_an_effect_but_no_interval():
    labels = LABELS.replace({"old": "rest", "young": "rest"}).mask(LABELS.index == "a", "alone")
    found = row(profile_table(FIVE, labels), "alone", "age_years")
    assert (found["n"], found["mean"]) == (1, 70)
    assert np.isnan(found["std"]) and np.isnan(found["effect_low"])
    assert found["effect"] == pytest.approx((70 - 110 / 3) / np.std([60, 20, 30], ddof=1))


@pytest.mark.filterwarnings("error")
def test_variable_all_missing_in_one_segment():
    features = FIVE.assign(age_years=FIVE["age_years"].where(LABELS == "old"))
    table = profile_table(features, LABELS)
    young = row(table, "young", "age_years")
    assert (young["n"], young["missing_share"]) == (0, 1.0)
    assert young[["mean", "median", "effect", "effect_low"]].isna().all()
    assert row(table, "old", "age_years")["mean"] == 65


@pytest.mark.filterwarnings("error")
def test_variable_all_missing_everywhere():
    features = pd.DataFrame({"a": np.nan, "b": pd.Series([None] * 5, dtype="str")})
    table = profile_table(features, pd.Series(list("xxyyy")))
    assert table["n"].eq(0).all() and table["effect"].isna().all()
    assert not marker_table(table)["marker"].any()


def test_constant_variable_has_no_effect():
    """Thirds do not add up exactly; rounding must not pass for a difference."""
    features = pd.DataFrame({"x": np.full(300, 1 / 3)})
    table = profile_table(features, pd.Series(["a", "b", "b"] * 100), n_boot=20)
    assert table["effect"].eq(0).all() and table["effect_high"].eq(0).all()


def test_two_constants_are_infinitely_far():
    labels = pd.Series(["a", "b", "b"] * 100)
    table = profile_table(labels.map({"a": 0.1, "b": 0.7}).to_frame("x"), labels, n_boot=20)
    assert table["segment_id"].tolist() == ["b", "a"]
    assert table["effect"].tolist() == table["effect_low"].tolist() == [np.inf, -np.inf]


def test_category_of_500_levels_is_cut():
    city = pd.Series([f"c{i}" for i in range(500)] + ["big"] * 100)
    labels = pd.Series(["x", "y"] * 300)
    table = profile_table(city.to_frame("city"), labels, n_boot=0)
    own = table[table["segment_id"] == "x"]
    assert len(own) == 21
    assert own["level"].iloc[0] == "big" and own["level"].iloc[-1] == "(481 other levels)"
    assert own["mean"].sum() == pytest.approx(1.0)


def test_one_segment_has_no_rest():
    table = profile_table(FIVE[["age_years"]], pd.Series("all", index=FIVE.index))
    assert table["effect"].isna().all() and table["mean"].tolist() == [45]


@pytest.mark.parametrize(
    ("features", "labels", "error", "message"),
    [
        (FIVE, LABELS.drop("b"), ValueError, r"lack 1 of the 5 customers .* \['b'\]"),
        (FIVE, LABELS.reset_index(drop=True), ValueError, "lack 5 of the 5 customers"),
        (FIVE, pd.concat([LABELS, LABELS]), ValueError, "labels has customers twice"),
        (pd.concat([FIVE, FIVE]), LABELS, ValueError, "features has customers twice"),
        (FIVE[["city", "city"]], LABELS, ValueError, "each name once"),
        (FIVE.replace(0.9, np.inf), LABELS, ValueError, "web_share has 1 infinite"),
        (FIVE.assign(day=pd.Timestamp("2024-01-01")), LABELS, TypeError, "day is datetime64"),
        (FIVE, LABELS.where(LABELS == ""), ValueError, "no customer has a label"),
    ],
)
def test_bad_tables_are_refused_with_the_place(features, labels, error, message):
    with pytest.raises(error, match=message):
        profile_table(features, labels, n_boot=0)


def test_markers_need_a_profile():
    with pytest.raises(ValueError, match="profile lacks effect"):
        marker_table(profile_table(FIVE, LABELS, n_boot=0).drop(columns="effect"))


def test_names_with_html_and_line_breaks_pass_unchanged():
    labels = LABELS.replace({"old": "<script>", "young": "two\nlines"})
    table = profile_table(FIVE.rename(columns={"city": "<b>"}), labels, n_boot=0)
    assert set(table["segment_id"]) == {"<script>", "two\nlines"}
    assert "<b>" in set(table["variable"])


# Markers ---------------------------------------------------------------------------------------

REFERENCE = [
    ("iris", "k3"),
    ("mcdonalds", "k4"),
    ("vacmot", "authors_vacmot6"),
    ("vacmot", "ng6"),
]


@pytest.mark.parametrize(("folder", "name"), REFERENCE)
def test_difference_rule_agrees_with_flexclust(reference, reference_data, folder, name):
    home, X = reference(folder), reference_data(folder)
    labels = pd.read_csv(home / f"{name}_partition.csv")["cluster"]
    expected = pd.read_csv(home / f"{name}_marker_shade.csv", index_col="segment")
    if name == "ng6":  # neural gas: a centre is not the mean of its segment
        centres = pd.read_csv(home / "ng6_centers.csv", index_col=0)
        profile = profile_table(X, labels, n_boot=0)
        at = [centres.loc[s, v] for s, v in zip(profile["segment_id"], profile["variable"])]
        table = marker_table(profile.assign(mean=at, kind="share"))
    else:
        table = marker_table(profile_table(X, labels, n_boot=0).assign(kind="share"))
    found = table.set_index(["segment_id", "variable"])["marker"].unstack()  # noqa: PD010
    assert (found.loc[expected.index, expected.columns].astype(int) == expected).all(axis=None)


def test_rule_follows_the_kind_of_variable():
    table = marker_table(profile_table(FIVE, LABELS, n_boot=0)).drop_duplicates("variable")
    rules = table.set_index("variable")["rule"].to_dict()
    assert rules == {"age_years": "effect", "web_share": "difference", "city": "difference"}


def test_marks_are_ranked_within_the_segment(bank):
    table = marker_table(profile_table(*bank, n_boot=0))
    for _, own in table.groupby("segment_id"):
        assert own["rank"].tolist() == [1, 2, 3]
        for _, part in own.groupby("marker"):
            assert part["effect"].abs().is_monotonic_decreasing
        assert own["marker"].is_monotonic_decreasing
    top = row(table, "r", "age_years")
    assert top["direction"] == "higher" and top["rule"] == "effect"


def test_share_of_nobody_is_no_marker():
    features = pd.DataFrame({"x_share": [0.0, 0, 0, 0]})
    table = marker_table(profile_table(features, pd.Series(list("aabb")), n_boot=0))
    assert not table["marker"].any() and table["relative_difference"].isna().all()
    assert table["direction"].eq("equal").all()


def test_variables_that_go_together_stand_together():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 400))
    noise = rng.normal(scale=0.3, size=(400, 6))
    X = pd.DataFrame(noise, columns=["f1", "s1", "f2", "s2", "f3", "s3"])
    X[["f1", "f2", "f3"]] += first[:, None]
    X[["s1", "s2", "s3"]] += second[:, None]
    X["constant"], X.loc[:50, "f1"] = 1.0, np.nan
    order = variable_order(X)
    assert order[-1] == "constant" and sorted(order) == sorted(X)
    assert {name[0] for name in order[:3]} in ({"f"}, {"s"})
    money = variable_order(X.assign(f2=X["f2"] * 1e9 + 1e12))  # units do not matter
    assert {name[0] for name in money[:3]} in ({"f"}, {"s"})
    with pytest.raises(TypeError, match="leave out city"):
        variable_order(FIVE)
