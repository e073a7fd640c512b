"""Profile of eight segments and comparison of two groups, with intervals of 1,000 draws.

The loop draws customers again and measures again; it is measured on a few draws of a few variables
and extrapolated, since it is a sum over both. statsmodels has intervals from asymptotic theory and
draws nothing: it does less, and is shown for orientation.
"""

import time

import numpy as np
import pandas as pd
import timing

LOOP = {"draws": 1, "variables": 4}


def table(rows, variables):
    """Normal, heavy-tailed, 0/1 and count columns; segments and two groups of them."""
    rng = np.random.default_rng(0)
    codes = rng.choice(8, rows, p=np.arange(1, 9) / 36)
    columns = {}
    for j in range(variables):
        shift = 0.5 * np.cos(codes * (j + 1))
        columns[f"v{j}"] = (
            rng.normal(shift),
            np.exp(rng.normal(shift, 1.2)),
            (rng.random(rows) < 0.4 + 0.2 * shift).astype(float),
            rng.poisson(2 + shift).astype(float),
        )[j % 4]
    index = pd.RangeIndex(rows, name="customer_id")
    labels = pd.Series(np.array([f"segment_{s}" for s in range(8)])[codes], index)
    group = pd.Series(np.where(codes % 2 == 0, "A", "B"), index)
    return pd.DataFrame(columns, index), labels, group


def ours(folder, rows, variables, draws):
    from kequn_lab.compare import compare_groups
    from kequn_lab.profiles import profile_table

    features, labels, group = table(rows, variables)
    with timing.measured():
        profile_table(features, labels, n_boot=draws)
        compare_groups(features, group, n_boot=draws)


def _effects(x, groups):
    """Effect of each segment against the rest, and mean."""
    n = np.array([len(x[g]) for g in groups])
    mean = np.array([x[g].mean() for g in groups])
    square = np.array([(x[g] ** 2).mean() for g in groups])
    rest_n = n.sum() - n
    rest = ((n * mean).sum() - n * mean) / rest_n
    rest_square = ((n * square).sum() - n * square) / rest_n
    pooled = np.sqrt((square - mean**2 + rest_square - rest**2) / 2)
    return (mean - rest) / pooled


def _delta(a, b):
    from scipy import stats

    u = stats.mannwhitneyu(a, b, method="asymptotic").statistic
    return 2 * u / (len(a) * len(b)) - 1


def _clock():
    return time.process_time(), time.perf_counter()


def loop(folder, rows, variables, draws):
    """Statistics once as they are; each draw redraws customers within segments and groups."""
    features, labels, group = table(rows, variables)
    rng = np.random.default_rng(1)
    segments = [np.flatnonzero(labels == s) for s in sorted(labels.unique())]
    sides = [np.flatnonzero(group == g) for g in ("A", "B")]
    start = _clock()
    features.groupby(labels).agg(["count", "mean", "std", "median"])
    features.groupby(labels).quantile([0.25, 0.75])
    features.groupby(group).agg(["count", "mean", "std", "median"])
    once, names = _clock(), list(features)[: LOOP["variables"]]
    for name in names:
        x = features[name].to_numpy()
        for _ in range(LOOP["draws"]):
            _effects(x, [s[rng.integers(0, len(s), len(s))] for s in segments])
            a, b = (x[s[rng.integers(0, len(s), len(s))]] for s in sides)
            (a.mean() - b.mean()) / np.sqrt((a.var() + b.var()) / 2)
            _delta(a, b)
    end = _clock()
    times = draws * variables / (LOOP["draws"] * len(names))
    cpu, clock = ((o - s) + times * (e - o) for s, o, e in zip(start, once, end))
    said = f"{LOOP['draws']} of {draws:,} draws and {len(names)} of {variables} variables measured"
    timing.report(cpu_s=cpu, clock_s=clock, extrapolated=said)


def statsmodels(folder, rows, variables, draws):
    """Means with intervals by segment and group; Cliff's delta by ranks."""
    from statsmodels.stats.nonparametric import rank_compare_2indep
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    features, labels, group = table(rows, variables)
    with timing.measured():
        features.groupby(labels).agg(["count", "mean", "std", "median"])
        features.groupby(labels).quantile([0.25, 0.75])
        segments = [np.flatnonzero(labels == s) for s in sorted(labels.unique())]
        in_a = (group == "A").to_numpy()
        for name in features:
            x = features[name].to_numpy()
            for rows_of in segments:
                rest = np.ones(len(x), bool)
                rest[rows_of] = False
                CompareMeans(DescrStatsW(x[rows_of]), DescrStatsW(x[rest])).tconfint_diff()
            a, b = x[in_a], x[~in_a]
            CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff()
            rank_compare_2indep(a, b).conf_int()


if __name__ == "__main__":
    timing.parts(ours=ours, loop=loop, statsmodels=statsmodels)
