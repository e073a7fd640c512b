"""Chapter 05: indices, stability and verdicts by enough draws, beside data without segments.

``python notebooks/evidence/05.py`` (about half an hour on one core)
"""

from __future__ import annotations

import pandas as pd
from tqdm.auto import tqdm
from writing import write_facts, write_table

import kequn_lab as kq
from kequn_lab import validation
from kequn_lab.features import preprocessing
from kequn_lab.run import inputs
from kequn_lab.segments import centre_table

CUSTOMERS, FEWER, AS_OF, K = 2000, 800, "2024-12-31", 8
KS, STABLE_KS = range(2, 13), (2, 3, 4, 6, 8, 10)
DRAWS, FEW = 40, 8
#: Data without segments: sets, draws of each.
NULL_SETS, NULL_DRAWS = 5, 20
QUICK = {"random_state": 0, "progress": False, "n_jobs": 1}
READINGS = {"search": {"start": "search"}, "signatures": {}, "sides": {"by": "is_business"}}
VERDICT = [
    "segment_id", "rows", "slsw_median", "slsw_low", "slsw_high", "separation",
    "chance_separation", "border_density", "reading", "sure", "action", "neighbour",
]  # fmt: skip


def _true(bank) -> pd.Series:
    return bank.truth.set_index("customer_id")["segment_id"].reindex(bank.features.index)


def _verdicts(bank: inputs.Inputs, **how) -> tuple[pd.DataFrame, object]:
    """What the draws say of each segment, and what the truth says of its name."""
    result = kq.segment(bank.features, stability=DRAWS, quiet=True, **how)
    found = result.labels.set_index("customer_id")["segment_id"].astype("str")
    both = pd.crosstab(_true(bank), found.reindex(bank.features.index))
    table = result.segment_stability[VERDICT].copy()
    names = result.names.set_index("segment_id")
    table["name_zh"] = table["segment_id"].map(names["name_zh"])
    table["name_en"] = table["segment_id"].map(names["name_en"])
    table["truest_id"] = table["segment_id"].map(both.idxmax())
    table["purity"] = table["segment_id"].map(both.max() / both.sum())
    return table, result


def _by_few(z: pd.DataFrame, result) -> pd.DataFrame:
    """The verdicts that each batch of eight of the draws would have given."""
    names = result.names.set_index("cluster")["segment_id"]
    centres = centre_table(result.pipeline).rename(index=names)
    chance = validation.null_separation(z, n_clusters=K, **QUICK)
    parts = []
    for first in range(0, DRAWS, FEW):
        some = result.slsw[result.slsw["replicate"].between(first, first + FEW - 1)]
        table = validation.stability_summary(z, centres=centres, slsw=some, chance=chance)
        parts.append(table[["segment_id", "reading", "sure", "action"]].assign(first=first))
    return pd.concat(parts, ignore_index=True)


def _small() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same of a bank of fewer customers, where each draw says less."""
    bank = inputs.from_synthetic_bank(FEWER, random_state=0, as_of=AS_OF)
    z = preprocessing.preprocessor(bank.features.columns).fit_transform(bank.features)
    table, result = _verdicts(bank, k=K, start="search")
    run = f"search_{FEWER}"
    return table.assign(run=run), _by_few(z, result).assign(run=run)


def _null(z: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Indices and stability of data without segments."""
    scores, stable = [], []
    for seed in tqdm(range(NULL_SETS), desc="without segments"):
        null = validation.null_like(z, random_state=seed)
        own = validation.score_k(null, ks=KS, n_reference=0, n_null=0, **QUICK)
        own = own.assign(set=seed, elbow=_elbow(own))
        scores.append(own[["set", "k", "inertia", "silhouette", "elbow"]])
        pairs = validation.global_stability(null, ks=STABLE_KS, n_boot=NULL_DRAWS, **QUICK)
        stable.append(pairs[["k", "ari_data"]].assign(set=seed))
    return pd.concat(scores), pd.concat(stable)


def _elbow(scores: pd.DataFrame) -> int:
    return int(validation.read_k(scores).set_index("index").loc["inertia", "k"])


def main() -> None:
    """Weigh k on the small bank and on data without segments; follow each segment."""
    bank = inputs.from_synthetic_bank(CUSTOMERS, random_state=0, as_of=AS_OF)
    z = preprocessing.preprocessor(bank.features.columns).fit_transform(bank.features)
    verdicts = []
    for reading, how in tqdm(READINGS.items(), desc="readings"):
        table, result = _verdicts(bank, **how)
        verdicts.append(table.assign(run=reading))
        if reading == "search":
            few = [_by_few(z, result).assign(run=reading)]
            write_table("05_draws", result.slsw[["segment_id", "replicate", "slsw"]])
    table, small = _small()
    verdicts, few = pd.concat([*verdicts, table]).round(4), pd.concat([*few, small])
    write_table("05_verdicts", verdicts)
    write_table("05_few", few)

    scores = validation.score_k(z, ks=KS, n_reference=0, **QUICK).round(4)
    pairs = validation.global_stability(z, ks=KS, n_boot=DRAWS, **QUICK).round(4)
    null, null_stable = (table.round(4) for table in _null(z))
    write_table("05_scores", scores)
    write_table("05_stability", pairs[["k", "replicate", "ari", "ari_data", "ari_search"]])
    write_table("05_null_scores", null)
    write_table("05_null_stability", null_stable)
    by_k = validation.stability_by_k(pairs)
    facts = _facts(scores, by_k, null, null_stable, verdicts)
    write_facts("05", facts | _said(scores, by_k))


def _said(scores: pd.DataFrame, by_k: pd.DataFrame) -> dict:
    """What the indices prefer and what the stated rule chooses."""
    preferred = validation.read_k(scores).dropna(subset="k").set_index("index")["k"]
    choice = validation.choose_k(scores, by_k)
    return {
        "index_k": int(preferred.mode()[0]),
        "index_agree": int((preferred == preferred.mode()[0]).sum()),
        "n_indices": len(preferred),
        "elbow": int(preferred["inertia"]),
        "rule_k": choice.k,
        "rule_zh": choice.why_zh,
        "rule_en": choice.why_en,
    }


def _facts(scores, by_k, null, null_stable, verdicts) -> dict:
    silhouette = scores.set_index("k")["silhouette"]
    null_silhouette = null.groupby("k")["silhouette"].max()
    steady = by_k.set_index("k")["ari_data_median"]
    null_steady = null_stable.groupby("k")["ari_data"].median()
    whole = verdicts[verdicts["run"] == "search"].set_index("segment_id")
    natural = whole[whole["reading"] == "natural"].iloc[0]
    return {
        "seeds": "bank 0; random_state 0; sets without segments 0 to 4",
        "draws": DRAWS,
        "few": FEW,
        "silhouette_3": silhouette[3],
        "silhouette_8": silhouette[K],
        "null_silhouette_3": null_silhouette[3],
        "null_silhouette_8": null_silhouette[K],
        "stable_3": steady[3],
        "stable_8": steady[K],
        "null_stable_3": null_steady[3],
        "null_stable_8": null_steady[K],
        "null_elbows": sorted(null.groupby("set")["elbow"].first().tolist()),
        "natural": natural.name,
        "natural_truest": natural["truest_id"],
        "natural_purity": natural["purity"],
        "n_segments": len(whole),
        "n_keep": int((whole["action"].eq("keep") & whole["sure"]).sum()),
        "n_natural": int((whole["reading"] == "natural").sum()),
    }


if __name__ == "__main__":
    main()
