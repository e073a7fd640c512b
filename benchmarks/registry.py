"""Permanent ids of segments on synthetic banks: do they stay, and are changes called what they are?

    python benchmarks/registry.py --banks 20 --customers 1500 --months 10 --workers 2

*still*: a bank without drift, ten months, each clustered anew. An id changes hands if, of the
customers whom both the first month and a later one have, those with the id then are mostly not
those with the id at first. Events other than ``carried`` are counted, too.

*new*, *gone*: a true segment whose customers are only in the later, or the earlier, of two months.
*merged*: customers of one true segment take the rows of customers of another. Each is found if the
registry calls it so; *alone* says that it calls nothing else by another name than ``carried``.

k-means starts where the catalogue expects the segments that are there, as a run does by default.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features import customer_features, model_columns
from kequn_lab.monitor import Registry
from kequn_lab.monitor.matching import match_segments
from kequn_lab.segments.pipeline import fit_segments
from kequn_lab.segments.signatures import expected_levels
from kequn_lab.synth import make_bank, next_month

CASES = ("still", "new", "gone", "merged")


def features_of(bank) -> pd.DataFrame:
    return customer_features(
        bank.events, as_of=bank.as_of, holdings=bank.holdings, customers=bank.customers,
        months=bank.recipe.months,
    )  # fmt: skip


class Bank:
    """A bank that is clustered month after month, with its registry."""

    def __init__(self, features: pd.DataFrame):
        self.columns = list(model_columns(features))
        levels = expected_levels(catalogue.read("signatures"), self.columns)
        self.levels = levels
        self.registry, self.month = Registry.empty(), 0

    def run(self, features: pd.DataFrame, segments: list[str]) -> pd.Series:
        """Cluster a month and enter it; the permanent id of each customer."""
        features = features[self.columns]
        pipeline = fit_segments(
            features, n_clusters=len(segments), levels=self.levels.loc[segments]
        )
        clusters = pd.Series(pipeline["kmeans"].labels_, features.index.astype("str"))
        self.month += 1
        date = f"2024-{self.month:02d}-28"
        card = Scorecard.from_pipeline(pipeline, features, as_of=date)
        matching, ids = None, {c: f"m{self.month}_{c}" for c in range(len(segments))}
        if len(self.registry.runs):
            before = self.registry.labels.set_index("customer_id")["segment_id"]
            matching = match_segments(before, clusters, lambda: (self.registry.card, card))
            kept = matching[matching["event"] == "kept"]
            ids |= dict(zip(kept["after"], kept["before"]))
            matching = matching.replace({"after": ids, "partner": ids})
        labels = pd.DataFrame({"customer_id": clusters.index, "cluster": clusters.to_numpy()})
        labels["segment_id"] = labels["cluster"].map(ids)
        labels = labels.assign(name_zh=labels["segment_id"], name_en=labels["segment_id"])
        self.registry = self.registry.with_run(labels, matching, run_id=date, date=date, card=card)
        return self.registry.members.set_index("customer_id")["permanent_id"]

    @property
    def last(self) -> pd.DataFrame:
        """What happened in the last run."""
        events = self.registry.events
        return events[events["run_id"] == self.registry.runs["run_id"].iloc[-1]]


def still(seed: int, n: int, months: int) -> dict:
    """Ids that changed hands in months without drift, and events that should not be."""
    bank = make_bank(n, random_state=seed)
    features = features_of(bank)
    book = Bank(features)
    everyone = list(book.levels.index)
    first = book.run(features, everyone)
    changed, events = set(), 0
    for _ in range(months - 1):
        bank = next_month(bank)
        now = book.run(features_of(bank), everyone)
        events += int((book.last["kind"] != "carried").sum())
        both = pd.DataFrame({"first": first, "now": now}).dropna()
        home = pd.crosstab(both["now"], both["first"])
        home = home[home.index.isin(home.columns)]
        changed |= {s for s in home.index if home.loc[s].idxmax() != s}
    return {"case": "still", "seed": seed, "found": not changed, "alone": events == 0,
            "others": events}  # fmt: skip


def planted(case: str, seed: int, n: int) -> dict:
    """Whether a segment that comes, leaves or goes into another is called so."""
    bank = make_bank(n, random_state=seed)
    later = next_month(bank)
    before, after = features_of(bank), features_of(later)
    truth = later.truth.set_index("customer_id")["segment_id"]
    book = Bank(before)
    everyone = list(book.levels.index)
    rng = np.random.default_rng(seed)
    one, other = rng.choice(everyone, 2, replace=False)
    rest = [s for s in everyone if s != one]
    old_truth = bank.truth.set_index("customer_id")["segment_id"]
    own_before, own = old_truth.reindex(before.index) == one, truth.reindex(after.index) == one
    if case == "new":
        ids = book.run(before[~own_before], rest), book.run(after, everyone)
    elif case == "gone":
        ids = book.run(before, everyone), book.run(after[~own], rest)
    else:
        home = after.index[(truth.reindex(after.index) == other).to_numpy()]
        after = after.copy()
        after.loc[own] = after.loc[rng.choice(home, int(own.sum()))].to_numpy()
        ids = book.run(before, everyone), book.run(after, rest)
    true, which = (truth, ids[1]) if case == "new" else (old_truth, ids[0])
    theirs = which[true.reindex(which.index) == one].value_counts().idxmax()
    events = book.last[book.last["kind"] != "carried"]
    side = "after" if case == "new" else "before"
    found = (events["kind"] == case) & (events[side] == theirs)
    if case == "merged":
        home = ids[1][truth.reindex(ids[1].index) == other].value_counts().idxmax()
        found |= (events["kind"] == case) & (events["after"].isin([theirs, home]))
    return {"case": case, "seed": seed, "found": bool(found.any()),
            "alone": bool(found.any()) and len(events) == 1,
            "others": len(events) - int(found.sum()), "segment": one}  # fmt: skip


def one(job) -> dict:
    case, seed, n, months = job
    return still(seed, n, months) if case == "still" else planted(case, seed, n)


def main(banks: int, customers: int, months: int, workers: int = 1, seed: int = 0) -> pd.DataFrame:
    jobs = [(c, s, customers, months) for c in CASES for s in range(seed, seed + banks)]
    if workers == 1:
        return pd.DataFrame(map(one, jobs))
    with ProcessPoolExecutor(workers) as pool:
        return pd.DataFrame(list(pool.map(one, jobs)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--banks", type=int, default=20)
    parser.add_argument("--customers", type=int, default=1500)
    parser.add_argument("--months", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    start = time.time()
    options = vars(parser.parse_args())
    rows = main(**options)
    print(rows[~rows["found"] | ~rows["alone"]].to_string(index=False))
    counts = rows.groupby("case", sort=False).agg(
        banks=("found", "size"), found=("found", "sum"), alone=("alone", "sum"),
        other_events=("others", "sum"),
    )  # fmt: skip
    print(counts.to_string())
    print(f"{time.time() - start:.0f} s")
