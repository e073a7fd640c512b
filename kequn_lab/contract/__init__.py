"""What a valid table is, and how a bank's file becomes one."""

from kequn_lab.contract.mapping import Mapping, TableMapping, read_mapping
from kequn_lab.contract.reading import Refused, detect_encoding, detect_separator, read_table
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    Column,
    Contract,
    ContractError,
    check,
    check_references,
    convert,
    require,
    require_references,
)

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "Column",
    "Contract",
    "ContractError",
    "Mapping",
    "Refused",
    "TableMapping",
    "check",
    "check_references",
    "convert",
    "detect_encoding",
    "detect_separator",
    "read_mapping",
    "read_table",
    "require",
    "require_references",
]
