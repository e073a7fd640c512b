"""Are the verdicts on segments, and on their number, right where the answer is known?

    python benchmarks/verdicts.py                    # two tables a design, about two minutes
    python benchmarks/verdicts.py --tables 10 --rows 1000 --draws 100
    python benchmarks/verdicts.py --only mixed --tables 4 --write    # about four minutes

Tables without structure (one hill: normal, tied together, uniform, skewed, heavy tails, many
zeros, yes or no), with groups that a stated number of deviations separates (in one of two
columns, in every column, at random places in the plane and in six columns), and with bent hills
(one banana, two moons), which k-means cuts where nothing separates them.

*Segments* are those that k-means finds for the true k (2 to 4 where there is none). *natural* and
*reproducible* are shares of them, *sets* of the tables with at least one natural segment. A
segment is *true* where it and a group have a Jaccard index of 0.75 or more, and ``natural_true``
is the share of natural ones among these. Then the k that `choose_k` and the largest silhouette
give of 1 or 2 to 7. Last, *covered*: how often the range that a verdict is read from holds the
Jaccard index of a segment with the one that k-means finds in another sample of the same customers.

*mixed*: the same of tables with numbers and categories, coded as a run codes them. One hill:
independent columns, levels that are intervals of a factor, a rare level, categories alone; groups
of two to five that numbers tell, or categories, or both, once with a category of noise.
*torn* is the share that were natural with null data that know no categories: they draw every
coordinate by itself, so that a row has two levels of a category, or none. ``--write`` puts these
tables into ``benchmarks/verdicts.md``.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import make_moons

from kequn_lab._statistics import jaccard
from kequn_lab.features import CategoryEncoder
from kequn_lab.segments import KMeansSearch
from kequn_lab.validation import (
    choose_k,
    global_stability,
    null_separation,
    score_k,
    segment_stability,
    stability_by_k,
    stability_summary,
)

FOUND = 0.75  # Jaccard index from which a segment is a true group
KS = range(2, 8)


def scattered(rng, k: int, columns: int, gap: float) -> NDArray:
    """Centres of which the closest two are exactly ``gap`` from each other."""
    places = rng.normal(size=(k, columns))
    far = np.linalg.norm(places[:, None] - places[None], axis=-1)[~np.eye(k, dtype=bool)]
    return places * gap / far.min()


def groups(rng, n: int, places: NDArray, spread: float = 1.0) -> tuple[NDArray, NDArray]:
    """Round groups of unequal size (the largest twice the smallest) at these places."""
    k = len(places)
    share = np.linspace(1, 2, k)
    truth = rng.choice(k, n, p=rng.permutation(share / share.sum()))
    return places[truth] + spread * rng.normal(size=(n, places.shape[1])), truth


def tied(rng, n: int) -> NDArray:
    """Five columns with two factors behind them."""
    return rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(n, 5))


def banana(rng, n: int) -> NDArray:
    turn = rng.uniform(-1.4, 1.4, n)
    return np.column_stack([np.sin(turn), np.cos(turn)]) * 3 + 0.3 * rng.normal(size=(n, 2))


def flags(rng, n: int) -> NDArray:
    """A skewed amount, a number, and two things that one has or has not."""
    return np.column_stack(
        [rng.gamma(2, size=n), rng.normal(size=n), rng.random((n, 2)) < [0.3, 0.5]]
    )


HILLS: dict[str, Callable] = {
    "normal, 2 columns": lambda rng, n: rng.normal(size=(n, 2)),
    "normal, 6 columns": lambda rng, n: rng.normal(size=(n, 6)),
    "tied together": tied,
    "uniform": lambda rng, n: rng.uniform(size=(n, 2)),
    "skewed": lambda rng, n: rng.lognormal(0, 0.8, (n, 3)),
    "heavy tails": lambda rng, n: rng.standard_t(3, (n, 2)),
    "many zeros": lambda rng, n: np.maximum(rng.normal(0.2, 1, (n, 3)), 0),
    "yes or no": flags,
}
GAPS: dict[str, Callable] = {
    "one column of two": lambda rng, n, g, k: groups(rng, n, np.array([[0, 0], [g, 0]])),
    "every column": lambda rng, n, g, k: groups(
        rng, n, g * np.arange(k)[:, None] * np.full((1, 4), 0.5)
    ),
    "the plane": lambda rng, n, g, k: groups(rng, n, scattered(rng, k, 2, g)),
    "six columns": lambda rng, n, g, k: groups(rng, n, scattered(rng, k, 6, g)),
}
BENT: dict[str, Callable] = {
    "one banana": lambda rng, n: banana(rng, n),
    "two moons": lambda rng, n: make_moons(n, noise=0.08, random_state=rng.integers(1 << 31))[0],
}


def levels(rng, score: NDArray, cuts, noise: float) -> pd.Series:
    """A category that depends on a score: its levels are intervals of the score and noise."""
    value = (score + noise * rng.normal(size=len(score))) / np.hypot(1, noise)
    return pd.Series(np.searchsorted(cuts, value)).map("level {}".format)


def own_levels(rng, truth: NDArray, n_levels: int, share: float) -> pd.Series:
    """A category in which each group has a level of its own, with this share of the group."""
    k = truth.max() + 1
    own = rng.permutation(n_levels)[np.arange(k) % n_levels][truth]
    any_level = rng.integers(n_levels, size=len(truth))
    return pd.Series(np.where(rng.random(len(truth)) < share, own, any_level)).map(
        "level {}".format
    )


def frame(numbers: NDArray, categories: list[pd.Series]) -> pd.DataFrame:
    named = {f"category {i}": c for i, c in enumerate(categories)}
    numbers = pd.DataFrame(numbers).add_prefix("number ")
    return pd.concat([numbers, pd.DataFrame(named, index=numbers.index)], axis=1)


def independent(rng, n: int) -> pd.DataFrame:
    return frame(rng.normal(size=(n, 2)), [
        pd.Series(rng.choice(size, n, p=rng.dirichlet(np.full(size, 4.0)))).map("level {}".format)
        for size in (2, 3, 5)
    ])  # fmt: skip


def one_factor(rng, n: int) -> pd.DataFrame:
    score = rng.normal(size=n)
    numbers = score[:, None] + 0.8 * rng.normal(size=(n, 2))
    cuts = [-1, 0.2], [-0.8, 0, 0.7], [0.5]
    return frame(numbers, [levels(rng, score, c, 0.8) for c in cuts])


def strong_factor(rng, n: int) -> pd.DataFrame:
    score = rng.normal(size=n)
    numbers = score[:, None] + 0.4 * rng.normal(size=(n, 2))
    return frame(numbers, [levels(rng, score, c, 0.3) for c in ([-0.5, 0.5], [0])])


def skewed(rng, n: int) -> pd.DataFrame:
    score = rng.normal(size=n)
    amounts = np.exp(np.column_stack([0.5 * score, np.zeros(n)]) + 0.7 * rng.normal(size=(n, 2)))
    common = pd.Series(rng.choice(4, n, p=[0.8, 0.1, 0.06, 0.04])).map("level {}".format)
    return frame(amounts, [levels(rng, score, [1.3], 0.5), common])


def levels_alone(rng, n: int) -> pd.DataFrame:
    score = rng.normal(size=n)
    cuts = [0], [-0.5, 0.5], [-0.8, 0, 0.8], [0.6], [-0.7, 0.4]
    return frame(np.empty((n, 0)), [levels(rng, score, c, 0.7) for c in cuts])


MIXED_HILLS: dict[str, Callable] = {
    "independent": independent,
    "one factor": one_factor,
    "one strong factor": strong_factor,
    "skewed, a rare level": skewed,
    "categories alone": levels_alone,
}


def mixed_groups(rng, n: int, k: int, *, numbers=0.0, share=0.0, noise=0) -> tuple:
    """Groups that numbers tell (so many deviations from each other), or categories (each with this
    share at a level of its own group), or both; and a category of so many levels of noise."""
    places = scattered(rng, k, 3, numbers) if numbers else np.zeros((k, 3))
    X, truth = groups(rng, n, places)
    categories = [own_levels(rng, truth, size, share) for size in (k, k + 1, k + 2)]
    if noise:
        categories.append(own_levels(rng, truth, noise, 0.0))
    return frame(X, categories), truth


MIXED_GROUPS: dict[str, dict] = {
    "numbers tell, 6 sd": {"numbers": 6.0},
    "categories tell, 0.9": {"share": 0.9},
    "both tell, 4 sd and 0.7": {"numbers": 4.0, "share": 0.7},
    "both tell, 6 sd and 0.9": {"numbers": 6.0, "share": 0.9},
    "both, and 8 levels of noise": {"numbers": 6.0, "share": 0.9, "noise": 8},
}


def mixed_tables(args) -> list[tuple]:
    """As `tables`, of numbers and categories: four tables a design for ``--tables 4``."""
    out = []
    for name, draw in MIXED_HILLS.items():
        for seed in range(args.tables):
            rng = np.random.default_rng([seed, 4])
            out.append(("no structure", name, draw(rng, args.rows), None, 2 + seed % 4))
    for name, how in MIXED_GROUPS.items():
        for seed in range(args.tables):
            rng = np.random.default_rng([seed, 5])
            k = 2 + seed % 4
            out.append(("groups", name, *mixed_groups(rng, args.rows, k, **how), k))
    return out


def coded(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """What k-means sees of it, and the category of each coordinate."""
    names = [c for c in table if c.startswith("category")]
    numbers = table.drop(columns=names)
    encoder = CategoryEncoder().set_output(transform="pandas").fit(table[names])
    coordinates = encoder.transform(table[names])
    of = zip(names, encoder.codings_)
    variables = {axis: name for name, coding in of for axis in coding.coordinates(name)}
    numbers = (numbers - numbers.mean()) / numbers.std(ddof=0)
    return pd.concat([numbers, coordinates], axis=1), variables


def tables(args) -> list[tuple]:
    """Design, kind, the table, the truth (or None), and the k to look at."""
    out = []
    for kind, designs in (("no structure", HILLS), ("bent", BENT)):
        for name, draw in designs.items():
            for seed in range(args.tables):
                rng = np.random.default_rng([seed, 1])
                out.append((kind, name, draw(rng, args.rows), None, 2 + seed % 3))
    for name, draw in GAPS.items():
        for gap in args.gaps:
            for seed in range(args.tables):
                rng = np.random.default_rng([seed, 2])
                k = 2 if name == "one column of two" else 2 + seed % 4
                X, truth = draw(rng, args.rows, gap, k)
                out.append(("groups", f"{name}, {gap:g} sd", X, truth, k))
    return [(kind, name, (X - X.mean(0)) / X.std(0) if args.scaled else X, truth, k)
            for kind, name, X, truth, k in out]  # fmt: skip


def verdicts(X, truth: NDArray | None, k: int, args, variables=None) -> pd.DataFrame:
    """The verdict on each segment, and whether it is a true one."""
    quiet = {"random_state": 0, "progress": False, "n_jobs": 1}
    model = KMeansSearch(k, n_starts=10, n_jobs=1, random_state=0).fit(X)
    slsw = segment_stability(
        X, labels=model.labels_, n_boot=args.draws, n_starts=5, n_swaps=0, **quiet
    )
    table = stability_summary(
        X,
        centres=model.cluster_centers_,
        slsw=slsw,
        chance=null_separation(X, n_clusters=k, variables=variables, **quiet),
    )
    table["true"] = False
    if truth is not None:
        table["true"] = jaccard(pd.crosstab(model.labels_, truth)).max(axis=1) >= FOUND
    return table


def chosen(X, args, variables=None) -> dict[str, int]:
    """The k that the rule takes, and that of the largest silhouette."""
    quiet = {"random_state": 0, "progress": False, "n_jobs": 1}
    scores = score_k(X, ks=KS, n_starts=10, n_reference=0, variables=variables, **quiet)
    pairs = global_stability(X, ks=KS, n_boot=args.draws, n_starts=5, n_swaps=0, **quiet)
    return {
        "choose_k": choose_k(scores, stability_by_k(pairs)).k,
        "silhouette": int(scores.set_index("k")["silhouette"].idxmax()),
    }


def other_samples(gap: float, pairs: int, args) -> dict[str, float]:
    """Three groups in four columns: the range by the bootstrap, and samples that were not drawn."""
    places = gap * np.eye(4)[[3, 0, 1]]
    quiet = {"random_state": 0, "progress": False, "n_jobs": 1}
    inside, widths = [], []
    for seed in range(4 * args.tables):
        rng = np.random.default_rng([seed, 3])
        X, _ = groups(rng, args.rows, places)
        model = KMeansSearch(3, n_starts=10, n_jobs=1, random_state=0).fit(X)
        slsw = segment_stability(
            X, labels=model.labels_, n_boot=pairs, n_starts=5, n_swaps=0, **quiet
        )
        said = stability_summary(X, centres=model.cluster_centers_, slsw=slsw)
        widths.append((said["slsw_high"] - said["slsw_low"]).mean())
        for _ in range(10):
            other = KMeansSearch(3, n_starts=5, n_swaps=0, n_jobs=1, random_state=0)
            theirs = other.fit(groups(rng, args.rows, places)[0]).predict(X)
            found = jaccard(pd.crosstab(model.labels_, theirs)).max(axis=1)
            inside.append((said["slsw_low"].le(found) & said["slsw_high"].ge(found)).mean())
    return {"gap_sd": gap, "pairs": pairs, "covered": np.mean(inside), "width": np.mean(widths)}


def shown_segments(table: pd.DataFrame) -> str:
    groups = table.groupby(["kind", "design"], sort=False)
    natural = table["reading"] == "natural"
    out = pd.DataFrame(
        {
            "segments": groups.size(),
            "natural": natural.groupby([table["kind"], table["design"]]).mean(),
            "reproducible": groups["reading"].agg(lambda r: (r == "reproducible").mean()),
            "true": groups["true"].mean(),
        }
    )
    keys = [table["kind"], table["design"]]
    out["natural_true"] = natural[table["true"]].groupby([k[table["true"]] for k in keys]).mean()
    sets = natural.groupby([*keys, table["seed"]]).any().groupby(level=[0, 1])
    out["sets"] = sets.agg(lambda any_: f"{any_.sum()} of {len(any_)}")
    return out.round(2).to_string(na_rep="")


def mixed(args) -> pd.DataFrame:
    """One row per design of `mixed_tables`."""
    rows = []
    for seed, (kind, name, table, truth, k) in enumerate(mixed_tables(args)):
        X, variables = coded(table)
        part = verdicts(X, truth, k, args, variables)
        torn = verdicts(X, truth, k, args)["reading"] == "natural"
        right = chosen(X, args, variables)["choose_k"] == (1 if truth is None else k)
        part = part.assign(kind=kind, design=name, seed=seed, torn=torn, right=right)
        rows.append(part.assign(natural=part["reading"] == "natural"))
    table = pd.concat(rows)
    out = []
    for (kind, name), part in table.groupby(["kind", "design"], sort=False):
        of = part[part["true"]] if kind == "groups" else part
        sets = part.groupby("seed")[["natural", "torn", "right"]].any()
        out.append({
            "kind": kind, "design": name, "tables": len(sets), "segments": len(part),
            "true": part["true"].mean(), "natural": of["natural"].mean(),
            "torn": of["torn"].mean(), "sets": int(sets["natural"].sum()),
            "sets_torn": int(sets["torn"].sum()), "k_right": int(sets["right"].sum()),
        })  # fmt: skip
    return pd.DataFrame(out)


def as_markdown(table: pd.DataFrame, args) -> str:
    heads = {
        "kind": "kind", "design": "design", "true": "segments that are true groups",
        "natural": "natural", "torn": "natural, torn", "sets": "tables with a natural one",
        "sets_torn": "the same, torn", "k_right": "k right",
    }  # fmt: skip
    lines = [f"| {' | '.join(heads.values())} |", "|---" * len(heads) + "|"]
    for row in table.to_dict("records"):
        shares = {c: f"{row[c]:.2f}" for c in ("true", "natural", "torn")}
        counts = {c: f"{row[c]} of {row['tables']}" for c in ("sets", "sets_torn", "k_right")}
        lines.append(f"| {' | '.join((row | shares | counts)[c] for c in heads)} |")
    return (
        "# Verdicts on tables of numbers and categories\n\n"
        f"Written by `python benchmarks/verdicts.py --only mixed --tables {args.tables} --write` "
        f"({args.rows} customers, {args.draws} pairs of draws). *natural*: share of the segments "
        "called natural; where there are groups, of those that are true groups. *torn*: with null "
        "data that know no categories. *k right*: tables where `choose_k` takes the number of "
        "groups, 1 where there are none.\n\n" + "\n".join(lines) + "\n\n"
        "A group that only categories tell is not natural: one hill of normal numbers with levels "
        "can have the same shares and the same associations of each two columns.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=2, help="of each design")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--draws", type=int, default=20, help="pairs of bootstrap draws")
    parser.add_argument("--gaps", type=lambda text: [float(g) for g in text.split(",")],
                        default=[4.0, 6.0, 10.0], help="deviations between groups")  # fmt: skip
    parser.add_argument("--scaled", action="store_true", help="columns to deviation 1, as a run")
    parser.add_argument("--only", choices=["segments", "k", "intervals", "mixed"],
                        help="one part; mixed is no part of the whole")  # fmt: skip
    parser.add_argument("--write", action="store_true", help="mixed: write verdicts.md")
    args = parser.parse_args()
    if args.write and args.only != "mixed":
        parser.error("verdicts.md holds the tables of --only mixed")
    if args.only == "mixed":
        table = mixed(args)
        print(table.round(2).to_string(index=False))
        if args.write:
            text = as_markdown(table, args)
            Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
        return
    start, cases = time.perf_counter(), tables(args)
    print(f"{len(cases)} tables of {args.rows} rows, {args.draws} pairs of draws")
    if args.only in (None, "segments"):
        parts = []
        for seed, (kind, name, X, truth, k) in enumerate(cases):
            part = verdicts(X, truth, k, args)
            parts.append(part.assign(kind=kind, design=name, seed=seed))
        table = pd.concat(parts)
        print(f"\nSegments\n{shown_segments(table)}\n")
        natural = table["reading"] == "natural"
        for kind, part in table.groupby("kind", sort=False):
            sets = natural[table["kind"] == kind].groupby(part["seed"]).any()
            print(f"{kind}: natural segments in {sets.sum()} of {len(sets)} tables")
        print(f"true groups called natural: {natural[table['true']].mean():.2f}")
    if args.only in (None, "intervals"):
        rows = [other_samples(g, n, args) for g in (0.0, 2.5, 4.0) for n in (5, 20, 60)]
        print("\nRange of a segment's Jaccard index, and other samples (nominal 0.95)")
        print(pd.DataFrame(rows).round(3).to_string(index=False))
    if args.only in (None, "k"):
        rows = []
        for kind, name, X, truth, _ in cases:
            if kind != "bent":
                k = 1 if truth is None else len(np.unique(truth))
                rows.append({"kind": kind, "design": name, "k": k, **chosen(X, args)})
        found = pd.DataFrame(rows)
        print("\nNumber of segments: tables where it is right (1 where there is no structure)")
        for rule in ("choose_k", "silhouette"):
            found[rule] = found[rule] == found["k"]
        by = found.groupby(["kind", "design"], sort=False)[["choose_k", "silhouette"]]
        print(by.agg(lambda right: f"{right.sum()} of {len(right)}").to_string())
        for kind, part in found.groupby("kind", sort=False):
            print(f"{kind}: right in {part['choose_k'].mean():.2f} of {len(part)}, "
                  f"by silhouette {part['silhouette'].mean():.2f}")  # fmt: skip
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
