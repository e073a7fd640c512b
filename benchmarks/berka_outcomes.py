"""Do segments found without the outcome say anything about it? The Czech bank of 1993 to 1998.

    python benchmarks/berka_outcomes.py ../shared/data/berka [--k 4]

Two tables, whatever they show. Accounts are clustered on what they did *before* the outcome
(k-means on features of their transactions); loan status and cards are never features.

1. Loans: 354 accounts with all transactions of the year before the loan (``feup/trans_test.csv``);
   status from ``asc/loan.asc``: bad is B (ended, not paid) or D (running, in debt).
2. Cards: accounts of ``asc/trans_complete_lines.asc`` (to March 1994); outcome: a card issued
   later, to anybody on the account. Loans granted later, too.
"""

import argparse
from pathlib import Path

import pandas as pd

from kequn_lab.compare import compare_groups
from kequn_lab.compare.targeting import contacts_needed, outcome_by_segment, targeting_gain
from kequn_lab.contract import EVENTS
from kequn_lab.contract.mapping import read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.features import customer_features
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments import fit_segments

MAPPINGS = Path(__file__).resolve().parents[1] / "data" / "mappings"


def day(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text.str[:6], format="%y%m%d")


def loans_and_features(berka: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Features of the year before each loan, and whether the loan went bad, by account."""
    mapping = read_mapping(MAPPINGS / "berka_translated.toml").events
    events = read_table(berka / "feup" / "trans_test.csv", EVENTS, mapping=mapping)
    loans = read_table(berka / "asc" / "loan.asc").set_index("account_id")
    granted = events["customer_id"].map(day(loans["date"]))
    events = events[events["timestamp"] < granted]
    # Each account's clock is set so that all loans are granted the day after as_of.
    as_of = pd.Timestamp("1998-12-31")
    shift = as_of + pd.Timedelta(days=1) - granted[events.index]
    aligned = events.assign(timestamp=events["timestamp"] + shift)
    features = customer_features(aligned, as_of=as_of, months=12)
    return features, loans["status"].isin(["B", "D"]).astype(float).reindex(features.index)


def later_cards(berka: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features up to March 1994; a card or a loan later (0/1), by account."""
    mapping = read_mapping(MAPPINGS / "berka.toml").events
    file = berka / "asc" / "trans_complete_lines.asc"
    events = read_table(file, EVENTS, mapping=mapping)
    features = customer_features(events, as_of="1994-03-31", months=12)
    cards = read_table(berka / "asc" / "card.asc")
    owners = read_table(berka / "asc" / "disp.asc").set_index("disp_id")["account_id"]
    cards = cards.assign(account_id=cards["disp_id"].map(owners), date=day(cards["issued"]))
    loans = read_table(berka / "asc" / "loan.asc")
    loans = loans.assign(date=day(loans["date"]))
    outcome = {}
    for name, table in (("card", cards), ("loan", loans)):
        first = table.groupby("account_id")["date"].min().reindex(features.index)
        # Accounts that had it before are not asked.
        outcome[name] = (first > "1994-03-31").astype(float).mask(first <= "1994-03-31")
    return features, pd.DataFrame(outcome)


def report(title: str, features: pd.DataFrame, outcome: pd.Series, k: int, rule: str) -> None:
    kept = model_columns(features)
    fitted = fit_segments(kept, n_clusters=k, random_state=0)
    labels = pd.Series(fitted["kmeans"].labels_, index=features.index).map("cluster_{}".format)
    print(f"\n## {title}: {len(features)} accounts, {kept.shape[1]} features, k = {k}")
    print(outcome_by_segment(outcome, labels).round(3).to_string(index=False))
    happened = outcome.map({1.0: "yes", 0.0: "no"})
    cluster = compare_groups(labels.to_frame("cluster"), happened).iloc[0]
    print(f"Cramér's V {cluster['cramers_v']:.3f}, chi-square p {cluster['p_value']:.3g}")
    gain = targeting_gain(outcome, labels, rules={f"highest {rule}": features[rule]})
    print(contacts_needed(gain).round(3).to_string(index=False))
    shown = ["variable", "mean_a", "mean_b", "effect", "effect_low", "effect_high", "p_adjusted"]
    table = compare_groups(kept, happened, groups=("yes", "no"))
    print(table[shown].head(5).round(3).to_string(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("berka", type=Path)
    parser.add_argument("--k", type=int, default=4)
    args = parser.parse_args()
    features, bad = loans_and_features(args.berka)
    report("Bad loan", features, bad, args.k, "amount_mean_cny")
    features, later = later_cards(args.berka)
    report("Card issued later", features, later["card"], args.k, "inflow_cny_per_month")
    report("Loan granted later", features, later["loan"], args.k, "inflow_cny_per_month")


if __name__ == "__main__":
    main()
