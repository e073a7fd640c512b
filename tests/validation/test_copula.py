"""Null data of numbers and categories: margins and associations of both, whole levels, one hill."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from kequn_lab.features import CategoryEncoder
from kequn_lab.validation import choose_k, score_k
from kequn_lab.validation.decisions import VALLEY
from kequn_lab.validation.null_model import null_like, null_separation

N, DRAWN = 1_500, 20_000


@pytest.fixture(scope="module")
def case():
    """One hill: two numbers, a nominal category in an order, one in none, an ordered one and one
    of noise with a rare level and missing values, all but the last tied together."""
    rng = np.random.default_rng(0)
    score, other = rng.normal(size=(2, N))
    table = pd.DataFrame(
        {
            "job": pd.cut(
                score + 0.3 * rng.normal(size=N), [-9, -0.6, 0.5, 9], labels=["c", "b", "a"]
            ),
            "city": np.array(["u", "v", "w"])[
                np.argmax(
                    np.column_stack([score, other, -score]) + 0.7 * rng.normal(size=(N, 3)), axis=1
                )
            ],
            "education": np.clip(np.round(1.4 * other + rng.normal(size=N)), -3, 3).astype(int),
            "noise": rng.choice(["k", "l", "m", None], N, p=[0.03, 0.25, 0.67, 0.05]),
        }
    ).astype(object)
    orders = {"education": [str(v) for v in range(-3, 4)]}
    encoder = CategoryEncoder(orders=orders).set_output(transform="pandas").fit(table)
    variables = {
        a: c for c, x in zip(encoder.feature_names_in_, encoder.codings_) for a in x.coordinates(c)
    }
    model = encoder.transform(table)
    model.insert(0, "age", 0.8 * score + 0.6 * rng.normal(size=N))
    model.insert(3, "amount", np.exp(0.5 * other + 0.5 * rng.normal(size=N)))
    many = pd.concat([model] * (DRAWN // N), ignore_index=True)  # so many rows are drawn
    return model, variables, null_like(many, variables=variables, random_state=1)


def levels(model, variables):
    """The level of each row in each category, by its coordinates."""
    out = {}
    for name in dict.fromkeys(variables.values()):
        columns = [a for a, c in variables.items() if c == name]
        out[name] = pd.util.hash_pandas_object(model[columns].round(6) + 0.0, index=False)
    return pd.DataFrame(out)


def eta(level, number):
    return number.groupby(level).transform("mean").std() / number.std()


def test_a_row_has_one_level_of_each_category(case):
    model, variables, null = case
    before, after = levels(model, variables), levels(null, variables)
    for name in before:
        assert set(after[name]) == set(before[name]), name


def test_margins_stay(case):
    model, variables, null = case
    before, after = levels(model, variables), levels(null, variables)
    for name in before:
        share = before[name].value_counts(normalize=True)
        drawn = after[name].value_counts(normalize=True)[share.index]
        error = np.sqrt(share * (1 - share) / DRAWN) * np.sqrt(2)  # of the fit and of the draw
        assert ((drawn - share).abs() < 4 * error).all(), name
    for number in ("age", "amount"):
        assert null[number].mean() == pytest.approx(model[number].mean(), abs=0.05)
        assert null[number].std() == pytest.approx(model[number].std(), rel=0.05)


def test_associations_stay(case):
    model, variables, null = case
    before, after = levels(model, variables), levels(null, variables)
    numbers = ["age", "amount"]
    assert null[numbers].corr().iloc[0, 1] == pytest.approx(
        model[numbers].corr().iloc[0, 1], abs=0.04
    )
    gaps = {
        (name, n): eta(after[name], null[n]) - eta(before[name], model[n])
        for name, n in itertools.product(before, numbers)
    }
    gaps |= {
        (a, b): association(pd.crosstab(after[a], after[b]))
        - association(pd.crosstab(before[a], before[b]))
        for a, b in itertools.combinations(before, 2)
    }
    assert max(map(abs, gaps.values())) < 0.05, gaps
    assert eta(before["job"], model["age"]) > 0.6  # there is something to keep


def test_numbers_alone_would_tear_levels(case):
    """What the null data were before: without `variables` a row has two levels of one, or none."""
    model, variables, _ = case
    torn = levels(null_like(model, random_state=1), variables)
    assert not torn["city"].isin(levels(model, variables)["city"]).all()


def test_null_data_have_lost_what_three_categories_tell_together():
    """The third is the first or its opposite, by the second: no pair of them is associated."""
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, (2_000, 2))
    table = pd.DataFrame(np.column_stack([side, side[:, 0] ^ side[:, 1]])).astype(str)
    table.columns = list("abc")
    encoder = CategoryEncoder().set_output(transform="pandas").fit(table)
    variables = {f"{c}:{level}": c for c in table for level in "01"}
    model = encoder.transform(table)
    null = levels(null_like(model, variables=variables, random_state=0), variables)
    assert len(levels(model, variables).drop_duplicates()) == 4
    assert null.value_counts(normalize=True).between(0.08, 0.18).all()
    assert len(null.drop_duplicates()) == 8


def test_separation_by_chance_is_that_of_whole_levels():
    """Two categories that say nearly the same: a row between their levels is rare by nature."""
    rng = np.random.default_rng(0)
    first = rng.choice(["a", "b"], 400)
    second = np.where(rng.random(400) < 0.95, first, rng.choice(["a", "b"], 400))
    table = pd.DataFrame({"x": first, "y": second})
    encoder = CategoryEncoder().set_output(transform="pandas").fit(table)
    variables = {a: a[0] for a in encoder.get_feature_names_out()}
    model = encoder.transform(table).assign(age=rng.normal(size=400))
    quiet = {"n_clusters": 2, "n_sets": 3, "random_state": 0, "progress": False}
    whole = null_separation(model, variables=variables, **quiet)["separation"].median()
    torn = null_separation(model, **quiet)["separation"].median()
    assert whole != pytest.approx(torn, abs=0.005)
    assert whole == pytest.approx(0.58, abs=0.08)


def test_a_category_with_one_level_is_no_obstacle():
    model = pd.DataFrame({"a:x": np.ones(50), "a:y": np.zeros(50), "age": np.arange(50.0)})
    null = null_like(model, variables={"a:x": "a", "a:y": "a"}, random_state=0)
    assert (null["a:x"] == 1).all() and (null["a:y"] == 0).all()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"jobs": "job"}, "X has no column jobs"),
        ({"age": "job", "amount": "job"}, "job has 2 coordinates, but rows have 60"),
    ],
)
def test_bad_variables_are_named(variables, says):
    model = pd.DataFrame({"age": np.arange(60.0), "amount": np.arange(60.0)})
    with pytest.raises(ValueError, match=says):
        null_like(model, variables=variables)


def test_levels_leave_gaps_that_are_no_segments():
    """A factor and its intervals: valleys lie at all borders, and in the null data, too."""
    rng = np.random.default_rng(0)
    score = rng.normal(size=300)
    cut = np.searchsorted([-0.5, 0.5], score + 0.4 * rng.normal(size=300)).astype(str)
    encoder = CategoryEncoder().set_output(transform="pandas")
    model = encoder.fit_transform(pd.DataFrame({"c": cut}))
    variables = dict.fromkeys(model, "c")
    for i in range(2):
        model[f"x{i}"] = (score + 0.4 * rng.normal(size=300)) / 1.08
    quiet = {"random_state": 0, "progress": False}
    scores = score_k(
        model, ks=[3], n_starts=3, n_reference=0, n_null=5, variables=variables, **quiet
    )
    assert scores.loc[0, "border_density"] < VALLEY
    assert scores.loc[0, "null_border_density"] < 0.5 < VALLEY
    found = choose_k(scores, pd.DataFrame({"k": [3], "ari_used": [0.95]}))
    assert found.k == 1
    unaware = scores.drop(columns="null_border_density").assign(null_gap=0.01)
    assert choose_k(unaware, pd.DataFrame({"k": [3], "ari_used": [0.95]})).k == 3
