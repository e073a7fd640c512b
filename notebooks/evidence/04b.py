"""Chapter 04b: which decision finds the micro enterprises, in the small bank and in others?

``python notebooks/evidence/04b.py`` (about three minutes on one core)
"""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import adjusted_rand_score
from tqdm.auto import tqdm
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import catalogue
from kequn_lab.run import inputs
from kequn_lab.segments import expected_levels, fit_segments

#: Bank 0 is the one that the chapters look at.
BANKS, CUSTOMERS, AS_OF = range(10), 2000, "2024-12-31"
LOST, HIDDEN_IN = "micro_enterprise", "scitech_corporate"
#: A segment is found where a cluster is mostly it, and holds most of it.
PURITY, RECALL = 0.7, 0.5
SEARCHES = (8, 9, 10, 12)
SIDES = ((5, 3), (6, 2), (6, 3), (6, 4), (7, 3))


def _lost(clusters: pd.Series, true: pd.Series) -> dict[str, float]:
    """The cluster that holds most of the lost segment: how pure it is, how much it holds."""
    table = pd.crosstab(true, clusters).loc[LOST]
    cluster = table.idxmax()
    size = (clusters == cluster).sum()
    purity, recall = table[cluster] / size, table[cluster] / table.sum()
    return {
        "purity": purity,
        "recall": recall,
        "found": purity >= PURITY and recall >= RECALL,
    }


def _named(features: pd.DataFrame, true: pd.Series, **how) -> dict:
    """The same of a whole run, and how many customers bear the name of their true segment."""
    result = kq.segment(features, stability=0, quiet=True, **how)
    found = result.labels.set_index("customer_id")["segment_id"].astype("str").reindex(true.index)
    return {
        **_lost(found, true),
        "named": bool((result.names["segment_id"] == LOST).any()),
        "right": int((found == true).sum()),
        "right_share": (found == true).mean(),
        "ari": adjusted_rand_score(true, found),
    }


def _here(bank: inputs.Inputs, true: pd.Series) -> pd.DataFrame:
    """Every attempt on the small bank."""
    how = {("search", "", str(k)): {"k": k, "start": "search"} for k in SEARCHES}
    how[("signatures", "", "8")] = {}
    for persons, firms in SIDES:
        split = {"by": "is_business", "k": {0: persons, 1: firms}}
        how[("sides", "is_business", f"{persons}+{firms}")] = split
    names = ("method", "by", "k")
    rows = [
        {**dict(zip(names, key)), **_named(bank.features, true, **options)}
        for key, options in tqdm(how.items(), desc="small bank")
    ]
    return pd.DataFrame(rows)


def _elsewhere(bank: inputs.Inputs, true: pd.Series, seed: int) -> list[dict]:
    """The main attempts on another bank; clusters are enough, names are not asked."""
    table, rows = bank.features, []
    how = {("search", str(k)): {"n_clusters": k} for k in SEARCHES}
    how[("sides", "6+3")] = {"by": "is_business", "n_clusters": {0: 6, 1: 3}}
    levels = expected_levels(catalogue.signatures(), table.columns)
    how[("signatures", "8")] = {"n_clusters": 8, "levels": levels}
    for (method, k), options in how.items():
        model = fit_segments(table, random_state=0, **options)
        clusters = pd.Series(model["kmeans"].labels_, index=table.index)
        rows.append({"bank": seed, "method": method, "k": k, **_lost(clusters, true)})
    return rows


def main() -> None:
    """Look for the lost segment in every way, here and in nine other banks."""
    others = []
    for seed in tqdm(BANKS, desc="banks"):
        bank = inputs.from_synthetic_bank(CUSTOMERS, random_state=seed, as_of=AS_OF)
        true = bank.truth.set_index("customer_id")["segment_id"].reindex(bank.features.index)
        others += _elsewhere(bank, true, seed)
        if seed == 0:
            here, first = _here(bank, true), true
    others, here = pd.DataFrame(others).round(4), here.round(4)  # as the tables say
    write_table("04b_attempts", here)
    write_table("04b_banks", others)
    write_facts("04b", _facts(here, others, first))


def _facts(here: pd.DataFrame, others: pd.DataFrame, true: pd.Series) -> dict:
    rows = here.set_index(["method", "k"])
    search, sides, signatures = (
        rows.loc[key] for key in (("search", "8"), ("sides", "6+3"), ("signatures", "8"))
    )
    found = others.groupby(["method", "k"])["found"].sum()
    size, base = true.value_counts(), search["right_share"]
    held = round(search["recall"] * size[LOST])
    return {
        "seeds": f"banks {BANKS}, random_state 0 for each search",
        "n_banks": len(BANKS),
        "least_purity": PURITY,
        "purity_search": search["purity"],
        "recall_search": search["recall"],
        "purity_sides": sides["purity"],
        "recall_sides": sides["recall"],
        "purity_signatures": signatures["purity"],
        "right_search": int(search["right"]),
        "right_sides": int(sides["right"]),
        "right_signatures": int(signatures["right"]),
        "gain": round(100 * (sides["right_share"] - base), 2),
        "gain_signatures": round(100 * (signatures["right_share"] - base), 2),
        "n_customers": len(true),
        "n_lost": int(size[LOST]),
        "n_hidden_in": int(size[HIDDEN_IN]),
        "held": int(held),
        "banks_sides": int(found[("sides", "6+3")]),
        "banks_signatures": int(found[("signatures", "8")]),
        **{f"purity_{k}": rows.loc[("search", str(k)), "purity"] for k in SEARCHES},
        **{f"right_{k}": int(rows.loc[("search", str(k)), "right"]) for k in SEARCHES},
        **{f"purity_{p}_{f}": rows.loc[("sides", f"{p}+{f}"), "purity"] for p, f in SIDES},
        **{
            f"gain_{p}_{f}": round(100 * (rows.loc[("sides", f"{p}+{f}"), "right_share"] - base), 2)
            for p, f in SIDES
        },
    }  # fmt: skip


if __name__ == "__main__":
    main()
