"""Names where there is nothing to name, and names that are true.

    python benchmarks/naming.py [--customers 500] [--tables 30] [--banks 5]

Tables without the article's segments: a synthetic bank's columns, each shuffled by itself
(*shuffled*); normal noise under the features' names, half of it tied together by three random
factors (*noise*); and a bank whose columns have changed names (*meanings*: groups are there, but
not those that the names say). How many clusters get a name, by the rule of today and by likeness
above 0.1 alone; on how many tables a target is recommended, and on how many a warning says that
there are no segments. Then banks whose truth is known: how many names are given, and how many
are right.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab.run.analysis import analyse
from kequn_lab.run.inputs import Inputs, from_synthetic_bank
from kequn_lab.run.options import Options
from kequn_lab.run.result import Result
from kequn_lab.segments import centre_table, name_clusters

KINDS = ("shuffled", "noise", "meanings")


def without_segments(kind: str, bank: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A table of the bank's shape in which the article's segments are not."""
    rng = np.random.default_rng(seed)
    if kind == "shuffled":
        return bank.apply(lambda column: rng.permutation(column.to_numpy()))
    if kind == "meanings":
        return bank.set_axis(rng.permutation(bank.columns), axis=1)
    noise = rng.normal(size=bank.shape)
    if seed % 2:
        noise += rng.normal(size=(len(bank), 3)) @ rng.normal(size=(3, bank.shape[1]))
    return pd.DataFrame(noise, bank.index, bank.columns)


def run(inputs: Inputs, n_stability: int) -> Result:
    return analyse(inputs, Options(n_boot=0, n_starts=5, n_stability=n_stability, quiet=True))


def plainly_named(result: Result) -> int:
    """Clusters that get a name by likeness above 0.1 alone."""
    signatures = catalogue.signatures().drop(columns="essential")
    centres = centre_table(result.pipeline)
    return int(name_clusters(centres, signatures, minimum=0.1)["matched"].sum())


def nothing_to_name(kind: str, bank: Inputs, seed: int, n_stability: int) -> dict:
    table = without_segments(kind, bank.features, seed)
    log = bank.log_columns if kind == "shuffled" else ()
    result = run(Inputs(table, log_columns=log), n_stability)
    decision = result.tables.get("decision")
    return {
        "table": kind,
        "clusters": len(result.names),
        "named": int(result.names["matched"].sum()),
        "named_by_0.1": plainly_named(result),
        "least_similarity": result.record["fit"]["least_similarity"],
        "recommends": decision is not None and bool(decision["recommended"].any()),
        "warns": "no_segments" in set(result.tables["warnings"]["warning"]),
    }


def true_names(preset: str, n_customers: int, seed: int) -> dict:
    """Of the clusters of a bank: how many get a name, and that of most of their customers."""
    bank = from_synthetic_bank(n_customers, random_state=seed, preset=preset)
    result = run(bank, 0)
    truth = bank.truth.set_index("customer_id")["segment_id"]
    labels = result.labels.set_index("customer_id")
    own = truth.reindex(labels.index).groupby(labels["cluster"]).agg(lambda s: s.mode()[0])
    names = result.names.set_index("cluster").query("matched")
    return {
        "preset": preset,
        "clusters": len(own),
        "named": len(names),
        "right": int((names["segment_id"] == own.reindex(names.index)).sum()),
        "unclear": int((names["mark"] == "unclear").sum()),
        "named_by_0.1": plainly_named(result),
        "least_given": names["similarity"].min(),
        "least_similarity": result.record["fit"]["least_similarity"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=500)
    parser.add_argument("--tables", type=int, default=30)
    parser.add_argument("--banks", type=int, default=5)
    parser.add_argument("--stability", type=int, default=0, help="draws; 0: by name and chance")
    args = parser.parse_args()
    rows = []
    for seed in range(args.tables):
        bank = from_synthetic_bank(args.customers, random_state=1000 + seed // 3)
        rows.append(nothing_to_name(KINDS[seed % 3], bank, seed, args.stability))
    table = pd.DataFrame(rows)
    sums = table.groupby("table", sort=False).agg(
        tables=("clusters", "size"), clusters=("clusters", "sum"), named=("named", "sum"),
        named_by_01=("named_by_0.1", "sum"), least_similarity=("least_similarity", "median"),
        recommends=("recommends", "sum"), warns=("warns", "sum"),
    )  # fmt: skip
    print("Without segments\n", sums.round(2).to_string(), sep="")
    share, plain = (table[c].sum() / table["clusters"].sum() for c in ("named", "named_by_0.1"))
    print(f"clusters named: {share:.1%} (by likeness above 0.1 alone: {plain:.1%})\n")
    rows = [
        true_names(p, args.customers, s) for p in ("standard", "hard") for s in range(args.banks)
    ]
    banks = pd.DataFrame(rows)
    sums = banks.groupby("preset", sort=False).agg(
        banks=("clusters", "size"), clusters=("clusters", "sum"), named=("named", "sum"),
        right=("right", "sum"), unclear=("unclear", "sum"), named_by_01=("named_by_0.1", "sum"),
        least_given=("least_given", "min"), least_similarity=("least_similarity", "max"),
    )  # fmt: skip
    print("Banks whose truth is known\n", sums.round(2).to_string(), sep="")


if __name__ == "__main__":
    main()
