"""Names carry over a refit; who moved is counted by reason; what left, came or moved is named."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor.comparing import compare_labels
from kequn_lab.monitor.matching import match_labels, migration_table, refit_like
from kequn_lab.monitor.watch import attrition, mean_shift, new_groups, should_refit
from kequn_lab.segments.pipeline import fit_segments

PLACES = {"a": (0.0, 0.0), "b": (8.0, 0.0), "c": (0.0, 8.0), "d": (8.0, 8.0)}


def points(counts: dict[str, int], *, first: int = 0, seed: int = 0) -> pd.DataFrame:
    """Customers around known places."""
    rng = np.random.default_rng(seed)
    rows = [PLACES[p] + rng.normal(0, 1, 2) for p, n in counts.items() for _ in range(n)]
    ids = pd.Index([f"c{first + i:05d}" for i in range(len(rows))], name="customer_id")
    return pd.DataFrame(rows, columns=["age_years", "web_share"], index=ids)


def model(table: pd.DataFrame, names=None, k: int = 3):
    pipeline = fit_segments(table, n_clusters=k, n_starts=5, random_state=0)
    card = Scorecard.from_pipeline(pipeline, table, as_of="2024-11-30", names=names)
    return pipeline, card


def series(text: str, first: int = 0) -> pd.Series:
    return pd.Series(list(text), index=[f"c{first + i}" for i in range(len(text))])


def event(matching: pd.DataFrame, which: str, label):
    row = matching[matching[which] == label].iloc[0]
    return row["event"], row["partner"]


def test_numbers_that_changed_places_are_the_same_segments():
    matching = match_labels(series("aaabbbccc"), series("222000111"))
    assert matching.set_index("before")["after"].to_dict() == {"a": "2", "b": "0", "c": "1"}
    assert (matching["event"] == "kept").all()
    assert (matching["jaccard"] == 1).all()


def test_one_assignment_for_all_not_the_best_for_each():
    """a shares most with 0, and so does b; b must not take a's second best as well."""
    before = series("a" * 10 + "b" * 6)
    after = series("0" * 7 + "1" * 3 + "0" * 1 + "1" * 5)
    assert match_labels(before, after)["after"].tolist() == ["0", "1"]


def test_born_gone_merged_split():
    before = series("aaaa" + "bbbb" + "cc" + "dddd" + "xxxx" + "e")
    after = series("0000" + "1111" + "11" + "2233" + "4567" + "8")
    matching = match_labels(before, after)
    assert event(matching, "before", "a") == ("kept", "")
    assert event(matching, "before", "c") == ("merged", "1")
    assert event(matching, "before", "x") == ("gone", "")  # scattered over four
    assert {event(matching, "after", label) for label in "23"} == {("kept", ""), ("split", "d")}
    newcomers = pd.concat([after, series("99999", first=100)])
    assert event(match_labels(before, newcomers), "after", "9") == ("born", "")
    assert match_labels(before, newcomers)["customers_after"].sum() == len(newcomers)


def test_matching_says_what_is_wrong():
    with pytest.raises(ValueError, match="no customer is in both months; are the ids"):
        match_labels(series("ab"), series("ab", first=10))
    twice = pd.concat([series("ab"), series("a")])
    with pytest.raises(ValueError, match="before: customer 'c0' has two labels"):
        match_labels(twice, series("ab"))


def test_migration_recomputed_plainly():
    rng = np.random.default_rng(0)
    before = pd.Series(rng.choice(list("abc"), 500), index=np.arange(500))
    after = pd.Series(rng.choice(list("abc"), 500), index=np.arange(50, 550))
    table = migration_table(before, after).set_index(["segment_before", "segment_after"])
    ids = [i for i in range(50, 500) if before[i] == "a" and after[i] == "b"]
    assert table.loc[("a", "b"), "customers"] == len(ids)
    assert table.loc[("a", "b"), "share"] == pytest.approx(len(ids) / (before == "a").sum())
    assert table.loc[("a", "(left)"), "customers"] == (before[:50] == "a").sum()
    assert table.loc["(new)", "customers"].sum() == 50
    assert table["customers"].sum() == 550
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()


NAMES = pd.DataFrame(
    {
        "cluster": range(3),
        "segment_id": ["elderly", "young_adult", "farm_household"],
        "similarity": [0.9, 0.8, 0.7],
    }
)


def test_a_refit_keeps_the_names_though_the_numbers_change():
    before = points({"a": 300, "b": 200, "c": 100})
    pipeline, card = model(before, NAMES)
    now = points({"a": 100, "b": 200, "c": 300}, seed=1)  # the largest is now the smallest
    now.index = pd.Index([f"n{i:05d}" for i in range(len(now))], name="customer_id")
    now = pd.concat([before.groupby(card.predict(before)).head(50), now])
    refit = refit_like(card, pipeline, before, now, as_of="2024-12-31", random_state=0)
    assert [s.segment_id for s in refit.scorecard.segments] != [s.segment_id for s in card.segments]
    assert set(refit.matching["event"]) == {"kept"}
    today = refit.labels.dropna(subset=["old_model"])
    assert (today["old_model"] == today["new_model"]).mean() > 0.99
    assert refit.scorecard.trained_on == "2024-12-31"
    assert refit.moved["customers"].sum() == 150
    assert refit.moved.set_index("reason").loc["stayed", "customers"] >= 148


def test_who_moved_because_of_behaviour():
    before = points({"a": 300, "b": 200, "c": 200})
    pipeline, card = model(before, NAMES)
    now = before.copy()
    now.iloc[:40] += np.array([8.0, 0.0])  # forty of a walk over to b
    refit = refit_like(card, pipeline, before, now, as_of="2024-12-31")
    moved = refit.moved.set_index("reason")["customers"]
    assert moved["behaviour"] == 40
    assert moved["model"] == 0
    assert moved["stayed"] == 660


def test_a_new_segment_gets_a_new_name():
    before = points({"a": 300, "b": 200, "c": 5})
    pipeline, card = model(before, NAMES.head(2), k=2)
    now = pd.concat([before, points({"d": 400}, first=9000, seed=2)])
    three = pipeline.set_params(kmeans__n_clusters=3)
    refit = refit_like(card, three, before, now, as_of="2024-12-31")
    ids = {s.segment_id: s for s in refit.scorecard.segments}
    assert set(ids) == {"elderly", "young_adult", "new_1"}
    assert ids["new_1"].name_zh == "新客群1"
    assert event(refit.matching, "after", "new_1")[0] in ("born", "split")
    assert card.segments[0].segment_id == "elderly"  # the old card is what it was


def test_attrition_by_hand():
    before = pd.Series(["a"] * 200 + ["b"] * 200 + ["c"] * 400, index=range(800))
    stays = [*range(100, 200), *range(204, 400), *range(404, 800)]
    table = attrition(before, pd.Index(stays)).set_index("segment_id")
    assert table.loc["a", "left_share"] == 0.5
    assert table.loc["a", "others_share"] == pytest.approx(8 / 600)
    assert table["leaving"].to_dict() == {"a": True, "b": False, "c": False}
    few = pd.Series(["a"] * 3 + ["b"] * 100, index=range(103))
    assert not attrition(few, pd.Index(range(2, 103)))["leaving"].any()  # two of three: chance
    small = pd.Series(["a"] * 20 + ["b"] * 980, index=range(1000))
    assert not attrition(small, pd.Index(range(10, 1000)))["leaving"].any()  # 2 % of all


@pytest.fixture(scope="module")
def year():
    before = points({"a": 400, "b": 300, "c": 300})
    return before, model(before, NAMES)[1]


def test_nothing_changed(year):
    before, card = year
    rng = np.random.default_rng(5)
    now = before + rng.normal(0, 0.05, before.shape)
    verdict = should_refit(card, before, now)
    assert not verdict.refit
    assert verdict.reasons == ()
    assert set(verdict.evidence["check"]) == {"attrition", "new group", "mean shift", "spread"}
    assert not verdict.evidence["found"].any()


def test_a_new_group_is_named_with_its_place(year):
    before, card = year
    now = pd.concat([before, points({"d": 120}, first=5000, seed=3)])
    groups = new_groups(card, before, now)
    found = groups[groups["new"]]
    assert 90 <= found["customers"].sum() <= 130  # a small cell may stay below what chance allows
    assert (found["newcomers_share"] > 0.9).all()
    verdict = should_refit(card, before, now)
    assert verdict.refit
    assert any(r.startswith("new group near") for r in verdict.reasons)


def test_a_leaving_segment_is_named(year):
    before, card = year
    elderly = card.predict(before) == 0
    now = before.drop(before.index[elderly][:150])
    verdict = should_refit(card, before, now)
    assert verdict.refit
    assert verdict.reasons[0].startswith("elderly is leaving: 38% gone, 0% of the others")


def test_a_shift_is_named_and_ageing_is_none(year):
    before, card = year
    now = before.assign(web_share=before["web_share"] + 1.0, age_years=before["age_years"] + 1.0)
    moved = mean_shift(card, before, now).set_index("feature")
    change = 1.0 / card.features[1].scale  # clips hold back a few at the edge
    assert moved.loc["web_share", "shift_sd"] == pytest.approx(change, rel=0.02)
    assert moved["shifted"].to_dict() == {"age_years": False, "web_share": True}
    assert "the same customers moved in web_share: +0." in " ".join(
        should_refit(card, before, now).reasons
    )
    with pytest.raises(ValueError, match="0 customers are in both months"):
        mean_shift(card, before, now.set_axis(range(len(now)), axis=0))


def test_another_unit_is_no_reason_to_refit():
    rng = np.random.default_rng(0)
    before = pd.DataFrame(
        {"aum_cny": rng.lognormal(9, 1, 600), "web_share": rng.random(600)},
        index=[f"c{i}" for i in range(600)],
    )
    card = model(before)[1]
    verdict = should_refit(card, before, before.assign(aum_cny=before["aum_cny"] * 100))
    assert not verdict.refit
    assert "looks like fen" in verdict.reasons[0]
    assert "correct the input" in verdict.reasons[0]


@pytest.mark.parametrize("as_of", ["2024-02-29", "2025-02-28", "2023-05-31", "2025-08-31"])
def test_quarters_of_different_seasons_are_not_judged(year, as_of):
    before, card = year  # trained on 2024-11-30
    now = before.assign(web_share=before["web_share"] + 1.0)
    verdict = should_refit(card, before, now, months=3, as_of=as_of)
    assert not verdict.refit and not verdict.same_season
    assert verdict.reasons[0].startswith(
        f"other season: the windows of 3 months end on 2024-11-30 and {as_of}"
    )
    assert verdict.reasons_zh[0].startswith("季节不同") and as_of in verdict.reasons_zh[0]
    assert set(verdict.evidence["check"]) == {"attrition"}
    gone = now.drop(now.index[card.predict(now) == 0][:150])
    leaving = should_refit(card, before, gone, months=3, as_of=as_of)
    assert leaving.refit and leaving.reasons[1].startswith("elderly is leaving")


@pytest.mark.parametrize(("months", "as_of"), [(3, "2025-11-30"), (3, "2023-12-04"), (12, None)])
def test_the_same_season_is_judged(year, months, as_of):
    before, card = year
    now = before.assign(web_share=before["web_share"] + 1.0)
    verdict = should_refit(card, before, now, months=months, as_of=as_of)
    assert verdict.refit and verdict.same_season
    assert len(verdict.reasons_zh) == len(verdict.reasons)
    assert any(r.startswith("同一批客户的 web_share 变了") for r in verdict.reasons_zh)


def test_the_dates_come_from_the_features_or_must_be_given(year):
    before, card = year
    with pytest.raises(ValueError, match="the window is 3 months, so the season matters: give"):
        should_refit(card, before, before, months=3)
    now = before.copy()
    now.attrs["window"] = {"last_day": "2025-02-28"}
    assert not should_refit(card, before, now, months=3).same_season


def test_the_synthetic_year_one_seed():
    """One bank of benchmarks/monitor.py, which counts a hundred."""
    import runpy
    from pathlib import Path

    file = Path(__file__).resolve().parents[2] / "benchmarks" / "monitor.py"
    rows = {row["drift"]: row for row in runpy.run_path(str(file))["one"]((0, 1000, 12, 3))}
    assert not rows["none"]["alarm"]
    assert all(rows[d]["named"] for d in ("mild", "new_segment", "segment_leaving"))


def test_segments_that_a_later_fit_does_not_find_again_speak_for_a_refit():
    rng = np.random.default_rng(0)
    ids = [f"c{i}" for i in range(200)]
    named = {"name_zh": "甲", "name_en": "A"}
    before = pd.DataFrame({"customer_id": ids, "segment_id": rng.choice(["x", "y"], 200), **named})
    after = before.assign(segment_id=rng.choice(list("stuvw"), 200))
    none = pd.DataFrame(columns=["feature", "level"])
    found = compare_labels(before, after, drift=none, refitted=True)
    said = [en for _, en in found.reasons]
    assert said == ["not found again: A, A", "the two models have no feature in common"]
    one = pd.DataFrame({"feature": ["age"], "level": ["none"]})
    assert compare_labels(before, before, drift=one, refitted=True).reasons == ()
