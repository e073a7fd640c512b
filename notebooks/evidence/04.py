"""Chapter 04: how many starts until two seeds agree, and is the lowest inertia the truest?

``python notebooks/evidence/04.py`` (about five minutes on one core)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from tqdm.auto import tqdm
from writing import write_facts, write_table

from kequn_lab.features import preprocessing
from kequn_lab.run import inputs
from kequn_lab.segments import KMeansSearch

#: Bank 0 is the one that the chapters look at.
BANKS, CUSTOMERS, AS_OF, K = range(20), 2000, "2024-12-31", 8
#: Two seeds agree from this adjusted Rand index on; two labelings are one from the other.
AGREE, SAME = 0.95, 0.999
PAIRS, STARTS = 20, 40
N_INIT = {8: (1, 2, 5, 10, 25, 50, 100), 12: (1, 25)}


def _columns(bank: inputs.Inputs) -> np.ndarray:
    pipeline = preprocessing.preprocessor(bank.features.columns)
    return pipeline.fit_transform(bank.features).to_numpy()


def _starts(z: np.ndarray, seeds, k: int = K) -> list[KMeans]:
    return [KMeans(k, n_init=1, random_state=seed).fit(z) for seed in seeds]


def _agreement(z: np.ndarray, k: int) -> pd.DataFrame:
    """How alike two seeds are: the best of n starts (no start used twice), and the search."""
    starts = _starts(z, tqdm(range(2 * PAIRS * max(N_INIT[k])), desc="starts"), k)
    inertia = np.array([start.inertia_ for start in starts])
    order, rows = np.random.default_rng(0).permutation(len(starts)), []
    for n in N_INIT[k]:
        taken = np.split(order[: 2 * PAIRS * n], 2 * PAIRS)
        best = [starts[draw[inertia[draw].argmin()]] for draw in taken]
        rows.append({"k": k, "method": "n_init", "n_init": n, **_pairs(best)})
    found = [KMeansSearch(k, random_state=seed, n_jobs=1).fit(z) for seed in range(2 * PAIRS)]
    return pd.DataFrame([*rows, {"k": k, "method": "search", "n_init": 25, **_pairs(found)}])


def _pairs(models: list) -> dict[str, float]:
    both = zip(models[::2], models[1::2])
    ari = np.array([adjusted_rand_score(one.labels_, two.labels_) for one, two in both])
    return {
        "ari_median": np.median(ari),
        "ari_lowest": ari.min(),
        "agree_share": (ari >= AGREE).mean(),
    }


def _different(starts: list[KMeans], same: float) -> int:
    """Solutions that differ in their labels: none is this like one that came before."""
    kept: list[KMeans] = []
    for start in sorted(starts, key=lambda s: s.inertia_):
        if all(adjusted_rand_score(start.labels_, k.labels_) < same for k in kept):
            kept.append(start)
    return len(kept)


def _truth(bank: inputs.Inputs, seed: int) -> dict:
    """Is the start of the lowest inertia the truest, and how many beat the search at that?"""
    z = _columns(bank)
    true = bank.truth.set_index("customer_id")["segment_id"].reindex(bank.features.index)
    starts, search = _starts(z, range(STARTS)), KMeansSearch(K, random_state=0, n_jobs=1).fit(z)
    inertia = np.array([start.inertia_ for start in starts])
    right = np.array([adjusted_rand_score(true, start.labels_) for start in starts])
    ours = adjusted_rand_score(true, search.labels_)
    return {
        "bank": seed,
        "different_999": _different(starts, SAME),
        "different_95": _different(starts, AGREE),
        "best_above_search": inertia.min() / search.inertia_ - 1,
        "correlation": np.corrcoef(inertia, right)[0, 1],
        "truth_search": ours,
        "truth_truest": right.max(),
        "truer_than_search": int((right > ours).sum()),
        "lowest_is_truest": bool(inertia.argmin() == right.argmax()),
    }


def main() -> None:
    """Start k-means many times on the small bank and on nineteen others."""
    banks = [
        inputs.from_synthetic_bank(CUSTOMERS, random_state=seed, as_of=AS_OF)
        for seed in tqdm(BANKS, desc="banks")
    ]
    agreement = pd.concat([_agreement(_columns(banks[0]), k) for k in N_INIT]).round(4)
    truth = pd.DataFrame([_truth(bank, seed) for seed, bank in enumerate(tqdm(banks))]).round(4)
    write_table("04_agreement", agreement)
    write_table("04_truth", truth)
    write_facts("04", _facts(agreement, truth))


def _facts(agreement: pd.DataFrame, truth: pd.DataFrame) -> dict:
    here = agreement[agreement["k"] == K]
    by_n = here[here["method"] == "n_init"].set_index("n_init")
    search = here[here["method"] == "search"].iloc[0]
    enough = by_n.index[by_n["agree_share"] >= 0.9].min()
    return {
        "seeds": f"banks {BANKS}, starts 0 to {STARTS - 1} each; pairs drawn with seed 0",
        "n_enough": int(enough),
        "agree_enough": by_n.loc[enough, "agree_share"],
        "n_pairs": PAIRS,
        "ari_1": by_n.loc[1, "ari_median"],
        **{f"agree_{n}": share for n, share in by_n["agree_share"].items()},
        "agree_search": search["agree_share"],
        "ari_search_lowest": search["ari_lowest"],
        "n_banks": len(truth),
        "n_starts": STARTS,
        "banks_lowest_is_truest": int(truth["lowest_is_truest"].sum()),
        "truer_here": int(truth["truer_than_search"].iloc[0]),
        "truer_median": float(truth["truer_than_search"].median()),
        "truth_search": truth["truth_search"].iloc[0],
        "truth_truest": truth["truth_truest"].iloc[0],
        "different_999": int(truth["different_999"].iloc[0]),
        "different_95": int(truth["different_95"].iloc[0]),
    }


if __name__ == "__main__":
    main()
