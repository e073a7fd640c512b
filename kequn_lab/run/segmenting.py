"""One call from a table to segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from kequn_lab.contract.sources import open_source
from kequn_lab.features.weights import read_weights
from kequn_lab.monitor.registry import Opened, open_registry
from kequn_lab.run.analysis import analyse
from kequn_lab.run.entrance import kind_of_table
from kequn_lab.run.inputs import (
    Inputs,
    from_bank,
    from_customer_table,
    from_spark,
    from_tables,
)
from kequn_lab.run.on_cluster import FIT_ON, require_plain
from kequn_lab.run.options import Options
from kequn_lab.run.registering import enter
from kequn_lab.run.result import Result
from kequn_lab.spark._queries import is_spark
from kequn_lab.synth import Bank

__all__ = ["segment"]


def segment(
    table,
    *,
    k: int | Iterable[int] | Mapping[float, int] | str = "auto",
    by: str | None = None,
    start: str = "auto",
    pull: float = 0.0,
    min_size: int | None = None,
    fit_on: str = "sample",
    id: str | None = None,
    kind: str | None = None,
    customers=None,
    holdings=None,
    as_of=None,
    months: int = 12,
    mapping=None,
    query: str | None = None,
    drop: Sequence[str] = (),
    log: Sequence[str] = (),
    categories: Sequence[str] | Mapping[str, Sequence[str]] = (),
    weights: Mapping[str, float] | str | Path | None = None,
    names: Mapping[int, str] | None = None,
    starts: int = 25,
    stability: int = 20,
    catalogue: str | Path | None = None,
    previous: str | Path | None = None,
    registry: str | Path | Opened | None = None,
    reasons: int = 0,
    skip_bad_rows: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> Result:
    """Segment the customers of a table: cluster, name, profile, compare, and say how sure.

    Of more than a million customers k-means is fitted to a random sample of a million, which the
    notes say, but not with ``by`` or ``min_size``; all are labelled, counted and profiled.

    Parameters
    ----------
    table : table, path, Bank, or address of a database with ``query``
        Customers (one row each, a number, yes/no or category per column) or transactions (who,
        when, how much): which of the two is seen from the columns. A pandas, polars or pyarrow
        table, or anything that speaks the Arrow interface; CSV of any encoding, Excel, Parquet.
        A Spark table (with ``customers`` and ``holdings`` as Spark tables): features are made on
        the cluster and up to a million customers brought home; see :mod:`kequn_lab.spark`.
    k : int, range, mapping or "auto", default="auto"
        Number of clusters. "auto" takes 8, the article's number; a range compares several. With
        ``by`` a number is for each group, and a mapping such as ``{0: 6, 1: 3}`` for each value.
    by : str, optional
        A column of few values, such as ``is_business``, whose groups are clustered each by
        itself, by a search and scaled within the group, as banks do with business and personal
        customers. Clusters of several groups that get the same name are one segment. For
        ``is_business``, "auto" makes as many clusters as the catalogue has segments on each side
        (6 and 3), for another column 8 in each group. Not with ``start="signatures"``, ``pull``,
        ``weights`` or ``categories``.
    start : {"auto", "search", "signatures"}
        Two readings of the same customers: by a search, of the lowest inertia; or from the
        signatures of the catalogue, k-means started where its segments are expected. "auto"
        starts at the signatures where k is their number, the table holds what they speak of,
        and most clusters get a name, no fewer than by the search. Such a result says its
        price (``.readings``).
    pull : float, default=0
        Above 0 (0.3): started at the signatures, and centres are drawn back to the levels
        expected, as if pull × (customers ÷ k) more customers lay there. It helps only as far
        as the levels are right.
    min_size : int, optional
        Customers that each segment must have at least. A customer then belongs to the centre of
        the least squared distance plus a constant of the segment (``offset`` of the scorecard),
        which is lower for segments that had to grow. The result says the price: how much inertia
        it costs, how many customers it moves, and which segments are at the bound (``.by_size``).
        Not with ``by``; several k are compared without it.
    fit_on : {"sample", "cluster"}
        Of a Spark table. "sample": up to a million customers are brought home and searched.
        "cluster": Spark's own k-means (``pyspark.ml``) is fitted to all customers where they lie,
        and up to 100,000 are brought home for names, profiles and the report, which says how far
        that is from the search.
    id : str, optional
        The column that names the customer, of a table of customers. Default ``customer_id``,
        else the index of a DataFrame.
    kind : {"features", "events"}, optional
        What ``table`` holds, customers or transactions, where its columns shall not decide.
    customers, holdings : table or path, optional
        More tables beside transactions.
    as_of : date-like, optional
        Last day to look at, of transactions (default: the last day in the table); of customers,
        the day that the table tells of (default: today).
    months : int, default=12
        Length of the window that ends then.
    mapping : path or Mapping, optional
        Your bank's words in ours, see :mod:`kequn_lab.contract.mapping`.
    query : str, optional
        The SELECT, where ``table`` is the address of a database.
    drop, log : sequence of str
        Columns to leave out; columns (money, counts) to take the logarithm of.
    categories : sequence of str, or mapping of str to sequence of str
        Text columns of a table of customers that hold categories, such as an occupation; with
        their levels from lowest to highest where they have an order:
        ``{"job": [], "education": ["primary", "secondary"]}``. One of L levels weighs as
        (L − 1) / 2 numbers, an ordered one as one; ``weights`` can change that.
        Other text is left out.
    weights : mapping of str to float, or path of a TOML file, optional
        How much a column counts: 2 as much as two columns. By column, or for each column of a
        block by a pattern: ``{"age": 2, "channel:*": 0.5}``. Default 1.
    names : mapping of int to str, optional
        Names of clusters by a person who looked.
    starts : int, default=25
        Starts of the search.
    stability : int, default=20
        Bootstrap pairs behind the stability of segments; 0 leaves it out.
    catalogue : path, optional
        Your own copy of ``data/catalogue``.
    previous : path, optional
        Folder of an earlier result: segments keep their names.
    registry : path, optional
        Folder of a registry of segments, made if there is none: names are kept from its last run,
        and every segment has a permanent id (``permanent_id`` of the labels). The run is entered
        when it is done; see :class:`kequn_lab.monitor.Registry`. Not with ``previous``.
    reasons : int, default=0
        For each customer so many columns that decide between the own segment and the second
        nearest (``.reasons``, one row each); ``.explain(customer)`` says it of one customer.
    skip_bad_rows : bool
        Set broken rows aside instead of stopping at them.
    seed : int, default=0
    quiet : bool
        No progress bar.

    Returns
    -------
    Result

    Raises
    ------
    ContractError, ValueError, OSError
        What is wrong, where, what was found and what to do.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {"客户编号": [11, 12, 13, 14], "age": [20.0, 21, 60, 61], "visits": [1, 2, 8, 9]}
    ... )
    >>> result = segment(table, id="客户编号", k=2, stability=0, quiet=True)
    >>> result.labels[["customer_id", "cluster"]].values.tolist()
    [[11, 0], [12, 0], [13, 1], [14, 1]]
    """
    own = {"id_column": id, "query": query, "log_columns": log, "categories": categories}
    events = {"customers": customers, "holdings": holdings, "as_of": as_of, "months": months}
    more = {"mapping": mapping, "drop": drop, "skip_bad_rows": skip_bad_rows}
    if fit_on == "cluster":
        require_plain(start=start, by=by, categories=categories, pull=pull, min_size=min_size)
    inputs = _read(table, kind, own, events, more, fit_on)
    options = Options(
        **_numbers(k),
        by=by,
        start=start,
        pull=pull,
        min_size=min_size,
        n_starts=starts,
        random_state=seed,
        overrides=None if names is None else dict(names),
        n_stability=stability,
        catalogue_folder=catalogue,
        previous=previous,
        weights=read_weights(weights) if isinstance(weights, str | Path) else weights,
        n_reasons=reasons,
        quiet=quiet,
    )
    return _with_given_ids(_analysed(inputs, options, registry), inputs.ids)


def _numbers(k: int | Iterable[int] | Mapping[float, int] | str) -> dict[str, Any]:
    """One number of clusters (or one a group), several to compare, or none."""
    if isinstance(k, int | Mapping):
        return {"n_clusters": k}
    return {} if isinstance(k, str) else {"ks": list(k)}


def _analysed(inputs: Inputs, options: Options, registry: str | Path | Opened | None) -> Result:
    """The result, entered into a registry where there is one."""
    if registry is None:
        return analyse(inputs, options)
    with ExitStack() as stack:
        if not isinstance(registry, Opened):
            registry = stack.enter_context(open_registry(registry))
        known = registry.registry
        known.require_in_order(inputs.as_of or f"{datetime.now(UTC):%Y-%m-%d}")
        return enter(analyse(inputs, replace(options, registry=known)), registry)


def _read(table, kind: str | None, own: dict, events: dict, more: dict, fit_on: str) -> Inputs:
    """What is to be clustered: a synthetic bank, transactions, or customers."""
    if fit_on not in FIT_ON:
        raise ValueError(f"fit_on is {fit_on!r}; give one of {', '.join(FIT_ON)}")
    if isinstance(table, Bank):
        return from_bank(table)
    if is_spark(table):
        return _read_spark(table, own, events, more, fit_on)
    if fit_on != "sample":
        raise ValueError(
            "k-means is fitted on the cluster (fit_on) to tables of Spark; leave fit_on out: these "
            "customers are all here"
        )
    if kind is None and own["query"] is None:
        kind = kind_of_table(open_source(table).columns, more["mapping"])
    if kind == "events":
        return from_tables(table, **events, **more)
    inputs = from_customer_table(table, **own, **more)
    if events["as_of"] is None:
        return inputs
    return replace(inputs, as_of=f"{pd.Timestamp(events['as_of']):%Y-%m-%d}")


def _read_spark(table, own: dict, events: dict, more: dict, fit_on: str) -> Inputs:
    """Transactions are turned into features on the cluster; a customer table comes as it is."""
    if more["mapping"] is not None or more["skip_bad_rows"]:
        raise ValueError(
            "mapping and skip_bad_rows are of files; rename columns and filter rows in Spark"
        )
    if "timestamp" in table.columns:
        return from_spark(table, **events, drop=more["drop"], fit_on=fit_on)
    from kequn_lab.spark.tables import collect

    id_column = own["id_column"] or "customer_id"
    if id_column not in table.columns:
        raise ValueError(
            f"the table has neither timestamp (transactions) nor {id_column} (customers); there "
            f"are {', '.join(table.columns)}: rename columns in Spark, or name the id"
        )
    renamed = table.withColumnRenamed(id_column, "customer_id")
    home, n, notes = collect(renamed, fit_on=fit_on)
    home = home.rename(columns={"customer_id": id_column})
    inputs = from_customer_table(home, **{**own, "id_column": id_column}, **more)
    facts = {**inputs.facts, "engine": "spark", "customers_on_the_cluster": n, "fit_on": fit_on}
    everybody = renamed if fit_on == "cluster" else None
    return replace(inputs, notes=(*inputs.notes, *notes), facts=facts, on_cluster=everybody)


def _with_given_ids(result: Result, ids) -> Result:
    """The result with customers' ids as they were given, where they were no text."""
    if ids is None:
        return result
    text = result.labels["customer_id"]
    given = ids.reindex(text).set_axis(text.index)
    return replace(result, labels=result.labels.assign(customer_id=given), ids=text)
