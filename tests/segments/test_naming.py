"""Names say no more than is known: signatures, essentials, chance, working names, last time's."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from kequn_lab import catalogue
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.signatures import chance_likeness, least_similarity, nameless_segments

OLD, YOUNG = [1.0, 1.2, 0.9], [-1.4, -0.8, -0.9]
COLUMNS = ["age_years", "counter_share", "aum_cny"]
SIGNATURES = pd.DataFrame(
    [
        *(("elderly", feature, 1.0, feature == "age_years") for feature in COLUMNS),
        ("young_adult", "age_years", -1.5, True),
        ("young_adult", "counter_share", -1.0, False),
        ("young_adult", "aum_cny", -1.0, False),
        ("farm_household", "age_years", 0.1, False),
        ("farm_household", "counter_share", -3.0, False),
        ("farm_household", "aum_cny", 3.0, False),
        ("scitech_corporate", "web_share", 3.0, False),  # none of its features is in the table
    ],
    columns=["segment_id", "feature", "level_sd", "essential"],
)
SEGMENTS = catalogue.segments()
KNOWN = {"segments": SEGMENTS, "words": catalogue.read("feature_words")}


def table(*rows, columns=COLUMNS) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns, dtype=float).rename_axis("cluster")


def names(*rows, signatures=SIGNATURES, columns=COLUMNS, **options) -> pd.DataFrame:
    return name_clusters(table(*rows, columns=columns), signatures, **{**KNOWN, **options})


# Signatures ------------------------------------------------------------------------------------


def test_names_follow_signatures_and_the_margin_is_recomputed():
    named = names(OLD, YOUNG)
    assert named["segment_id"].tolist() == ["elderly", "young_adult"]
    assert named["name_zh"].tolist() == ["老年客群", "年轻人"]
    z = np.array(OLD)
    elderly = 1 - ((z - 1.0) ** 2).sum() / 3
    assert named.loc[0, "similarity"] == pytest.approx(elderly)
    others = [1 - ((z - [-1.5, -1, -1]) ** 2).sum() / 4.25,
              1 - ((z - [0.1, -3, 3]) ** 2).sum() / 18.01]  # fmt: skip
    assert named.loc[0, "margin"] == pytest.approx(elderly - max(others))
    assert "scitech_corporate" not in set(named["runner_up"])
    assert named["mark"].tolist() == ["", ""]


def test_assignment_is_joint_not_greedy_and_a_name_without_a_lead_is_unclear():
    """Both clusters like x best; the sum is larger when the first one takes y."""
    signatures = pd.DataFrame(
        [("x", f, 1.0) for f in "fgh"] + [("y", "f", 1.0), ("y", "g", 0.5), ("y", "h", 1.0)],
        columns=["segment_id", "feature", "level_sd"],
    )
    named = names([1.0, 0.9, 1.0], [1.0, 1.0, 1.0], signatures=signatures, columns=list("fgh"))
    assert named["segment_id"].tolist() == ["y", "x"]
    assert named.loc[0, "margin"] < 0  # it looks more like x, and says so
    assert named["mark"].tolist() == ["unclear", "unclear"]


def test_a_signature_of_which_little_is_known_names_nobody():
    levels = {"f": 1.0, "g": 1.0, "h": 1.0, "not in the table": 1.7}
    signature = pd.DataFrame(levels.items(), columns=["feature", "level_sd"])
    signature["segment_id"] = "x"
    options = {"signatures": signature, "columns": list("fgh")}
    assert names([1, 1, 1], **options).loc[0, "segment_id"] == "x"  # 3 of 5.9
    signature["level_sd"] = signature["level_sd"].replace(1.7, 1.8)  # 3 of 6.2
    assert names([1, 1, 1], **options).loc[0, "segment_id"] == "cluster_0"


def test_a_name_that_contains_an_age_needs_the_age():
    like = [0.1, 1.2, 1.1]  # counter and assets of the elderly, ages of everybody
    assert names(like)["segment_id"].tolist() == ["cluster_0"]
    assert names(OLD)["segment_id"].tolist() == ["elderly"]
    without = SIGNATURES.assign(essential=False)
    assert names(like, signatures=without)["segment_id"].tolist() == ["elderly"]
    absent = ["city_tier_rank", "counter_share", "aum_cny"]
    wide = SIGNATURES.replace({"feature": {"aum_cny": "city_tier_rank"}})
    wide = pd.concat([SIGNATURES, wide]).drop_duplicates(["segment_id", "feature"])
    assert names(OLD, signatures=wide, columns=absent)["segment_id"].tolist() == ["cluster_0"]


def test_every_article_segment_has_an_essential_feature():
    essential = catalogue.signatures().query("essential")
    assert set(essential["segment_id"]) == set(SEGMENTS["segment_id"])
    features = essential.groupby("segment_id")["feature"].agg(set)
    assert features["elderly"] == features["young_adult"] == {"age_years"}
    assert "is_business" in features["micro_enterprise"] & features["scitech_corporate"]
    assert features["structured_deposit"] == {"structured_aum_share"}


def test_why_a_segment_has_no_cluster_is_said_in_both_languages():
    centres = table(OLD, [0.1, 1.2, 1.1])
    signatures = pd.concat(
        [SIGNATURES, SIGNATURES.query("segment_id == 'young_adult'").assign(
            segment_id="micro_enterprise", feature=["is_business", *COLUMNS[1:]]),
         pd.DataFrame({"segment_id": "micro_enterprise", "feature": ["age_years"],
                       "level_sd": 1.0, "essential": False})]
    )  # fmt: skip
    named = name_clusters(centres, signatures, **KNOWN)
    why = nameless_segments(centres, signatures, named, segments=SEGMENTS).set_index("segment_id")
    assert why["reason"].to_dict() == {
        "young_adult": "essential_differs",
        "farm_household": "not_similar",
        "scitech_corporate": "too_few_features",
        "micro_enterprise": "essential_missing",
    }
    assert why.loc["micro_enterprise", "text_en"] == "the table lacks is_business"
    assert why.loc["scitech_corporate", "text_zh"] == "表中只有它 1 个特征中的 0 个"
    assert "but age_years does not agree" in why.loc["young_adult", "text_en"]


# Chance ----------------------------------------------------------------------------------------


def test_shuffled_values_set_the_least_similarity():
    rng = np.random.default_rng(0)
    skewed = pd.DataFrame(rng.lognormal(0, 1.5, (400, 4)), columns=list("abcd"))
    model = (skewed - skewed.mean()) / skewed.std()
    rare = pd.DataFrame({"segment_id": "rich", "feature": list("abcd"),
                         "level_sd": [2.0, 0.1, 0.1, 0.1]})  # fmt: skip
    centres = model.head(5)
    chance = chance_likeness(model, centres, rare)
    assert chance["kind"].value_counts().to_dict() == {"values": 20, "table": 5, "found": 1}
    assert least_similarity(chance) > 0.6  # one skewed column alone looks like this signature
    pd.testing.assert_frame_equal(chance, chance_likeness(model, centres, rare))
    few = chance_likeness(model, centres, rare, n_sample=300)["unexplained"].dropna()
    assert len(few) == 25 and few.between(0, 1).all()
    assert least_similarity(chance_likeness(model, centres, SIGNATURES)) == 0.5


def test_a_likeness_that_columns_of_other_names_reach_names_nobody():
    """Groups are there, but not in the columns that the signature speaks of."""
    rng = np.random.default_rng(1)
    columns = [f"x{i}" for i in range(12)]
    model = pd.DataFrame(rng.normal(size=(300, 12)), columns=columns)
    signature = pd.DataFrame({"segment_id": "s", "feature": columns[:3], "level_sd": 1.0})
    centres = pd.DataFrame(0.0, range(4), columns)
    centres.loc[0, columns[:3]] = [1.3, 1.0, 0.8]
    own = chance_likeness(model, centres, signature)
    assert (own["kind"] == "meanings").sum() == 200
    assert least_similarity(own) < 0.7 < own["similarity"].iloc[0]
    many = centres.copy()
    many.loc[1, columns[3:6]] = many.loc[2, columns[6:9]] = many.loc[3, columns[9:]] = 1.0
    for i in range(1, 4):  # half of the columns are so in some cluster
        many.loc[i, rng.choice(columns, 8, replace=False)] = 1.0
    least = least_similarity(chance_likeness(model, many, signature))
    assert least >= chance_likeness(model, many, signature)["similarity"].iloc[0] > 0.9


# Working names ---------------------------------------------------------------------------------


def test_a_cluster_without_a_name_is_called_by_its_marks():
    named = names([0.5, 2.0, -0.1], [0.1, -0.1, 0.2])
    assert named["segment_id"].tolist() == ["cluster_0", "cluster_1"]
    assert named["name_en"].tolist() == ["many counter visits · older", "near the average"]
    assert named["name_zh"].tolist() == ["柜台多·年龄大", "接近平均"]
    assert named["by"].tolist() == ["marks", "marks"]
    assert named["mark"].tolist() == ["unnamed", "unnamed"]
    assert not named["matched"].any()


def test_own_columns_have_a_generic_form():
    named = names([1.0, -2.0], columns=["会员积分", "visits"])
    assert named[["name_zh", "name_en"]].to_numpy().tolist() == [
        ["visits低·会员积分高", "low visits · high 会员积分"]
    ]


def test_a_working_name_does_not_say_one_thing_twice():
    rng = np.random.default_rng(0)
    model = pd.DataFrame(rng.normal(size=(200, 3)), columns=COLUMNS)
    model["counter_share"] = model["age_years"] + 0.1 * model["counter_share"]
    row, nobody = [0.9, 1.0, 0.4], {"signatures": SIGNATURES.head(0)}
    assert names(row, **nobody)["name_en"].tolist() == ["many counter visits · older"]
    named = names(row, model=model, **nobody)
    assert named["name_en"].tolist() == ["many counter visits · high assets"]


def test_working_names_are_unique_within_a_run():
    rows = [[0.5, 2.0, 0.4], [0.6, 1.9, 0.35], [0.7, 1.8, 0.0], [0.7, 1.8, 0.0]]
    named = names(*rows, signatures=SIGNATURES.head(0))
    assert named["name_en"].is_unique and named["name_zh"].is_unique
    assert named.loc[1, "name_en"] == "many counter visits · older · high assets"
    assert named.loc[2, "name_en"] == "many counter visits · older (2)"


# By hand, and as last time ---------------------------------------------------------------------


def test_a_person_may_name_by_id_by_word_or_in_both_languages():
    named = names(OLD, YOUNG, overrides={1: "elderly"})
    assert named["segment_id"].tolist() == ["cluster_0", "elderly"]
    assert named["by"].tolist() == ["marks", "override"]
    assert names(OLD, overrides={0: "农户"})["segment_id"].tolist() == ["farm_household"]
    own = names(OLD, YOUNG, overrides={0: "高净值客户", 1: ("常客", "Regulars")})
    assert own["segment_id"].tolist() == ["own_0", "own_1"]
    assert own["name_en"].tolist() == ["高净值客户", "Regulars"]
    assert own["mark"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({0: "elderly", 1: "elderly"}, "two clusters"),
        ({7: "elderly"}, r"clusters \[7\]"),
        ({0: "eldery"}, "no segment 'eldery' in the catalogue; did you mean 'elderly'"),
    ],
)
def test_wrong_overrides_are_refused(overrides, says):
    with pytest.raises(ValueError, match=says):
        names(OLD, YOUNG, overrides=overrides)


def test_a_group_keeps_id_and_names_and_no_id_is_used_twice():
    previous = pd.DataFrame(
        {
            "segment_id": ["elderly", "cluster_0", "own_1", "cluster_2"],
            "name_zh": ["老年客群", "柜台多", "常客", "走了"],
            "name_en": ["Elderly", "many counter visits", "Regulars", "gone"],
            "cluster": [2, 1, 0, None],
        }
    )
    named = names(OLD, [0.1, 2.0, 0], [0.1, -0.3, 0], YOUNG, [0, 0, 0], previous=previous)
    assert named["segment_id"].tolist() == [
        "own_1", "cluster_0", "elderly", "young_adult", "cluster_4",
    ]  # fmt: skip
    assert named["name_en"].tolist()[:3] == ["Regulars", "many counter visits", "Elderly"]
    assert named.loc[2, "mark"] == "unclear"  # it is called elderly still, and no more like them
    assert names([0, 0, 0], [0, 0, 0], [0, 0, 0], previous=previous.assign(cluster=None))[
        "segment_id"
    ].tolist() == ["cluster_1", "cluster_3", "cluster_4"]
    mine = names(OLD, YOUNG, [0, 0, 0], previous=previous, overrides={0: "elderly"})
    assert mine["segment_id"].tolist()[0] == "elderly"
    assert mine["segment_id"].is_unique


def test_chance_keeps_the_levels_of_a_category_whole(monkeypatch):
    """Each coordinate shuffled by itself would make rows with two levels, or none."""
    rng = np.random.default_rng(0)
    level = np.eye(3)[rng.integers(3, size=200)]
    model = pd.DataFrame(level, columns=["job:a", "job:b", "job:c"])
    for name in "uvwxyz":
        model[name] = rng.normal(size=200)
    signature = pd.DataFrame({"segment_id": "s", "feature": list("uv"), "level_sd": 1.0})
    seen = []
    fit = KMeans.fit
    monkeypatch.setattr(KMeans, "fit", lambda self, X: seen.append(X) or fit(self, X))
    variables = dict.fromkeys(["job:a", "job:b", "job:c"], "job")
    chance_likeness(model, model.head(2), signature, n_copies=2, variables=variables)
    for copy in seen:
        np.testing.assert_array_equal(copy[:, :3].sum(axis=1), 1)
    shuffled = seen[-1]
    assert (shuffled[:, :3] != level).any() and (shuffled[:, 3] != model["u"]).any()
    seen.clear()
    chance_likeness(model, model.head(2), signature, n_copies=2)
    assert not (seen[-1][:, :3].sum(axis=1) == 1).all()
