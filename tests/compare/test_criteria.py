"""criteria, attractiveness: declared first, knock-outs, the matrix by hand, both sensitivities."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab.compare import attractiveness
from kequn_lab.compare.attractiveness import attractiveness_matrix, recommend
from kequn_lab.compare.criteria import Criteria, require_known, segment_values

NAN = np.nan
TABLE = pd.DataFrame(
    {
        "criterion_id": ["big", "size", "wealth", "credit", "online"],
        "axis": ["attractiveness"] * 4 + ["competitiveness"],
        "role": ["knock_out", "score", "score", "score", "score"],
        "columns": [None, None, "aum_cny", "micro_cny+cons_cny", "mobile_share"],
        "statistic": ["size_share", "size_share", "mean", "share_positive", "mean"],
        "worst": [NAN, 0, 0, 0, 0],
        "best": [NAN, 0.5, 100, 1, 1],
        "at_least": [0.2, NAN, NAN, NAN, NAN],
    }
)
WEIGHTS = pd.DataFrame(
    {
        "bank_kind": ["net"] * 5,
        "criterion_id": TABLE["criterion_id"],
        "weight": [NAN, 0.5, 0.3, 0.2, 1.0],
    }
)
CRITERIA = Criteria(TABLE, WEIGHTS)
FEATURES = pd.DataFrame(
    {
        "aum_cny": [10.0, 30, 50, 70, 500, NAN],
        "micro_cny": [0.0, 1, 0, 0, 0, 0],
        "cons_cny": [1.0, 0, 0, 0, 0, 0],
        "mobile_share": [1.0, 0.5, 0, 0.2, 1, 1],
    },
    index=list("abcdef"),
)
LABELS = pd.Series(["young", "young", "old", "old", "firm", None], index=list("abcdef"))


def value(table, segment, criterion, draw=0):
    return table.set_index(["draw", "segment_id", "criterion_id"])["value"][
        draw, segment, criterion
    ]


def matrix(**options):
    return attractiveness_matrix(segment_values(FEATURES, LABELS, TABLE), CRITERIA, **options)


def test_values_by_hand():
    values = segment_values(FEATURES, LABELS, TABLE)
    assert value(values, "young", "size") == 2 / 6  # the customer without a label counts in all
    assert value(values, "young", "wealth") == 20
    assert value(values, "young", "credit") == 1.0
    assert value(values, "old", "online") == pytest.approx(0.1)


def test_the_matrix_by_hand_with_the_knock_out_last():
    table = matrix(n_targets=1).set_index("segment_id")
    # young: size (1/3)/0.5 = 2/3, wealth 0.2, credit 1: 0.5 * 2/3 + 0.3 * 0.2 + 0.2 = 0.59333.
    assert table.loc["young", "attractiveness"] == pytest.approx(0.5 * 2 / 3 + 0.06 + 0.2)
    assert table.loc["young", "competitiveness"] == pytest.approx(0.75)
    assert table.loc["firm", "knocked_out_by"] == "big"  # 1 of 6 is under 0.2
    assert table.index.tolist() == ["young", "old", "firm"]
    assert table["rank"].tolist() == [1, 2, 0] and table["target"].tolist() == [True, False, False]
    assert table["size_share"].tolist() == pytest.approx([2 / 6, 2 / 6, 1 / 6])


def test_weights_drawn_around_the_given_ones(monkeypatch):
    table = matrix(n_targets=1).set_index("segment_id")
    # On wealth alone old beats young, but online decides: young leads in nearly every draw.
    assert table.loc["young", "first_share_weights"] > 0.95
    assert table["first_share_weights"].sum() == pytest.approx(1)
    assert table.loc["firm", "target_share_weights"] == 0
    assert (table["attractiveness_low"] <= table["attractiveness"]).all()
    assert (table["attractiveness_high"] >= table["attractiveness"]).all()
    assert table["first_share_customers"].isna().all()  # no resamples were given
    monkeypatch.setattr(attractiveness, "CONCENTRATION", 1e9)
    firm = matrix(n_targets=1).set_index("segment_id")
    assert firm["attractiveness_low"].to_numpy() == pytest.approx(
        firm["attractiveness"].to_numpy(), abs=1e-3
    )


@pytest.mark.parametrize("size", [900, 90_000])  # customer by customer, and the normal limit
def test_resampled_customers_are_a_bootstrap(size):
    rng = np.random.default_rng(0)
    features = pd.DataFrame({"aum_cny": rng.normal(50, 10, size)})
    labels = pd.Series(rng.choice(["a", "b"], size, p=[0.3, 0.7]))
    table = TABLE[TABLE["criterion_id"].isin(["size", "wealth"])]
    values = segment_values(features, labels, table, n_boot=600)
    drawn = values[values["draw"] > 0].groupby(["segment_id", "criterion_id"])["value"].std()
    n = (labels == "a").sum()
    own = features.loc[labels == "a", "aum_cny"].std() / np.sqrt(n)
    assert drawn["a", "wealth"] == pytest.approx(own, rel=0.1)
    share = n / size
    assert drawn["a", "size"] == pytest.approx(np.sqrt(share * (1 - share) / size), rel=0.1)
    again = segment_values(features, labels, table, n_boot=600)
    pd.testing.assert_frame_equal(values, again)


def test_close_segments_change_the_target_set():
    rng = np.random.default_rng(1)
    features = pd.DataFrame({"aum_cny": rng.normal(50, 30, 60), "mobile_share": 0.5})
    features[["micro_cny", "cons_cny"]] = 0.0
    labels = pd.Series(np.repeat(["a", "b"], 30))
    values = segment_values(features, labels, TABLE, n_boot=200)
    table = attractiveness_matrix(values, CRITERIA, n_targets=1)
    assert 0.05 < table["set_change_customers"].iloc[0] < 0.95
    assert table["first_share_customers"].sum() == pytest.approx(1)


def test_a_later_change_is_shown():
    assert set(matrix(n_targets=1)["declared"]) == {"not recorded"}
    recorded = CRITERIA.sha256
    assert set(matrix(n_targets=1, declared_sha256=recorded)["declared"]) == {"yes"}
    values = segment_values(FEATURES, LABELS, TABLE)
    later = Criteria(TABLE, WEIGHTS.assign(weight=[NAN, 0.4, 0.4, 0.2, 1.0]))
    changed = attractiveness_matrix(values, later, n_targets=1, declared_sha256=recorded)
    assert set(changed["declared"]) == {"changed since"}
    assert set(changed["criteria_sha256"]) == {later.sha256} != {recorded}


def test_a_missing_value_counts_as_worst_and_is_counted():
    features = FEATURES.assign(mobile_share=[NAN, NAN, 0, 0.2, 1, 1])
    table = attractiveness_matrix(segment_values(features, LABELS, TABLE), CRITERIA, n_targets=1)
    table = table.set_index("segment_id")
    assert table.loc["young", ["competitiveness", "values_missing"]].tolist() == [0, 1]


def test_the_declared_tables_of_the_repository_are_valid_and_say_what_they_assume():
    declared = Criteria(catalogue.read("criteria"), catalogue.read("weights"))
    assert declared.table["basis"].notna().all() and declared.weights["basis"].notna().all()
    assert set(declared.weights["bank_kind"]) == {"internet_bank", "traditional_bank"}


def test_quotes_of_the_tables_are_the_articles(shared):
    article = (shared / "article" / "article.zh.txt").read_text("utf-8").replace("\n", "")
    for name in ("criteria", "segment_needs", "product_serves"):
        table = pd.read_csv(catalogue.path() / f"{name}.csv")
        for quote in table["quote_zh"].dropna():
            assert quote in article, f"{name}: {quote}"
        assert table.loc[table["basis"].isin(["article", "reading"]), "quote_zh"].notna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": [NAN, 0.5, 0.3, 0.3, 1.0]}, "must be >= 0 and add up to 1; found .*sum 1.1"),
        ({"weight": [NAN, 0.5, 0.3, NAN, 1.0]}, "must be >= 0 and add up to 1"),
        ({"criterion_id": ["big", "size", "wealth", "credit", "gold"]}, r"lacks: \['gold'\]"),
    ],
)
def test_bad_weights(change, message):
    with pytest.raises(ValueError, match=message):
        Criteria(TABLE, WEIGHTS.assign(**change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axis": "market"}, "axis must be one of"),
        ({"statistic": "median"}, "statistic must be one of"),
        ({"best": 0}, "worst and best, and they must differ"),
        ({"at_least": NAN}, "each knock-out needs at_least"),
        ({"criterion_id": "size"}, "twice"),
    ],
)
def test_bad_criteria(change, message):
    with pytest.raises(ValueError, match=message):
        Criteria(TABLE.assign(**change), WEIGHTS)


def test_bad_input():
    with pytest.raises(ValueError, match="net: no score for competitiveness"):
        Criteria(TABLE, WEIGHTS[:-1])
    values = segment_values(FEATURES.drop(columns="aum_cny"), LABELS, TABLE)
    with pytest.raises(ValueError, match="'wealth' has no value in any segment: .* 'aum_cny'"):
        attractiveness_matrix(values, CRITERIA, n_targets=1)
    with pytest.raises(ValueError, match="n_targets must be 1 to 3"):
        matrix(n_targets=4)
    with pytest.raises(ValueError, match="no customer of features has a label"):
        segment_values(FEATURES, LABELS.set_axis(list("uvwxyz")), TABLE)


def test_a_target_with_a_mark_is_not_recommended_and_the_mark_stands_beside_it():
    table = recommend(matrix(n_targets=2), {"young": "merge", "firm": "drop"})
    table = table.set_index("segment_id")
    assert table["recommended"].to_dict() == {"young": False, "old": True, "firm": False}
    assert table["mark"].to_dict() == {"young": "merge", "old": "", "firm": "drop"}
    assert table.loc["young", "advice_en"].startswith("not to be recommended: to be merged")
    assert table.loc["young", "advice_zh"] == "不宜推荐：应与相邻客群合并"
    assert table.loc["firm", "advice_en"] == ""  # no target anyway
    none = recommend(matrix(n_targets=2), {}, no_segments=True)
    assert not none["recommended"].any()
    assert none["advice_en"].iloc[0].endswith("the data show no segments")


def test_a_mistyped_column_is_named_with_what_there_is():
    require_known(TABLE, FEATURES)
    with pytest.raises(
        ValueError, match=r"'aum_cyn' of wealth \(did you mean 'aum_cny'\?\); there"
    ):
        require_known(TABLE.replace({"columns": {"aum_cny": "aum_cyn"}}), FEATURES)
