"""Which segments should a bank of each kind serve: attractiveness × competitiveness, how sure.

Knock-outs come first; then each segment has its attractiveness and the bank's
competitiveness there, with how often another draw of weights or of customers would choose
other targets. What counts is declared in :mod:`kequn_lab.compare.criteria`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kequn_lab._checks import require_columns
from kequn_lab.compare.criteria import AXES, Criteria

__all__ = ["attractiveness_matrix", "recommend"]

#: Draws of the weights around the given ones, from a Dirichlet distribution: a weight w has
#: standard deviation √(w(1 − w) / (CONCENTRATION + 1)), about 0.06 for 0.25.
WEIGHT_DRAWS, CONCENTRATION = 1000, 50.0


def attractiveness_matrix(
    values: pd.DataFrame,
    criteria: Criteria,
    *,
    n_targets: int = 3,
    declared_sha256: str | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Attractiveness × competitiveness of each segment for each kind of bank, and how sure.

    Parameters
    ----------
    values : DataFrame
        As :func:`kequn_lab.compare.segment_values`; its draws above 0 give the sensitivity to
        the customers.
    criteria : Criteria
        As declared.
    n_targets : int
        Size of the target set: the best scores among the segments that no criterion knocks out.
    declared_sha256 : str, optional
        Fingerprint recorded before the segments were known.

    Returns
    -------
    DataFrame
        One row per ``bank_kind`` and ``segment_id``, best first: ``size_share``;
        ``attractiveness``, ``competitiveness`` (0 to 1) with ``_low`` and ``_high`` (90 % interval
        over weights and customers together); ``score`` (their mean); ``knocked_out_by`` (criteria,
        empty if none); ``values_missing`` (score criteria without a value here: they count as
        worst); ``rank``; ``target``; ``first_share_weights``, ``target_share_weights``,
        ``first_share_customers``, ``target_share_customers`` (how often first, or a target, in the
        draws); ``set_change_weights``, ``set_change_customers`` (how often the bank's target set is
        another one); ``criteria_sha256``, ``declared`` (``yes``, ``changed since``, ``not
        recorded``).

    Raises
    ------
    ValueError
        A criterion without any value; fewer segments than targets.

    References
    ----------
    Dolnicar, Grün & Leisch (2018), Market Segmentation Analysis, steps 2 and 8; McDonald &
    Dunbar (2012), Market Segmentation (directional policy matrix).

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "criterion_id": ["wealth", "counter"], "axis": ["attractiveness", "competitiveness"],
    ...     "role": "score", "columns": ["aum_cny", "counter_share"], "statistic": "mean",
    ...     "worst": 0, "best": [100, 1], "at_least": np.nan})
    >>> weights = pd.DataFrame({"bank_kind": "branch", "criterion_id": ["wealth", "counter"],
    ...                         "weight": 1.0})
    >>> values = pd.DataFrame({"draw": 0, "segment_id": ["old", "old", "young", "young"],
    ...                        "criterion_id": ["wealth", "counter"] * 2,
    ...                        "value": [80, 0.6, 20, 0.1]})
    >>> matrix = attractiveness_matrix(values, Criteria(table, weights), n_targets=1)
    >>> matrix[["segment_id", "attractiveness", "competitiveness", "score", "target"]]
      segment_id  attractiveness  competitiveness  score  target
    0        old             0.8              0.6   0.70    True
    1      young             0.2              0.1   0.15   False
    """
    cube, segments = _cube(values, criteria.table)
    if not 1 <= n_targets <= len(segments):
        raise ValueError(f"n_targets must be 1 to {len(segments)} (segments); found {n_targets}")
    rng = np.random.default_rng(random_state)
    declared = "not recorded"
    if declared_sha256 is not None:
        declared = "yes" if declared_sha256 == criteria.sha256 else "changed since"
    sizes = values[values["draw"] == 0].set_index("segment_id")
    is_size = criteria.table.loc[criteria.table["statistic"] == "size_share", "criterion_id"]
    sizes = sizes.loc[sizes["criterion_id"] == is_size.iloc[0], "value"] if len(is_size) else None
    parts = []
    for kind in criteria.weights["bank_kind"].unique():
        part = _one_kind(kind, cube, segments, criteria, n_targets, rng)
        part.insert(
            2, "size_share", np.nan if sizes is None else sizes.reindex(segments).to_numpy()
        )
        last = part["rank"].where(part["rank"] > 0, len(part) + 1)
        parts.append(part.iloc[np.lexsort((-part["score"], last))])
    out = pd.concat(parts, ignore_index=True)
    return out.assign(criteria_sha256=criteria.sha256, declared=declared)


def _cube(values: pd.DataFrame, table: pd.DataFrame) -> tuple[Mapping[str, np.ndarray], list[str]]:
    """Criterion id -> values (draw, segment)."""
    require_columns(values, ["draw", "segment_id", "criterion_id", "value"], "values")
    segments = sorted(values["segment_id"].unique())
    wide = values.set_index(["draw", "segment_id", "criterion_id"])["value"].unstack()  # noqa: PD010
    draws = values["draw"].nunique()
    cube = {}
    for criterion in table["criterion_id"]:
        if criterion not in wide or wide[criterion].isna().all():
            columns = table.set_index("criterion_id").loc[criterion, "columns"]
            raise ValueError(
                f"criterion {criterion!r} has no value in any segment: the features lack "
                f"{columns!r}. Add the column, or take the criterion out of criteria and weights"
            )
        cube[criterion] = wide[criterion].to_numpy(float).reshape(draws, len(segments))
    return cube, segments


def _one_kind(kind, cube, segments, criteria, n_targets, rng):
    listed = criteria.weights[criteria.weights["bank_kind"] == kind]
    table = listed.merge(criteria.table.drop(columns="weight", errors="ignore"), on="criterion_id")
    knock_outs = table[table["role"] == "knock_out"]
    shape = next(iter(cube.values())).shape
    out_by = {
        row.criterion_id: ~(cube[row.criterion_id] >= row.at_least)
        for row in knock_outs.itertuples()
    }
    out = np.logical_or.reduce([np.zeros(shape, bool), *out_by.values()])
    observed, by_weights, by_customers, joint = {}, {}, {}, {}
    missing = np.zeros(len(segments), int)
    for axis in AXES:
        rows = table[(table["role"] == "score") & (table["axis"] == axis)]
        x = np.stack([_scored(cube[row.criterion_id], row) for row in rows.itertuples()], axis=-1)
        missing += sum(np.isnan(cube[c][0]).astype(int) for c in rows["criterion_id"])
        w = rows["weight"].to_numpy(float)
        drawn = np.zeros((WEIGHT_DRAWS, len(w)))
        drawn[:, w > 0] = rng.dirichlet(CONCENTRATION * w[w > 0], size=WEIGHT_DRAWS)
        observed[axis], by_weights[axis] = x[0] @ w, drawn @ x[0].T
        by_customers[axis] = x[1:] @ w
        same = np.arange(WEIGHT_DRAWS) % max(len(x) - 1, 1) + (len(x) > 1)
        joint[axis] = np.einsum("dsc,dc->ds", x[same], drawn)
    score = (observed[AXES[0]] + observed[AXES[1]]) / 2
    target, rank = _targets(score[None], out[:1], n_targets)
    part = pd.DataFrame({"bank_kind": kind, "segment_id": segments})
    for axis in AXES:
        part[axis] = observed[axis]
        part[f"{axis}_low"], part[f"{axis}_high"] = np.quantile(joint[axis], [0.05, 0.95], axis=0)
    part["score"] = score
    names = [[c for c, is_out in out_by.items() if is_out[0, i]] for i in range(len(segments))]
    part["knocked_out_by"] = [", ".join(n) for n in names]
    part["values_missing"] = missing
    part["rank"], part["target"] = rank[0], target[0]
    for source, axes, gone in (
        ("weights", by_weights, np.broadcast_to(out[0], (WEIGHT_DRAWS, len(segments)))),
        ("customers", by_customers, out[1:]),
    ):
        drawn = (axes[AXES[0]] + axes[AXES[1]]) / 2
        chosen, ranks = _targets(drawn, gone, n_targets)
        none = not len(drawn)
        part[f"first_share_{source}"] = np.nan if none else (ranks == 1).mean(0)
        part[f"target_share_{source}"] = np.nan if none else chosen.mean(0)
        part[f"set_change_{source}"] = np.nan if none else (chosen != target).any(1).mean()
    return part


def _scored(values: np.ndarray, row) -> np.ndarray:
    """0 at worst, 1 at best, straight between; a missing value counts as worst."""
    return np.nan_to_num(np.clip((values - row.worst) / (row.best - row.worst), 0, 1))


def _targets(score: np.ndarray, out: np.ndarray, n_targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Which segments are targets, and their rank (0 when knocked out), per row of scores."""
    order = np.argsort(np.where(out, np.inf, -score), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable") + 1
    rank = np.where(out, 0, rank)
    return (rank > 0) & (rank <= n_targets), rank


_ADVICE = {
    "": ("推荐", "recommended"),
    "drop": ("不宜推荐：换一批客户就不再出现",
             "not to be recommended: not found again with other customers"),
    "merge": ("不宜推荐：应与相邻客群合并", "not to be recommended: to be merged with another"),
    "unnamed": ("不宜推荐：没有名称，不知道是谁",
                "not to be recommended: without a name, nobody knows who they are"),
    "unclear": ("不宜推荐：名称不确定", "not to be recommended: its name is not clear"),
}  # fmt: skip
_NO_SEGMENTS = ("不宜推荐：数据看不出客群", "not to be recommended: the data show no segments")


def recommend(
    matrix: pd.DataFrame, marks: Mapping[str, str], *, no_segments: bool = False
) -> pd.DataFrame:
    """Say which targets can be recommended, and beside each other target why it cannot.

    Parameters
    ----------
    matrix : DataFrame
        As :func:`attractiveness_matrix`.
    marks : mapping of str
        Segment id to ``drop``, ``merge``, ``unnamed``, ``unclear`` or nothing.
    no_segments : bool
        The data show no segments: nothing is recommended.

    Returns
    -------
    DataFrame
        ``matrix`` with ``mark``, ``recommended`` (a target without a mark), ``advice_zh`` and
        ``advice_en`` (empty where the segment is no target).

    Examples
    --------
    >>> matrix = pd.DataFrame({"segment_id": ["old", "young", "farm"],
    ...                        "target": [True, True, False]})
    >>> recommend(matrix, {"young": "merge"})[["segment_id", "mark", "recommended"]]
      segment_id   mark  recommended
    0        old               True
    1      young  merge        False
    2       farm              False
    """
    mark = matrix["segment_id"].map(lambda s: marks.get(s, "")).astype("str")
    advice = [
        ("", "") if not target else _NO_SEGMENTS if no_segments else _ADVICE[why]
        for target, why in zip(matrix["target"], mark)
    ]
    return matrix.assign(
        mark=mark,
        recommended=matrix["target"].to_numpy(bool) & (mark == "") & (not no_segments),
        advice_zh=[zh for zh, _ in advice],
        advice_en=[en for _, en in advice],
    )
