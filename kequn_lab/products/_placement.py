"""The arithmetic of the savings ladder, in whole fen, for all customers at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab._checks import require_columns

AGE_LIMIT_YEARS = 80  # assumption: the article says "not too old" and no number


def fen(values: pd.Series, name: str, index: pd.Index) -> np.ndarray:
    """CNY to whole fen; 10^12 CNY is the most that integer arithmetic takes here."""
    x = pd.to_numeric(values).to_numpy(float, na_value=np.nan)
    bad = ~((x >= 0) & (x <= 1e12))
    if bad.any():
        raise ValueError(
            f"{name} must be given, >= 0 and <= 1e12 CNY; {int(bad.sum())} customers are not, "
            f"for example {index[bad][:3].tolist()} with {x[bad][:3].tolist()}"
        )
    return np.rint(x * 100).astype(np.int64)


def reserve_fen(customers: pd.DataFrame, liquid_months: float):
    """Money and liquid reserve in fen, and where the spending is not known."""
    require_columns(customers, ["money_cny", "spending_cny_per_month"], "customers")
    if customers.index.has_duplicates:
        raise ValueError("customers has a customer twice: one row each")
    if not liquid_months > 0:
        raise ValueError(f"liquid_months must be > 0; found {liquid_months}")
    money = fen(customers["money_cny"], "money_cny", customers.index)
    monthly = pd.to_numeric(customers["spending_cny_per_month"])
    unknown = ~(monthly > 0).to_numpy(bool, na_value=False)
    if (monthly < 0).any():
        raise ValueError("spending_cny_per_month must be >= 0; 0 and missing mean unknown")
    needed = monthly.where(~unknown, 0.0) * liquid_months
    if "planned_spending_cny" in customers:
        needed = needed + customers["planned_spending_cny"].fillna(0.0)
    return money, fen(needed, "the liquid reserve", customers.index), unknown


def integer_rungs(ladder: pd.DataFrame) -> pd.DataFrame:
    """The ladder's rows in integers: minimum, step, maximum in fen, share in parts of 10,000."""
    rungs = ladder.sort_values(["rung_id", "product_order"], kind="stable").reset_index(drop=True)
    if (rungs["rung_id"] == "L0").sum() != 1:
        raise ValueError("the ladder needs exactly one product on the liquid rung L0")
    for name, empty in (("minimum", 0.0), ("step", 0.01), ("maximum", 1e12)):
        column = rungs.get(f"{name}_cny", pd.Series(np.nan, index=rungs.index))
        rungs[name] = np.rint(column.astype(float).fillna(empty) * 100).astype(np.int64)
    wrong = rungs[(rungs["maximum"] < rungs["minimum"]) | (rungs["step"] <= 0)]
    if len(wrong):
        raise ValueError(
            f"ladder product {wrong['product_id'].iloc[0]}: the maximum is below the minimum, "
            "or the step is not above 0"
        )
    upper = rungs[rungs["rung_id"] != "L0"]
    one_each = upper.groupby("rung_id")["share_of_rest"].agg(["first", "nunique"])
    total = one_each["first"].sum()
    if (one_each["nunique"] != 1).any() or (one_each["first"] < 0).any() or abs(total - 1) > 1e-9:
        raise ValueError(
            "each rung above L0 needs one share_of_rest >= 0, and the shares must add up to 1; "
            f"found {one_each['first'].to_dict()}"
        )
    rungs["parts"] = np.rint(rungs["share_of_rest"].fillna(0) * 10_000).astype(np.int64)
    return rungs


def long_rungs_closed(customers: pd.DataFrame) -> np.ndarray:
    """Where the article's conditions for long terms do not hold, or cannot be known."""
    closed = np.zeros(len(customers), bool)
    if "age_years" in customers:
        closed |= ~(customers["age_years"] <= AGE_LIMIT_YEARS).to_numpy(bool, na_value=False)
    if "health_fair" in customers:
        fair = customers["health_fair"].astype("boolean").fillna(False)
        closed |= ~fair.to_numpy(bool)
    return closed


def risk_ranks(customers: pd.DataFrame) -> np.ndarray:
    """R1 to R5 as 1 to 5; an unknown class counts as R1, an absent column forbids nothing."""
    if "risk_class" not in customers:
        return np.full(len(customers), 5.0)
    codes, classes = pd.factorize(customers["risk_class"])
    if unknown := sorted(set(classes) - {"R1", "R2", "R3", "R4", "R5"}):
        raise ValueError(f"risk_class must be R1 to R5 or missing; found {unknown}")
    return np.append([float(c[1:]) for c in classes], 1.0)[codes]


def place(money, liquid, rungs, closed, may_buy) -> tuple[dict, np.ndarray]:
    """Fen per row of ``rungs`` (without L0), and what found no place."""
    upper = list(rungs.loc[rungs["rung_id"] != "L0", "rung_id"].unique())
    rows = {rung: rungs[rungs["rung_id"] == rung] for rung in upper}
    is_open, parts = {}, {}
    for rung in upper:
        any_allowed = np.logical_or.reduce([may_buy[i] for i in rows[rung].index])
        long_term = (rows[rung]["term_months"] > 12).any()
        is_open[rung] = any_allowed & ~(closed & long_term)
        parts[rung] = np.where(is_open[rung], rows[rung]["parts"].iloc[0], 0)
    rest = money - liquid
    total = np.maximum(sum(parts.values()), 1)
    pots = {rung: rest * parts[rung] // total for rung in upper}
    carry = rest - sum(pots.values())  # fen that the division leaves over
    shortest = np.ones(len(money), bool)
    for rung in upper:
        pots[rung] = pots[rung] + np.where(shortest & is_open[rung], carry, 0)
        carry = np.where(shortest & is_open[rung], 0, carry)
        shortest &= ~is_open[rung]
    amounts = {}
    for rung in reversed(upper):
        pot = pots[rung] + np.where(is_open[rung], carry, 0)
        carry = np.where(is_open[rung], 0, carry)
        for i, row in rows[rung].iterrows():
            take = np.minimum(pot, row["maximum"]) // row["step"] * row["step"]
            buys = is_open[rung] & may_buy[i] & (take >= max(row["minimum"], 1))
            if row["product_id"] == "large_cd":
                buys &= take < money
            amounts[i] = np.where(buys, take, 0)
            pot = pot - amounts[i]
        carry = carry + pot
    return amounts, carry
