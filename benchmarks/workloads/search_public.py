"""Lowest inertia on 15 public data sets that scikit-learn and statsmodels bring along.

    python benchmarks/workloads/search_public.py best .    # lowers best_known.json (an hour)

Numbers are standardised, constant columns left out; inertia is summed in double precision from the
centres. Equal CPU time: as many starts as fit in what ours used in the same round. Each round has
seeds of its own; `sets` counts the data sets, small ones first.
"""

import json
import os
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import timing

K = 8
SKLEARN = ("iris", "wine", "breast_cancer", "diabetes", "digits")
STATSMODELS = (
    "anes96", "star98", "modechoice", "macrodata", "statecrime", "elnino", "grunfeld", "ccard",
    "fair", "randhie",
)  # fmt: skip
LARGE = ("digits", "fair", "randhie")  # more than 1,000 rows
SETS = (*(name for name in SKLEARN + STATSMODELS if name not in LARGE), *LARGE)
#: Lowest inertia that any run has found: an upper bound of the optimum.
BEST = Path(__file__).resolve().parents[1] / "best_known.json"
NEAR = 1 + 1e-6
FEWER = 2  # seeds of a peer in each round, at most


def prepare(folder, seeds=1, sets=None):
    from importlib import import_module

    from sklearn import datasets

    for name in SETS[:sets]:
        if name in SKLEARN:
            X = getattr(datasets, f"load_{name}")().data
        else:
            module = import_module(f"statsmodels.datasets.{name}")
            X = module.load_pandas().data.select_dtypes("number").to_numpy(float)
        X = X[:, X.std(axis=0) > 0]
        np.save(folder / f"{name}.npy", (X - X.mean(axis=0)) / X.std(axis=0))


def _inertia(X, centres):
    """Sum of squared distances to the nearest centre, from differences in double precision."""
    centres = np.asarray(centres, float)
    product = (centres**2).sum(axis=1) - 2 * X @ centres.T
    return float(((X - centres[product.argmin(axis=1)]) ** 2).sum())


_FIT = None  # what the processes that are started for a set call: fit, X, name


def _fitted(seed):
    fit, X, name = _FIT
    return _inertia(X, fit(X, name, seed))


def _each(folder, seeds, turn, sets, fit):
    """For each set: mean inertia of the seeds of this round, and its CPU seconds; the seeds are
    shared among processes, one a core."""
    global _FIT
    inertia, seconds, found, fork = [], [], {}, get_context("fork")
    start, clock = timing.cpu_seconds(), time.perf_counter()
    for name in SETS[:sets]:
        _FIT, before = (fit, np.load(folder / f"{name}.npy"), name), timing.cpu_seconds()
        with fork.Pool(os.cpu_count()) as pool:
            found[name] = pool.map(_fitted, range(turn * seeds, turn * seeds + seeds), 1)
            pool.close()
            pool.join()
        seconds.append(timing.cpu_seconds() - before)
        inertia.append(float(np.mean(found[name])))
    best = json.loads(BEST.read_text()) if BEST.exists() else {}
    shares = [np.mean([v <= best.get(n, 0) * NEAR for v in values]) for n, values in found.items()]
    timing.report(
        cpu_s=timing.cpu_seconds() - start, clock_s=time.perf_counter() - clock, inertia=inertia,
        at_best=[float(s) for s in shares],
        lower={n: min(v) for n, v in found.items() if n in best and min(v) * NEAR < best[n]},
    )  # fmt: skip
    return seconds


def ours(folder, seeds, turn, sets):
    from kequn_lab.segments.kmeans import KMeansSearch

    def fit(X, name, seed):
        return KMeansSearch(K, n_jobs=1, random_state=seed).fit(X).cluster_centers_

    seconds = _each(folder, seeds, turn, sets, fit)
    (folder / f"seconds-{turn}.json").write_text(json.dumps(dict(zip(SETS, seconds))))


def _seconds(folder, turn):
    """CPU seconds of ours by set; of the round before where this round's are not there yet."""
    for number in (turn, turn - 1):
        if (file := folder / f"seconds-{number}.json").exists():
            return json.loads(file.read_text())
    raise FileNotFoundError("the kit's own seconds are needed first")


def _scikit(folder, seeds, turn, sets, starts):
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    def fit(X, name, seed):
        n_init = starts(X, name)
        return KMeans(K, n_init=n_init, random_state=seed).fit(X).cluster_centers_

    with threadpool_limits(1):
        _each(folder, min(seeds, FEWER), turn, sets, fit)


def ten(folder, seeds, turn, sets):
    _scikit(folder, seeds, turn, sets, lambda X, name: 10)


def hundred(folder, seeds, turn, sets):
    _scikit(folder, seeds, turn, sets, lambda X, name: 100)


def _fitting(one, seconds):
    """How many starts fit in the seconds, by the time of twenty (after a first)."""
    one(1)
    before = time.process_time()
    one(20)
    return max(1, round(20 * seconds / (time.process_time() - before)))


def equal(folder, seeds, turn, sets):
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    seconds, counts = _seconds(folder, turn), {}
    with threadpool_limits(1):
        for name in SETS[:sets]:
            X = np.load(folder / f"{name}.npy")
            counts[name] = _fitting(
                lambda n, X=X: KMeans(K, n_init=n, random_state=0).fit(X), seconds[name] / seeds
            )
    _scikit(folder, seeds, turn, sets, lambda X, name: counts[name])


def faiss(folder, seeds, turn, sets):
    import faiss

    faiss.omp_set_num_threads(1)

    def run(X, starts, seed):
        model = faiss.Kmeans(X.shape[1], K, nredo=starts, niter=100, seed=seed + 1,
                             min_points_per_centroid=1, max_points_per_centroid=10**9)  # fmt: skip
        model.train(X.astype(np.float32))
        return model.centroids

    seconds, counts = _seconds(folder, turn), {}
    for name in SETS[:sets]:
        X = np.load(folder / f"{name}.npy")
        counts[name] = _fitting(lambda n, X=X: run(X, n, 0), seconds[name] / seeds)
    _each(folder, min(seeds, FEWER), turn, sets, lambda X, name, seed: run(X, counts[name], seed))


def best(folder):
    """Many searches and many plain starts of each set; the lowest of all is kept."""
    import tempfile

    from sklearn.cluster import KMeans

    from kequn_lab.segments.kmeans import KMeansSearch

    known = json.loads(BEST.read_text()) if BEST.exists() else {}
    with tempfile.TemporaryDirectory() as data:
        prepare(Path(data))
        for name in SETS:
            X = np.load(f"{data}/{name}.npy")
            models = [KMeansSearch(K, random_state=10_000 + s).fit(X) for s in range(50)]
            models += [KMeans(K, n_init=200, random_state=s).fit(X) for s in range(10)]
            values = [_inertia(X, m.cluster_centers_) for m in models]
            known[name] = min([*values, known.get(name, np.inf)])
            BEST.write_text(json.dumps(known, indent=1) + "\n")
            print(f"{name} {X.shape}: {known[name]:.6f}; searches at it "
                  f"{np.mean(np.array(values[:50]) <= known[name] * NEAR):.0%}")  # fmt: skip


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, equal=equal, ten=ten, hundred=hundred, faiss=faiss,
                 best=best)  # fmt: skip
