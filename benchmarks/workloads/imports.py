"""``kequn --help``, which imports kequn_lab, beside the import of pandas: whole processes."""

import importlib
import runpy
import sys

import timing


def ours(folder):
    sys.argv = ["kequn", "--help"]
    try:
        runpy.run_module("kequn_lab", run_name="__main__")
    except SystemExit as done:
        if done.code:
            raise


def pandas(folder):
    importlib.import_module("pandas")


if __name__ == "__main__":
    timing.parts(ours=ours, pandas=pandas)
