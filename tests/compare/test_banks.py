"""banks: stated focus beside the fit, and every assumption in one table."""

import pandas as pd
import pytest

from kequn_lab import catalogue
from kequn_lab.compare.banks import fit_weights, target_fit

FEATURES = pd.DataFrame(
    {
        "aum_cny": [300_000.0, 0, 150_000, 600_000],
        "micro_loan_cny": [0.0, 5, 0, 0],
        "consumer_loan_cny": [0.0, 0, 0, 0],
        "mobile_share": [1.0, 0.5, 0.0, 0.1],
        "counter_share": [0.0, 0.5, 1.0, 0.9],
    },
    index=list("abcd"),
)
LABELS = pd.Series(["young_adult", "young_adult", "elderly", "elderly"], index=list("abcd"))
FOCUS, REACH = catalogue.read("bank_focus"), catalogue.read("bank_channels")


def test_fit_by_hand():
    table = target_fit(FEATURES, LABELS, FOCUS, REACH[REACH["channel_id"] == "mobile"])
    row = table[(table["bank_id"] == "webank") & (table["segment_id"] == "young_adult")].iloc[0]
    # size 0.5 of at best 0.25: 1; credit 0.5 / 0.6; wealth 150,000 / 300,000; reach 0.75.
    assert row["fit"] == pytest.approx((1 + 0.5 / 0.6 + 0.5 + 0.75) / 4)
    assert (row["relation"], row["basis"]) == ("target", "reading")


def test_every_bank_of_the_article_and_only_its_words():
    table = target_fit(FEATURES, LABELS, FOCUS, REACH)
    assert table.groupby("bank_id").size().eq(2).all()
    assert set(table["bank_id"]) == set(catalogue.read("banks")["bank_id"])
    said = table[table["relation"].notna()]
    assert said["quote_zh"].notna().all()
    elderly = table[(table["segment_id"] == "elderly") & (table["bank_id"] == "webank")].iloc[0]
    assert pd.isna(elderly["relation"]) and pd.isna(elderly["quote_zh"])
    # An internet bank has no counter, so it hardly reaches the elderly; CCB reaches them.
    ccb = table[(table["segment_id"] == "elderly") & (table["bank_id"] == "ccb")].iloc[0]
    assert elderly["reach"] == pytest.approx(0.05) and ccb["reach"] == pytest.approx(1)


def test_what_a_bank_says_does_not_change_its_fit():
    one = target_fit(FEATURES, LABELS, FOCUS, REACH)
    other = target_fit(FEATURES, LABELS, FOCUS.assign(segment_id="elderly").drop_duplicates(
        ["bank_id", "segment_id"]), REACH)  # fmt: skip
    fits = [t.set_index(["bank_id", "segment_id"])["fit"].sort_index() for t in (one, other)]
    pd.testing.assert_series_equal(*fits)


def test_the_table_of_parts_decides_and_says_that_it_assumes():
    parts = fit_weights()
    assert (parts["basis"] == "assumption").all()
    only_reach = parts.assign(weight=[0, 0, 0, 1.0])
    table = target_fit(FEATURES, LABELS, FOCUS, REACH, parts=only_reach)
    assert table["fit"].tolist() == pytest.approx(table["reach"].tolist())


def test_missing_parts_are_named_and_the_others_carry_the_weight():
    table = target_fit(FEATURES[["aum_cny", "mobile_share"]], LABELS, FOCUS, REACH)
    row = table[(table["bank_id"] == "webank") & (table["segment_id"] == "elderly")].iloc[0]
    assert row["parts_missing"] == "credit_need"
    assert row["fit"] == pytest.approx((1 + 1 + 0.05) / 3)
    nowhere = target_fit(FEATURES[["aum_cny"]], LABELS, FOCUS, REACH)
    assert nowhere["reach"].isna().all() and nowhere["fit"].notna().all()


def test_bad_input():
    with pytest.raises(ValueError, match="add up to 1; found .*sum 2"):
        target_fit(FEATURES, LABELS, FOCUS, REACH, parts=fit_weights().assign(weight=0.5))
    with pytest.raises(ValueError, match="must be >= 0"):
        negative = fit_weights().assign(weight=[-0.5, 0.5, 0.5, 0.5])
        target_fit(FEATURES, LABELS, FOCUS, REACH, parts=negative)
    with pytest.raises(ValueError, match="best above 0"):
        target_fit(FEATURES, LABELS, FOCUS, REACH, parts=fit_weights().assign(best=0.0))
    with pytest.raises(ValueError, match="focus lacks quote_zh"):
        target_fit(FEATURES, LABELS, FOCUS.drop(columns="quote_zh"), REACH)
