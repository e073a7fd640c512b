"""False alarms and power of ``monitor.should_refit`` on synthetic banks.

    python benchmarks/monitor.py --seeds 100 --workers 2

Each seed: a bank, a model of it, and the same bank a year later under four drifts. Features come
from three months, so that both windows are the same quarter, and without the calendar features.
``--window 12 --gap 1`` is the monthly run instead: windows of a year, calendar features included.
``--gap 3`` sets quarters of different seasons against each other.
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features import customer_features
from kequn_lab.features.preprocessing import model_columns, preprocessor
from kequn_lab.monitor.watch import should_refit
from kequn_lab.synth import make_bank
from kequn_lab.synth.bank import draw_bank

CALENDAR = ["autumn_share", "quarter_end_share"]
#: How each drift must be named: what the reason says.
NAMED = {
    "none": None,
    "mild": "the same customers moved in mobile_share: +",
    "new_segment": "new group near",
    "segment_leaving": "structured_deposit is leaving",
}


def table(bank, window: int) -> pd.DataFrame:
    features = customer_features(
        bank.events, as_of=bank.as_of, holdings=bank.holdings, customers=bank.customers,
        months=window,
    )  # fmt: skip
    return features.drop(columns=CALENDAR if window < 12 else [])


def one(job) -> list[dict]:
    seed, n, gap, window = job
    warnings.simplefilter("ignore")
    bank = make_bank(n, random_state=seed, months=window)
    before = model_columns(table(bank, window))
    kmeans = KMeans(8, n_init=5, random_state=seed)
    pipeline = Pipeline([("preprocess", preprocessor(before.columns)), ("kmeans", kmeans)])
    pipeline.fit(before)
    # Clusters are named by the truth here: the question is the monitor's, not the names'.
    truth = bank.truth.set_index("customer_id")["segment_id"]
    owner = pd.crosstab(kmeans.labels_, truth.loc[before.index]).idxmax(axis=1)
    again = owner.groupby(owner).cumcount()
    owner = owner.where(again == 0, owner + " " + (again + 1).astype(str))
    names = pd.DataFrame({"cluster": owner.index, "segment_id": owner.to_numpy()})
    names["similarity"] = float("nan")
    card = Scorecard.from_pipeline(pipeline, before, as_of=bank.as_of, names=names)
    out = []
    for drift, word in NAMED.items():
        recipe = bank.recipe
        for _ in range(gap):
            recipe = recipe.later(drift)
        now = table(draw_bank(recipe, workers=1), window).reindex(columns=before.columns)
        verdict = should_refit(card, before, now, months=window, as_of=recipe.as_of)
        named = word is not None and any(r.startswith(word) for r in verdict.reasons)
        other = [r for r in verdict.reasons if word is None or not r.startswith(word)]
        out.append(
            {"seed": seed, "drift": drift, "alarm": verdict.refit, "named": named,
             "reasons": "; ".join(verdict.reasons), "other": "; ".join(other)}
        )  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--gap", type=int, default=12, help="months between the two tables")
    parser.add_argument("--window", type=int, default=3, help="months of events in a table")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    start = time.perf_counter()
    seeds = range(args.first, args.first + args.seeds)
    jobs = [(seed, args.customers, args.gap, args.window) for seed in seeds]
    with ProcessPoolExecutor(args.workers) as pool:
        rows = pd.DataFrame([row for rows in pool.map(one, jobs) for row in rows])
    print(f"{args.seeds} banks of {args.customers} customers, {args.gap} months apart, "
          f"{time.perf_counter() - start:.0f} s")  # fmt: skip
    for drift in NAMED:
        own = rows[rows["drift"] == drift]
        print(f"{drift:16s} alarm {own['alarm'].sum():3d}   named {own['named'].sum():3d}   "
              f"of {len(own)}")  # fmt: skip
    for row in rows[(rows["drift"] == "none") & rows["alarm"]].itertuples():
        print(f"  false alarm, seed {row.seed}: {row.reasons}")
    for row in rows[(rows["drift"] != "none") & ~rows["named"]].itertuples():
        print(f"  not named, seed {row.seed}, {row.drift}: {row.reasons or 'nothing found'}")


if __name__ == "__main__":
    main()
