"""Chapter 06: of the customers in each named cluster, how many are what the name says?

``python notebooks/evidence/06.py`` (ten seconds)
"""

from __future__ import annotations

import pandas as pd
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import catalogue

SEED, CUSTOMERS, AS_OF = 0, 2000, "2024-12-31"
#: As many features as a name is made of, and how far down the list of marks they may stand.
FEATURES, TOP = 3, 10


def main() -> None:
    """Count customers of both readings of one synthetic bank by their true segment."""
    bank = kq.make_bank(CUSTOMERS, random_state=SEED, as_of=AS_OF)
    true = bank.truth.set_index("customer_id")["segment_id"]
    tables, found = [], {}
    for reading, start in {"signatures": "auto", "search": "search"}.items():
        result = found[reading] = kq.segment(bank, start=start, stability=0, quiet=True)
        labels = result.labels.set_index("customer_id")["segment_id"]
        counts = pd.crosstab(labels, true.reindex(labels.index))
        rows = result.names[["cluster", "segment_id", "similarity", "runner_up"]].copy()
        rows["customers"] = rows["segment_id"].map(counts.sum(axis=1))
        rows["most"] = rows["segment_id"].map(counts.idxmax(axis=1))
        rows["most_share"] = rows["segment_id"].map(counts.max(axis=1)) / rows["customers"]
        pairs = zip(rows["segment_id"], rows["customers"])
        rows["purity"] = [counts.get(s, counts.iloc[:, 0] * 0)[s] / n for s, n in pairs]
        tables.append(rows.assign(reading=reading))
    write_table("06_purity", pd.concat(tables))
    write_facts("06", _facts(found["search"], tables[1], counts))


def _facts(result, rows: pd.DataFrame, counts: pd.DataFrame) -> dict:
    """The cluster without a name, and the name that fits the minority."""
    name = rows.set_index("segment_id")
    nameless = result.names.loc[~result.names["matched"], "segment_id"].iloc[0]
    nearest = name.loc[nameless, "runner_up"]
    marks = result.markers[(result.markers["segment_id"] == nameless) & result.markers["marker"]]
    named = name.drop(index=nameless)
    wrong, least = named["purity"].idxmin(), named["similarity"].idxmin()
    words = catalogue.segments().set_index("segment_id")
    out = {"seed": SEED, "customers": CUSTOMERS, "features": FEATURES, "top": TOP}
    out |= {
        "nameless": nameless,
        "nameless_customers": int(name.loc[nameless, "customers"]),
        "nearest": nearest,
        "nearest_share": f"{counts.loc[nameless, nearest] / counts.loc[nameless].sum():.0%}",
        "marks": list(marks["variable"].head(TOP)),
        "columns": sorted(result.features.columns),
        "wrong": wrong,
        "wrong_purity": f"{named.loc[wrong, 'purity']:.0%}",
        "wrong_similarity": round(float(named.loc[wrong, "similarity"]), 2),
        "least": least,
        "least_similarity": round(float(named.loc[least, "similarity"]), 2),
        "least_purity": f"{named.loc[least, 'purity']:.0%}",
    }
    for key in ("nearest", "wrong", "least"):
        out |= {f"{key}_{lang}": words.loc[out[key], f"name_{lang}"] for lang in ("zh", "en")}
    majority = words.loc[name.loc[wrong, "most"]]
    return out | {f"majority_{lang}": majority[f"name_{lang}"] for lang in ("zh", "en")}


if __name__ == "__main__":
    main()
