"""Have the customers changed since the training? Feature by feature, against the scorecard.

The population stability index compares two spreads over the same bins:
PSI = Σ (q − p) · ln(q / p). By custom 0.1 is worth a look and 0.25 a large change. Sampling
alone makes it positive: with B bins, m customers then and n now, without any change it is about
(1/m + 1/n) · χ² with B − 1 degrees of freedom (Yurdakul 2018). A change counts only beyond the
99.9 % point of that.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import chi2

from kequn_lab._notes import Note
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features._levels import MISSING

__all__ = [
    "Spread", "critical_value", "feature_drift", "level_notes", "population_stability_index",
    "unit_notes",
]  # fmt: skip

LOOK, LARGE = 0.1, 0.25
CONFIDENCE = 0.999
#: The factor that brings a column of money to the training's unit, and what it then is in.
OTHER_UNITS = {
    0.01: ("分", "fen (分)"),
    10_000.0: ("万元", "10,000 yuan (万元)"),
    100.0: ("元，而训练时是分", "yuan, the training in fen (分)"),
    0.0001: ("元，而训练时是万元", "yuan, the training in 10,000 yuan (万元)"),
}
_PER_CHUNK = 10_000
#: Customers whose text is at no level of a category.
NO_LEVEL_BIN = "(no level)"
_NAMED = 5  # new levels that are named


def population_stability_index(expected, found) -> float:
    """Population stability index of two sets of counts (or shares) over the same bins.

    A bin that is empty on one side counts as half a customer, so that the index stays finite.

    Parameters
    ----------
    expected, found : array-like of shape (n_bins,)
        Customers in each bin, before and now.

    Returns
    -------
    float
        0 where the shares are the same; it has no unit.

    Examples
    --------
    >>> round(population_stability_index([50, 50], [80, 20]), 3)
    0.416
    """
    expected, found = (np.asarray(a, dtype=float) for a in (expected, found))
    used = (expected > 0) | (found > 0)
    p, q = (np.maximum(a[used], 0.5) / np.maximum(a[used], 0.5).sum() for a in (expected, found))
    return float(((q - p) * np.log(q / p)).sum())


def critical_value(n_bins: int, n_before: int, n_now: int) -> float:
    """Critical value of the index under no change (chi-square quantile at 0.999).

    Examples
    --------
    >>> round(critical_value(10, 2_000, 2_000), 3), round(critical_value(10, 100_000, 100_000), 4)
    (0.028, 0.0006)
    """
    if n_bins < 2:
        return 0.0
    return float(chi2.ppf(CONFIDENCE, n_bins - 1) * (1 / max(n_before, 1) + 1 / max(n_now, 1)))


class Spread:
    """How customers spread over a scorecard's bins, counted chunk by chunk.

    Of a category the bins are its levels, those not seen at the training, and missing.

    Parameters
    ----------
    card : Scorecard

    Attributes
    ----------
    new_levels : dict of str to dict of str to int
        By category, the levels that the training had not, and their customers.

    Examples
    --------
    >>> from kequn_lab.segments.pipeline import fit_segments
    >>> table = pd.DataFrame({"age_years": np.arange(1000.0), "aum_cny": np.arange(1000.0) ** 2})
    >>> pipeline = fit_segments(table, n_clusters=2, random_state=0)
    >>> spread = Spread(Scorecard.from_pipeline(pipeline, table, as_of="2024-12-31"))
    >>> spread.add(table.assign(aum_cny=table["aum_cny"] * 100))
    >>> spread.table()[["feature", "level", "hint"]]
         feature  level                                           hint
    0  age_years   none
    1    aum_cny  large  looks like fen (分): multiply aum_cny by 0.01
    """

    def __init__(self, card: Scorecard):
        self.card = card
        self.rows = self._all = 0
        self._counts = [np.zeros((1 + len(OTHER_UNITS), len(f.shares) + 1)) for f in card.features]
        self._levels = [np.zeros(len(c.levels) + 2) for c in card.categories]
        self.new_levels: dict[str, dict[str, int]] = {}

    def add(self, table: pd.DataFrame | pa.Table) -> None:
        """Count a chunk; of a large one, every so many rows."""
        n = len(table)
        step = max(1, n // _PER_CHUNK)
        self.rows += len(range(0, n, step))
        for f, counts in zip(self.card.features, self._counts):
            values = _numbers(table[f.name])[::step]
            factors = [1.0, *OTHER_UNITS] if _is_money(f) else [1.0]
            for row, factor in zip(counts, factors):
                row += _bins(f, values * factor)
        for c, counts in zip(self.card.categories, self._levels):
            found, new = c.counts(table[c.name])
            counts += found
            own = self.new_levels.setdefault(c.name, {}) if new else {}
            for level, customers in new.items():
                own[level] = own.get(level, 0) + customers
        self._all += n

    def table(self) -> pd.DataFrame:
        """One row per feature, as :func:`feature_drift`."""
        rows = []
        n = self.card.customers
        for f, counts in zip(self.card.features, self._counts):
            present = 1 - f.missing_share
            expected = np.append(np.array(f.shares) * present, f.missing_share) * n
            psi, *others = (population_stability_index(expected, c) for c in counts)
            bins = int(((expected > 0) | (counts[0] > 0)).sum())
            critical = critical_value(bins, n, self.rows)
            changed = psi > max(critical, LOOK)
            level = "none" if not changed else "large" if psi > LARGE else "look"
            factor, hint = 1.0, ""
            if level == "large" and _is_money(f) and min(others) < psi / 4:
                factor = list(OTHER_UNITS)[int(np.argmin(others))]
                hint = f"looks like {OTHER_UNITS[factor][1]}: multiply {f.name} by {factor:g}"
            missing = counts[0][-1] / max(self.rows, 1)
            rows.append((f.name, psi, critical, level, f.missing_share, missing, factor, hint))
        rows += [self._category(c, counts) for c, counts in zip(self.card.categories, self._levels)]
        names = ["feature", "psi", "critical_value", "level", "missing_before", "missing_now"]
        table = pd.DataFrame(rows, columns=[*names, "factor", "hint"])
        money = [_is_money(f) for f in self.card.features]
        return table.assign(money=money + [False] * len(self.card.categories))

    def levels(self) -> pd.DataFrame:
        """What each level of a category adds to the index of its column.

        Returns
        -------
        DataFrame
            The largest part first within a column: ``feature``, ``level`` (``(no level)``: rare
            or new texts that the column takes as its mean, ``(missing)``), ``share_before``,
            ``share_now`` (0 to 1, of all customers), ``psi`` (its term of the index; the terms
            add up to the ``psi`` of :meth:`table`).
        """
        rows = []
        for c, counts in zip(self.card.categories, self._levels):
            expected = self._expected(c)
            p, q = (
                np.maximum(a, 0.5 * ((expected > 0) | (counts > 0))) for a in (expected, counts)
            )
            p, q = p / p.sum(), q / max(q.sum(), 1)
            with np.errstate(divide="ignore", invalid="ignore"):
                terms = np.where(p > 0, (q - p) * np.log(q / p), 0.0)
            names = [*(x.level for x in c.levels), NO_LEVEL_BIN, MISSING]
            table = pd.DataFrame({
                "feature": c.name, "level": names, "share_before": expected / self.card.customers,
                "share_now": counts / max(self._all, 1), "psi": terms,
            })  # fmt: skip
            used = table["share_before"].gt(0) | table["share_now"].gt(0)
            rows.append(table[used].sort_values("psi", ascending=False, kind="stable"))
        columns = ["feature", "level", "share_before", "share_now", "psi"]
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)

    def _expected(self, c) -> NDArray:
        """Customers of the training by level, at no level, and missing."""
        shares = [x.share for x in c.levels]
        missing = 0.0 if c.missing is not None else c.missing_share
        rest = max(1 - sum(shares) - missing, 0.0)
        return np.array([*shares, 0.0 if rest < 1e-9 else rest, missing]) * self.card.customers

    def _category(self, c, counts: NDArray) -> tuple:
        """The row of a category: an index over its levels, new ones named."""
        n, expected = self.card.customers, self._expected(c)
        psi = population_stability_index(expected, counts)
        critical = critical_value(int(((expected > 0) | (counts > 0)).sum()), n, self._all)
        changed = psi > max(critical, LOOK)
        level = "none" if not changed else "large" if psi > LARGE else "look"
        place = c.position(c.missing) if c.missing is not None else len(counts) - 1
        now = counts[place] / max(self._all, 1)
        new = sorted(self.new_levels.get(c.name, {}).items(), key=lambda item: -item[1])
        hint = ", ".join(f"{text!r} ({customers:,})" for text, customers in new[:_NAMED])
        more = f", … +{len(new) - _NAMED}" if len(new) > _NAMED else ""  # in any language
        hint = f"levels not seen at the training: {hint}{more}" if new else ""
        return (c.name, psi, critical, level, c.missing_share, now, 1.0, hint)


def feature_drift(card: Scorecard, features: pd.DataFrame) -> pd.DataFrame:
    """How far each feature has moved since the training of the scorecard.

    Parameters
    ----------
    card : Scorecard
        Carries the deciles of its training.
    features : DataFrame
        The customer table of today.

    Returns
    -------
    DataFrame
        One row per feature: ``feature``, ``psi``, ``critical_value`` (99.9 % of samples without
        change stay below it), ``level`` (``none``, ``look``, ``large``), ``missing_before``,
        ``missing_now`` (shares), ``factor`` and ``hint`` (a unit that would explain it),
        ``money`` (is it a column of money).

    References
    ----------
    B. Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan
    University (2018).
    """
    spread = Spread(card)
    spread.add(features)
    return spread.table()


def level_notes(spread: Spread) -> list[Note]:
    """A note for each category with levels that the training had not: which, how many customers.

    Parameters
    ----------
    spread : Spread
        Of the customers of today.
    """
    notes = []
    for c in spread.card.categories:
        new = sorted(spread.new_levels.get(c.name, {}).items(), key=lambda item: -item[1])
        if not new:
            continue
        n = sum(customers for _, customers in new)
        zh = "、".join(f"{text!r}（{k:,}）" for text, k in new[:_NAMED])
        en = ", ".join(f"{text!r} ({k:,})" for text, k in new[:_NAMED])
        zh += f" 等 {len(new)} 个" if len(new) > _NAMED else ""
        en += f" and {len(new) - _NAMED} more" if len(new) > _NAMED else ""
        place = c.unseen or "mean"
        notes.append(Note(
            "new_levels",
            f"{c.name}：训练时没有的类别 {zh}，共 {n:,} 名客户，按"
            + (f"“{place}”处理" if c.unseen else "该列的平均处理"),
            f"{c.name}: levels not seen at the training: {en}; {n:,} customers, taken as "
            + (place if c.unseen else "the column's mean"),
            value=float(n),
            variable=c.name,
        ))  # fmt: skip
    return notes


def unit_notes(drift: pd.DataFrame) -> tuple[list[Note], bool]:
    """What of a :func:`feature_drift` table another unit of money explains, and is that nearly all.

    Returns
    -------
    tuple
        A note for each factor, and True where one factor explains four in five of the columns
        of money that moved far, and a third of all of them: then the whole input is in another
        unit, not one column.
    """
    money = drift[drift["money"]]
    notes, all_off = [], False
    for factor, rows in money[money["factor"] != 1].groupby("factor"):
        names, (zh, en) = ", ".join(rows["feature"]), OTHER_UNITS[factor]
        notes.append(Note(
            "other_unit",
            f"金额列的单位似乎与训练时不同（看起来是{zh}），应乘以 {factor:g}：{names}",
            f"Columns of money look like {en}; multiply by {factor:g}: {names}",
            value=float(factor),
        ))  # fmt: skip
        far = (money["level"] == "large").sum()
        all_off |= len(rows) >= max(0.8 * far, len(money) / 3)
    return notes, all_off


def _is_money(f) -> bool:
    return f.unit.startswith("CNY") or (not f.unit and f.name.endswith("_cny"))


def _bins(f, values: NDArray) -> NDArray:
    """Customers in each bin, the missing last. A comparison a cut costs less than a search."""
    ends = [np.count_nonzero(values <= cut) for cut in (*f.cuts, np.inf)]
    return np.diff([0, *ends, len(values)])


def _numbers(column) -> NDArray:
    if isinstance(column, pd.Series):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.cast(pa.float64()).to_numpy()
