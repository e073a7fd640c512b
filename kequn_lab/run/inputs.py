"""What a run starts from: the bank's own tables, a ready customer table, or the synthetic bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from kequn_lab._files import sha256
from kequn_lab._notes import Note
from kequn_lab._words import as_option
from kequn_lab.contract.mapping import Mapping, read_mapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.sources import Refused
from kequn_lab.contract.tables import (
    CUSTOMERS,
    EVENTS,
    HOLDINGS,
    Column,
    Contract,
    ContractError,
    check_references,
    convert,
)
from kequn_lab.features.customers import customer_features
from kequn_lab.features.definitions import FEATURES
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.features.window import window_notes

__all__ = ["Inputs", "from_feature_table", "from_synthetic_bank", "from_tables"]


@dataclass(frozen=True)
class Inputs:
    """A customer table and where it comes from.

    Attributes
    ----------
    features : DataFrame
        One row per customer; ``attrs["left_out"]`` names the features that could not be made.
    synthetic : bool or None
        None when nobody knows: the file came from outside.
    files : tuple of dict
        Per input file: ``table``, ``file``, ``sha256``, ``rows``, ``refused``.
    refused : dict of str to list of Refused
        Rows set aside, by table.
    currency : str
        What the columns ending in ``_cny`` hold.
    log_columns : tuple of str
        Columns whose logarithm the model takes.
    as_of, months : the window, where there is one
    window : dict
        Events and customers inside and outside of it, as
        :func:`~kequn_lab.features.window.count_window` counts them.
    timezone : str, optional
        To which instants with a zone were converted.
    notes : tuple of Note
        What a reader must know of the input.
    truth : DataFrame or None
        The true segments, of a synthetic bank only.
    facts : dict
        More for the record, such as the seed of the synthetic bank.
    """

    features: pd.DataFrame
    synthetic: bool | None = None
    files: tuple[dict, ...] = ()
    refused: dict[str, list[Refused]] = field(default_factory=dict)
    currency: str = "CNY"
    log_columns: tuple[str, ...] = ()
    as_of: str | None = None
    months: int | None = None
    window: dict = field(default_factory=dict)
    timezone: str | None = None
    notes: tuple[Note, ...] = ()
    truth: pd.DataFrame | None = None
    facts: dict = field(default_factory=dict)


def from_tables(
    events: str | Path,
    *,
    as_of,
    customers: str | Path | None = None,
    holdings: str | Path | None = None,
    mapping: Mapping | str | Path | None = None,
    months: int = 12,
    skip_bad_rows: bool = False,
    drop: Sequence[str] = (),
) -> Inputs:
    """Read a bank's own tables and make one row per customer of them.

    Parameters
    ----------
    events, customers, holdings : path
        CSV of any encoding, or Parquet; columns as the contracts, or as ``mapping`` says.
    as_of : date-like
        Last day to look at.
    mapping : Mapping or path of a TOML file, optional
        See :mod:`kequn_lab.contract.mapping`.
    months : int
        Length of the window that ends at ``as_of``.
    skip_bad_rows : bool
        Set broken rows aside, in ``refused``, instead of stopping at them.
    drop : sequence of str
        Features to leave out of the model.

    Raises
    ------
    ContractError, ValueError, OSError
        As :func:`~kequn_lab.contract.reading.read_table`; events or holdings of customers that the
        customer table lacks.
    """
    words = mapping if isinstance(mapping, Mapping | None) else read_mapping(mapping)
    words = words or Mapping()
    tables, files, refused = {}, [], {}
    given = {"customers": customers, "events": events, "holdings": holdings}
    for contract in (CUSTOMERS, EVENTS, HOLDINGS):
        name, path = contract.name, given[contract.name]
        if path is None:
            continue
        aside: list[Refused] = []
        table = read_table(
            path,
            contract,
            mapping=getattr(words, name) if mapping is not None else None,
            on_refused=aside.append if skip_bad_rows else None,
        )
        if name != "customers" and "customers" in tables:
            table = _of_known_customers(table, tables["customers"], path, aside, skip_bad_rows)
        tables[name], refused[name] = table, aside
        files.append(_file(name, path, len(table), len(aside)))
    features = customer_features(
        tables["events"],
        holdings=tables.get("holdings"),
        customers=tables.get("customers"),
        as_of=as_of,
        months=months,
    )
    lacking = [name for name in drop if name not in features]
    if lacking:
        raise ValueError(
            f"no feature {', '.join(lacking)} to drop; there are {', '.join(features)}"
        )
    features = features.drop(columns=list(drop))
    return Inputs(
        model_columns(features),
        synthetic=_marked_synthetic(given.values()),
        files=tuple(files),
        refused=refused,
        currency=words.currency,
        log_columns=_log_columns(features),
        as_of=f"{pd.Timestamp(as_of):%Y-%m-%d}",
        months=months,
        window=features.attrs["window"],
        notes=tuple(window_notes(features.attrs["window"])),
    )


def from_feature_table(
    path: str | Path,
    *,
    id_column: str = "customer_id",
    drop: Sequence[str] = (),
    log_columns: Sequence[str] = (),
) -> Inputs:
    """Read a ready customer table: one row per customer, one number per column.

    Parameters
    ----------
    path : path
        CSV of any encoding, or Parquet.
    id_column : str
        The column that names the customer.
    drop : sequence of str
        Columns to leave out.
    log_columns : sequence of str
        Columns (money, counts) whose logarithm the model should take. Features that bear the
        kit's own names are known already.

    Raises
    ------
    ValueError
        A column that is named is not there.
    ContractError
        A customer twice or without an id; a cell that is not a number.
    """
    path = Path(path)
    table = read_table(path)
    named = [id_column, *drop, *log_columns]
    lacking = [c for c in named if c not in table]
    if lacking:
        raise ValueError(
            f"{path.name} has no column {', '.join(lacking)}; its columns, as --drop takes them: "
            f"{as_option(map(str, table))}. Name the customer's column with --id"
        )
    # The rules of the customer table hold for any name of its key.
    ids = table[[id_column]].rename(columns={id_column: "customer_id"})
    typed, violations = convert(ids, CUSTOMERS)
    violations = violations.assign(column=violations["column"].replace("customer_id", id_column))
    numbers = table.drop(columns=[id_column, *drop])
    text = [c for c in numbers if pd.to_numeric(numbers[c], errors="coerce").isna().mean() > 0.5]
    text = [c for c in text if numbers[c].replace("", None).notna().mean() > 0.5]
    if text:
        shown = ", ".join(f"{c} ({numbers[c].iloc[0]})" for c in text)
        raise ValueError(
            f"{path.name}: columns of text cannot be clustered: {shown}; leave them out "
            f"(--drop {as_option(text)}) or encode them as numbers"
        )
    columns = tuple(Column(c, "number", nullable=True) for c in numbers)
    features, not_numbers = convert(numbers, Contract("features", columns))
    violations = pd.concat([violations, not_numbers], ignore_index=True)
    if len(violations):
        violations.attrs["row_name"] = table.index.name
        raise ContractError(
            violations,
            table=path.name,
            todo="correct these cells, or leave whole columns out (--drop)",
        )
    features = features.set_axis(pd.Index(typed["customer_id"], name="customer_id"))
    return Inputs(
        features,
        synthetic=_marked_synthetic([path]),
        files=(_file("features", path, len(features), 0),),
        log_columns=(*log_columns, *_log_columns(features)),
    )


def from_synthetic_bank(
    n_customers: int = 5000,
    *,
    random_state: int = 0,
    preset: str = "standard",
    as_of: str = "2024-12-31",
    months: int = 12,
) -> Inputs:
    """Draw a synthetic bank (see :mod:`kequn_lab.synth`) and make its customer table."""
    from kequn_lab.synth import make_bank

    bank = make_bank(
        n_customers, random_state=random_state, preset=preset, as_of=as_of, months=months
    )
    features = customer_features(
        bank.events,
        holdings=bank.holdings,
        customers=bank.customers,
        as_of=as_of,
        months=months,
    )
    return Inputs(
        model_columns(features),
        synthetic=True,
        log_columns=_log_columns(features),
        as_of=as_of,
        months=months,
        window=features.attrs["window"],
        notes=tuple(window_notes(features.attrs["window"])),
        truth=bank.truth,
        facts={"n_customers": n_customers, "preset": preset, "bank_seed": random_state},
    )


def _of_known_customers(table, customers, path, aside, skip_bad_rows) -> pd.DataFrame:
    lost = check_references(table, customers)
    if not len(lost):
        return table
    if not skip_bad_rows:
        raise ContractError(
            lost,
            table=Path(path).name,
            todo="add these customers to the customer table, or set their rows aside "
            "(--skip-bad-rows)",
        )
    strange = ~table["customer_id"].isin(customers["customer_id"])
    for line, row in table[strange].iterrows():
        text = ",".join(map(str, row))
        aside.append(Refused(int(line), "customer_id: not in the customer table", text))
    return table[~strange]


def _file(table: str, path, rows: int, refused: int) -> dict:
    path = Path(path)
    return {
        "table": table,
        "file": path.name,
        "sha256": sha256(path),
        "rows": rows,
        "refused": refused,
    }


def _log_columns(features: pd.DataFrame) -> tuple[str, ...]:
    return tuple(f.name for f in FEATURES if f.log and f.name in features)


def _marked_synthetic(paths) -> bool | None:
    """True when a Parquet file says so in its metadata; a plain CSV cannot say."""
    import pyarrow.parquet

    for path in filter(None, paths):
        if Path(path).suffix.lower() in (".parquet", ".pq"):
            metadata = pyarrow.parquet.read_schema(path).metadata or {}
            if metadata.get(b"synthetic") == b"true":
                return True
    return None
