"""What a valid table is, and how a bank's file becomes one."""

from kequn_lab.contract.mapping import Mapping, read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.sources import Refused
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    Contract,
    ContractError,
    check,
    convert,
)

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "Contract",
    "ContractError",
    "Mapping",
    "Refused",
    "check",
    "convert",
    "read_mapping",
    "read_table",
]
