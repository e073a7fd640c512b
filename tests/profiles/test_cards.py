"""cards: what is said of each segment, and the warnings, on tables small enough to read."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab._notes import Note
from kequn_lab.features.definitions import feature_dictionary
from kequn_lab.profiles.cards import segment_cards
from kequn_lab.profiles.cautions import warnings_table
from kequn_lab.profiles.tables import marker_table, profile_table, size_table

LABELS = pd.Series(["elderly"] * 4 + ["young_adult"] * 5 + ["cluster_1"])
FEATURES = pd.DataFrame(
    {
        "age_years": [70.0, 66, 72, 69, 25, 31, 28, 22, 30, 45],
        "counter_share": [0.1, 0.2, 0.0, 0.1, 0.5, 0.6, 0.4, 0.5, 0.6, 0.3],
        "tx_per_month": [3.0, 9, 5, 7, 4, 8, 6, 5, 7, 6],
        "city": ["village"] * 5 + ["tier1"] * 5,
    }
)
PROFILE = profile_table(FEATURES, LABELS, n_boot=0)
NAMES = {"segments": catalogue.segments(), "variables": feature_dictionary()}
CARDS = segment_cards(
    PROFILE,
    marker_table(PROFILE),
    sizes=size_table(LABELS),
    traits=catalogue.traits(),
    signatures=catalogue.signatures(),
    **NAMES,
)


def lines(segment, part):
    return CARDS[(CARDS["segment_id"] == segment) & (CARDS["part"] == part)]


def test_cards_come_by_size_with_names():
    heads = CARDS.drop_duplicates("segment_id")
    assert heads["segment_id"].tolist() == ["young_adult", "elderly", "cluster_1"]
    assert heads["name_zh"].tolist() == ["年轻人", "老年客群", "cluster_1"]
    assert heads["customers"].tolist() == [5, 4, 1]


def test_marks_are_the_best_markers_with_their_numbers():
    marks = lines("elderly", "mark")
    best = marker_table(PROFILE).query("segment_id == 'elderly' and marker").head(5)
    assert marks["item"].tolist() == best["variable"].tolist()
    text = marks.set_index("item").loc["age_years", ["text_zh", "text_en"]].tolist()
    assert text == ["年龄 69.2（全体 45.8）", "Age 69.2 years (all: 45.8 years)"]
    effects = best.set_index("variable")["effect"]
    assert marks.set_index("item")["effect"].to_dict() == effects.to_dict()


def test_article_is_quoted_with_its_place():
    said = lines("elderly", "article").set_index("item")
    assert said.loc["relies_on_counter", "quote_zh"] == "多依赖柜台人工服务"
    assert said.loc["relies_on_counter", "inventory_id"] == "S7"
    assert lines("cluster_1", "article").empty


def test_data_that_contradict_the_article_are_shown():
    checks = lines("elderly", "check").set_index("item")
    assert checks.loc["age_years", "agrees"] == "yes"
    assert checks.loc["counter_share", "agrees"] == "no"
    assert checks.loc["counter_share", "basis"] == "article"
    assert checks.loc["counter_share", "text_zh"] == "柜台占比：预期偏高，实测偏低"
    assert checks.loc["counter_share", "text_en"] == "Counter share: high expected, low found"
    assert checks.loc["helped_share", "agrees"] == "not measured"


def test_small_effects_and_small_expectations_have_no_direction():
    expected = pd.DataFrame(
        {
            "segment_id": ["elderly"] * 2,
            "feature": ["tx_per_month", "age_years"],
            "level_sd": [1.0, 0.1],
            "basis": "assumption",
        }
    )
    cards = segment_cards(
        PROFILE, marker_table(PROFILE), sizes=size_table(LABELS), signatures=expected
    )
    checks = cards[cards["part"] == "check"]
    assert checks["item"].tolist() == ["tx_per_month"]
    assert checks["agrees"].tolist() == ["not visible"]


def test_expectations_can_be_held_against_model_columns():
    """One giant hides in raw money what logarithms show."""
    labels = pd.Series(["elderly"] * 50 + ["young_adult"] * 50)
    money = pd.Series(np.r_[np.full(50, 9e4), np.full(49, 1e3), 4e6], name="aum_cny")
    money += np.arange(100)
    profile = profile_table(money.to_frame(), labels, n_boot=0)
    model = profile_table(np.log1p(money).to_frame(), labels, n_boot=0)
    expected = pd.DataFrame(
        {"segment_id": ["elderly"], "feature": "aum_cny", "level_sd": 1.0, "basis": "assumption"}
    )
    options = {"sizes": size_table(labels), "signatures": expected}
    raw = segment_cards(profile, marker_table(profile), **options)
    logs = segment_cards(profile, marker_table(profile), model_profile=model, **options)
    assert raw.loc[raw["part"] == "check", "agrees"].tolist() == ["not visible"]
    assert logs.loc[logs["part"] == "check", "agrees"].tolist() == ["yes"]


def test_a_segment_without_marks_keeps_its_card():
    features = pd.DataFrame({"x": [1.0, 2, 1, 2]})
    labels = pd.Series(list("aabb"))
    profile = profile_table(features, labels, n_boot=0)
    cards = segment_cards(profile, marker_table(profile), sizes=size_table(labels))
    assert cards["segment_id"].tolist() == ["a", "b"] and cards["part"].isna().all()


def test_tables_with_other_columns_are_refused():
    with pytest.raises(ValueError, match="segments lacks name_en"):
        segment_cards(
            PROFILE,
            marker_table(PROFILE),
            sizes=size_table(LABELS),
            segments=catalogue.segments().drop(columns="name_en"),
        )


# Warnings --------------------------------------------------------------------------------------


def found(labels, table, **options):
    profile = profile_table(table, labels, n_boot=0)
    return warnings_table(profile, sizes=size_table(labels), **options).set_index("warning")


def test_sound_segments_have_no_warnings():
    labels = pd.Series(["a", "b"] * 50)
    features = pd.DataFrame({"x": labels.map({"a": 0.0, "b": 5.0}) + np.tile([0, 1, 2, 3], 25)})
    assert found(labels, features, features=features, silhouette=0.6).empty


def test_sizes_are_warned_of():
    labels = pd.Series(["big"] * 295 + ["mid"] * 103 + ["tiny"] * 2)
    table = found(labels, pd.DataFrame({"x": np.arange(400.0)}))
    assert table.loc["large_segment", ["segment_id", "value"]].tolist() == ["big", 295 / 400]
    assert table.loc["small_segment", "segment_id"] == "tiny"
    assert "tiny（2 名客户，0.5%）" in table.loc["small_segment", "text_zh"]


def test_weak_silhouette_is_warned_of():
    labels = pd.Series(["a", "b"] * 50)
    features = pd.DataFrame({"x": labels.map({"a": 0.0, "b": 5.0}) + np.tile([0, 1, 2, 3], 25)})
    table = found(labels, features, silhouette=0.2)
    assert table.loc["weak_silhouette", ["value", "bound"]].tolist() == [0.2, 0.25]
    assert found(labels, features, silhouette=0.3).empty


def test_skewed_money_left_unlogged_is_warned_of():
    rng = np.random.default_rng(0)
    labels = pd.Series(["a", "b"] * 500)
    features = pd.DataFrame(
        {
            "aum_cny": np.exp(rng.normal(8, 2, 1000)) * labels.map({"a": 1, "b": 100}),
            "rare_share": (rng.random(1000) < 0.01).astype(float),
            "age_years": rng.normal(40, 9, 1000) + 30 * (labels == "a"),
        }
    )
    table = found(labels, features, features=features)
    assert table["variable"].tolist() == ["aum_cny"]
    x = features["aum_cny"]
    assert table["value"].iloc[0] == pytest.approx(
        ((x - x.mean()) ** 3).mean() / x.std(ddof=0) ** 3
    )
    assert found(labels, features, features=features, logged=["aum_cny"]).empty


def test_segments_that_nothing_separates_are_warned_of():
    labels = pd.Series(["a", "b", "c", "c"] * 25)
    spread = np.repeat(np.arange(25.0), 4)  # the same in all segments
    shift = labels.map({"a": 0.0, "b": 3.0, "c": 90.0})
    table = found(labels, pd.DataFrame({"x": spread + shift, "y": spread}))
    expected = 3 / np.arange(25.0).std(ddof=1)
    assert table.index.tolist() == ["not_separated"] and expected < 0.5
    assert table.loc["not_separated", "value"] == pytest.approx(expected)
    names = table.loc["not_separated", ["segment_id", "other_id", "variable"]].tolist()
    assert names == ["a", "b", "x"]
    assert found(labels, pd.DataFrame({"x": spread + 2 * shift})).empty


def test_few_customers_are_warned_of_though_they_are_a_fair_share():
    labels = pd.Series(["a"] * 20 + ["b"] * 18 + ["c"])
    table = found(labels, pd.DataFrame({"x": np.arange(39.0)}))
    assert table.loc["small_segment", "segment_id"] == "c"
    assert "c (1 customer, 2.6%)" in table.loc["small_segment", "text_en"]


def test_columns_mostly_filled_or_alike_share_a_row_each():
    rng = np.random.default_rng(0)
    labels = pd.Series(["a", "b"] * 60)
    x = rng.normal(size=120) + 5 * (labels == "a")
    features = pd.DataFrame({"x": x, "twice": 2 * x, "minus": -x, "y": rng.normal(size=120)})
    features["holes"] = features["y"].where(np.arange(120) < 50) + rng.normal(size=120)
    table = found(labels, features, features=features)
    assert set(table.index) == {"mostly_filled", "collinear"}
    assert table.loc["collinear", "text_en"].startswith("3 pair(s)")
    assert table.loc["mostly_filled", "value"] == pytest.approx(70 / 120)
    money = pd.DataFrame({"a_cny": np.exp(x), "b_cny": np.exp(2 * x)})
    assert found(labels, money, features=money, logged=list(money)).index.tolist() == ["collinear"]


def test_notes_of_others_come_in_by_weight_and_mere_notes_last():
    labels = pd.Series(["big"] * 295 + ["mid"] * 105)
    notes = [
        Note("assumed", "假定", "assumed", level="note"),
        Note("merge_segments", "合并", "merge"),
        Note("rows_skipped", "略过", "skipped"),
        Note("no_segments", "没有", "none"),
    ]
    table = found(labels, pd.DataFrame({"x": np.arange(400.0)}), silhouette=0.1, notes=notes)
    assert table.index.tolist() == [
        "no_segments", "rows_skipped", "merge_segments", "weak_silhouette", "large_segment",
        "assumed",
    ]  # fmt: skip


def test_a_rate_is_no_percentage_because_it_lies_between_0_and_1():
    labels = pd.Series(["a", "b"] * 10)
    features = pd.DataFrame(
        {
            "rate": np.where(labels == "a", 0.9, 0.1) + np.arange(20) / 1000,
            "web_share": np.where(labels == "a", 0.9, 0.1) + np.arange(20) / 1000,
            "has_loan": np.where(labels == "a", 1, 0),
        }
    )
    profile = profile_table(features, labels, n_boot=0)
    kinds = profile.drop_duplicates("variable").set_index("variable")["kind"].to_dict()
    assert kinds == {"rate": "number", "web_share": "share", "has_loan": "share"}
    cards = segment_cards(profile, marker_table(profile), sizes=size_table(labels))
    said = cards[cards["segment_id"] == "a"].set_index("item")["text_en"]
    assert said["rate"] == "rate 0.909 (all: 0.509)"
    assert said["web_share"] == "web_share 90.9% (all: 50.9%)"
