"""A synthetic bank whose true segments are known: its numbers are data, its claims checked."""

from kequn_lab.synth.bank import Bank, make_bank, next_month
from kequn_lab.synth.calibration import calibration_table
from kequn_lab.synth.fidelity import gaussian_copula, segment_fidelity, shuffled_columns
from kequn_lab.synth.files import write_bank
from kequn_lab.synth.population import Population, parameter_table, read_population

__all__ = [
    "Bank",
    "Population",
    "calibration_table",
    "gaussian_copula",
    "make_bank",
    "next_month",
    "parameter_table",
    "read_population",
    "segment_fidelity",
    "shuffled_columns",
    "write_bank",
]
