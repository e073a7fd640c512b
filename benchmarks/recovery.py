"""How well k-means finds the true segments: raw columns, features, and the supervised ceiling.

    python benchmarks/recovery.py [--customers 3000] [--seeds 5]

Adjusted Rand index (0 chance, 1 all found) on ``easy``, ``standard`` and ``hard`` for several
seeds, and once on ``sealed``, on which nothing is tuned. The generator and the features have the
same author, so these figures say nothing about a real bank.
"""

from __future__ import annotations

import argparse

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kequn_lab.features import customer_features
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.segments import fit_segments
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.synth import Bank, make_bank


def raw_columns(bank: Bank) -> pd.DataFrame:
    """What a bank has without thought: its customer table, balances and event totals."""
    events = bank.events.groupby("customer_id")["amount_cny"].agg(["size", "sum", "mean"])
    held = bank.holdings.pivot_table(index="customer_id", columns="product", values="balance_cny")
    table = bank.customers.set_index("customer_id").join(events).join(held.fillna(0))
    table["opened_on"] = (bank.as_of - table["opened_on"]).dt.days
    return table


def recovered(bank: Bank, *, n_starts: int = 25) -> dict[str, float]:
    """Adjusted Rand index of k-means on raw columns and on features, and of a classifier."""
    truth = bank.truth.set_index("customer_id")["segment_id"]
    raw = raw_columns(bank)
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), make_column_selector(dtype_exclude="number")),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    kmeans = KMeansSearch(truth.nunique(), n_starts=n_starts, random_state=0)
    features = model_columns(
        customer_features(
            bank.events, holdings=bank.holdings, customers=bank.customers, as_of=bank.as_of
        )
    )
    segments = fit_segments(features, n_clusters=truth.nunique(), n_starts=n_starts, random_state=0)
    truth_of_features = truth.reindex(features.index)
    classifier = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    guess = cross_val_predict(classifier, features, truth_of_features, cv=3)
    return {
        "raw": adjusted_rand_score(
            truth.reindex(raw.index), kmeans.fit_predict(encode.fit_transform(raw))
        ),
        "features": adjusted_rand_score(truth_of_features, segments["kmeans"].labels_),
        "supervised": adjusted_rand_score(truth_of_features, guess),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    runs = [(p, s) for p in ("easy", "standard", "hard") for s in range(args.seeds)]
    rows = []
    for preset, seed in [*runs, ("sealed", 0)]:
        bank = make_bank(args.customers, random_state=seed, preset=preset)
        rows.append({"preset": preset, "seed": seed, **recovered(bank)})
        found = "  ".join(f"{k} {v:.3f}" for k, v in rows[-1].items() if isinstance(v, float))
        print(f"{preset:9s} seed {seed}  {found}", flush=True)
    table = pd.DataFrame(rows).set_index(["preset", "seed"])
    print(f"\nAdjusted Rand index, {args.customers:,} customers: mean (least to largest)")
    for preset, part in table.groupby("preset", sort=False):
        cells = [f"{c} {x.mean():.2f} ({x.min():.2f} to {x.max():.2f})" for c, x in part.items()]
        print(f"  {preset:9s} {'   '.join(cells)}")


if __name__ == "__main__":
    main()
