"""Fixtures that more than one test file uses."""

import os
from pathlib import Path

# Tests run side by side: one thread each, here and in the kernels of notebooks.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Sessions of Spark are short here: Java compiles once and quickly, in half the CPU time.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

import matplotlib as mpl
import pandas as pd
import pytest
from sklearn.datasets import load_iris

mpl.use("Agg")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and reference numbers beside the checkout; not part of it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside the checkout: real data and reference numbers are absent")
    return folder


@pytest.fixture(scope="session")
def reference(request):
    """A folder of R's figures by the name of the data; those on iris are part of the checkout."""

    def folder(name: str) -> Path:
        own = ROOT / "tests" / "reference" / name
        return own if own.is_dir() else request.getfixturevalue("shared") / "reference" / name

    return folder


@pytest.fixture(scope="session")
def reference_data(reference):
    """The data that R's figures are of, by name: iris as R names its columns, else 0 and 1."""

    def data(name: str) -> pd.DataFrame:
        if name != "iris":
            return pd.read_csv(reference(name) / "X_binary.csv")
        columns = ["Sepal.Length", "Sepal.Width", "Petal.Length", "Petal.Width"]
        return pd.DataFrame(load_iris().data, columns=columns)

    return data


@pytest.fixture(scope="module")
def few_pictures():
    """Runs draw one picture of those for each place: most of what a small run takes is pictures,
    and tests that use this look at none. Whole runs are in tests/ways/test_end_to_end.py."""
    from kequn_lab.run import results

    draw = results.draw_pictures

    def one(result, some, **how):
        return draw(result, dict(list(some.items())[:1]), **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "draw_pictures", one)
        yield
