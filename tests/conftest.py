"""Fixtures that more than one test file uses."""

import os
from pathlib import Path

# Tests run side by side: one thread each, here and in the kernels of notebooks.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib as mpl
import pytest

mpl.use("Agg")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data and reference numbers beside the checkout; not part of it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared beside the checkout: real data and reference numbers are absent")
    return folder
