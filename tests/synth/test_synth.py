"""The synthetic bank: its hard constraints, its streams, its later months."""

import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kequn_lab import catalogue, contract
from kequn_lab.synth import make_bank, next_month
from kequn_lab.synth.datasheet import OUTCOMES, TRUTH
from kequn_lab.synth.ledger import _cash_channels
from kequn_lab.synth.people import draw_people
from kequn_lab.synth.population import SEGMENTS
from kequn_lab.synth.recipe import BLOCK, make_recipe, stream
from kequn_lab.synth.tables import NAMES, draw_part

LOANS = ("micro_loan", "consumer_loan")
SETTINGS = {"as_of": "2024-12-31", "months": 12, "preset": "standard", "profile": "state_big"}
few = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def bank():
    return make_bank(3000, random_state=7)


def digest(table) -> str:
    """SHA-256 of a frame's values, column by column."""
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()


# the tables are what the contracts say


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("customers", contract.CUSTOMERS),
        ("events", contract.EVENTS),
        ("holdings", contract.HOLDINGS),
        ("truth", TRUTH),
        ("outcomes", OUTCOMES),
    ],
)
def test_tables_keep_their_contract(bank, name, rules):
    table = getattr(bank, name)
    assert contract.check(table, rules).empty
    assert set(table) == {c.name for c in rules.columns} - {"balance_cny"} | (
        {"balance_cny"} if name == "holdings" else set()
    )


def test_every_table_speaks_of_the_same_customers(bank):
    ids = bank.customers["customer_id"]
    assert ids.is_unique and ids.str.fullmatch(r"SYN\d{10}").all()
    assert bank.truth["customer_id"].equals(ids)
    assert bank.outcomes["customer_id"].equals(ids)
    assert bank.events["customer_id"].isin(ids).all()
    assert set(bank.holdings["customer_id"]) == set(ids)


def test_segments_and_products_are_those_of_the_catalogue(bank):
    assert set(catalogue.segments()["segment_id"]) == set(bank.truth["segment_id"])
    assert set(bank.holdings["product"]) <= set(catalogue.products()["product_id"])


# hard constraints, for any seed and preset


@few
@given(
    seed=st.integers(0, 2**40),
    preset=st.sampled_from(["easy", "standard", "hard", "sealed"]),
    bank_kind=st.sampled_from(["state_big", "internet_retail", "internet_corp", "direct_bank"]),
    months=st.integers(1, 4),
    as_of=st.dates(pd.Timestamp("2000-01-01").date(), pd.Timestamp("2060-01-01").date()),
)
def test_hard_constraints(seed, preset, bank_kind, months, as_of):
    b = make_bank(
        150, random_state=seed, preset=preset, bank_kind=bank_kind, months=months, as_of=as_of
    )
    who = b.customers.merge(b.truth, on="customer_id").set_index("customer_id")
    business = who["customer_type"] == "business"

    # people
    assert who.loc[business, "risk_class"].isna().all()
    assert who.loc[who["segment_id"] == "elderly", "age_years"].ge(60).all()
    assert who.loc[who["segment_id"] == "young_adult", "age_years"].le(35).all()
    tenure = (b.as_of - who["opened_on"]).dt.days / 365.25
    assert (tenure >= 0).all() and (tenure <= who["age_years"] + 1 - 15).all()
    assert who["second_segment_id"].isna().eq(who["primary_weight"].eq(1)).all()
    assert (who["segment_id"] != who["second_segment_id"]).all()
    assert who["primary_weight"].between(0.52, 1).all()

    # holdings
    h = b.holdings.assign(business=business.reindex(b.holdings["customer_id"]).to_numpy())
    fen = (h["balance_cny"] * 100).round()
    assert np.allclose(h["balance_cny"] * 100, fen, atol=1e-3)

    def of(product):
        return h[h["product"] == product]

    cd = of("large_cd")
    assert (cd["balance_cny"] % 10_000 == 0).all()
    assert (cd["balance_cny"] >= np.where(cd["business"], 10_000_000, 200_000)).all()
    assert of("structured_deposit_product")["balance_cny"].ge(10_000).all()
    assert (of("savings_bond")["balance_cny"] % 100 == 0).all()
    for product in ("term_deposit_1y", "term_deposit_3y", "term_deposit_5y"):
        assert of(product)["balance_cny"].ge(50).all()
    owed = h["product"].isin(LOANS)
    assert (h.loc[owed, "balance_cny"] <= h.loc[owed, "limit_cny"]).all()
    assert h.loc[~owed, "limit_cny"].isna().all()
    assert (h["opened_on"] <= b.as_of).all()
    assert not (h["matures_on"] < b.as_of).any()

    # events
    e = b.events
    first = b.as_of + pd.Timedelta(days=1) - pd.DateOffset(months=months)
    assert e["timestamp"].between(first, b.as_of + pd.Timedelta("23:59:59")).all()
    opened = who["opened_on"].reindex(e["customer_id"]).to_numpy()
    assert (e["timestamp"].to_numpy() >= opened).all()
    counter = e["channel"] == "counter"
    assert e.loc[counter, "timestamp"].dt.hour.between(9, 16).all()
    assert e["counter_minutes"].notna().eq(counter).all() and e["helped"].notna().eq(counter).all()
    assert e.loc[e["type"] == "cash", "channel"].isin(["counter", "atm", "agent"]).all()
    assert e["product"].notna().eq(e["type"].isin(["invest", "loan"])).all()
    assert e["amount_cny"].gt(0).all()
    if bank_kind != "state_big":
        assert e["channel"].isin(["mobile", "web", "third_party"]).all()
        assert who["opening_channel"].isin(["app", "third_party"]).all()


def test_events_reference_what_is_held(bank):
    """Every investing or loan event is of a product that the customer holds or repaid."""
    pairs = bank.events.loc[bank.events["type"] == "invest", ["customer_id", "product"]]
    held = pd.MultiIndex.from_frame(bank.holdings[["customer_id", "product"]])
    assert pd.MultiIndex.from_frame(pairs.astype(str)).isin(held).all()


def test_a_purchase_in_the_window_is_an_event_of_that_day_and_amount(bank):
    bought = bank.holdings[
        bank.holdings["opened_on"].ge("2024-01-01")
        & ~bank.holdings["product"].isin([*LOANS, "current"])
    ]
    invest = bank.events[(bank.events["type"] == "invest") & (bank.events["direction"] == "out")]
    invest = invest.assign(day=invest["timestamp"].dt.normalize())
    keys = ["customer_id", "product", "day", "amount_cny"]
    seen = pd.MultiIndex.from_frame(invest[keys].astype({"product": "str"}))
    due = bought.rename(columns={"opened_on": "day", "balance_cny": "amount_cny"})
    assert len(bought) > 1000
    assert pd.MultiIndex.from_frame(due[keys]).isin(seen).all()


def test_a_loan_is_paid_out_and_then_paid_back_every_month(bank):
    """What was paid out, less the principal in the instalments, is the balance."""
    new = bank.holdings[
        bank.holdings["product"].isin(LOANS) & bank.holdings["opened_on"].ge("2024-01-01")
    ]
    loans = bank.events[bank.events["type"] == "loan"].astype({"product": "str"})
    assert len(new) > 100
    for row in new.head(40).itertuples():
        own = loans[loans["customer_id"].eq(row.customer_id) & loans["product"].eq(row.product)]
        own = own[own["timestamp"] >= row.opened_on]
        paid_out = own.loc[own["direction"] == "in", "amount_cny"].sum()
        instalments = own.loc[own["direction"] == "out", "amount_cny"]
        months = {"micro_loan": 24, "consumer_loan": 12}[row.product]
        assert len(instalments) == int((bank.as_of - row.opened_on).days / (365.25 / 12))
        assert row.balance_cny == pytest.approx(
            paid_out * (1 - len(instalments) / months), abs=0.02
        )
        assert instalments.gt(paid_out / months).all()  # and interest
        assert paid_out <= row.limit_cny


def test_loans_of_old_customers_are_paid_back_all_year(bank):
    """A consumer loan of twelve months follows another: the window holds the earlier one, too."""
    old = bank.customers.loc[bank.customers["opened_on"] < "2016-01-01", "customer_id"]
    loans = bank.events[bank.events["product"].eq("consumer_loan")]
    loans = loans[loans["customer_id"].isin(old) & loans["direction"].eq("out")]
    by_month = loans.groupby(loans["timestamp"].dt.month).size().reindex(range(1, 13))
    assert by_month.min() > 0.8 * by_month.max() > 20


def test_cash_takes_its_places_from_the_mix():
    """30 % at the counter, 10 % cash: all cash there, 20 % of all events left to others."""
    channel = np.array([[0.7, 0, 0.3, 0, 0, 0]])
    at_places, elsewhere = _cash_channels(channel, np.array([0.1]))
    assert at_places.tolist() == [[0, 0, 1, 0, 0, 0]]
    assert 0.1 * at_places[0, 2] + 0.9 * elsewhere[0, 2] == pytest.approx(0.3)


def test_events_follow_the_months_of_the_segment():
    b = make_bank(4000, random_state=1, preset="easy")
    e = b.events.merge(b.truth, on="customer_id")
    farm = e[e["segment_id"] == "farm_household"]
    share = farm["timestamp"].dt.month.value_counts(normalize=True)
    # 0.25 without a harvest; wages, standing orders and instalments know no season
    assert share[[9, 10, 11]].sum() > 0.36
    assert share[[1, 2]].sum() < 0.14


def test_outcomes_follow_their_probabilities():
    b = make_bank(20_000, random_state=0, months=1)
    o = b.outcomes
    p = o["accepts_probability_not_called"].where(~o["called"], o["accepts_probability_called"])
    assert o["called"].mean() == pytest.approx(0.5, abs=0.02)
    assert o["accepted"].mean() == pytest.approx(p.mean(), abs=0.01)
    assert o["defaulted"].mean() == pytest.approx(o["default_probability"].mean(), abs=0.006)
    assert o["closes_within_year"].mean() == pytest.approx(o["closes_probability"].mean(), abs=0.01)
    borrowers = set(b.holdings.loc[b.holdings["product"].isin(LOANS), "customer_id"])
    assert set(o.loc[o["default_probability"].notna(), "customer_id"]) == borrowers


# reproducible


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    code = (
        "import hashlib; from kequn_lab.synth import make_bank; b = make_bank(300, random_state=5);"
        "print(*[hashlib.sha256(getattr(b, n).to_csv(index=False).encode()).hexdigest()"
        " for n in ('customers', 'events', 'holdings', 'truth', 'outcomes')])"
    )
    run = [sys.executable, "-W", "ignore", "-c", code]
    other = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()
    here = make_bank(300, random_state=5)
    assert other == [digest(getattr(here, name)) for name in NAMES]
    assert digest(make_bank(300, random_state=6).events) != other[1]


def test_customers_who_do_not_change_are_drawn_once(monkeypatch):
    drawn = []

    def counted(*args):
        drawn.append(args)
        return draw_people(*args)

    monkeypatch.setattr("kequn_lab.synth.months.draw_people", counted)
    make_bank(20, random_state=0, months=3)
    assert len(drawn) == 1


def test_workers_change_nothing():
    one, two = (make_bank(2 * BLOCK + 50, random_state=3, months=1, workers=w) for w in (1, 2))
    for name in NAMES:
        assert getattr(one, name).equals(getattr(two, name)), name


def test_a_larger_bank_begins_with_the_smaller_ones_blocks():
    small, large = (make_recipe(n, random_state=3, **SETTINGS) for n in (BLOCK, 3 * BLOCK))
    a, b = (draw_part(r, r.parts[0])["holdings"] for r in (small, large))
    assert a.equals(b)


def test_streams_are_those_of_spawn_and_do_not_depend_on_each_other():
    seed, column = 11, 4
    spawned = np.random.SeedSequence(seed).spawn(1)[0].spawn(3)[2].spawn(column + 1)[column]
    expected = np.random.Generator(np.random.SFC64(spawned)).random(3)
    assert stream(seed, 0, 2, "place").random(3).tolist() == expected.tolist()


def test_months_of_events_do_not_change_each_other():
    one, two = (make_bank(200, random_state=0, months=m).events for m in (1, 2))
    last = two[two["timestamp"] >= "2024-12-01"].reset_index(drop=True)
    assert one.equals(last)


# later months


@pytest.fixture(scope="module")
def months(bank):
    out = [bank]
    for _ in range(3):
        out.append(next_month(out[-1]))
    return out


def test_the_past_stays_as_it_was(bank, months):
    later = months[3]
    stayed = set(bank.customers["customer_id"]) & set(later.customers["customer_id"])
    span = (later.events["timestamp"].min().normalize(), pd.Timestamp("2024-12-31 23:59:59"))

    def past(b):
        e = b.events[b.events["timestamp"].between(*span) & b.events["customer_id"].isin(stayed)]
        return e.reset_index(drop=True)

    assert len(past(bank)) > 100_000
    assert past(bank).equals(past(later))


def test_customers_age_come_and_go(bank, months):
    later = months[3]
    assert later.as_of == pd.Timestamp("2025-03-31")
    before, after = (b.customers.set_index("customer_id") for b in (bank, later))
    gone = before.index.difference(after.index)
    new = after.loc[after.index.difference(before.index)]
    closing = bank.outcomes.set_index("customer_id")["closes_within_year"]
    assert 0 < len(gone) < 120 and closing[gone].all()
    assert 60 < len(new) <= 90
    assert new["opened_on"].between("2025-01-01", "2025-03-31").all()
    both = before.index.intersection(after.index)
    grown = after.loc[both, "age_years"] - before.loc[both, "age_years"]
    assert set(grown) == {0.0, 1.0} and 0.2 < grown.mean() < 0.3
    same = ["customer_type", "city_tier", "opening_channel", "opened_on", "cards_count"]
    pd.testing.assert_frame_equal(before.loc[both, same], after.loc[both, same])


def test_the_young_grow_out_of_their_segment(bank, months):
    before, after = (b.truth.set_index("customer_id")["segment_id"] for b in (bank, months[3]))
    both = before.index.intersection(after.index)
    moved = both[before[both] != after[both]]
    assert len(moved) > 0
    assert set(before[moved]) == {"young_adult"} and set(after[moved]) == {"low_mid_income"}
    age = months[3].customers.set_index("customer_id")["age_years"]
    assert age[moved].ge(36).all()


def test_before_closing_an_account_is_used_less(bank, months):
    e = months[2].events
    last = e[e["timestamp"] >= "2025-02-01"]["customer_id"].value_counts()
    usual = e[e["timestamp"] < "2024-11-01"]["customer_id"].value_counts()
    gone = set(months[2].customers["customer_id"]) - set(months[3].customers["customer_id"])
    ratio = (last.reindex(usual.index).fillna(0) / usual)[usual > 20]
    assert ratio[ratio.index.isin(gone)].mean() < 0.6 * ratio[~ratio.index.isin(gone)].mean()


def test_newcomers_who_do_not_activate_hardly_return(months):
    b = months[3]
    new = b.customers[b.customers["opened_on"].between("2025-01-01", "2025-02-28")]
    activates = b.outcomes.set_index("customer_id")["activates"][new["customer_id"]]
    march = b.events.loc[b.events["timestamp"] >= "2025-03-01", "customer_id"]
    back = activates.index.isin(march)
    assert back[activates].mean() > 0.85 and back[~activates].mean() < 0.5


@pytest.mark.parametrize("drift", ["new_segment", "segment_leaving", "mild"])
def test_drift_is_what_it_says(drift):
    bank = make_bank(1200, random_state=2, months=2)
    plain, drifted = bank, bank
    for _ in range(3):
        plain, drifted = next_month(plain), next_month(drifted, drift=drift)
    now, then = drifted.truth["segment_id"].value_counts(), bank.truth["segment_id"].value_counts()
    if drift == "new_segment":
        assert now["gig_worker"] > 55 and "gig_worker" not in set(plain.truth["segment_id"])
    elif drift == "segment_leaving":
        assert now["structured_deposit"] < 0.75 * then["structured_deposit"]
        assert now["elderly"] > 0.9 * then["elderly"]
    else:
        online = [b.events["channel"].isin(["mobile", "web"]).mean() for b in (drifted, plain)]
        assert online[0] > online[1] + 0.005


def test_drift_is_chosen_once(bank):
    with pytest.raises(ValueError, match="unknown drift 'wild'; known: none, mild"):
        next_month(bank, drift="wild")
    later = next_month(make_bank(10, random_state=0, months=1), drift="mild")
    assert next_month(later).recipe.drift == "mild"
    with pytest.raises(ValueError, match="drifted by 'mild' for 1 months"):
        next_month(later, drift="none")


# bad input


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_customers": 0}, "n_customers is 0; give 1 to 100,000,000"),
        ({"n_customers": -5}, "n_customers is -5"),
        ({"n_customers": 10**10}, "n_customers is 10,000,000,000; give 1 to 100,000,000"),
        ({"months": 0}, "months is 0; give 1 to 60"),
        ({"random_state": -1}, "random_state is -1"),
        ({"preset": "hardest"}, "unknown preset 'hardest'; known: easy, standard, hard, sealed"),
        ({"bank_kind": "ccb"}, "unknown bank_kind 'ccb'; known: state_big, internet_retail"),
        ({"as_of": "yesterday"}, "as_of is 'yesterday'; give a day as YYYY-MM-DD"),
        ({"as_of": pd.NaT}, "give a day from 1990 to 2100"),
        ({"as_of": "1850-01-01"}, "give a day from 1990 to 2100"),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        make_bank(**{"n_customers": 10, "random_state": 0, **wrong})


@pytest.mark.parametrize("wrong", [{"n_customers": 2.5}, {"n_customers": "2000"}, {"months": None}])
def test_wrong_kinds_are_named(wrong):
    with pytest.raises(TypeError, match="give a whole number"):
        make_bank(**{"n_customers": 10, "random_state": 0, **wrong})


def test_one_customer_is_a_bank():
    b = make_bank(1, random_state=0, months=1)
    assert len(b.customers) == len(b.truth) == 1 and "current" in set(b.holdings["product"])


def test_numpy_whole_numbers_will_do():
    assert len(make_bank(np.int64(3), random_state=np.int32(0), months=1).customers) == 3


def test_the_segments_of_the_code_are_those_of_the_catalogue_and_one_more():
    assert set(SEGMENTS) - set(catalogue.segments()["segment_id"]) == {"gig_worker"}
