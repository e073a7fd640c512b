"""A drawn bank compared with the published figures that its parameters claim to follow."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab._words import ONLINE
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import Column, Contract, require
from kequn_lab.synth.bank import Bank

__all__ = ["calibration_table"]

_TARGETS = Contract(
    "population/targets.csv",
    (
        Column("measure", "id", required=True),
        Column("meaning", "text", required=True),
        Column("target", "number", required=True),
        Column("tolerance", "number", required=True, ge=0),
        Column("side", "text", required=True, isin=("both", "least", "most")),
        Column("unit", "text", required=True),
        Column("year", "number", required=True, nullable=True),
        Column("source", "text", required=True),
        Column("note", "text", required=True, nullable=True),
    ),
    key=("measure",),
)
_NOT_DEPOSITS = ("money_fund", "wealth_product", "bancassurance", "savings_bond")
_BUSINESS = ("micro_enterprise", "sole_proprietor", "scitech_corporate")
_LOANS = ("micro_loan", "consumer_loan")


def calibration_table(bank: Bank) -> pd.DataFrame:
    """Measure a bank and compare it with the sources.

    Meant for a ``state_big`` bank of the ``standard`` preset, for which the parameters are set,
    of 20,000 customers or more.

    Parameters
    ----------
    bank : Bank
        With twelve months of events.

    Returns
    -------
    DataFrame
        One row per figure of ``targets.csv``: ``measure``, ``meaning``, ``value`` (in the bank),
        ``target``, ``tolerance``, ``side`` (both, or the target is the least or most), ``unit``,
        ``met``, ``year``, ``source``, ``reason`` (why a miss is kept).

    Examples
    --------
    >>> from kequn_lab.synth import make_bank
    >>> table = calibration_table(make_bank(500, random_state=0))
    >>> list(table.columns[:4]), len(table) >= 25
    (['measure', 'meaning', 'value', 'target'], True)
    """
    path = catalogue.path() / "population" / "targets.csv"
    out = require(read_table(path), _TARGETS, source=path.name).reset_index(drop=True)
    measures = _Measures(bank)
    value = out["measure"].map(lambda name: float(getattr(measures, name)()))
    off = value - out["target"]
    met = np.select(
        [out["side"].eq("least"), out["side"].eq("most")],
        [off >= -out["tolerance"], off <= out["tolerance"]],
        off.abs() <= out["tolerance"],
    )
    out.insert(2, "value", value)
    out.insert(7, "met", met.astype(bool))
    out["reason"] = out.pop("note").fillna("").mask(out["met"], "")
    return out


class _Measures:
    """Every figure of ``targets.csv`` as a method that measures it."""

    def __init__(self, bank: Bank):
        self.years = bank.recipe.months / 12
        self.events = bank.events
        self.outcomes = bank.outcomes
        self.lent = bank.holdings[bank.holdings["product"].eq("micro_loan")]
        people = bank.customers.merge(bank.truth, on="customer_id").set_index("customer_id")
        wide = bank.holdings.pivot_table(
            index="customer_id", columns="product", values="balance_cny", aggfunc="sum"
        )
        self.held = wide.reindex(people.index).fillna(0.0)
        self.people = people
        self.person = people["customer_type"].eq("person")
        self._enterprise = ~self.person & ~self._of("sole_proprietor")
        self.old = self.person & people["age_years"].ge(60)

    def _of(self, *segments):
        return self.people["segment_id"].isin(segments)

    @cached_property
    def _by_channel(self):
        counts = self.events.groupby(["customer_id", "channel"], observed=True).size()
        wide = (
            counts.rename("n")
            .reset_index()
            .pivot_table(index="customer_id", columns="channel", values="n", observed=True)
        )
        return wide.reindex(index=self.people.index).fillna(0)

    @cached_property
    def _online(self):
        return self._by_channel[list(ONLINE)].sum(axis=1) > 0

    @cached_property
    def _inflow(self):
        """Income and receipts of each customer, CNY per year."""
        earned = self.events[self.events["type"].isin(["income_in", "merchant_in"])]
        wide = earned.pivot_table(
            index="customer_id", columns="type", values="amount_cny", aggfunc="sum", observed=True
        )
        return wide.reindex(self.people.index).fillna(0) / self.years

    @cached_property
    def _yearly(self):
        return self._inflow.sum(axis=1)

    @cached_property
    def _fifths(self):
        """Mean inflow of each fifth over the mean; persons of the retail segments."""
        income = self._yearly[self.person & ~self._of(*_BUSINESS)]
        fifth = pd.qcut(income.rank(method="first"), 5, labels=False)
        return income.groupby(fifth).mean() / income.mean()

    @cached_property
    def _assets(self):
        return self.held.drop(columns=[c for c in _LOANS if c in self.held]).sum(axis=1)

    def _balance(self, product):
        return self.held[product] if product in self.held else self.held.sum(axis=1) * 0

    def _mean_held(self, product, who=True):
        balance = self._balance(product)
        return balance[who & (balance > 0)].mean()

    def off_counter(self):
        return 1 - self.events["channel"].eq("counter").mean()

    def counter_preferred_60(self):
        return (self._by_channel[self.old].idxmax(axis=1) == "counter").mean()

    def online_60(self):
        return self._online[self.old].mean()

    def online_farm(self):
        return self._online[self._of("farm_household")].mean()

    def offline_60(self):
        return self.old[self.person & ~self._online].mean()

    def mobile_persons(self):
        return (self._by_channel.loc[self.person & self._online, "mobile"] > 0).mean()

    def web_persons(self):
        return (self._by_channel.loc[self.person & self._online, "web"] > 0).mean()

    def web_businesses(self):
        return (self._by_channel.loc[self._enterprise, "web"] > 0).mean()

    def mobile_businesses(self):
        return (self._by_channel.loc[self._enterprise, "mobile"] > 0).mean()

    def age_60(self):
        return self.old[self.person].mean()

    def age_65_of_60(self):
        return self.people.loc[self.old, "age_years"].ge(65).mean()

    def income_q1(self):
        return self._fifths.iloc[0]

    def income_q2(self):
        return self._fifths.iloc[1]

    def income_q3(self):
        return self._fifths.iloc[2]

    def income_q4(self):
        return self._fifths.iloc[3]

    def income_q5(self):
        return self._fifths.iloc[4]

    def income_farm_median(self):
        return self._yearly[self._of("farm_household")].median()

    def income_farm_skew(self):
        income = self._yearly[self._of("farm_household")]
        return income.median() / income.mean()

    def income_over_5000(self):
        return (self._yearly[self._of("young_adult", "low_mid_income")] > 60_000).mean()

    def farm_business_income(self):
        total = self._inflow[self._of("farm_household")].sum()
        return total["merchant_in"] / total.sum()

    def payment_mean(self):
        paid = self.events.loc[self.events["type"].eq("consume"), ["customer_id", "amount_cny"]]
        mean = paid.groupby("customer_id")["amount_cny"].agg(["sum", "size"])
        return mean[self.person.reindex(mean.index)].sum().pipe(lambda s: s["sum"] / s["size"])

    def turnover_sole_proprietor(self):
        return self._yearly[self._of("sole_proprietor")].mean()

    def turnover_micro_10m(self):
        return (self._yearly[self._of("micro_enterprise")] <= 10e6).mean()

    def micro_loan_sole_proprietor(self):
        return self._mean_held("micro_loan", self._of("sole_proprietor"))

    def micro_loan_micro_enterprise(self):
        return self._mean_held("micro_loan", self._of("micro_enterprise"))

    def micro_loan_ceiling(self):
        return self._mean_held("micro_loan", self._of("micro_enterprise", "sole_proprietor"))

    def line_over_draw(self):
        lent = self.lent[self._of("micro_enterprise").reindex(self.lent["customer_id"]).to_numpy()]
        return lent["limit_cny"].sum() / lent["balance_cny"].sum()

    def loan_take_up_scitech(self):
        return self._balance("micro_loan")[self._of("scitech_corporate")].gt(0).mean()

    def consumer_loan_mean(self):
        return self._mean_held("consumer_loan")

    def any_loan(self):
        owes = self._balance("micro_loan") + self._balance("consumer_loan") > 0
        return owes[self.person].mean()

    def _default(self, *segments):
        p = self.outcomes.set_index("customer_id")["default_probability"]
        return p[self._of(*segments)].mean()

    def default_mybank(self):
        return self._default("sole_proprietor", "farm_household")

    def default_webank(self):
        return self._default("young_adult", "low_mid_income", "micro_enterprise")

    def wealth_holders(self):
        return self._balance("wealth_product")[self.person].gt(0).mean()

    def wealth_r2(self):
        holds = self.person & self._balance("wealth_product").gt(0)
        return self.people.loc[holds, "risk_class"].eq("R2").mean()

    @cached_property
    def _deposits(self):
        return self._assets - sum(self._balance(p) for p in _NOT_DEPOSITS)

    def business_deposits(self):
        return self._deposits[~self.person].sum() / self._deposits[self.person].sum()

    def structured_share(self):
        return self._balance("structured_deposit_product").sum() / self._deposits.sum()

    def assets_mean(self):
        return self._assets[self.person].mean()

    def _top(self, part):
        assets = self._assets[self.person].sort_values(ascending=False)
        return assets.head(round(part * len(assets))).sum() / assets.sum()

    def assets_top10(self):
        return self._top(0.1)

    def assets_top20(self):
        return self._top(0.2)

    def time_over_demand(self):
        demand = self._balance("current")[self.person].sum()
        return self._deposits[self.person].sum() / demand - 1
