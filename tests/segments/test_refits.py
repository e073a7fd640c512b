"""refits: segments of customers drawn again; their intervals hold what k-means finds in all."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment

from kequn_lab.compare import compare_groups, segment_values
from kequn_lab.profiles import profile_table
from kequn_lab.segments import KMeansSearch, SeededKMeans, refit

IDS = pd.Index(["low", "right", "up"])


def customers(rng, n, gap):
    """Three round groups, ``gap`` deviations from the first to the others."""
    group = rng.integers(3, size=n)
    x = rng.normal(size=(n, 4))
    x[:, 0] += gap * (group == 1)
    x[:, 1] += gap * (group == 2)
    return pd.DataFrame(x, columns=list("abcd"), index=[f"C{i}" for i in range(n)])


def clustered(table, seed=0):
    kmeans = KMeansSearch(3, n_starts=5, n_swaps=5, n_jobs=1, random_state=seed).fit(table)
    return kmeans, pd.Series(IDS[kmeans.labels_], table.index)


@pytest.fixture(scope="module")
def one():
    table = customers(np.random.default_rng(0), 300, 2.5)
    kmeans, labels = clustered(table)
    return table, labels, refit(kmeans, table, table.index, segments=IDS, n_draws=100)


@pytest.mark.parametrize("gap", [4.0, 2.5])
def test_intervals_hold_the_segments_of_the_population(gap):
    """Clear and overlapping groups: 15 tables, 180 intervals each way."""
    rng = np.random.default_rng(2)
    everybody = customers(rng, 30_000, gap)
    whole, labels = clustered(everybody)
    truth = profile_table(everybody, labels, n_boot=0)
    truth = truth.set_index(["segment_id", "variable"])["effect"]
    kept, again = [], []
    for seed in range(15):
        table = customers(rng, 300, gap)
        kmeans, labels = clustered(table, seed)
        gaps = whole.cluster_centers_[:, None] - kmeans.cluster_centers_[None]
        here = dict(zip(IDS[linear_sum_assignment((gaps**2).sum(-1))[1]], IDS))
        draws = refit(kmeans, table, table.index, segments=IDS, n_draws=100, random_state=seed)
        for held, refits in ((kept, None), (again, draws)):
            profile = profile_table(table, labels, n_boot=200, refits=refits)
            right = [truth[here[r.segment_id], r.variable] for r in profile.itertuples()]
            held += [*profile["effect_low"].le(right) & profile["effect_high"].ge(right)]
    assert np.mean(again) >= 0.9
    assert np.mean(kept) < np.mean(again) - 0.02


def test_draw_0_is_what_was_found(one):
    table, labels, refits = one
    columns = np.column_stack([np.ones(len(table)), table["a"]])
    by_hand = table["a"].groupby(labels).agg(["size", "sum"]).loc[IDS]
    np.testing.assert_allclose(refits.sums(columns)[0], by_hand)
    sizes = refits.sums(np.ones((len(table), 1)))[..., 0]
    assert sizes.shape == (101, 3) and (sizes.sum(axis=1) == len(table)).all()
    # The segments of a draw are those found, not others in another order.
    means = refits.sums(columns)[1:, :, 1] / sizes[1:]
    np.testing.assert_allclose(np.median(means, axis=0), by_hand["sum"] / by_hand["size"], atol=0.3)


def test_the_same_seed_draws_the_same(one):
    table, _, refits = one
    again = refit(clustered(table)[0], table, table.index, segments=IDS, n_draws=100)
    assert (again.member != refits.member).nnz == 0


def test_a_start_at_levels_is_taken_again():
    table = customers(np.random.default_rng(1), 200, 4.0)
    levels = np.array([[0, 4, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0.0]])
    kmeans = SeededKMeans(levels).fit(table)
    refits = refit(kmeans, table, table.index, n_draws=30)
    where = refits.sums(table.to_numpy()) / refits.sums(np.ones((200, 1)))
    assert np.abs(where[1:] - kmeans.means_).max() < 1.5


def test_many_customers_are_sampled_and_intervals_shortened(monkeypatch):
    from kequn_lab.segments import refits as module

    table = customers(np.random.default_rng(3), 4000, 4.0)
    kmeans, labels = clustered(table)
    whole = refit(kmeans, table, table.index, segments=IDS, n_draws=100)
    monkeypatch.setattr(module, "CUSTOMERS", 1000)
    some = refit(kmeans, table, table.index, segments=IDS, n_draws=100)
    assert (len(some.customers), some.scale) == (1000, 0.5)
    wide, short = (profile_table(table, labels, refits=r) for r in (whole, some))
    widths = [t["effect_high"] - t["effect_low"] for t in (short, wide)]
    assert (widths[0] / widths[1]).median() == pytest.approx(1, abs=0.15)
    assert short["effect_low"].lt(short["effect"]).all()


def test_comparison_of_clusters_has_intervals_by_refit_and_no_p_value(one):
    table, labels, refits = one
    rng = np.random.default_rng(5)
    table = table.assign(outside=rng.normal(size=300), kind=rng.choice(["x", "y"], 300))
    group = labels.map({"low": "A", "right": "B", "up": "B"})
    made = ["a", "b", "c", "d"]
    kept = compare_groups(table, group, clustered_on=made).set_index("variable")
    again = compare_groups(table, group, clustered_on=made, refits=refits).set_index("variable")
    assert kept.loc[made, ["p_value", "p_adjusted"]].isna().all(axis=None)
    assert kept.loc[["outside", "kind"], "p_value"].notna().all()
    assert kept["clustered_on"].sum() == 4
    assert set(again["interval"]) == {"refit"}
    assert kept["interval"].to_dict() == dict.fromkeys([*made, "outside"], "customers") | {
        "kind": "chi-square"
    }
    wide, short = (t["effect_high"] - t["effect_low"] for t in (again, kept))
    assert (wide[made] > short[made]).mean() >= 0.75
    assert (again["effect_low"] <= again["effect"]).all()
    pd.testing.assert_series_equal(again["effect"], kept["effect"].loc[again.index])


def test_groups_must_be_whole_segments(one):
    table, _, refits = one
    group = pd.Series(np.where(np.arange(300) % 2, "A", "B"), table.index)
    with pytest.raises(ValueError, match="make the groups of whole segments"):
        compare_groups(table, group, refits=refits)
    with pytest.raises(ValueError, match="clustered_on names .'gone'."):
        compare_groups(table, group, clustered_on=["gone"])
    with pytest.raises(ValueError, match="customers that the table lacks, for example"):
        profile_table(table.iloc[:200], group.iloc[:200], refits=refits)
    with pytest.raises(ValueError, match="give the refits of this clustering"):
        profile_table(table, group, refits=refits)


def test_values_of_criteria_move_with_the_segments(one):
    table, labels, refits = one
    wanted = pd.DataFrame({
        "criterion_id": ["size", "a"], "columns": ["", "a"], "statistic": ["size_share", "mean"],
    })  # fmt: skip
    kept = segment_values(table, labels, wanted, n_boot=100)
    again = segment_values(table, labels, wanted, refits=refits)
    pd.testing.assert_frame_equal(kept.query("draw == 0"), again.query("draw == 0"))
    key = ["segment_id", "criterion_id"]
    spread = [t[t["draw"] > 0].groupby(key)["value"].std() for t in (kept, again)]
    assert (spread[1] > spread[0]).all()
    shares = again[again["criterion_id"] == "size"].groupby("draw")["value"].sum()
    np.testing.assert_allclose(shares, 1)


@pytest.mark.parametrize("start", ["search", "levels"])
def test_clusters_with_a_smallest_size_have_it_in_every_draw(start):
    rng = np.random.default_rng(3)
    group = rng.choice(3, 400, p=[0.6, 0.35, 0.05])
    table = pd.DataFrame(rng.normal(size=(400, 2)), columns=list("ab"))
    table["a"] += 6 * (group == 1)
    table["b"] += 6 * (group == 2)
    kmeans = {
        "search": KMeansSearch(3, n_starts=5, min_size=100, random_state=0),
        "levels": SeededKMeans([[0.0, 0], [6, 0], [0, 6]], min_size=100),
    }[start].fit(table)
    least = np.bincount(kmeans.labels_).argmin()
    assert kmeans.offsets_.any() and np.bincount(kmeans.labels_)[least] == 100
    refits = refit(kmeans, table, table.index, segments=IDS, n_draws=60)
    sizes = refits.sums(np.ones((400, 1)))[1:, least, 0]
    assert sizes.min() >= 90 and np.median(sizes) <= 102  # who is drawn twice stays in one piece
    profile = profile_table(table, pd.Series(IDS[kmeans.labels_]), n_boot=0, refits=refits)
    inside = profile["effect"].between(profile["effect_low"], profile["effect_high"])
    assert inside.all()
    free = type(kmeans)(**{**kmeans.get_params(), "min_size": None}).fit(table)
    drawn = refit(free, table, table.index, segments=IDS, n_draws=20).sums(np.ones((400, 1)))
    assert np.median(drawn.min(axis=1)) < 30  # without the size: the few that there are
