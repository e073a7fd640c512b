"""How segments of one solution go over into those of the next, and into the true ones.

Everything here needs labels only: no data, no centres, no clusterer.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

__all__ = ["across_solutions", "relabel_series", "solution_flows", "truth_table"]


def truth_table(found: pd.Series, truth: pd.Series) -> pd.DataFrame:
    """Segments found against the true ones, for data whose truth is known.

    Parameters
    ----------
    found, truth : Series
        Segment of each customer, index customer; customers of ``found`` that ``truth`` lacks
        are left out.

    Returns
    -------
    DataFrame
        One row per pair that could occur: ``segment_id`` (found, in the order of its
        categories), ``true_id`` (each beside the found segment that holds most of it),
        ``customers``, ``share_of_segment``, ``share_of_truth`` (0 to 1), and
        ``adjusted_rand`` of the whole, the same in every row.

    Examples
    --------
    >>> found = pd.Series(["a", "a", "b", "b"])
    >>> table = truth_table(found, pd.Series(["y", "y", "x", "y"]))
    >>> table[["segment_id", "true_id", "customers", "share_of_truth"]].round(2)
      segment_id true_id  customers  share_of_truth
    0          a       y          2            0.67
    1          a       x          0            0.00
    2          b       y          1            0.33
    3          b       x          1            1.00
    """
    truth = truth.reindex(found.index).dropna()
    found = found[truth.index].astype("category").cat.remove_unused_categories().rename("found")
    counts = pd.crosstab(found, truth.astype(str))
    counts = counts.iloc[:, np.lexsort((-counts.max(), counts.to_numpy().argmax(axis=0)))]
    table = counts.reset_index().melt(counts.index.name, value_name="customers")
    table = table.set_axis(["segment_id", "true_id", "customers"], axis=1)
    table = table.sort_values("segment_id", kind="stable")  # a category: in its order
    of_segment, of_truth = (
        table.groupby(by, observed=True)["customers"].transform("sum") for by in table.columns[:2]
    )
    return table.assign(
        share_of_segment=table["customers"] / of_segment,
        share_of_truth=table["customers"] / of_truth,
        adjusted_rand=adjusted_rand_score(truth, found.cat.codes),
    ).reset_index(drop=True)


def relabel_series(labels: pd.DataFrame) -> pd.DataFrame:
    """Rename the segments of a series of solutions so that ids follow from one to the next.

    Neighbouring solutions are matched by the assignment that maximises the rows on the diagonal
    of their cross table; a segment left over is put next to the one it took most rows from.
    Ids are 0, 1, … in the order that results. Ties leave the order open.

    Parameters
    ----------
    labels : DataFrame
        One row per customer, one column per solution, numbers of segments ascending.

    Returns
    -------
    DataFrame
        The same shape, int labels. The first column keeps its order.

    Raises
    ------
    ValueError
        If there is no column, or a later solution has fewer segments.

    Examples
    --------
    >>> relabel_series(pd.DataFrame({2: [0, 0, 1, 1], 3: [2, 2, 0, 1]}))
       2  3
    0  0  0
    1  0  0
    2  1  2
    3  1  1
    """
    if labels.shape[1] == 0:
        raise ValueError("labels: at least one solution (column) is needed, found none")
    done = [np.unique(labels.iloc[:, 0], return_inverse=True)[1]]
    for name in labels.columns[1:]:
        codes = np.unique(labels[name], return_inverse=True)[1]
        table = pd.crosstab(done[-1], codes).to_numpy()
        if table.shape[1] < table.shape[0]:
            raise ValueError(
                f"labels: solution {name!r} has {table.shape[1]} segments, fewer than the "
                f"{table.shape[0]} before it; order the columns by number of segments"
            )
        done.append(np.argsort(_order(table))[codes])
    return pd.DataFrame(np.column_stack(done), index=labels.index, columns=labels.columns)


def _order(table: NDArray) -> list[int]:
    """Columns of the cross table in the order that makes ids follow."""
    order = linear_sum_assignment(table, maximize=True)[1].tolist()
    left = [j for j in range(table.shape[1]) if j not in order]
    for j in sorted(left, key=lambda j: -table[:, j].max()):
        came_from = int(table[:, j].argmax())
        # The last one stays last: a newcomer from it goes before it, as flexclust has it.
        order.insert(min(came_from + 1, len(order) - 1), j)
    return order


def solution_flows(labels: pd.DataFrame) -> pd.DataFrame:
    """Rows that go from each segment of a solution to each segment of the next.

    Segments are numbered anew, so that a number means the same from one solution to the next
    (see :func:`relabel_series`).

    Parameters
    ----------
    labels : DataFrame
        One row per customer, one column per solution, named by k, in ascending order.

    Returns
    -------
    DataFrame
        One row per flow that is not empty: ``k_from``, ``segment_from``, ``k_to``,
        ``segment_to``, ``rows``, ``share_of_from``, ``share_of_to``.

    Raises
    ------
    ValueError
        If there are fewer than two solutions, or a later one has fewer segments.

    Examples
    --------
    >>> solution_flows(pd.DataFrame({2: [0, 0, 1], 3: [0, 1, 2]}))
       k_from  segment_from  k_to  segment_to  rows  share_of_from  share_of_to
    0       2             0     3           0     1            0.5          1.0
    1       2             0     3           1     1            0.5          1.0
    2       2             1     3           2     1            1.0          1.0
    """
    if labels.shape[1] < 2:
        raise ValueError(f"labels: at least two solutions are needed, found {labels.shape[1]}")
    labels = relabel_series(labels)
    steps = []
    for k_from, k_to in pairwise(labels.columns):
        step = labels.groupby([k_to, k_from]).size().rename_axis(["segment_to", "segment_from"])
        steps.append(step.rename("rows").reset_index().assign(k_from=k_from, k_to=k_to))
    flows = pd.concat(steps, ignore_index=True)
    flows = flows[["k_from", "segment_from", "k_to", "segment_to", "rows"]]
    for end in ("from", "to"):
        total = flows.groupby([f"k_{end}", f"segment_{end}"])["rows"].transform("sum")
        flows[f"share_of_{end}"] = flows["rows"] / total
    return flows


def across_solutions(labels: pd.DataFrame) -> pd.DataFrame:
    """Segment level stability across solutions (SLSA): did a segment exist before?

    For a segment of solution k, p are the shares of its rows by segment of the solution before;
    entropy = -Σ p·log p / log(number of segments before), SLSA = 1 - entropy. 1: all its rows
    were together before. Segments are numbered as in :func:`solution_flows`.

    Parameters
    ----------
    labels : DataFrame
        One row per customer, one column per solution, named by k.

    Returns
    -------
    DataFrame
        One row per segment of each solution from the second on: ``k``, ``segment_id``, ``rows``,
        ``entropy``, ``slsa``.

    Raises
    ------
    ValueError
        If there are fewer than two solutions or the first has one segment only.

    Examples
    --------
    >>> across_solutions(pd.DataFrame({2: [0, 0, 1, 1], 3: [0, 1, 1, 2]}))
       k  segment_id  rows  entropy  slsa
    0  3           0     1      0.0   1.0
    1  3           1     1      0.0   1.0
    2  3           2     2      1.0   0.0
    """
    flows = solution_flows(labels)
    p = flows["share_of_to"]
    before = flows["k_to"].map(flows.groupby("k_to")["segment_from"].nunique())
    if (before < 2).any():
        raise ValueError("labels: a solution with one segment says nothing about the next; drop it")
    flows["entropy"] = (p * np.log(1 / p)) / np.log(before)
    group = flows.groupby(["k_to", "segment_to"], sort=False)[["rows", "entropy"]].sum()
    table = group.rename_axis(["k", "segment_id"]).reset_index()
    return table.assign(slsa=1 - table["entropy"])
