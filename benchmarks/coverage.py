"""How often intervals hold the truth, and what is said where there is nothing to say.

    python benchmarks/coverage.py                 # 100 tables a design, about five minutes
    python benchmarks/coverage.py --tables 400 --write

Tables of customers are drawn from designs whose truth is known, and each is analysed as a run
does. *Covered* is the share of intervals that hold the truth; *interval* is how it was made. The
truth of a profile is the effect of the segment that k-means finds in 100,000 customers of the same
design. ``--write`` puts the table into ``benchmarks/coverage.md``.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import linear_sum_assignment

from kequn_lab.compare import compare_groups, overlap, segment_values
from kequn_lab.compare.effects import Sample, effect_sizes
from kequn_lab.profiles import profile_table, segment_rules
from kequn_lab.segments import KMeansSearch
from kequn_lab.segments.refits import refit

#: Deviations between the centres of three round groups in four columns.
CLUSTERS = {"clear": 4.0, "overlapping": 2.5, "barely separated": 1.5, "no structure": 0.0}
CUSTOMERS, POPULATION = 300, 100_000


def customers(rng, n: int, gap: float) -> pd.DataFrame:
    """Three groups of equal size and spread, ``gap`` from the first to the others."""
    group = rng.integers(3, size=n)
    x = rng.normal(size=(n, 4))
    x[:, 0] += gap * (group == 1)
    x[:, 1] += gap * (group == 2)
    return pd.DataFrame(x, columns=list("abcd"))


def found(table: pd.DataFrame, seed: int) -> KMeansSearch:
    return KMeansSearch(3, n_starts=10, n_swaps=5, n_jobs=1, random_state=seed).fit(table)


WANTED = pd.DataFrame({
    "criterion_id": ["size", *"abcd"], "columns": ["", *"abcd"],
    "statistic": ["size_share", *["mean"] * 4],
})  # fmt: skip
QUANTITIES = {
    "profile": "profile: effect of a segment",
    "comparison": "comparison: effect of two groups of segments",
    "decision": "decision: size and means of a segment",
}
SAID = {"kept": "customers drawn, segments kept", "refit": "customers drawn and clustered again"}


def measured(table, labels: np.ndarray, draws, n_boot: int) -> dict[str, pd.DataFrame]:
    """What a run says of segments 0, 1, 2: rows with ``value``, ``low``, ``high``."""
    ids = pd.Series(labels, table.index)
    group = ids.map({0: "A", 1: "B", 2: "B"})
    how = {"n_boot": n_boot, "refits": draws}
    profile = profile_table(table, ids.astype("category"), **how)
    comparison = compare_groups(table, group, clustered_on=list("abcd"), **how)
    values = segment_values(table, ids, WANTED, **how)
    again = values[values["draw"] > 0].groupby(["segment_id", "criterion_id"])["value"]
    decision = values[values["draw"] == 0].set_index(["segment_id", "criterion_id"])
    decision["effect_low"], decision["effect_high"] = again.quantile(0.025), again.quantile(0.975)
    return {
        "profile": profile.set_index(["segment_id", "variable"]),
        "comparison": comparison.set_index("variable"),
        "decision": decision.rename(columns={"value": "effect"}),
    }


def clusters(n_tables: int) -> list[dict]:
    """Effects of segments on the columns that they were made of, and what is decided by them."""
    rows = []
    for design, gap in CLUSTERS.items():
        rng = np.random.default_rng(1)
        everybody = customers(rng, POPULATION, gap)
        whole = found(everybody, 0)
        truth = measured(everybody, whole.labels_, None, 1)
        held: dict[tuple, list] = {(q, how): [] for q in QUANTITIES for how in SAID}
        for seed in range(n_tables):
            table = customers(rng, CUSTOMERS, gap)
            kmeans = found(table, seed)
            gaps = kmeans.cluster_centers_[:, None] - whole.cluster_centers_[None]
            there = linear_sum_assignment((gaps**2).sum(-1))[1]  # each cluster, in the truth
            draws = refit(
                kmeans, table, table.index, segments=pd.Index(there), random_state=seed
            )  # fmt: skip
            for how, refits in (("kept", None), ("refit", draws)):
                got = measured(table, there[kmeans.labels_], refits, 300)
                for quantity, mine in got.items():
                    right = truth[quantity]["effect"].loc[mine.index]
                    inside = mine["effect_low"].le(right) & mine["effect_high"].ge(right)
                    held[quantity, how].append(inside.mean())
        rows += [line(design, QUANTITIES[q], x, SAID[how]) for (q, how), x in held.items()]
    return rows


def line(design: str, quantity: str, covered, interval: str) -> dict:
    return {
        "design": design, "quantity": quantity, "nominal": 0.95,
        "covered": float(np.mean(covered)), "interval": interval,
    }  # fmt: skip


def rules(n_tables: int) -> list[dict]:
    """Precision of a rule for labels that have nothing to do with the columns."""
    truth, rows = 0.03, []
    held = []
    for seed in range(n_tables):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.normal(size=(1000, 10))).add_prefix("x")
        labels = pd.Series(np.where(rng.random(1000) < truth, "few", "others"))
        row = segment_rules(table, labels).set_index("segment_id").loc["few"]
        if row["counted"]:
            held.append(row["precision_low"] <= truth <= row["precision_high"])
    rows.append(line("labels of chance", "rule: precision", held, "Wilson, on the other half"))
    return rows


def associations(n_tables: int) -> list[dict]:
    """Cramér's V of two groups of 150, with and without a relation."""
    rows = []
    for levels, slope in ((2, 0.0), (5, 0.0), (60, 0.0), (2, 0.8), (5, 0.8), (60, 0.8)):
        shares = np.exp(np.outer([0.0, slope], np.linspace(-1, 1, levels)))
        shares /= shares.sum(axis=1, keepdims=True)
        truth = np.sqrt(0.25 * ((shares[0] - shares[1]) ** 2 / shares.mean(axis=0)).sum())
        held = []
        for seed in range(n_tables):
            rng = np.random.default_rng(seed)
            a, b = (Sample.of(rng.choice(levels, 150, p=p)) for p in shares)
            got = effect_sizes(a, b, "category", n_boot=1, rng=rng)
            low, high = got["cramers_v_corrected_low"], got["cramers_v_corrected_high"]
            held.append(low - 1e-9 <= truth <= high)
        design = f"{levels} categories, V = {truth:.2f}"
        rows.append(line(design, "comparison: Cramér's V", held, "non-central chi-square"))
    return rows


def skewed(n_tables: int) -> list[dict]:
    """Effects of log-normal columns, segments known beforehand."""
    rows = []
    for sigma, n in ((1.0, 200), (1.0, 60), (1.5, 200)):
        means, held = np.exp([sigma**2 / 2, 0.4 + sigma**2 / 2]), []
        spread = means**2 * (np.exp(sigma**2) - 1)
        truth = (means[0] - means[1]) / np.sqrt(spread.mean())
        for seed in range(n_tables):
            rng = np.random.default_rng(seed)
            x = np.exp(sigma * rng.normal(size=2 * n) + 0.4 * (np.arange(2 * n) >= n))
            table = pd.DataFrame({"amount": x})
            labels = pd.Series(np.repeat(["a", "b"], n)).astype("category")
            row = profile_table(table, labels, n_boot=500, random_state=seed).iloc[0]
            held.append(row["effect_low"] <= truth <= row["effect_high"])
        design = f"log-normal, sigma {sigma:g}, {n} a segment"
        rows.append(line(design, "profile: effect", held, "customers drawn"))
    return rows


def separability(n_tables: int) -> list[dict]:
    """AUC and overlap of two groups of 40 in five columns; a quarter of the tables."""
    rows, group = [], pd.Series(np.repeat(["a", "b"], 40))
    for distance in (0.0, 0.5, 1.0, 1.5):
        auc, area = stats.norm.cdf(distance / np.sqrt(2)), 2 * stats.norm.cdf(-distance / 2)
        truth = {"auc": auc, "overlap_coefficient": area}
        held: dict[tuple, list] = {(m, n): [] for m in truth for n in (0, 30)}
        for seed in range(max(n_tables // 4, 2)):
            x = np.random.default_rng(seed).normal(size=(80, 5))
            x[40:, 0] += distance
            for n_boot in (0, 30):
                found = overlap(pd.DataFrame(x), group, n_boot=n_boot, random_state=seed).summary
                table = found.set_index("measure")
                for m, right in truth.items():
                    held[m, n_boot].append(table.loc[m, "low"] <= right <= table.loc[m, "high"])
        design = f"two groups of 40, AUC {auc:.2f}, overlap {area:.2f}"
        how = {0: "DeLong, classifier kept", 30: "customers drawn and classified again"}
        rows += [line(design, m, covered, how[n]) for (m, n), covered in held.items()]
    return rows


PARTS = {
    "clusters": clusters, "rules": rules, "associations": associations, "skewed": skewed,
    "separability": separability,
}  # fmt: skip


def as_markdown(table: pd.DataFrame, n_tables: int) -> str:
    head = ["design", "quantity", "nominal", "covered", "interval"]
    lines = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    for row in table.to_dict("records"):
        cells = [row["design"], row["quantity"], f"{row['nominal']:.2f}", f"{row['covered']:.2f}"]
        lines.append(f"| {' | '.join([*cells, row['interval']])} |")
    return (
        "# How often the intervals hold the truth\n\n"
        f"Written by `python benchmarks/coverage.py --tables {n_tables} --write`: "
        f"{n_tables} tables of each design, a quarter for AUC and overlap. *Nominal* is the share "
        "that should be covered.\n\n" + "\n".join(lines) + "\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--part", choices=PARTS, help="one part alone")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write and args.part:
        parser.error("coverage.md holds all parts: leave --part out")
    rows = [
        r for name, part in PARTS.items() if args.part in (None, name) for r in part(args.tables)
    ]
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    if args.write:
        text = as_markdown(table, args.tables)
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
