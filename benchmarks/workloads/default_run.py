"""``kequn run``: a synthetic bank, its features, segments, tables, pictures and report."""

import runpy
import sys
import tempfile

import timing


def ours(folder, customers):
    with tempfile.TemporaryDirectory(dir=folder) as out:
        sys.argv = ["kequn", "run", "--synthetic", str(customers), "--out", f"{out}/r", "--quiet"]
        try:
            runpy.run_module("kequn_lab", run_name="__main__")
        except SystemExit as done:
            if done.code:
                raise


if __name__ == "__main__":
    timing.parts(ours=ours)
