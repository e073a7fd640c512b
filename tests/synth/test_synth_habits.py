"""Habits of the synthetic bank: paydays, orders, holidays; balances that follow from events."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.synth import make_bank, next_month
from kequn_lab.synth.accounts import settle
from kequn_lab.synth.drafts import Draft
from kequn_lab.synth.holidays import closed, spring_festival, working
from kequn_lab.synth.months import draw_months

LOANS = ("micro_loan", "consumer_loan")


@pytest.fixture(scope="module")
def bank():
    return make_bank(2500, random_state=11)


def fen(amount):
    return (amount * 100).round().astype("int64")


def flows(events):
    """What came in less what went out, fen by customer."""
    signed = fen(events["amount_cny"]).where(events["direction"].eq("in"), 0)
    signed -= fen(events["amount_cny"]).where(events["direction"].eq("out"), 0)
    return signed.groupby(events["customer_id"].astype(str)).sum()


def current(bank):
    held = bank.holdings[bank.holdings["product"].eq("current")]
    return fen(held.set_index("customer_id")["balance_cny"])


def days(dates):
    return pd.to_datetime(pd.Series(dates)).to_numpy().astype("datetime64[D]").astype(int)


# balances


@pytest.mark.parametrize("preset", ["easy", "hard"])
@pytest.mark.parametrize("bank_kind", ["state_big", "internet_retail"])
@pytest.mark.parametrize("months", [1, 12, 30])
def test_accounts_follow_from_events_to_the_fen(preset, bank_kind, months):
    b = make_bank(300, random_state=4, preset=preset, bank_kind=bank_kind, months=months)
    drawn = draw_months(b.recipe, b.recipe.parts[0])
    opening = pd.Series(drawn.opening, b.customers["customer_id"])
    closing = fen(opening).add(flows(b.events), fill_value=0)
    assert current(b).sub(closing).abs().max() == 0
    assert opening.min() >= 0


def test_accounts_of_later_months_follow_from_those_of_the_month_before(bank):
    before = bank
    for _ in range(3):
        after = next_month(before)
        stayed = before.customers.merge(after.customers, on="customer_id")["customer_id"]
        new = after.events[after.events["timestamp"] > before.as_of + pd.Timedelta("23:59:59")]
        expected = current(before)[stayed].add(flows(new).reindex(stayed, fill_value=0))
        assert expected.sub(current(after)[stayed]).abs().max() == 0
        before = after


def test_products_follow_from_events_to_the_fen(bank):
    """What was held before the year, bought and credited since, is what is held."""
    events = bank.events[bank.events["product"].notna() & bank.events["type"].eq("invest")]
    keys = [events["customer_id"].astype(str), events["product"].astype(str)]
    signed = fen(events["amount_cny"])
    bought = signed.where(events["direction"].eq("out"), -signed).groupby(keys).sum()
    held = bank.holdings[~bank.holdings["product"].isin([*LOANS, "current"])]
    held = fen(held.set_index(["customer_id", "product"])["balance_cny"])
    assert len(held) > 2000
    opening = held.sub(bought.reindex(held.index, fill_value=0))
    # held all year for the same amount, or bought for the first time within it
    assert (opening.eq(0) | opening.eq(held)).all()
    assert opening.eq(0).any() and opening.eq(held).any()


def test_maturities_are_credited(bank):
    deposit = bank.events[bank.events["product"].eq("structured_deposit_product")]
    paid = deposit.groupby("direction", observed=True)["amount_cny"].sum()
    assert 0.9 < paid["in"] / paid["out"] <= 1


def test_spending_gives_way_worked_by_hand():
    """Two payments of 40 and 20 from 30 that were there: both become half as large."""
    out, amounts = np.zeros(2, bool), np.array([4_000, 2_000])

    def month(free, step):
        events = {"who": np.zeros(2, int), "fen": amounts, "into": out, "free": free}
        events["step"] = np.array([step, step])
        return Draft(**{**dict.fromkeys(Draft.__annotations__), **events})

    got, missing, end = settle(
        month(~out, 100), out,
        aim=np.array([[0], [0], [9_000]]), start=np.array([3_000]),
    )  # fmt: skip
    assert got.tolist() == [2_000, 1_000] and missing == 0 and end == 0
    # 90 less 60 leave 30; half of the way back to the usual 20 is 25, so 65 are spent
    got, _, end = settle(
        month(~out, 1), out,
        aim=np.array([[2_000], [0], [9_000]]), keep=0.5, start=np.array([9_000]),
    )  # fmt: skip
    assert got.tolist() == [4_333, 2_166] and end == 9_000 - 6_499
    # where the first is a transfer, it takes up the 5
    got, _, end = settle(
        month(~out, 1), np.array([True, False]),
        aim=np.array([[2_000], [0], [9_000]]), keep=0.5, start=np.array([9_000]),
    )  # fmt: skip
    assert got.tolist() == [4_500, 2_000] and end == 2_500
    # an instalment cannot be made smaller: 30 are missing
    got, missing, end = settle(
        month(out, 1), out,
        aim=np.array([[0], [0], [9_000]]), start=np.array([3_000]),
    )  # fmt: skip
    assert got.tolist() == amounts.tolist() and missing == 3_000 and end == 0


# paydays


def test_wages_come_monthly_on_a_working_day_and_are_equal(bank):
    persons = bank.customers[bank.customers["customer_type"].eq("person")]
    truth = bank.truth[bank.truth["segment_id"].isin(["young_adult", "elderly"])]
    old = persons[persons["opened_on"] < "2023-12-01"].merge(truth)["customer_id"]
    income = bank.events[bank.events["type"].eq("income_in") & bank.events["customer_id"].isin(old)]
    income = income.assign(day=income["timestamp"].dt.normalize())
    equal = income.groupby("customer_id", observed=True)["amount_cny"].agg(
        lambda a: a.value_counts().iloc[0]
    )
    monthly = income.groupby("customer_id", observed=True)["day"].agg(
        lambda d: d.dt.month.nunique() == 12
    )
    paid = equal.index[monthly & (equal >= 5)]
    assert len(paid) > 0.6 * len(old)
    wages = income[income["customer_id"].isin(paid)]
    assert working(days(wages["day"])).mean() > 0.99


def test_a_bonus_comes_before_spring_festival(bank):
    income = bank.events[bank.events["type"].eq("income_in")]
    hundreds = income[income["amount_cny"].mod(100).eq(0) & income["amount_cny"].gt(1000)]
    by_day = hundreds["timestamp"].dt.normalize().value_counts()
    before = by_day[(by_day.index >= "2024-01-18") & (by_day.index < "2024-02-10")].sum()
    assert before > 0.4 * by_day.sum()


def test_standing_orders_are_equal_payments_to_one_payee(bank):
    paid = bank.events[bank.events["type"].isin(["consume", "transfer_out"])]
    keys = ["customer_id", "counterparty_id", "amount_cny"]
    times = paid.groupby(keys, observed=True)["timestamp"].agg(["size", "nunique", "min"])
    twelve = times[times["size"].eq(12)]
    assert len(twelve) > 500
    assert twelve["min"].dt.hour.between(1, 5).mean() > 0.99


def test_cash_is_in_hundreds(bank):
    cash = bank.events.loc[bank.events["type"].eq("cash"), "amount_cny"]
    assert cash.mod(100).eq(0).all() and len(cash) > 1000


# holidays


def test_lunar_new_years_are_those_of_the_calendar():
    known = {1985: "1985-02-20", 2000: "2000-02-05", 2008: "2008-02-07", 2023: "2023-01-22",
             2024: "2024-02-10", 2033: "2033-01-31", 2100: "2100-02-09"}  # fmt: skip
    got = spring_festival(np.array(list(known))).astype("datetime64[D]").astype(str)
    assert got.tolist() == list(known.values())


@pytest.mark.parametrize(
    ("holidays", "after"),
    [
        (["2024-02-10", "2024-02-12", "2024-10-01", "2024-10-03"], "2024-02-13"),
        (["2010-02-13", "2010-02-15"], "2010-02-16"),  # the eve counted from 2008 to 2013
        (["2025-01-28", "2025-01-31"], "2025-02-05"),  # and again since 2025
    ],
)
def test_counters_are_closed_on_the_legal_days(holidays, after):
    assert closed(days(holidays)).all()
    assert not closed(days([after])).any()
    assert not working(days([*holidays, "2024-01-01", "2024-05-01", "2024-06-01"])).any()


def test_nobody_is_at_a_closed_counter(bank):
    counter = bank.events[bank.events["channel"].eq("counter")]
    assert not closed(days(counter["timestamp"].dt.normalize())).any()
    assert bank.events["timestamp"].dt.hour.lt(7).mean() > 0.02


def test_firms_pay_taxes_by_the_fifteenth(bank):
    tax = bank.events.loc[bank.events["type"].eq("tax_payroll"), "timestamp"]
    days_of_month = tax.dt.day.value_counts(normalize=True)
    assert days_of_month[15] > 0.1  # a thirtieth without a due day
    assert days_of_month[days_of_month.index > 20].sum() < 0.1
