"""Stability of k = 2 to 12 by pairs of bootstrap samples; peers on fewer rows and pairs.

Peers: three starts a search as ours, one thread. Their time at the full size is extrapolated by the
power of n that two smaller sizes give.
"""

import math

import numpy as np
import timing

KS = range(2, 13)
STARTS = 3
#: Rows at which the peers are measured, at most, and pairs of them.
LOOP = {"sizes": (10_000, 40_000), "pairs": 1}
R = {"sizes": (1_000, 4_000), "pairs": 1}


def groups(n_rows, seed=0):
    """Rows around eight centres in 24 columns, single precision."""
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 1, (8, 24)).astype(np.float32)[rng.integers(0, 8, n_rows)]
    for start in range(0, n_rows, 100_000):
        X[start : start + 100_000] += rng.standard_normal(
            X[start : start + 100_000].shape, dtype=np.float32
        )
    return X


def prepare(folder, rows, pairs):
    for n in R["sizes"]:
        header = ",".join(f"v{j}" for j in range(24))
        np.savetxt(folder / f"{n}.csv", groups(n), delimiter=",", header=header, comments="")


def ours(folder, rows, pairs):
    from kequn_lab.validation.stability import global_stability

    X = groups(rows)
    with timing.measured():
        global_stability(X, ks=KS, n_boot=pairs, n_starts=STARTS, random_state=0, progress=False)


def extrapolated(seconds, sizes, rows, times):
    """What the growth from the first to the second size gives at `rows`."""
    power = math.log(seconds[1] / seconds[0]) / math.log(sizes[1] / sizes[0])
    found = seconds[1] * (rows / sizes[1]) ** power * times
    said = f"extrapolated from {sizes[0]:,} and {sizes[1]:,} rows, as n^{power:.2f}"
    timing.report(cpu_s=found, clock_s=found, extrapolated=said)


def loop(folder, rows, pairs):
    """The sweep as one would write it with scikit-learn."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    seconds = []
    sizes = [min(size, rows // part) for size, part in zip(LOOP["sizes"], (8, 2), strict=True)]
    for n in sizes:
        X, rng = groups(n), np.random.RandomState(0)
        start = timing.cpu_seconds()
        with threadpool_limits(1):
            for _ in range(LOOP["pairs"]):
                for k in KS:
                    labels = []
                    for _ in range(2):
                        weight = np.bincount(rng.randint(0, n, n), minlength=n)
                        model = KMeans(k, n_init=STARTS, random_state=rng)
                        labels.append(model.fit(X, sample_weight=weight).predict(X))
                    adjusted_rand_score(*labels)
        seconds.append(timing.cpu_seconds() - start)
    extrapolated(seconds, sizes, rows, pairs / LOOP["pairs"])


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, loop=loop)
