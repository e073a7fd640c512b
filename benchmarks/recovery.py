"""How well k-means finds the true segments: by a search, from the signatures, and its ceiling.

    python benchmarks/recovery.py [--presets easy,standard,hard] [--customers 3000] [--seeds 5]
                                  [--first 0] [--sealed]

For each bank: adjusted Rand index (0 chance, 1 all found); share of customers whose cluster bears
the name of their true segment, and the share if every cluster had its best name; segments that a
cluster is named after; inertia above the best found.

Beside the two readings of a run stand business and personal customers clustered separately
(``by="is_business"``, a search; and from the signatures of each side), k-means started at other
levels (their signs alone; levels
with noise of ±80 %; of the five segments that the article says something of, its lines alone),
every customer called by the nearest signature without any clustering, k-means on raw columns, and
a classifier that is shown the truth (cross-validated). Signatures and generator have the same
author: these figures say how the methods compare, and nothing about a real bank. Nothing is tuned
on ``sealed``.
"""

from __future__ import annotations

import argparse
import os
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kequn_lab import catalogue
from kequn_lab.run.grouping import sides_of
from kequn_lab.run.inputs import from_bank
from kequn_lab.run.readings import take_reading
from kequn_lab.segments import SeededKMeans, expected_levels, name_clusters
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.signatures import least_similarity
from kequn_lab.synth import Bank, make_bank


def raw_columns(bank: Bank) -> pd.DataFrame:
    """What a bank has without thought: its customer table, balances and event totals."""
    events = bank.events.groupby("customer_id")["amount_cny"].agg(["size", "sum", "mean"])
    held = bank.holdings.pivot_table(index="customer_id", columns="product", values="balance_cny")
    table = bank.customers.set_index("customer_id").join(events).join(held.fillna(0))
    table["opened_on"] = (bank.as_of - table["opened_on"]).dt.days
    encode = make_column_transformer(
        (OneHotEncoder(sparse_output=False), make_column_selector(dtype_exclude="number")),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    )
    return pd.DataFrame(encode.fit_transform(table), table.index)


def other_levels(signatures: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Signatures whose levels are worse."""
    level, article = signatures["level_sd"], signatures["basis"] == "article"
    has = signatures["segment_id"].isin(signatures.loc[article, "segment_id"])
    noise = np.random.default_rng(seed).uniform(-0.8, 0.8, len(level))
    return {
        "signatures, signs only": signatures.assign(level_sd=np.sign(level)),
        "signatures, levels ±80 %": signatures.assign(level_sd=level * (1 + noise)),
        "signatures, article's lines": signatures[article | ~has],
    }


def nearest_signature(model: pd.DataFrame, levels: pd.DataFrame) -> np.ndarray:
    """Where k-means would start: each customer at the segment whose levels are nearest."""
    start = levels.fillna(0).to_numpy()
    return levels.index.to_numpy()[pairwise_distances_argmin(model.to_numpy(), start)]


def seeded_sides(model: pd.DataFrame, levels: pd.DataFrame, sides, business, pull=0.0):
    """The segment of each customer, where k-means starts at the signatures of each side."""
    out = np.empty(len(model), object)
    for value, ids in sides.items():
        rows, start = business == value, levels.loc[ids].drop(columns="is_business")
        kmeans = SeededKMeans(start.to_numpy(), pull=pull)
        labels = kmeans.fit_predict(model[rows].drop(columns="is_business"))
        out[rows] = np.array(ids, object)[labels]
    return out


def figures(truth: pd.Series, clusters, names=None, above: float = np.nan) -> dict[str, float]:
    """``names``: the segment of each cluster, in their order; without: each is its own."""
    named = clusters if names is None else np.asarray(names, object)[clusters]
    table = pd.crosstab(np.asarray(clusters), truth.to_numpy()).to_numpy()
    rows, columns = linear_sum_assignment(table, maximize=True)
    return {
        "rand": adjusted_rand_score(truth, clusters),
        "accuracy": float((named == truth.to_numpy()).mean()),
        "best_names": table[rows, columns].sum() / len(truth),
        "named": np.nan if names is None else len(set(names) & set(truth)),
        "inertia_above": above,
    }


def recovered(bank: Bank, seed: int, *, n_starts: int) -> pd.DataFrame:
    """One row a method."""
    inputs, book = from_bank(bank), catalogue.book()
    truth = bank.truth.set_index("customer_id")["segment_id"].reindex(inputs.features.index)
    options = {"n_clusters": 8, "n_starts": n_starts, "log_columns": inputs.log_columns}
    take = lambda **how: take_reading(inputs.features, book, **options | how)  # noqa: E731
    started, pulled = take(start="signatures"), take(pull=0.3)
    lowest, found = started.lowest.pipeline["kmeans"].inertia_, {}
    for method, reading in (
        ("search: lowest inertia", started.lowest),
        ("signatures", started),
        ("signatures, pull 0.3", pulled),
    ):
        above = reading.pipeline["kmeans"].inertia_ / lowest - 1
        found[method] = figures(truth, reading.labels, reading.names["segment_id"], above)
    sides = take(by="is_business", n_clusters=None)
    found["by is_business"] = figures(truth, sides.labels, sides.names["segment_id"])
    model = started.pipeline["preprocess"].transform(inputs.features)
    signatures, least = book["signatures"], least_similarity(started.chance)
    levels = expected_levels(signatures, model.columns)
    business = inputs.features["is_business"].to_numpy(float)
    both = sides_of(inputs.features["is_business"], book)
    for method, pull in (("signatures by side", 0.0), ("signatures by side, pull 0.3", 0.3)):
        alone = seeded_sides(model, levels, both, business, pull)
        found[method] = figures(truth, alone)
    for method, other in other_levels(signatures, seed).items():
        start = expected_levels(other, model.columns).reindex(levels.index)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            kmeans = SeededKMeans(start.to_numpy()).fit(model)
        centres = pd.DataFrame(kmeans.cluster_centers_, columns=model.columns)
        names = name_clusters(centres, signatures, minimum=least)["segment_id"]
        found[method] = figures(truth, kmeans.labels_, names, kmeans.inertia_ / lowest - 1)
    found["no clustering: nearest signature"] = figures(truth, nearest_signature(model, levels))
    raw = KMeansSearch(8, n_starts=n_starts, random_state=0).fit_predict(raw_columns(bank))
    raw = pd.Series(raw, bank.customers["customer_id"]).reindex(truth.index).to_numpy()
    found["search on raw columns"] = figures(truth, raw) | {"accuracy": np.nan}
    classifier = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    guess = cross_val_predict(classifier, inputs.features, truth, cv=3)
    found["classifier that knows the truth"] = figures(truth, guess)
    return pd.DataFrame(found).T.rename_axis("method").reset_index()


def shown(table: pd.DataFrame) -> str:
    """Medians over the banks, the range of the Rand index, and shares of the ceiling."""
    groups = table.groupby("method", sort=False)
    out = groups[["rand", "accuracy", "best_names", "named", "inertia_above"]].median()
    ends = groups["rand"].agg(["min", "max"]).map("{:.3f}".format)
    out.insert(1, "rand_range", ends["min"] + "–" + ends["max"])
    ceiling = out.loc["classifier that knows the truth"]
    for column in ("rand", "accuracy"):
        out[f"{column}_of_ceiling"] = out[column] / ceiling[column]
    out["all_named"] = groups["named"].agg(lambda n: f"{(n == 8).sum()} of {len(n)}")
    out.loc[out["named"].isna(), "all_named"] = ""
    return out.round(3).to_string(na_rep="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", default="easy,standard,hard")
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--starts", type=int, default=25, help="of the search")
    parser.add_argument("--sealed", action="store_true", help="the preset that nothing is tuned on")
    args = parser.parse_args()
    runs = [(p, s) for p in args.presets.split(",") if p for s in range(args.seeds)]
    runs += [("sealed", 0)] * args.sealed
    tables = []
    for preset, number in runs:
        seed = args.first + number
        bank = make_bank(args.customers, random_state=seed, preset=preset)
        table = recovered(bank, seed, n_starts=args.starts).assign(preset=preset, seed=seed)
        tables.append(table)
        rand = table.set_index("method")["rand"]
        print(f"{preset:9s} seed {seed}  signatures {rand['signatures']:.3f}  "
              f"search {rand['search: lowest inertia']:.3f}", flush=True)  # fmt: skip
    for preset, table in pd.concat(tables).groupby("preset", sort=False):
        n = table["seed"].nunique()
        print(f"\n{preset}: {n} banks of {args.customers:,} customers, medians\n{shown(table)}")


if __name__ == "__main__":
    main()
