"""What a valid table is, and how a bank's file becomes one."""

from kequn_lab.contract.cells import Format, Options, Survey, survey
from kequn_lab.contract.mapping import Mapping, TableMapping, read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.sources import Refused, Source, open_source
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    Column,
    Contract,
    ContractError,
    check,
    convert,
    require,
)
from kequn_lab.contract.wide import doubtful_columns, infer_contract

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "HOLDINGS",
    "Column",
    "Contract",
    "ContractError",
    "Format",
    "Mapping",
    "Options",
    "Refused",
    "Source",
    "Survey",
    "TableMapping",
    "check",
    "convert",
    "doubtful_columns",
    "infer_contract",
    "open_source",
    "read_mapping",
    "read_table",
    "require",
    "survey",
]
