"""Would a banker believe the synthetic bank? Its habits, and a tree that looks for fakes.

    python benchmarks/realism.py [../shared/data/berka] [--customers 2000] [--seed 0]

Two tables.

1. Habits of the synthetic bank: paydays, standing orders, round cash, holidays, nights, and
   whether balances follow from the events.
2. Transactions of its persons for half a year beside those of a real bank, the Czech one of the
   PKDD'99 challenge (``asc/trans_complete_lines.asc``, its last half-year: that bank opened in
   1993, and standing orders come months after an account). Both: accounts of half a year or more. A
   tree learns from ten features which bank a transaction is from; folds keep the transactions of
   a customer together. AUC 0.5: it cannot tell; 1: it always can. *all* has the real bank's own
   entries, interest and fees; *of customers* leaves them out; *like with like* leaves out what
   no bank of 1993 had, too: payments through third parties, and persons with a shop (receipts
   twice a month). The table is left out where the real bank's file is absent.

The tree is a measure, not an aim in itself: a Chinese bank of 2024 differs from a Czech one of
1993 in more than realism.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from kequn_lab.synth import Bank, make_bank

BERKA = Path(__file__).resolve().parents[2] / "shared" / "data" / "berka"
#: Interest, interest on debt, fees: entries that the real bank makes itself.
BANKS_OWN = ("UROK", "SANKC. UROK", "SLUZBY")
MONTHS = pd.offsets.MonthEnd(6)
HOLIDAYS = ["2024-02-10", "2024-02-11", "2024-02-12", "2024-10-01", "2024-10-02", "2024-10-03"]


# 1. habits


def habits(bank: Bank) -> pd.DataFrame:
    """One row per habit: ``habit`` and its ``value``, a share unless the name says otherwise."""
    e = bank.events.assign(day=bank.events["timestamp"].dt.normalize())
    persons = set(bank.customers.loc[bank.customers["customer_type"].eq("person"), "customer_id"])
    own = e[e["customer_id"].isin(persons)]
    rows = {**_income(own), **_orders(own), **_hours(e), **_balances(bank)}
    return pd.DataFrame({"habit": list(rows), "value": list(rows.values())})


def _income(own):
    income = own[own["type"].eq("income_in")].sort_values(["customer_id", "timestamp"])
    income = income[income.groupby("customer_id")["day"].transform("size") >= 6]
    by = income.groupby("customer_id")
    usual = by["day"].transform(lambda d: d.dt.day.mode().iloc[0])
    near = (income["day"].dt.day - usual).abs() <= 3
    same = income["amount_cny"].eq(by["amount_cny"].shift())[by.cumcount() > 0]
    return {
        "persons paid about the same day of the month (8 of 10 incomes)": near.groupby(
            income["customer_id"]
        )
        .mean()
        .ge(0.8)
        .mean(),
        "incomes of persons equal to the one before": same.mean(),
    }


def _orders(own):
    paid = own[own["direction"].eq("out") & own["counterparty_id"].notna()]
    keys = ["customer_id", "counterparty_id", "amount_cny"]
    repeats = paid.groupby(keys, observed=True)["day"].transform("size") >= 6
    cash = own.loc[own["type"].eq("cash"), "amount_cny"]
    return {
        "payments of persons in a row of 6 and more, same payee and amount": repeats.mean(),
        "cash of persons in whole hundreds": cash.mod(100).eq(0).mean(),
    }


def _hours(e):
    hour = e["timestamp"].dt.hour
    counter = e[e["channel"].eq("counter")]
    closed = counter["day"].isin(pd.to_datetime(HOLIDAYS))
    days = e["day"].nunique()
    usual = (~closed).sum() / (days - len(HOLIDAYS))
    return {
        "events from 0 to 7 h": (hour < 7).mean(),
        "counter events on a closed day (Spring Festival, 1 October) over other days": (
            closed.sum() / len(HOLIDAYS) / usual
        ),
    }


def _balances(bank):
    """The account a year ago is today's less what came in and went out since."""
    e = bank.events
    signed = e["amount_cny"].where(e["direction"].eq("in"), -e["amount_cny"])
    flow = signed.groupby(e["customer_id"]).sum()
    current = bank.holdings[bank.holdings["product"].eq("current")]
    opening = current.set_index("customer_id")["balance_cny"].sub(flow, fill_value=0)
    running = signed.groupby(e["customer_id"], observed=True).cumsum()
    running += e["customer_id"].astype(str).map(opening)
    low = running.groupby(e["customer_id"], observed=True).min()
    deposit = e[e["product"].eq("structured_deposit_product")]
    paid = deposit.groupby("direction", observed=True)["amount_cny"].sum()
    return {
        "customers whose account started below 0": opening.round(2).lt(0).mean(),
        "customers overdrawn for some time within a month": low.round(2).lt(0).mean(),
        "structured deposits credited at maturity over paid in": paid["in"] / paid["out"],
    }


# 2. real or not


def real_transactions(berka: Path) -> dict[str, pd.DataFrame]:
    """Half a year of the Czech bank: ``all`` transactions, and those ``of customers``."""
    file = berka / "asc" / "trans_complete_lines.asc"
    raw = pd.read_csv(file, sep=";", dtype={"bank": str, "account": str})
    out = pd.DataFrame(
        {
            "customer_id": raw["account_id"],
            "day": pd.to_datetime(raw["date"].astype(str), format="%y%m%d"),
            "amount": raw["amount"],
            "into": raw["type"].eq("PRIJEM"),
            "banks_own": raw["k_symbol"].isin(BANKS_OWN),
        }
    )
    last = out["day"].max()
    start = last - MONTHS
    old = out.groupby("customer_id")["day"].transform("min") <= start - MONTHS
    out = out[old & (out["day"] > start)]
    return {"all": out, "of customers": out[~out["banks_own"]]}


def synthetic_transactions(bank: Bank, *, alike: bool = False) -> pd.DataFrame:
    """Half a year of the persons who were customers for half a year before.

    ``alike``: without shops and third-party payments.
    """
    start = bank.as_of - MONTHS
    c = bank.customers
    kept = c["customer_type"].eq("person") & c["opened_on"].le(start - MONTHS)
    e = bank.events[bank.events["customer_id"].isin(c.loc[kept, "customer_id"])]
    e = e[e["timestamp"] >= start + pd.Timedelta(days=1)]
    if alike:
        receipts = e["type"].eq("merchant_in").groupby(e["customer_id"]).transform("sum")
        e = e[receipts.lt(12) & e["channel"].ne("third_party")]
    return pd.DataFrame(
        {
            "customer_id": e["customer_id"].astype(str),
            "day": e["timestamp"].dt.normalize(),
            "amount": e["amount_cny"].round(2),
            "into": e["direction"].eq("in"),
        }
    )


def tell_tales(transactions: pd.DataFrame) -> pd.DataFrame:
    """Ten features of each transaction that need no channel; amounts are relative but for hundreds.

    Whether an amount has fen is no feature: crowns and yuan have other prices.
    """
    t = transactions.sort_values(["customer_id", "day"], kind="stable")
    by = t.groupby("customer_id")
    same = t.groupby(["customer_id", "into", "amount"])
    gap = by["day"].diff().dt.days
    apart = same["day"].diff().dt.days
    fen = (t["amount"] * 100).round()
    return pd.DataFrame(
        {
            "day_of_month": t["day"].dt.day,
            "days_to_month_end": t["day"].dt.days_in_month - t["day"].dt.day,
            "weekday": t["day"].dt.day_of_week,
            "comes_in": t["into"].astype(int),
            "amount_over_median": np.log10(t["amount"] / by["amount"].transform("median")),
            "whole_hundreds": (fen % 10_000 == 0).astype(int),
            "equal_amounts": same["day"].transform("size"),
            "days_since_equal_amount": apart.fillna(-1),
            "gap_days": gap.fillna(-1),
            "same_day": t.groupby(["customer_id", "day"])["day"].transform("size"),
        }
    ).set_index(t["customer_id"].astype(str))


def discriminate(synthetic: pd.DataFrame, real: pd.DataFrame, seed: int) -> pd.DataFrame:
    """AUC of a tree and of boosted trees on all ten features, and of a tree on each alone."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(synthetic["customer_id"].unique())
    synthetic = synthetic[synthetic["customer_id"].isin(ids[: real["customer_id"].nunique()])]
    parts = [tell_tales(t) for t in (synthetic, real)]
    x = pd.concat(parts)
    y = np.repeat([0, 1], [len(p) for p in parts])
    weight = np.where(y == 1, (y == 0).mean(), (y == 1).mean())
    folds = GroupKFold(5, shuffle=True, random_state=seed)

    def auc(model, columns):
        p = cross_val_predict(
            model, x[columns].to_numpy(float), y, groups=x.index, cv=folds,
            method="predict_proba", params={"sample_weight": weight},
        )  # fmt: skip
        return roc_auc_score(y, p[:, 1])

    tree = DecisionTreeClassifier(max_depth=8, min_samples_leaf=50, random_state=seed)
    boosted = HistGradientBoostingClassifier(random_state=seed)
    columns = list(x)
    rows = {"a tree, ten features": auc(tree, columns), "boosted trees": auc(boosted, columns)}
    rows |= {f"a tree, {c} alone": auc(tree, [c]) for c in columns}
    return pd.DataFrame({"judge": list(rows), "auc": list(rows.values())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("berka", type=Path, nargs="?", default=BERKA)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    bank = make_bank(args.customers, random_state=args.seed)
    print("## Habits of the synthetic bank\n")
    print(habits(bank).round(3).to_string(index=False))
    if not (args.berka / "asc").is_dir():
        print(f"\nNo {args.berka / 'asc'}: the comparison with a real bank is left out.")
        return
    real, fake = real_transactions(args.berka), synthetic_transactions(bank)
    pairs = {name: (fake, rows) for name, rows in real.items()}
    pairs["like with like"] = (synthetic_transactions(bank, alike=True), real["of customers"])
    tables = []
    for name, (ours, theirs) in pairs.items():
        sizes = [f"{len(t):,} of {t['customer_id'].nunique():,}" for t in (ours, theirs)]
        print(f"\n{name}: transactions of customers, synthetic {sizes[0]}, real {sizes[1]}", end="")
        auc = discriminate(ours, theirs, args.seed).set_index("judge")["auc"]
        tables.append(auc.rename(name))
    print("\n\n## AUC of telling synthetic from real\n")
    print(pd.concat(tables, axis=1).round(3).to_string())


if __name__ == "__main__":
    main()
