"""products: needs met by hand, nothing above the risk class or under the minimum."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kequn_lab import catalogue
from kequn_lab.products.matching import allowed_products, match_products

PRODUCTS = catalogue.products()
NEEDS, SERVES = catalogue.read("segment_needs"), catalogue.read("product_serves")
FEATURES = pd.DataFrame(
    {
        "aum_cny": [250_000.0, 1_000, 50_000, 20_000_000],
        "risk_rank": [1.0, np.nan, 4, np.nan],
        "is_business": [0.0, 0, 0, 1],
        "mobile_share": [0.1, 0.9, 0.5, 0.0],
        "counter_share": [0.9, 0.1, 0.5, 0.0],
        "web_share": [0.0, 0.0, 0.0, 1.0],
    },
    index=list("abcd"),
)
LABELS = pd.Series(["elderly", "elderly", "young_adult", "scitech_corporate"], index=list("abcd"))


def test_allowed_by_hand():
    allowed = allowed_products(FEATURES)
    assert allowed["large_cd"].tolist() == [True, False, False, True]
    assert allowed["wealth_product"].tolist() == [False, False, True, True]  # R2
    assert allowed["structured_deposit_product"].tolist() == [False, False, True, True]
    assert allowed["micro_loan"].all()
    assert "smart_deposit" not in allowed  # ended
    # A firm's minimum for a large CD is 10 million.
    poorer = FEATURES.assign(aum_cny=9_999_999.0)
    assert not allowed_products(poorer).loc["d", "large_cd"]


def test_scores_by_hand():
    table = match_products(FEATURES, LABELS)
    row = table.set_index(["segment_id", "product_id", "channel_id"]).loc[
        ("elderly", "savings_bond", "counter")
    ]
    # Needs safety 1, liquidity 0.6, yield 0.4; the bond serves 1, 0.3, 0.7.
    assert row["need"] == pytest.approx((1 + 0.6 * 0.3 + 0.4 * 0.7) / 2)
    assert row["channel_share"] == pytest.approx(0.5)
    assert row["score"] == pytest.approx(row["need"] * row["allowed_share"] * 0.5)
    assert row["why_zh"].startswith("满足本金安全")
    bought = table.set_index(["segment_id", "product_id", "channel_id"])
    assert bought.loc[("elderly", "large_cd", "counter"), "allowed_share"] == 0.5
    loan = bought.loc[("elderly", "micro_loan", "counter")]
    assert loan["score"] == 0 and "none" in loan["why_en"]


def test_a_segment_that_the_table_of_needs_does_not_name_is_shown_as_such():
    labels = LABELS.replace("young_adult", "cluster_6")
    table = match_products(FEATURES, labels)
    unknown = table[table["segment_id"] == "cluster_6"]
    assert list(dict.fromkeys(table["segment_id"]))[-1] == "cluster_6"
    assert unknown["score"].isna().all() and unknown["allowed_share"].notna().all()
    assert set(unknown["why_en"]) == {"the table of needs does not name this segment"}
    named = table[table["segment_id"] != "cluster_6"].reset_index(drop=True)
    pd.testing.assert_frame_equal(named, match_products(FEATURES, LABELS[LABELS != "young_adult"]))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 3e7),
            st.sampled_from([np.nan, 1.0, 2.0, 3.0]),
            st.sampled_from([0.0, 1.0]),
            st.sampled_from(sorted(NEEDS["segment_id"].unique())),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_never_above_the_risk_class_nor_under_the_minimum(people):
    aum, rank, firm, segment = (list(column) for column in zip(*people, strict=True))
    features = pd.DataFrame({"aum_cny": aum, "risk_rank": rank, "is_business": firm})
    features["mobile_share"] = 1.0
    labels = pd.Series(segment)
    allowed = allowed_products(features)
    facts = PRODUCTS.set_index("product_id").loc[allowed.columns]
    assert not facts["status_today"].astype("str").str.startswith("ended").any()
    for name, fact in facts[facts["side"] == "asset"].iterrows():
        may = features[allowed[name]]
        person = may["is_business"] == 0
        risk = float(str(fact["risk_class"])[1:]) if pd.notna(fact["risk_class"]) else 1
        assert (may["risk_rank"].fillna(1) >= risk)[person].all()
        least = 0 if pd.isna(fact["minimum_cny"]) else fact["minimum_cny"]
        assert (may["aum_cny"] >= least)[person].all()
        firm = fact["minimum_business_cny"]
        assert (may["aum_cny"] >= (least if pd.isna(firm) else firm))[~person].all()
    matches = match_products(features, labels)
    nobody = matches["allowed_share"] == 0
    assert (matches.loc[nobody, "score"] == 0).all()


def test_the_tables_point_to_the_catalogue_and_mark_their_basis():
    assert set(NEEDS["segment_id"]) == set(catalogue.segments()["segment_id"])
    assert set(SERVES["product_id"]) <= set(PRODUCTS["product_id"])
    # Every product but the current account, which is no offer.
    assert set(PRODUCTS["product_id"]) - set(SERVES["product_id"]) == {"current"}
    for table in (NEEDS, SERVES):
        assert table["basis"].isin(["article", "reading", "assumption"]).all()


def test_bad_input():
    with pytest.raises(ValueError, match="features lacks aum_cny"):
        allowed_products(FEATURES.drop(columns="aum_cny"))
    with pytest.raises(ValueError, match="weight must be 0 to 1 and need_id one of"):
        match_products(FEATURES, LABELS, segment_needs=NEEDS.assign(weight=2.0))
    with pytest.raises(ValueError, match="no customer is in a segment"):
        match_products(FEATURES, LABELS.map(lambda _: "cluster_1"))
    with pytest.raises(ValueError, match="the place is not known"):
        match_products(FEATURES[["aum_cny"]], LABELS)
