"""ladder: exact to the fen, minimums hold, the 200,000 trap, the article's time and today."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kequn_lab import catalogue
from kequn_lab.products.ladder import NOTICE, allocation_ladder, ladder_by_segment, ladder_products

ARTICLE, CURRENT = ladder_products(), ladder_products(era="current")


def savers(**columns):
    frame = pd.DataFrame(columns)
    return frame.set_axis([f"c{i}" for i in range(len(frame))])


def by_product(ladder, customer="c0"):
    mine = ladder.rungs[ladder.rungs["customer_id"] == customer]
    return dict(zip(mine["product_id"], mine["amount_cny"], strict=True))


def test_three_savers_by_hand():
    people = savers(
        money_cny=[9_000.0, 100_000.0, 1_000_000.0],
        spending_cny_per_month=[2_000.0, 2_000.0, 5_000.0],
        age_years=[66, 66, 66],
    )
    ladder = allocation_ladder(people, ARTICLE)
    # Six months of 2,000 are more than 9,000: all of it stays liquid.
    assert by_product(ladder, "c0") == {"money_fund": 9_000.0}
    # 88,000 are left: 15 % / 25 % / 40 % / 20 %. The three-year rung has too little for a CD.
    assert by_product(ladder, "c1") == {
        **{"money_fund": 12_000.0, "guaranteed_wealth": 13_200.0, "smart_deposit": 22_000.0},
        **{"savings_bond": 35_200.0, "term_deposit_5y": 17_600.0},
    }
    # 970,000 are left: 388,000 on the three-year rung, enough for a CD.
    assert by_product(ladder, "c2")["large_cd"] == 388_000.0
    assert ladder.flags["reserve_short"].tolist() == [True, False, False]
    assert ladder.flags["ended_product"].tolist() == [False, True, True]
    assert ladder.flags["early_withdrawal"].tolist() == [False, True, True]
    pd.testing.assert_index_equal(ladder.flags.index, people.index)


def test_bonds_come_in_steps_and_the_odd_money_moves_down():
    people = savers(money_cny=[1_000.0], spending_cny_per_month=[50.0])
    # 700 are left: 105, 175, 280, 140. Bonds take 200; the other 80 are above 50: a term deposit.
    assert by_product(allocation_ladder(people, ARTICLE)) == {
        **{"money_fund": 300.0, "guaranteed_wealth": 105.0, "smart_deposit": 175.0},
        **{"savings_bond": 200.0, "term_deposit_3y": 80.0, "term_deposit_5y": 140.0},
    }
    people = savers(money_cny=[500.0], spending_cny_per_month=[50.0])
    # 200 are left: 30, 50, 80, 40. 40 is under the minimum of 50 of a five-year deposit, and
    # moves to three years: 120 = one bond; 20 is under 50 and moves on to one year.
    assert by_product(allocation_ladder(people, ARTICLE)) == {
        **{"money_fund": 300.0, "guaranteed_wealth": 30.0, "smart_deposit": 70.0},
        "savings_bond": 100.0,
    }


def test_what_no_rung_takes_stays_at_hand():
    only_five_years = ARTICLE[ARTICLE["rung_id"].isin(["L0", "L4"])].copy()
    only_five_years.loc[only_five_years["rung_id"] == "L4", "share_of_rest"] = 1.0
    people = savers(money_cny=[349.99, 350.0], spending_cny_per_month=[50.0, 50.0])
    ladder = allocation_ladder(people, only_five_years)
    assert by_product(ladder, "c0") == {"money_fund": 300.0, "current": 49.99}
    assert by_product(ladder, "c1") == {"money_fund": 300.0, "term_deposit_5y": 50.0}


def test_a_cd_is_never_all_the_money():
    only_cd = ARTICLE[ARTICLE["product_id"].isin(["money_fund", "large_cd"])].copy()
    only_cd.loc[only_cd["rung_id"] == "L3", "share_of_rest"] = 1.0
    money = [200_000.0, 205_999.0, 206_000.0, 200_000.0]
    people = savers(money_cny=money, spending_cny_per_month=[1_000.0] * 4)
    ladder = allocation_ladder(people, only_cd)
    assert ladder.flags["cd_trap"].tolist() == [True, True, False, True]
    assert "large_cd" not in by_product(ladder, "c1")
    assert by_product(ladder, "c2") == {"money_fund": 6_000.0, "large_cd": 200_000.0}
    assert ladder.flags["cd_large"].tolist() == [False, False, True, False]
    # With a reserve that rounds to nothing the CD would be everything: refused all the same.
    people = savers(money_cny=[200_000.0], spending_cny_per_month=[0.0001])
    assert by_product(allocation_ladder(people, only_cd)) == {"current": 200_000.0}


def test_spending_missing_or_zero_leaves_everything_liquid():
    people = savers(money_cny=[5e5, 5e5], spending_cny_per_month=[0.0, np.nan])
    ladder = allocation_ladder(people, ARTICLE)
    assert by_product(ladder, "c0") == by_product(ladder, "c1") == {"money_fund": 5e5}
    assert ladder.flags["spending_unknown"].all()
    assert "支出不明" in ladder.explain("c0")["why"].iloc[0]


def test_the_articles_conditions_close_the_long_rungs():
    people = savers(
        money_cny=[1e5] * 5,
        spending_cny_per_month=[1e3] * 5,
        age_years=[66, 88, np.nan, 66, 66],
        health_fair=pd.array([True, True, True, False, None], dtype="boolean"),
    )
    ladder = allocation_ladder(people, ARTICLE)
    assert ladder.flags["long_rungs_closed"].tolist() == [False, True, True, True, True]
    long_terms = ladder.rungs["rung_id"].isin(["L3", "L4"])
    assert set(ladder.rungs.loc[long_terms, "customer_id"]) == {"c0"}
    # 94,000 in the proportion 15 to 25.
    assert by_product(ladder, "c1")["smart_deposit"] == 58_750.0


def test_planned_spending_is_kept_liquid():
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3], planned_spending_cny=[30_000.0])
    assert by_product(allocation_ladder(people, ARTICLE))["money_fund"] == 36_000.0


def test_nothing_above_the_risk_class():
    people = savers(
        money_cny=[1e5] * 3, spending_cny_per_month=[1e3] * 3, risk_class=["R1", "R2", None]
    )
    today = allocation_ladder(people, CURRENT)
    wealth = today.rungs[today.rungs["product_id"] == "wealth_product"]
    assert wealth["customer_id"].tolist() == ["c1"]  # R2; an unknown class buys R1 only
    assert today.rungs.groupby("customer_id")["amount_fen"].sum().eq(10_000_000).all()


def test_deposit_insurance_limit():
    people = savers(money_cny=[5e5, 2e6], spending_cny_per_month=[1e3, 1e3])
    ladder = allocation_ladder(people, CURRENT)
    assert ladder.flags["above_insurance"].tolist() == [False, True]
    rule = catalogue.read("rules").set_index("rule_id").loc["deposit_insurance_limit"]
    assert rule["value"] == 500_000 and rule["source"]


def test_ended_products_are_marked_with_the_source_and_replaced_today():
    ended = ARTICLE[ARTICLE["status_today"].str.startswith("ended")]
    assert set(ended["product_id"]) == {"guaranteed_wealth", "smart_deposit"}
    sources = catalogue.read("rules").set_index("rule_id")["source"]
    assert ended["status_rule"].map(sources).notna().all()
    assert not CURRENT["status_today"].str.startswith("ended").any()
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3])
    assert not allocation_ladder(people, CURRENT).flags["ended_product"].any()
    why = allocation_ladder(people, ARTICLE).explain("c0").set_index("product")["why"]
    assert "2019 年已停" in why["智能存款"]


def test_it_explains_itself_and_says_that_it_is_no_advice():
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3])
    ladder = allocation_ladder(people, CURRENT)
    english = ladder.explain("c0", language="en")
    assert english["product"].tolist()[:2] == ["Money fund", "Wealth product"]
    assert english["why"].iloc[3].startswith("40% of the rest")
    assert "minimum 100 CNY" in english["why"].iloc[3]
    assert english.attrs["notice"] == NOTICE["en"] and "not advice" in NOTICE["en"]
    with pytest.raises(KeyError, match="no customer 'x'"):
        ladder.explain("x")


def test_by_segment_adds_up():
    people = savers(money_cny=[1e5, 3e5, 10.0], spending_cny_per_month=[1e3] * 3)
    labels = pd.Series(["elderly", "elderly", "young_adult"], index=people.index)
    table = ladder_by_segment(allocation_ladder(people, CURRENT), labels)
    assert table.groupby("segment_id")["share"].sum().tolist() == pytest.approx([1, 1])
    assert table["amount_cny"].sum() == 400_010.0
    assert table.loc[table["segment_id"] == "young_adult", "customers"].tolist() == [1]


money = st.integers(0, 300_000_000).map(lambda fen: fen / 100)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(money, min_size=1, max_size=6),
    st.integers(1, 3_000_000).map(lambda fen: fen / 100),
    st.sampled_from([ARTICLE, CURRENT]),
    st.sampled_from([3, 4.5, 6]),
)
def test_rungs_add_up_hold_minimums_and_the_liquid_one_never_shrinks(sums, spending, table, months):
    sums = sorted(sums)
    people = savers(money_cny=sums, spending_cny_per_month=[spending] * len(sums))
    rungs = allocation_ladder(people, table, liquid_months=months).rungs
    fen = [round(s * 100) for s in sums]
    total = rungs.groupby("customer_id")["amount_fen"].sum().reindex(people.index, fill_value=0)
    assert total.tolist() == fen
    assert (rungs["amount_fen"] > 0).all()
    facts = table.drop_duplicates("product_id").set_index("product_id")
    least = rungs["product_id"].astype("str").map(facts["minimum_cny"]).astype(float).fillna(0)
    not_liquid = rungs["rung_id"] != "L0"
    assert (rungs["amount_cny"] >= least)[not_liquid].all()
    bonds = rungs.loc[rungs["product_id"] == "savings_bond", "amount_fen"]
    assert (bonds % 10_000 == 0).all()
    cd = rungs[rungs["product_id"] == "large_cd"]
    assert (cd["amount_fen"].to_numpy() < total[cd["customer_id"]].to_numpy()).all()
    liquid = rungs[rungs["rung_id"] == "L0"].set_index("customer_id")["amount_fen"]
    assert liquid.reindex(people.index, fill_value=0).is_monotonic_increasing


def test_input_is_left_alone():
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3], age_years=[70.0])
    before, table = people.copy(), CURRENT.copy()
    allocation_ladder(people, CURRENT)
    pd.testing.assert_frame_equal(people, before)
    pd.testing.assert_frame_equal(CURRENT, table)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, t: (p.drop(columns="money_cny"), t), "customers lacks money_cny"),
        (lambda p, t: (p.assign(money_cny=-1.0), t), "money_cny must be given, >= 0"),
        (lambda p, t: (p.assign(money_cny=np.nan), t), r"for example \['c0'\] with \[nan\]"),
        (lambda p, t: (p.assign(spending_cny_per_month=-5.0), t), "spending_cny_per_month must be"),
        (lambda p, t: (p.assign(risk_class="r2"), t), r"R1 to R5 or missing; found \['r2'\]"),
        (lambda p, t: (pd.concat([p, p]), t), "a customer twice"),
        (lambda p, t: (p, t.assign(maximum_cny=10.0)), "the maximum is below the minimum"),
        (lambda p, t: (p, t.assign(step_cny=0.0)), "the step is not above 0"),
        (lambda p, t: (p, t.assign(share_of_rest=t["share_of_rest"] / 2)), "must add up to 1"),
        (lambda p, t: (p, t[t["rung_id"] != "L0"]), "exactly one product on the liquid rung"),
    ],
)
def test_bad_input(change, message):
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3])
    with pytest.raises(ValueError, match=message):
        allocation_ladder(*change(people, ARTICLE))


def test_bad_ladder_tables():
    with pytest.raises(ValueError, match="era must be"):
        ladder_products(era="2019")
    people = savers(money_cny=[1e5], spending_cny_per_month=[1e3])
    with pytest.raises(ValueError, match="liquid_months must be > 0"):
        allocation_ladder(people, ARTICLE, liquid_months=0)
