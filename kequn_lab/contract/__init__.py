"""What a valid table is, and how a bank's file becomes one."""

from kequn_lab.contract.mapping import read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS, ContractError, check

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "ContractError",
    "check",
    "read_mapping",
    "read_table",
]
