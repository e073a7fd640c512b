"""A synthetic bank whose true segments are known."""

from kequn_lab.synth.bank import Bank, make_bank
from kequn_lab.synth.population import Population, read_population

__all__ = ["Bank", "Population", "make_bank", "read_population"]
