"""Which few conditions tell a segment from the rest, in the units of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from kequn_lab._statistics import wilson
from kequn_lab._words import Words, percent, rounded
from kequn_lab.profiles._by_segment import MOST_LEVELS, Rows, is_text

__all__ = ["segment_rules"]

_COLUMNS = [
    *("segment_id", "rule", "conditions", "customers", "counted", "precision", "precision_low"),
    *("precision_high", "recall", "f1", "sentence_zh", "sentence_en"),
]

#: Conditions of a rule; customers that the trees see; of a small segment at least.
_CONDITIONS, _SAMPLE, _AT_LEAST = 3, 10_000, 200


def segment_rules(
    features: pd.DataFrame,
    labels: pd.Series,
    *,
    segments: pd.DataFrame | None = None,
    variables: pd.DataFrame | None = None,
    currency: str = "CNY",
    random_state: int = 0,
) -> pd.DataFrame:
    """Tell each segment by a few conditions that an account manager can remember.

    A decision tree of depth three separates each segment from the rest; of all its branches, cut
    at any depth, the one with the best F1 is the rule. It describes the labels, it does not
    replace them: read it with its precision and recall. A random half of each segment is used to
    learn the rule (10,000 customers at most), and the other half to count: counted where it was
    learned, the best of many branches looks good where there is nothing to find.

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        In original units. Text is a category: a condition may name a level, of those that
        :func:`~kequn_lab.profiles.profile_table` lists. A missing value meets no condition.
    labels : Series
        Segment id per customer, aligned by index; customers without one are left out.
    segments, variables : DataFrame, optional
        Names: ``segment_id``, ``name_zh``, ``name_en``; and ``feature``, ``meaning_zh``,
        ``meaning_en``, ``unit`` (:func:`~kequn_lab.features.feature_dictionary`).
    currency : str
        Of amounts.
    random_state : int
        For the halves and the sample.

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``rule`` (a condition that SQL understands),
        ``conditions`` (how many), ``customers`` who meet it (of all); then, in the half that the
        rule was not learned from, ``counted`` customers who meet it, ``precision`` (of these, the
        share in the segment) with a 95 % (Wilson) interval ``precision_low``,
        ``precision_high``, ``recall`` (of the segment, the share that meets it), ``f1``;
        ``sentence_zh``, ``sentence_en``. Missing where that half has nobody: a segment of one
        customer is learned from, not counted. No rows where there is one segment: nothing to tell
        it from.

    Raises
    ------
    ValueError
        No variable that holds a value, labels that do not align.

    Examples
    --------
    >>> features = pd.DataFrame({"age_years": [72.0, 70, 68, 66, 31, 29, 27, 25]})
    >>> labels = pd.Series(["old"] * 4 + ["young"] * 4)
    >>> table = segment_rules(features, labels)
    >>> table[["segment_id", "conditions", "customers", "counted", "precision"]]
      segment_id  conditions  customers  counted  precision
    0        old           1          4        2        1.0
    1      young           1          4        2        1.0
    """
    rows = Rows.of(features, labels)
    tested = _tested(features)
    if not tested:
        raise ValueError("features has no variable with values to make rules of")
    rng = np.random.default_rng(random_state)
    learned = _halves(rows, rng)
    at, weight = _sample(rows, learned, rng)
    some = features.iloc[rows.order[at]]
    x = np.column_stack([_values(some, *item) for item in tested])
    words = Words.of(segments=segments, variables=variables, currency=currency)
    out = []
    for s, segment in enumerate(rows.ids if len(rows.ids) > 1 else ()):
        own = rows.codes[at] == s
        rule = _best_rule(x, own, weight, random_state)
        if not rule:  # no number tells this segment from the others
            continue
        met = _met(rule, [_values(features, *tested[j]) for j, *_ in rule])[rows.order]
        own, others = (rows.codes == s) & ~learned, met & ~learned
        hits, n, size = (int(np.count_nonzero(x)) for x in (others & own, others, own))
        precision, recall = hits / n if n else np.nan, hits / size if size else np.nan
        low, high = map(float, wilson(hits, n))
        named = [(*tested[j], above, bound) for j, above, bound in rule]
        fact = {
            "segment_id": segment,
            "rule": " AND ".join(_condition(*part) for part in named),
            "conditions": len(rule),
            "customers": np.count_nonzero(met),
            "counted": n,
            "precision": precision,
            "precision_low": low,
            "precision_high": high,
            "recall": recall,
            "f1": 2 * hits / (n + size) if size else np.nan,
        }
        out.append(fact | _sentences(segment, named, precision, recall, words))
    return pd.DataFrame(out, columns=_COLUMNS)


def _tested(features: pd.DataFrame) -> list[tuple[Any, str | None]]:
    """What a condition can be about: a number (None), or a level of a category."""
    out: list[tuple[Any, str | None]] = []
    for name in features:
        column = features[name]
        if is_text(column):
            out += [(name, str(level)) for level in column.value_counts().index[:MOST_LEVELS]]
        elif column.notna().any():
            out.append((name, None))
    return out


def _values(features: pd.DataFrame, name, level: str | None) -> np.ndarray:
    """The column as numbers; of a level, whether a customer has it."""
    column = features[name]
    if level is None:
        return column.to_numpy(float, na_value=np.nan)
    return np.where(column.isna(), np.nan, (column.astype("str") == level).to_numpy(float))


def _halves(rows: Rows, rng) -> np.ndarray:
    """Which of the sorted customers are learned from: a random half of each segment, rounded up."""
    learned = np.zeros(len(rows.order), bool)
    for start, n in zip(rows.starts, rows.sizes):
        learned[start + rng.permutation(n)[: (n + 1) // 2]] = True
    return learned


def _sample(rows: Rows, learned: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Some of the customers learned from, and how many each represents."""
    halves = [start + np.flatnonzero(learned[start : start + n])
              for start, n in zip(rows.starts, rows.sizes)]  # fmt: skip
    sizes = np.array([len(half) for half in halves])
    keep = np.clip(_SAMPLE * sizes // sizes.sum(), _AT_LEAST, None)
    keep = np.minimum(keep, sizes)
    chosen = [rng.choice(half, k, replace=False) for half, k in zip(halves, keep)]
    return np.concatenate(chosen), np.repeat(sizes / keep, keep)


def _best_rule(x, own, weight, random_state) -> list[tuple[int, bool, float]]:
    """Conditions (variable, above or not, bound) of the branch with the best F1."""
    best: list[tuple[int, bool, float]] = []
    best_f1 = -1.0
    for class_weight in (None, "balanced"):  # the second finds small segments
        tree = DecisionTreeClassifier(
            max_depth=_CONDITIONS,
            min_samples_leaf=int(np.clip(own.sum() // 20, 1, 20)),
            class_weight=class_weight,
            random_state=random_state,
        ).fit(x, own, sample_weight=weight)
        for rule in _branches(tree.tree_):
            met = _met(rule, x.T[[j for j, *_ in rule]])
            hits = weight[met & own].sum()
            f1 = 2 * hits / (weight[met].sum() + weight[own].sum())
            # A condition more must earn its place.
            if f1 > best_f1 + 0.005 * (len(rule) - len(best)):
                best, best_f1 = rule, f1
    return best


def _branches(tree, node: int = 0, path: tuple = ()):
    """The conditions down to every node but the root; of two on one side, the tighter stays."""
    if path:
        bounds: dict[tuple[int, bool], float] = {}
        for j, above, bound in path:
            old = bounds.get((j, above), bound)
            bounds[j, above] = max(old, bound) if above else min(old, bound)
        yield [(j, above, bound) for (j, above), bound in bounds.items()]
    if (left := tree.children_left[node]) >= 0:
        j, bound = int(tree.feature[node]), rounded(tree.threshold[node])
        yield from _branches(tree, left, (*path, (j, False, bound)))
        yield from _branches(tree, tree.children_right[node], (*path, (j, True, bound)))


def _met(rule, columns) -> Any:
    met: Any = True
    for (_, above, bound), column in zip(rule, columns):
        value = np.asarray(column, float)
        if above and np.isinf(bound):  # where a tree sends missing values alone
            met = met & np.isnan(value)
        else:
            met = met & (value > bound if above else value <= bound)
    return met


def _condition(variable, level: str | None, above: bool, bound: float) -> str:
    name = str(variable)
    if not (name.isidentifier() and name.isascii()):
        name = '"' + name.replace('"', '""') + '"'
    if np.isinf(bound):
        return f"{name} IS {'NULL' if above else 'NOT NULL'}"
    if level is not None:
        return f"{name} {'=' if above else '<>'} '{level.replace(chr(39), chr(39) * 2)}'"
    return f"{name} {'>' if above else '<='} {bound!r}"


_OF = {  # what a share is a share of
    "share of events": "transactions",
    "share of assets": "assets",
    "share of months": "months",
    "share of counter visits": "counter visits",
}


def _sentences(segment, rule, precision, recall, words: Words) -> dict[str, str]:
    """The rule for a reader who knows no SQL."""
    zh, en = zip(*(_clause(*part, words=words) for part in rule))
    name_zh, name_en = (words.segment(segment, language) for language in ("zh", "en"))
    said_zh = "客户太少，无法另行检验。"
    said_en = "Too few customers to count it on others."
    if precision == precision and recall == recall:
        precision, recall = percent(precision), percent(recall)
        said_zh = (
            f"符合条件的客户中 {precision} 属于该客群；该客群的 {recall} 符合条件"
            "（在未用于学习规则的另一半客户中计数）。"
        )
        said_en = (
            f"{precision} of customers who fit are in this segment; it finds {recall} of the "
            "segment (counted on the half that the rule was not learned from)."
        )
    return {
        "sentence_zh": f"{name_zh}：{'，'.join(zh)}。{said_zh}",
        "sentence_en": f"{name_en}: {'; '.join(en)}. {said_en}",
    }


def _clause(
    variable, level: str | None, above: bool, bound: float, *, words: Words
) -> tuple[str, str]:
    zh, en = words.variable(variable, "zh"), words.variable(variable, "en")
    if np.isinf(bound):
        return (f"{zh}缺失", f"{en} missing") if above else (f"{zh}已知", f"{en} known")
    if level is not None:
        sign_zh, sign_en = ("为", "") if above else ("不是", "not ")
        level_zh, level_en = (words.level(variable, level, language) for language in ("zh", "en"))
        return f"{zh}{sign_zh}“{level_zh}”", f"{en}: {sign_en}{level_en}"
    unit = words.units.get(variable)
    if unit == "0 or 1":
        return (zh, f"{en}: yes") if above else (f"非{zh}", f"{en}: no")
    sign_zh, sign_en = ("高于", "more than") if above else ("不高于", "at most")
    bound_zh, bound_en = (words.value(bound, variable, language) for language in ("zh", "en"))
    of = f" of {_OF[unit]}" if unit in _OF else ""
    return f"{zh}{sign_zh} {bound_zh}", f"{en}: {sign_en} {bound_en}{of}"
