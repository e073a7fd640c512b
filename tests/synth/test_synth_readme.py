"""The data sheet says what the code's tables say, and the sample is what the command makes."""

import filecmp
import importlib.util
from pathlib import Path

import pytest

from kequn_lab import catalogue
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
from kequn_lab.synth import make_bank, write_bank
from kequn_lab.synth.datasheet import OUTCOMES, TRUTH, column_table

DATA = Path(__file__).resolve().parents[2] / "data"
SPEC = importlib.util.spec_from_file_location("make_readme", DATA / "make_readme.py")
REMAKE = "run: python data/make_readme.py > data/README.md"


@pytest.fixture(scope="module")
def text() -> str:
    return (DATA / "README.md").read_text(encoding="utf-8")


def test_every_column_is_in_the_data_sheet(text):
    for contract in (CUSTOMERS, EVENTS, HOLDINGS, TRUTH, OUTCOMES):
        assert "\n".join(column_table(contract)) in text, REMAKE
    for name, contract in catalogue.contracts().items():
        assert f"### {name}" in text
        assert "\n".join(column_table(contract)) in text, REMAKE


def test_the_data_sheet_is_made_by_its_command(text):
    """All but the measured table, which needs a larger bank."""
    script = importlib.util.module_from_spec(SPEC)
    SPEC.loader.exec_module(script)
    made = script.readme(make_bank(400, random_state=0))
    assert made.split("## Calibration")[0] == text.split("## Calibration")[0]
    assert made.split("What was changed")[1] == text.split("What was changed")[1]
    assert "no evidence about a real bank" in text


def test_the_sample_is_what_the_command_makes(tmp_path):
    """Equal bytes on the machine it was made on; elsewhere equal customers."""
    write_bank(tmp_path, n_customers=2000, random_state=0, format="mixed", progress=False)
    sample = DATA / "sample"
    assert {p.name for p in sample.iterdir()} == {p.name for p in tmp_path.iterdir()}
    assert filecmp.cmp(tmp_path / "customers.csv", sample / "customers.csv", shallow=False)
    assert filecmp.cmp(tmp_path / "datasheet.md", sample / "datasheet.md", shallow=False)
    assert sum(p.stat().st_size for p in sample.iterdir()) < 4e6
