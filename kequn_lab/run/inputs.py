"""What a run starts from: the bank's own tables, a ready customer table, or the synthetic bank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet

from kequn_lab._notes import Note
from kequn_lab.contract._unused import unused_tables
from kequn_lab.contract.mapping import Mapping
from kequn_lab.contract.skipping import Skipped
from kequn_lab.features.customers import customer_features
from kequn_lab.features.definitions import FEATURES
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.features.window import window_notes
from kequn_lab.run.categories import Categories, called, category_notes, declaring
from kequn_lab.run.entrance import (
    Entered,
    is_parquet,
    raw_tables,
    ready_table,
    usable_columns,
    words_of,
)

__all__ = [
    "Inputs", "from_bank", "from_customer_table", "from_spark", "from_synthetic_bank",
    "from_tables",
]  # fmt: skip


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
    refused : dict of str to DataFrame
        Rows set aside, by table: line, reason and the row as in the file.
    currency : str
        What the columns ending in ``_cny`` hold.
    log_columns : tuple of str
        Columns whose logarithm the model takes.
    categories : dict of str to tuple of str
        Columns of text, and the order of their levels; empty for a nominal one.
    missing_levels : tuple of str
        Those of them in which a missing value is a level of its own.
    called : DataFrame or None
        What own columns and levels are called, as :func:`~kequn_lab.run.categories.called`.
    as_of, months : the window, where there is one
    window : dict
        Events and customers inside and outside of it, as
        :func:`~kequn_lab.features.window.count_window` counts them.
    timezone : str, optional
        To which instants with a zone were converted.
    notes : tuple of Note
        What a reader must know of the input.
    ids : Series or None
        Ids that were no text, as they were given, by their text.
    truth : DataFrame or None
        The true segments, of a synthetic bank only.
    facts : dict
        More for the record, such as the seed of the synthetic bank.
    on_cluster : pyspark DataFrame or None
        All customers, of whom ``features`` is a sample, where Spark is to fit k-means to them.
    """

    features: pd.DataFrame
    synthetic: bool | None = None
    files: tuple[dict, ...] = ()
    refused: dict[str, pd.DataFrame] = field(default_factory=dict)
    currency: str = "CNY"
    log_columns: tuple[str, ...] = ()
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing_levels: tuple[str, ...] = ()
    called: pd.DataFrame | None = None
    as_of: str | None = None
    months: int | None = None
    window: dict = field(default_factory=dict)
    timezone: str | None = None
    notes: tuple[Note, ...] = ()
    ids: pd.Series | None = None
    truth: pd.DataFrame | None = None
    facts: dict = field(default_factory=dict)
    on_cluster: Any = None


def from_tables(
    events,
    *,
    as_of=None,
    customers=None,
    holdings=None,
    mapping: Mapping | str | Path | None = None,
    months: int = 12,
    skip_bad_rows: bool = False,
    drop: Sequence[str] = (),
) -> Inputs:
    """Read a bank's own tables and make one row per customer of them.

    Parameters
    ----------
    events, customers, holdings : path or table
        Whatever :func:`~kequn_lab.contract.sources.open_source` opens; columns as the
        contracts, or as ``mapping`` says.
    as_of : date-like, optional
        Last day to look at. Default: the last day of the events, which is noted.
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
        As :func:`~kequn_lab.run.entrance.raw_tables`; no event in the window.
    """
    words = words_of(mapping)
    given = {"customers": customers, "events": events, "holdings": holdings}
    with raw_tables(given, words, skip=skip_bad_rows) as entered:
        if as_of is None:
            as_of = _last_day(entered)
        features = customer_features(**entered.tables, as_of=as_of, months=months)
    if lacking := [name for name in drop if name not in features]:
        raise ValueError(
            f"no feature {', '.join(lacking)} to drop; there are {', '.join(features)}"
        )
    return _inputs(
        usable_columns(features.drop(columns=list(drop)), entered, "features"),
        entered,
        synthetic=_marked_synthetic(given.values()),
        currency=words.currency,
        timezone=words.events.timezone,
        as_of=f"{pd.Timestamp(as_of):%Y-%m-%d}",
        months=months,
    )


def from_customer_table(
    table,
    *,
    id_column: str | None = None,
    mapping: Mapping | str | Path | None = None,
    query: str | None = None,
    drop: Sequence[str] = (),
    log_columns: Sequence[str] = (),
    categories: Categories = (),
    skip_bad_rows: bool = False,
) -> Inputs:
    """Read a ready customer table: one row per customer, one number or yes/no per column.

    Columns of words that are not declared as categories, dates, constant columns and those
    missing for most customers are left out by name.

    Parameters
    ----------
    table : path or table
        Whatever :func:`~kequn_lab.contract.sources.open_source` opens.
    id_column : str, optional
        The column that names the customer; see :func:`~kequn_lab.run.entrance.ready_table`.
    mapping : Mapping or path, optional
        Its ``[features]``.
    query : str, optional
        The SELECT, where ``table`` is the address of a database.
    drop : sequence of str
        Columns to leave out.
    log_columns : sequence of str
        Columns (money, counts) whose logarithm the model should take. Features that have the
        kit's own names are known already.
    categories : sequence of str, or mapping of str to sequence of str
        Columns of categories; with their levels from lowest to highest, where they have an
        order. They come beside those of ``mapping``.
    skip_bad_rows : bool
        Set broken rows aside, in ``refused``, instead of stopping at them.

    Raises
    ------
    ValueError
        A column that is named is not there; a category that cannot be one, as
        :class:`~kequn_lab.features.CategoryEncoder`.
    ContractError
        A customer twice or without an id; a cell that is not a number.
    """
    words = declaring(words_of(mapping), categories)
    ask: dict[str, Any] = {"id_column": id_column, "mapping": words, "query": query, "drop": drop}
    opened = ready_table(table, **ask, skip=skip_bad_rows)
    skipped = Skipped() if skip_bad_rows else None
    key, *names = [c.name for c in opened.contract.columns]
    declared = words.features.categories
    if lacking := [c for c in log_columns if c not in names or c in declared]:
        raise ValueError(
            f"{opened.source.name} has no column of numbers {', '.join(lacking)} to take the "
            f"logarithm of; there are {', '.join(names)}"
        )
    typed = pd.concat(list(opened.chunks(skipped=skipped)))
    entered = Entered(notes=unused_tables(words, ["features"]))
    entered.add("features", opened, len(typed), skipped)
    features = typed[names].set_axis(pd.Index(typed[key], name="customer_id"))
    features = usable_columns(features, entered, opened.source.name)
    kept = {name: c for name, c in declared.items() if name in features}
    chosen: dict[str, Any] = {
        "categories": {name: c.order for name, c in kept.items()},
        "missing_levels": tuple(n for n, c in kept.items() if c.missing == "level"),
    }
    said = [n for n in entered.notes if n.warning == "alike_codes"]  # a level is one all the same
    entered.notes[:] = [n for n in entered.notes if n not in said]
    entered.notes.extend(category_notes(features, **chosen))
    own, unknown = called(features, words.features, chosen["missing_levels"])
    entered.notes.extend(unknown)
    return _inputs(
        features,
        entered,
        **chosen,
        called=own,
        synthetic=_marked_synthetic([table]),
        log_columns=tuple(log_columns),
        currency=words.currency,
    )


def from_spark(
    table,
    *,
    customers=None,
    holdings=None,
    as_of=None,
    months: int = 12,
    drop: Sequence[str] = (),
    fit_on: str = "sample",
) -> Inputs:
    """Transactions on a cluster: features are made there, one row per customer is collected.

    Parameters
    ----------
    table : pyspark DataFrame
        Events, columns as :data:`~kequn_lab.contract.EVENTS`.
    customers, holdings : pyspark DataFrame, optional
        As the contracts.
    as_of : date-like, optional
        Last day to look at; default the last day of the events, which is noted.
    months : int
        Length of the window.
    drop : sequence of str
        Features to leave out of the model.
    fit_on : {"sample", "cluster"}
        "cluster": Spark fits k-means, and a smaller sample is collected.

    Raises
    ------
    ContractError, ValueError
        A table breaks its contract; no event in the window.
    """
    from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
    from kequn_lab.spark import tables as cluster

    given = {"events": table, "customers": customers, "holdings": holdings}
    given = {name: t for name, t in given.items() if t is not None}
    cluster.require_valid(given)
    contracts = {c.name: c for c in (CUSTOMERS, EVENTS, HOLDINGS)}
    given = {name: cluster.typed(t, contracts[name]) for name, t in given.items()}
    entered = Entered()
    if as_of is None:
        last = given["events"].selectExpr("CAST(max(`timestamp`) AS DATE) AS day").first()["day"]
        as_of = _last_day_noted(pd.Timestamp(last), entered)
    window = cluster.window_of(given, as_of=as_of, months=months)
    everybody = cluster.customer_features(**given, as_of=as_of, months=months)
    home, n, notes = cluster.collect(everybody, fit_on=fit_on)
    entered.notes.extend(notes)
    features = home.set_index("customer_id")
    empty = [f for f in features if features[f].isna().all()]
    features = features.drop(columns=empty)
    features.attrs["window"] = window
    features.attrs["left_out"] = dict.fromkeys(empty, "missing for every customer")
    if lacking := [name for name in drop if name not in features]:
        raise ValueError(
            f"no feature {', '.join(lacking)} to drop; there are {', '.join(features)}"
        )
    return _inputs(
        usable_columns(features.drop(columns=list(drop)), entered, "features"),
        entered,
        as_of=f"{pd.Timestamp(as_of):%Y-%m-%d}",
        months=months,
        facts={"engine": "spark", "customers_on_the_cluster": n, "fit_on": fit_on},
        on_cluster=everybody if fit_on == "cluster" else None,
    )


def from_synthetic_bank(
    n_customers: int = 5000,
    *,
    random_state: int = 0,
    preset: str = "standard",
    as_of: str = "2024-12-31",
    months: int = 12,
) -> Inputs:
    """Draw a synthetic bank (see :mod:`kequn_lab.synth`) and make its customer table.

    Parameters
    ----------
    n_customers, random_state, preset, as_of, months
        As :func:`kequn_lab.synth.make_bank` takes them.

    Returns
    -------
    Inputs
        Features of every customer, and the true segments.

    Raises
    ------
    ValueError
        An argument that :func:`kequn_lab.synth.make_bank` refuses.

    Examples
    --------
    >>> inputs = from_synthetic_bank(50, months=2)
    >>> len(inputs.features), inputs.synthetic
    (50, True)
    """
    from kequn_lab.synth import make_bank

    window: dict[str, Any] = {"as_of": as_of, "months": months}
    return from_bank(make_bank(n_customers, random_state=random_state, preset=preset, **window))


def from_bank(bank) -> Inputs:
    """The customer table of a synthetic bank (:class:`kequn_lab.synth.Bank`), and the truth."""
    window = {"as_of": f"{bank.as_of:%Y-%m-%d}", "months": bank.recipe.months}
    tables = {"holdings": bank.holdings, "customers": bank.customers}
    features = customer_features(bank.events, **tables, **window)
    of = bank.recipe
    facts = {"n_customers": of.n_customers, "preset": of.preset, "bank_seed": of.seed}
    features, known = model_columns(features), {"synthetic": True, "truth": bank.truth}
    return _inputs(features, Entered(), facts=facts, **known, **window)


def _last_day(entered: Entered) -> pd.Timestamp:
    with pyarrow.parquet.ParquetFile(entered.tables["events"]) as file:
        last = (
            pc.max(batch["timestamp"]).as_py() for batch in file.iter_batches(columns=["timestamp"])
        )
        return _last_day_noted(pd.Timestamp(max(t for t in last if t)).normalize(), entered)


def _last_day_noted(day: pd.Timestamp, entered: Entered) -> pd.Timestamp:
    entered.notes.append(Note(
        "last_day_assumed",
        f"未指定观察日（as_of），取数据中的最后一天：{day:%Y-%m-%d}",
        f"No last day was given (as_of); the last day of the events is taken: {day:%Y-%m-%d}",
        level="note",
    ))  # fmt: skip
    return day


def _inputs(features: pd.DataFrame, entered: Entered, **facts) -> Inputs:
    window = features.attrs.get("window", {})
    known = (f.name for f in FEATURES if f.log)
    logged = dict.fromkeys((*facts.pop("log_columns", ()), *known))
    return Inputs(
        features,
        files=tuple(entered.files),
        refused=entered.refused,
        window=window,
        notes=(*(window_notes(window) if window else ()), *entered.notes),
        log_columns=tuple(name for name in logged if name in features),
        ids=pd.concat(entered.ids) if entered.ids else None,
        **facts,
    )


def _marked_synthetic(tables) -> bool | None:
    """True when a Parquet file says so in its metadata; a plain CSV cannot say."""
    for path in filter(is_parquet, tables):
        with Path(path).open("rb") as file:
            metadata = pyarrow.parquet.ParquetFile(file).schema_arrow.metadata or {}
        if metadata.get(b"synthetic") == b"true":
            return True
    return None
