"""A synthetic bank whose true segments are known: its numbers are data, its claims checked."""

from kequn_lab.synth.bank import Bank, make_bank, next_month
from kequn_lab.synth.calibration import calibration_table
from kequn_lab.synth.files import write_bank
from kequn_lab.synth.population import parameter_table, read_population

__all__ = [
    "Bank",
    "calibration_table",
    "make_bank",
    "next_month",
    "parameter_table",
    "read_population",
    "write_bank",
]
