"""How fast is the stability sweep, and how good is its summary? One command, four parts:

    python benchmarks/stability.py headline       a million rows x 24, k = 2..12, 100 pairs
    python benchmarks/stability.py exact          10,000 x 8 row by row, beside plain loops
    python benchmarks/stability.py peers          how scikit-learn and R grow (R where installed)
    python benchmarks/stability.py approximation  the summary against the exact mode, three shapes

Without a word: all of them. Wall and CPU seconds, medians of --runs and their range, since cores
may be shared. A line that is not measured says "extrapolated".
"""

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from search import bank, timed
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from kequn_lab.validation.stability import global_stability, stability_by_k

R_LOOP = """
library(flexclust); args <- commandArgs(TRUE)
x <- as.matrix(read.csv(args[1])); set.seed(1); pairs <- as.integer(args[2])
time <- system.time(bootFlexclust(
  x, k = 2:8, nrep = 10, nboot = pairs, FUN = cclust, multicore = FALSE))
cat(sum(time[c(1, 2)]))
"""


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def repeated(label, run, runs):
    """Median and range of wall and CPU seconds."""
    done = [timed(run) for _ in range(runs)]
    wall, cpu = np.array([d[1] for d in done]), np.array([d[2] for d in done])
    print(
        f"{label}: wall {np.median(wall):.1f} s [{wall.min():.1f}, {wall.max():.1f}], "
        f"CPU {np.median(cpu):.1f} s [{cpu.min():.1f}, {cpu.max():.1f}], runs {runs}",
        flush=True,
    )
    return done[-1][0], float(np.median(cpu))


def headline(runs):
    X = bank(1_000_000, 24, "equal")
    before = peak_mb()
    sweep = {"ks": range(2, 13), "n_boot": 100, "n_starts": 3, "random_state": 0}
    label = "1,000,000 x 24 float32, k = 2..12, 100 pairs, 3 starts a search (3,300 searches)"
    pairs, _ = repeated(label, lambda: global_stability(X, progress=False, **sweep), runs)
    print(f"peak memory {peak_mb():.0f} MB, of which {before:.0f} MB before the sweep (data made)")
    print(
        f"share of the sum of squares lost inside micro-clusters: {pairs.attrs['lost_share']:.2f}"
    )
    columns = [
        "k",
        "ari_median",
        "ari_data_median",
        "ari_search_median",
        "summary_error",
        "reading",
    ]
    print(stability_by_k(pairs)[columns].round(3).to_string(index=False))


def plain_loop(X, ks, n_pairs, n_init, weighted=True):
    """The sweep as one would write it: scikit-learn, one thread a fit, no split of sources."""
    n, found = len(X), []
    with threadpool_limits(1):
        for b in range(n_pairs):
            rng = np.random.RandomState(b)
            for k in ks:
                labels = []
                for _ in range(2):
                    rows = rng.randint(0, n, n)
                    model = KMeans(k, n_init=n_init, random_state=b)
                    if weighted:
                        model.fit(X, sample_weight=np.bincount(rows, minlength=n))
                    else:
                        model.fit(X[rows])
                    labels.append(model.predict(X))
                found.append(adjusted_rand_score(*labels))
    return found


def exact(runs):
    X = bank(10_000, 8, "equal").astype(float)
    sweep = {"ks": range(2, 9), "n_boot": 100, "n_starts": 10, "method": "exact"}
    run = lambda: global_stability(X, random_state=0, progress=False, **sweep)  # noqa: E731
    repeated("ours, exact, 10,000 x 8, k = 2..8, 100 pairs, 10 starts", run, runs)
    for weighted in (True, False):
        name = "weights" if weighted else "rows"
        _, wall, cpu = timed(lambda w=weighted: plain_loop(X, range(2, 9), 5, 10, w))
        print(
            f"plain scikit-learn loop with {name}, 5 pairs: wall {wall:.1f} s, CPU {cpu:.1f} s; "
            f"100 pairs extrapolated: CPU {20 * cpu:.0f} s",
            flush=True,
        )


def peers(runs):
    ours = {"ks": range(2, 13), "n_boot": 100, "n_starts": 3, "random_state": 0, "progress": False}
    sizes, seconds = np.array([5_000, 10_000, 20_000, 40_000]), []
    for n in sizes:
        X = bank(n, 24, "equal")
        repeated(f"ours, {n:,} x 24", lambda X=X: global_stability(X, **ours), 1)
        _, _, plain = timed(lambda X=X: plain_loop(X, range(2, 13), 1, 3))
        seconds.append(100 * plain)
        print(f"  scikit-learn loop with weights: CPU {seconds[-1]:.0f} s (1 pair of 100 measured)")
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)
    at_million = np.exp(np.polyval(slope, np.log(1_000_000)))
    print(
        f"scikit-learn loop grows as n^{slope[0]:.2f}; extrapolated to 1,000,000 x 24: "
        f"CPU {at_million:,.0f} s"
    )
    if not shutil.which("Rscript"):
        print("R: Rscript is not installed, skipped")
        return
    measured = {}
    for n in (1_000, 2_000, 4_000):
        with tempfile.TemporaryDirectory() as folder:
            file, script = Path(folder) / "x.csv", Path(folder) / "loop.R"
            pd.DataFrame(bank(n, 8, "equal")).to_csv(file, index=False)
            script.write_text(R_LOOP)
            done = subprocess.run(["Rscript", script, file, "5"], capture_output=True, text=True)
        if done.returncode:
            print(f"R: {done.stderr.strip().splitlines()[-1]}, skipped")
            return
        measured[n] = 20 * float(done.stdout.split()[-1])
        print(
            f"R bootFlexclust (cclust), {n:,} x 8, k = 2..8: "
            f"CPU {measured[n]:.0f} s (5 pairs of 100 measured)"
        )
    slope = np.polyfit(np.log(list(measured)), np.log(list(measured.values())), 1)
    for n in (10_000, 1_000_000):
        seconds = np.exp(np.polyval(slope, np.log(n)))
        print(f"  extrapolated to {n:,} x 8 as n^{slope[0]:.2f}: CPU {seconds:,.0f} s")


def approximation(runs, n_rows=100_000):
    """Medians by k of the summary beside the exact mode, twice each: the noise is the yardstick."""
    rows = []
    for shape in ("equal", "unequal", "heavy"):
        X = bank(n_rows, 24, shape)
        sweep = {"ks": [3, 5, 8, 11], "n_boot": 25, "n_starts": 5, "progress": False}
        for method in ("exact", "summary"):
            for seed in (0, 1):
                start = time.process_time()
                pairs = global_stability(X, method=method, random_state=seed, **sweep)
                by_k = stability_by_k(pairs)
                by_k = by_k.assign(shape=shape, method=method, seed=seed)
                rows.append(by_k)
                print(
                    f"{shape} {method} {seed}: CPU {time.process_time() - start:.0f} s", flush=True
                )
    table = pd.concat(rows)
    for column in ("ari_median", "ari_data_median", "ari_search_median"):
        wide = table.pivot_table(index=["shape", "k"], columns=["method", "seed"], values=column)
        wide["noise", ""] = (wide["exact", 0] - wide["exact", 1]).abs()
        wide["error", ""] = (wide["exact"].mean(axis=1) - wide["summary"].mean(axis=1)).abs()
        print(f"\n{column}: exact twice, summary twice")
        print(wide.round(3).to_string())
        noise, error = wide["noise", ""].mean(), wide["error", ""].mean()
        print(f"mean noise {noise:.3f}, mean error {error:.3f}")
    says = table[table["seed"] == 0].pivot_table(
        index=["shape", "k"], columns="method", values="reading", aggfunc="first"
    )
    print(f"\nsame reading in {(says['exact'] == says['summary']).sum()} of {len(says)}")
    print(says.to_string())


def main():
    parts = {f.__name__: f for f in (headline, exact, peers, approximation)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100_000, help="of the approximation")
    options = parser.parse_args()
    pd.set_option("display.width", 200)
    for name in options.parts or parts:
        print(f"\n== {name}")
        extra = {"n_rows": options.rows} if name == "approximation" else {}
        parts[name](options.runs, **extra)


if __name__ == "__main__":
    main()
