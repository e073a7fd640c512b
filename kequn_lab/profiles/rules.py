"""Which few conditions tell a segment from the rest, in the units of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from kequn_lab._words import Words, percent, rounded
from kequn_lab.profiles._by_segment import Rows, is_text

__all__ = ["segment_rules"]

_COLUMNS = [
    *("segment_id", "rule", "conditions", "customers", "precision", "recall", "f1"),
    *("sentence_zh", "sentence_en"),
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
    replace them: read it with its precision and recall, which are counted on all customers (the
    trees see 10,000 of them).

    Parameters
    ----------
    features : DataFrame, shape (n_customers, n_variables)
        In original units; text is left out, a missing value meets no condition.
    labels : Series
        Segment id per customer, aligned by index; customers without one are left out.
    segments, variables : DataFrame, optional
        Names: ``segment_id``, ``name_zh``, ``name_en``; and ``feature``, ``meaning_zh``,
        ``meaning_en``, ``unit`` (:func:`~kequn_lab.features.feature_table`).
    currency : str
        Of amounts.
    random_state : int

    Returns
    -------
    DataFrame
        One row per segment: ``segment_id``, ``rule`` (a condition that SQL understands),
        ``conditions`` (how many), ``customers`` who meet it, ``precision`` (of these, the share
        in the segment), ``recall`` (of the segment, the share that meets it), ``f1``,
        ``sentence_zh``, ``sentence_en``. No rows where there is one segment: nothing to tell it
        from.

    Raises
    ------
    ValueError
        No variable that holds numbers, labels that do not align.

    Examples
    --------
    >>> features = pd.DataFrame({"age_years": [71.0, 66, 64, 31, 28, 25]})
    >>> labels = pd.Series(["old"] * 3 + ["young"] * 3)
    >>> table = segment_rules(features, labels)
    >>> print(table.loc[0, "rule"], table.loc[0, "precision"])
    age_years > 47.5 1.0
    """
    rows = Rows.of(features, labels)
    names = [c for c in features if not is_text(features[c]) and features[c].notna().any()]
    if not names:
        raise ValueError("features has no variable with numbers to make rules of")
    rng = np.random.default_rng(random_state)
    at, weight = _sample(rows, rng)
    x = features[names].iloc[rows.order[at]].to_numpy(float, na_value=np.nan)
    words = Words.of(segments=segments, variables=variables, currency=currency)
    out = []
    for s, segment in enumerate(rows.ids if len(rows.ids) > 1 else ()):
        own = rows.codes[at] == s
        rule = _best_rule(x, own, weight, random_state)
        if not rule:  # no number tells this segment from the others
            continue
        met = _met(rule, [features[names[j]] for j, *_ in rule])[rows.order]
        hits, n = np.count_nonzero(met & (rows.codes == s)), np.count_nonzero(met)
        precision, recall = hits / n if n else 0.0, hits / rows.sizes[s]
        named = [(names[j], above, bound) for j, above, bound in rule]
        fact = {
            "segment_id": segment,
            "rule": " AND ".join(_condition(*part) for part in named),
            "conditions": len(rule),
            "customers": n,
            "precision": precision,
            "recall": recall,
            "f1": 2 * hits / (n + rows.sizes[s]),
        }
        out.append(fact | _sentences(segment, named, precision, recall, words))
    return pd.DataFrame(out, columns=_COLUMNS)


def _sample(rows: Rows, rng) -> tuple[np.ndarray, np.ndarray]:
    """Some of the sorted customers, and how many each stands for."""
    keep = np.clip(_SAMPLE * rows.sizes // len(rows.order), _AT_LEAST, None)
    keep = np.minimum(keep, rows.sizes)
    chosen = [s + rng.choice(n, k, replace=False) for s, n, k in zip(rows.starts, rows.sizes, keep)]
    return np.concatenate(chosen), np.repeat(rows.sizes / keep, keep)


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


def _condition(variable, above: bool, bound: float) -> str:
    name = str(variable)
    if not (name.isidentifier() and name.isascii()):
        name = '"' + name.replace('"', '""') + '"'
    if np.isinf(bound):
        return f"{name} IS {'NULL' if above else 'NOT NULL'}"
    return f"{name} {'>' if above else '<='} {bound!r}"


_OF = {  # what a share is a share of
    "share of events": "transactions",
    "share of assets": "assets",
    "share of months": "months",
    "share of counter visits": "counter visits",
}


def _sentences(segment, rule, precision, recall, words: Words) -> dict[str, str]:
    """The rule for a reader who knows no SQL."""
    zh, en = zip(*(_clause(variable, above, bound, words) for variable, above, bound in rule))
    precision, recall = percent(precision), percent(recall)
    name_zh, name_en = (words.segment(segment, language) for language in ("zh", "en"))
    return {
        "sentence_zh": f"{name_zh}：{'，'.join(zh)}。符合条件的客户中 {precision} 属于该客群；"
        f"该客群的 {recall} 符合条件。",
        "sentence_en": f"{name_en}: {'; '.join(en)}. {precision} of customers who fit are in this "
        f"segment; it finds {recall} of the segment.",
    }


def _clause(variable, above: bool, bound: float, words: Words) -> tuple[str, str]:
    zh, en = words.variable(variable, "zh"), words.variable(variable, "en")
    if np.isinf(bound):
        return (f"{zh}缺失", f"{en} missing") if above else (f"{zh}已知", f"{en} known")
    unit = words.units.get(variable)
    if unit == "0 or 1":
        return (zh, f"{en}: yes") if above else (f"非{zh}", f"{en}: no")
    sign_zh, sign_en = ("高于", "more than") if above else ("不高于", "at most")
    bound_zh, bound_en = (words.value(bound, variable, language) for language in ("zh", "en"))
    of = f" of {_OF[unit]}" if unit in _OF else ""
    return f"{zh}{sign_zh} {bound_zh}", f"{en}: {sign_en} {bound_en}{of}"
