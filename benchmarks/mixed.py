"""Numbers and categories together: ways to cluster them, where the groups are known.

    python benchmarks/mixed.py [--seeds 5] [--customers 600] [--german FILE --marketing FILE]
    python benchmarks/mixed.py --tune             # compares codings, on other seeds and designs
    python benchmarks/mixed.py --german FILE --marketing FILE --write

Every method gets the same rows and the true number of groups. The peers (k-prototypes of `kmodes`,
PAM on Gower's distance of `kmedoids`, latent classes of `StepMix`) are installed into a temporary
folder by this command; they are no dependencies of the package.

Twelve designs, a full grid that was written down before it was run, 3 × 2 × 2: four numbers and
four categories (2, 3, 4 and 6 levels, some of them rare), and

- the groups differ in the numbers, in the categories, or in both (a column in which they do not
  differ is noise);
- within a group columns are independent, as latent classes suppose, or depend on each other, as
  age, balance, education and occupation do;
- the four groups are of equal size, or hold 40, 30, 20 and 10 %.

Beside them twelve designs of independent columns, with groups that lie well apart or overlap, and
with and without columns of noise. How categories weigh in :class:`CategoryEncoder` was chosen by
``--tune``, on the kinds of the second twelve, on a family with rare levels, and on seeds of its
own; the grid was not looked at.

Two public tables of the UCI repository are read where their files are given: German credit
(``german.data``; also with a first line of names) and bank marketing (``bank-full.csv``). Their
known labels (good or bad, yes or no) are outcomes, not groups of customers: an adjusted Rand index
near 0 is to be expected.

What it says (``benchmarks/mixed.md``): the kit is one of the best, within 0.02, on 1 of 12 designs
of the grid and on 2 of the 12 of independent columns; its mean is 0.43 and 0.65. Latent classes
have the highest mean (0.51 and 0.72), at more than ten times the kit's CPU time; where columns
depend on each other and one kind carries the groups, they are behind other ways. Of the ways that
go by distances the kit has the highest mean (one-hot 0.39 and 0.53, k-prototypes 0.32 and 0.46, PAM
0.27 and 0.54); where one kind of column is noise it loses to those that hardly look at that kind:
k-prototypes and one-hot where numbers carry the groups, PAM where categories do. No weight is right
for both; `weights` can say it, k-means cannot find it out. The kit takes 0.06 to 0.08 of the time
of k-prototypes.

``--write`` puts the tables into ``benchmarks/mixed.md``: medians of the seeds with their quartiles.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
import warnings
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from kequn_lab.features import CategoryEncoder
from kequn_lab.segments.kmeans import KMeansSearch

PEERS = ("kmodes==0.12.2", "kmedoids==0.5.5", "stepmix==3.0.0")
LEVELS = (2, 3, 4, 6)
#: Within so much of the best a method counts as one of the best.
CLOSE = 0.02

# Designs -----------------------------------------------------------------------------------------

#: The grid: deviations between group means, how much groups differ in the log of a level's odds,
#: and what one hidden factor (how wealthy) adds to every column of a customer within a group.
GAP, TILT, FACTOR = 1.3, 2.0, 0.6
SIGNALS, WITHIN = ("numbers", "categories", "both"), ("independent", "dependent")
SIZES = {"equal": [0.25] * 4, "unequal": [0.4, 0.3, 0.2, 0.1]}
#: Numbers and categories that carry the groups, and those that are noise.
KINDS = {
    "numbers": (4, 0, 0, 0),
    "categories": (0, 4, 0, 0),
    "both": (3, 3, 0, 0),
    "numbers, categories noise": (4, 0, 0, 3),
    "categories, numbers noise": (0, 4, 3, 0),
    "both, some of each noise": (3, 3, 1, 1),
}
#: How far group means lie from each other (sd), and how strongly a group prefers its level.
APART = {"clear": (1.6, 0.75), "overlap": (1.0, 0.55)}


def of_grid(signal, within, sizes, n, seed):
    """Numbers, categories and true groups of one table of the grid."""
    rng = np.random.default_rng([seed, SIGNALS.index(signal), WITHIN.index(within), len(sizes)])
    k = len(SIZES[sizes])
    group = rng.choice(k, n, p=SIZES[sizes])
    factor = rng.normal(0, 1, n) * FACTOR * (within == "dependent")
    own = np.sqrt(1 - FACTOR**2 * (within == "dependent"))
    means = rng.normal(0, GAP, (k, 4)) * (signal != "categories")
    x = means[group] + factor[:, None] + own * rng.normal(0, 1, (n, 4))
    columns = []
    for n_levels in LEVELS:
        odds = -np.log(np.arange(1, n_levels + 1))  # shares as 1, 1/2, 1/3, …
        tilt = rng.normal(0, TILT, (k, n_levels)) * (signal != "numbers")
        slope = rng.permutation(np.linspace(-2, 2, n_levels))
        utility = odds + tilt[group] + factor[:, None] * slope + rng.gumbel(0, 1, (n, n_levels))
        columns.append(utility.argmax(axis=1))
    return x, np.array(columns).T, group


def of_kind(kind, apart, n, seed):
    """Numbers, categories and true groups of one table of independent columns."""
    rng = np.random.default_rng(seed)
    numbers, words, noise_numbers, noise_words = KINDS[kind]
    distance, preference = APART[apart]
    group = rng.choice(4, n, p=SIZES["unequal"])
    x = rng.normal(0, distance, (4, numbers))[group] + rng.normal(0, 1, (n, numbers))
    x = np.hstack([x, rng.normal(0, 1, (n, noise_numbers))])
    columns = []
    for j in range(words + noise_words):
        n_levels = LEVELS[j % len(LEVELS)]
        level = rng.choice(n_levels, n, p=rng.dirichlet(np.full(n_levels, 8.0)))
        if j < words:
            own = rng.permutation(np.arange(4) % n_levels)[group]
            level = np.where(rng.random(n) < preference, own, level)
        columns.append(level)
    return x, np.array(columns, dtype=int).reshape(len(columns), n).T, group


def with_rare_levels(kind, apart, n, seed):
    """As :func:`of_kind`, with five groups and up to nine levels, some rare; for ``--tune``."""
    rng = np.random.default_rng(1000 + seed)
    numbers, words, noise_numbers, noise_words = KINDS[kind]
    distance, _ = APART[apart]
    group = rng.choice(5, n, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    x = rng.normal(0, distance, (5, numbers))[group] + rng.normal(0, 1, (n, numbers))
    x = np.hstack([x, rng.normal(0, 1, (n, noise_numbers))])
    columns = []
    for j in range(words + noise_words):
        n_levels = (2, 3, 5, 9)[j % 4]
        share = 1 / np.arange(1, n_levels + 1) ** 1.2
        tilt = rng.normal(0, 1.5 * distance, (5, n_levels)) * (j < words)
        utility = np.log(share) + tilt[group] + rng.gumbel(0, 1, (n, n_levels))
        columns.append(utility.argmax(axis=1))
    return x, np.array(columns, dtype=int).reshape(len(columns), n).T, group


GRID = {
    f"{signal}, {within}, {sizes}": (of_grid, signal, within, sizes)
    for signal in SIGNALS for within in WITHIN for sizes in SIZES
}  # fmt: skip
INDEPENDENT = {f"{kind}, {apart}": (of_kind, kind, apart) for apart in APART for kind in KINDS}
#: Designs whose columns are of one kind.
ONE_KIND = [f"{kind}, {apart}" for kind in ("numbers", "categories") for apart in APART]
TUNING = INDEPENDENT | {
    f"{kind}, {apart}, rare levels": (with_rare_levels, kind, apart)
    for apart in APART for kind in KINDS if kind != "numbers"
}  # fmt: skip

# Methods -----------------------------------------------------------------------------------------


def scaled(x):
    return StandardScaler().fit_transform(x) if x.shape[1] else x


def searched(parts, k, seed):
    z = np.hstack([part for part in parts if part.shape[1]])
    return KMeansSearch(k, n_jobs=1, random_state=seed).fit(z).labels_


def this_kit(x, c, k, seed, total="levels"):
    parts, encoder = [scaled(x)], CategoryEncoder(total=total)
    for column in c.T:
        if (np.bincount(column) >= encoder.rare_customers).sum() > 1:  # else it is refused
            parts.append(encoder.fit_transform(column.astype(str)[:, None].astype(object)))
    return searched(parts, k, seed)


def total_one(x, c, k, seed):
    """The kit with the other choice of :class:`CategoryEncoder`: a column varies as one number."""
    return this_kit(x, c, k, seed, "one")


def coded(root_of_share: bool, power: float, factor: float):
    """k-means on indicators of total variance factor · (L − 1)^power, divided by the root of
    their share or not."""

    def method(x, c, k, seed):
        parts = [scaled(x)]
        for column in c.T:
            own = (column[:, None] == np.unique(column)).astype(float)
            own = own[:, own.sum(axis=0) >= 20]
            z = own - own.mean(axis=0)
            z = z / np.sqrt(own.mean(axis=0)) if root_of_share else z
            total = factor * (own.shape[1] - 1) ** power
            if own.shape[1] > 1:
                parts.append(z * np.sqrt(total / z.var(axis=0).sum()))
        return searched(parts, k, seed)

    return method


def one_hot(x, c, k, seed):
    """Indicators of 0 and 1 beside standardised numbers, as most tutorials do."""
    dummies = [(c[:, [j]] == np.unique(c[:, j])).astype(float) for j in range(c.shape[1])]
    return searched([scaled(x), *dummies], k, seed)


def k_prototypes(x, c, k, seed):
    how = {"n_clusters": k, "n_init": 5, "random_state": seed}
    if not x.shape[1]:
        return import_module("kmodes.kmodes").KModes(**how).fit_predict(c)
    if not c.shape[1]:
        return searched([scaled(x)], k, seed)
    both = np.hstack([scaled(x).astype(object), c.astype(str).astype(object)])
    where = list(range(x.shape[1], both.shape[1]))
    return (
        import_module("kmodes.kprototypes").KPrototypes(**how).fit_predict(both, categorical=where)
    )


def pam_gower(x, c, k, seed):
    n = len(c)
    distance = np.zeros((n, n), dtype=np.float32)
    for column in (x / np.ptp(x, axis=0)).T.astype(np.float32):
        distance += np.abs(column[:, None] - column)
    for column in c.T:
        distance += column[:, None] != column
    distance /= x.shape[1] + c.shape[1]
    return import_module("kmedoids").fasterpam(distance, k, random_state=seed, n_cpu=1).labels


def latent_class(x, c, k, seed):
    frame, parts = {}, {}
    for name, values, model in (("x", scaled(x), "gaussian_diag"), ("c", c, "categorical")):
        if values.shape[1]:
            own = [f"{name}{j}" for j in range(values.shape[1])]
            frame |= dict(zip(own, values.T))
            parts[name] = {"model": model, "n_columns": len(own)}
    model = import_module("stepmix.stepmix").StepMix(
        k, measurement=parts, n_init=5, random_state=seed, verbose=0, progress_bar=0
    )
    return model.fit(pd.DataFrame(frame)).predict(pd.DataFrame(frame))


METHODS = {
    "this kit": this_kit, "k-prototypes": k_prototypes, "PAM, Gower": pam_gower,
    "one-hot": one_hot, "latent class": latent_class, "total one": total_one,
}  # fmt: skip
CODINGS = {
    f"{'÷√share' if root else 'plain'}, {factor:g}·(L−1)^{power:g}": coded(root, power, factor)
    for root in (True, False)
    for factor, power in (
        (1, 0),
        (1, 0.5),
        (1, 1),
        (0.64, 0),
        (0.64, 0.5),
        (0.64, 0.75),
        (0.64, 1),
        (0.5, 1),
    )
}

# Measuring ---------------------------------------------------------------------------------------


def measure(designs, methods, n, seeds) -> pd.DataFrame:
    """One row a fit: design, method, adjusted Rand index, CPU seconds."""
    rows = []
    for design, (draw, *how) in tqdm(designs.items(), desc="designs", mininterval=30):
        for seed in seeds:
            x, c, group = draw(*how, n, seed)
            k = len(np.unique(group))
            for name, method in methods.items():
                start = time.process_time()
                labels = method(x, c, k, seed)
                seconds = time.process_time() - start
                rows.append((design, name, adjusted_rand_score(group, labels), seconds))
    return pd.DataFrame(rows, columns=["design", "method", "rand", "seconds"])


def table_of(found: pd.DataFrame, designs, methods) -> tuple[pd.DataFrame, int]:
    """Medians and quartiles as text, and on how many designs the kit is one of the best."""
    q1, middle, q3 = (
        found.pivot_table("rand", "design", "method", aggfunc=how).loc[list(designs), methods]
        for how in (lambda x: x.quantile(0.25), "median", lambda x: x.quantile(0.75))
    )
    shown = pd.DataFrame({
        m: [f"{b:.2f} ({a:.2f}–{c:.2f})" for a, b, c in zip(q1[m], middle[m], q3[m])]
        for m in methods
    }, index=middle.index)  # fmt: skip
    gap = middle.drop(columns="total one").max(axis=1) - middle["this kit"]
    best = gap <= CLOSE
    shown["behind the best"] = [f"{g:.2f}{' ✓' * b}" for g, b in zip(gap, best)]
    return shown, int(best.sum())


def time_ratio(found: pd.DataFrame, designs) -> float:
    """The kit's part of k-prototypes' time: median over designs that have both kinds of column."""
    seconds = found.pivot_table("seconds", "design", "method", aggfunc="median")
    both = [d for d in designs if d not in ONE_KIND]
    return float((seconds.loc[both, "this kit"] / seconds.loc[both, "k-prototypes"]).median())


def peak(draw, how, method, n) -> float:
    """MiB that one fit adds to a fresh process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (sys.path, draw, how, method, n))


def _peak(path, draw, how, method, n):
    sys.path[:] = path
    x, c, group = draw(*how, n, 0)
    METHODS[method](x[:60], c[:60], 2, 0)  # imports count for nobody
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        METHODS[method](x, c, len(np.unique(group)), 0)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


# Public tables -----------------------------------------------------------------------------------

#: Of German credit: the columns that are numbers (1-based: 2, 5, 8, 11, 13, 16, 18).
GERMAN_NUMBERS = (1, 4, 7, 10, 12, 15, 17)
#: PAM needs every pair of customers: no more than so many of a public table.
MOST = 5_000


def german(file):
    """German credit: 1,000 customers, 7 numbers, 13 categories, good or bad."""
    lines = Path(file).read_text("utf-8").split("\n")
    rows = [line.replace(",", " ").split() for line in lines if line[:1] == "A"]
    table = pd.DataFrame(rows)
    numbers = table[list(GERMAN_NUMBERS)].astype(float)
    numbers[4] = np.log(numbers[4])
    words = table.drop(columns=[*GERMAN_NUMBERS, 20])
    return numbers.to_numpy(), codes(words), table[20].to_numpy()


def marketing(file):
    """Bank marketing: 7 numbers, 9 categories, a deposit or not; 5,000 customers at random."""
    table = pd.read_csv(file, sep=None, engine="python").sample(MOST, random_state=0)
    numbers = table.select_dtypes("number").astype(float)
    for name in ("balance", "duration", "campaign", "previous"):
        numbers[name] = np.sign(numbers[name]) * np.log1p(numbers[name].abs())
    return numbers.to_numpy(), codes(table.drop(columns=[*numbers, "y"])), table["y"].to_numpy()


def codes(words):
    return np.array([pd.factorize(words[c], sort=True)[0] for c in words]).T


def of_public(name, x, c, outcome, seeds, k=4) -> pd.DataFrame:
    """Agreement with the outcome, of halves of the customers, CPU seconds."""
    rows = []
    for method, fit in METHODS.items():
        rand, again, seconds = [], [], []
        for seed in seeds:
            start = time.process_time()
            labels = fit(x, c, 2, seed)
            seconds.append(time.process_time() - start)
            rand.append(adjusted_rand_score(outcome, labels))
            rng = np.random.default_rng(seed)
            a, b = (np.sort(rng.permutation(len(x))[: int(0.8 * len(x))]) for _ in range(2))
            both = np.intersect1d(a, b)
            of_a, of_b = (pd.Series(fit(x[i], c[i], k, seed), i) for i in (a, b))
            again.append(adjusted_rand_score(of_a[both], of_b[both]))
        rows.append({
            "table": name, "method": method, "ARI with the outcome": f"{np.median(rand):.3f}",
            f"ARI of two draws of 80 %, {k} clusters": f"{np.median(again):.2f} "
            f"({np.quantile(again, 0.25):.2f}–{np.quantile(again, 0.75):.2f})",
            "CPU s": f"{np.median(seconds):.2f}",
        })  # fmt: skip
    return pd.DataFrame(rows)


# The page ----------------------------------------------------------------------------------------


def markdown(table: pd.DataFrame) -> str:
    head = [str(table.index.name or ""), *map(str, table)]
    lines = [head, ["---"] * len(head), *([str(i), *map(str, r)] for i, r in
                                          zip(table.index, table.to_numpy()))]  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report(args) -> str:
    seeds, names = range(args.seeds), list(METHODS)
    out = ["# Numbers and categories together", "",
           f"Written by `python benchmarks/mixed.py --seeds {args.seeds} --customers "
           f"{args.customers} --german FILE --marketing FILE --write`. Adjusted Rand index with "
           "the true groups: median of the seeds (quartiles). ✓: best, or within 0.02 of the "
           "best but for *total one*: the kit with `CategoryEncoder(total='one')`."]  # fmt: skip
    for title, designs in (("The grid", GRID), ("Independent columns", INDEPENDENT)):
        found = measure(designs, METHODS, args.customers, seeds)
        shown, n = table_of(found, designs, names)
        seconds = found.groupby("method")["seconds"].median()[names].round(3)
        out += ["", f"## {title}", "", markdown(shown.rename_axis("design")), "",
                f"One of the best: {n} of {len(designs)}. CPU seconds of a fit (median): "
                + ", ".join(f"{m} {s}" for m, s in seconds.items())
                + f". Of k-prototypes' time the kit takes {time_ratio(found, designs):.2f} "
                "(median of the designs with both kinds of column)."]  # fmt: skip
    draw, *how = GRID["both, dependent, unequal"]
    used = {m: peak(draw, how, m, 5_000) for m in names}
    out += ["", "## Memory", "", "MiB that a fit of 5,000 customers adds to a process: "
            + ", ".join(f"{m} {v:.0f}" for m, v in used.items()) + "."]  # fmt: skip
    out += ["", "## Public tables", ""]
    for name, file, read in (("German credit", args.german, german),
                             ("bank marketing", args.marketing, marketing)):  # fmt: skip
        if not file:
            out += [f"{name}: left out, no file given (`--{read.__name__}`).", ""]
            continue
        table = of_public(name, *read(file), seeds)
        out += [markdown(table.set_index("table")), ""]
    return "\n".join(out).rstrip() + "\n"


def tune(args) -> str:
    """Codings of categories, on seeds and designs that nothing else uses."""
    seeds = range(100, 100 + args.seeds)
    designs = {d: how for d, how in TUNING.items() if how[1] != "numbers"}
    found = measure(designs, CODINGS, args.customers, seeds)
    family = found["design"].str.endswith("rare levels").map({True: "rare levels", False: "even"})
    middle = found.groupby([family.rename("family"), "design", "method"])["rand"].median()
    return middle.reset_index().pivot_table("rand", "method", "family").round(3).to_string()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=600)
    parser.add_argument("--german", help="german.data of the UCI repository")
    parser.add_argument("--marketing", help="bank-full.csv of the UCI repository")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    with TemporaryDirectory() as folder, warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        if args.tune:
            print(tune(args))
            return
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*install, "--target", folder, *PEERS], check=True)
        sys.path.append(folder)
        text = report(args)
    print(text)
    if args.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
