"""A ready customer table (CSV) to labels (CSV): ``kequn run`` beside PyCaret's clustering.

PyCaret starts at a ready table, so the events are left out here. It fills, scales and fits k-means
and writes labels; ``kequn run`` also checks, names, draws for stability and writes its report.
"""

import os
import runpy
import sys
import tempfile

import timing

K = 8


def prepare(folder, customers):
    from kequn_lab.run.inputs import from_synthetic_bank

    found = from_synthetic_bank(customers, random_state=0)
    found.features.to_csv(folder / "customers.csv", index_label="customer_id")


def ours(folder, customers):
    with tempfile.TemporaryDirectory(dir=folder) as out:
        sys.argv = ["kequn", "run", str(folder / "customers.csv"), "--id", "customer_id", "--k",
                    str(K), "--out", f"{out}/r", "--quiet"]  # fmt: skip
        try:
            runpy.run_module("kequn_lab", run_name="__main__")
        except SystemExit as done:
            if done.code:
                raise


def pycaret(folder, customers):
    os.chdir(folder)  # PyCaret writes a log where it is imported

    import pandas as pd
    from pycaret.clustering import assign_model, create_model, setup

    table = pd.read_csv(folder / "customers.csv", index_col="customer_id")
    setup(table, normalize=True, session_id=0, verbose=False, html=False)
    model = create_model("kmeans", num_clusters=K, verbose=False)
    assign_model(model, verbose=False)[["Cluster"]].to_csv(folder / "pycaret.csv")


if __name__ == "__main__":
    timing.parts(prepare=prepare, ours=ours, pycaret=pycaret)
