"""Evidence of chapter 02: how well customers are told in banks whose author chose other numbers.

``python notebooks/evidence/02.py`` writes kequn_lab/workshop/evidence/02_facts.json, 02_ari.csv
and 02_calibration.csv, a bank of 20,000 measured beside the published figures.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin
from tqdm.auto import tqdm
from writing import write_facts, write_table

from kequn_lab import catalogue, features, segments, synth

SEEDS = range(5)
CUSTOMERS = 1500
MEASURED = 20_000
#: What is changed in the column ``standard`` of presets.csv; as it is; or another preset.
BANKS = {
    "standard": {},
    "no mixed customers": {"hybrid_share": 0.0},
    "half the noise": {"noise": 0.55},
    "both": {"hybrid_share": 0.0, "noise": 0.55},
    "easy": "easy",
    "hard": "hard",
}


def draw(changed, seed: int, folder: Path) -> synth.Bank:
    """A bank whose presets were edited, or one of another preset."""
    if isinstance(changed, str):
        return synth.make_bank(CUSTOMERS, random_state=seed, preset=changed)
    presets = pd.read_csv(catalogue.path() / "population" / "presets.csv", index_col="parameter")
    for parameter, value in changed.items():
        presets.loc[parameter, "standard"] = value
    presets.to_csv(folder / "presets.csv")
    return synth.make_bank(CUSTOMERS, random_state=seed, population=folder)


def agreement(bank: synth.Bank, seed: int) -> dict[str, float]:
    """Adjusted Rand index with the truth, of three ways to say who is who."""
    tables = {"holdings": bank.holdings, "customers": bank.customers}
    rows = features.customer_features(bank.events, **tables, as_of=bank.as_of)
    rows = features.model_columns(rows)
    z = features.preprocessor(rows.columns).fit_transform(rows)
    levels = segments.expected_levels(catalogue.signatures(), z.columns).to_numpy()
    found = {
        "k-means": KMeans(8, n_init=20, random_state=seed).fit_predict(z),
        "started": segments.SeededKMeans(levels).fit_predict(z),
        "nearest signature": pairwise_distances_argmin(z, np.nan_to_num(levels)),
    }
    true = bank.truth.set_index("customer_id")["segment_id"].reindex(rows.index)
    return {way: adjusted_rand_score(true, labels) for way, labels in found.items()}


def main() -> None:
    """Draw, tell apart, count; write mean and range over the seeds."""
    bank = synth.make_bank(MEASURED, random_state=0, as_of="2024-12-31")
    measured = ["measure", "value", "target", "tolerance", "met"]
    write_table("02_calibration", synth.calibration_table(bank)[measured])
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp, "population")
        shutil.copytree(catalogue.path() / "population", folder)
        for name, changed in tqdm(BANKS.items()):
            for seed in SEEDS:
                found = agreement(draw(changed, seed, folder), seed)
                rows += [(name, way, seed, value) for way, value in found.items()]
    table = pd.DataFrame(rows, columns=["bank", "way", "seed", "ari"])
    told = table.groupby(["bank", "way"], sort=False)["ari"].agg(["mean", "min", "max"])
    write_table("02_ari", told.reset_index())
    means = told["mean"].round(4)
    write_facts("02", {
        "seeds": list(SEEDS),
        "customers": CUSTOMERS,
        "measured": MEASURED,
        "ari_standard": means["standard", "k-means"],
        "ari_pure": means["no mixed customers", "k-means"],
        "ari_both": means["both", "k-means"],
        "ari_nearest": means["standard", "nearest signature"],
    })  # fmt: skip


if __name__ == "__main__":
    main()
