"""Scorecards of six kinds, some of them of a registry, with the golden rows of each."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.export.golden import disagreements, golden_rows
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor.registry import stamped
from kequn_lab.segments.pipeline import fit_segments


def customers(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, n)
    table = pd.DataFrame({
        "age_years": rng.normal(30 + 10 * kind, 4),
        "aum_cny": np.exp(rng.normal(8 + kind, 1)),
        "balance_min_cny": rng.normal(0, 5_000, n),
        "is_business": (kind == 1).astype(float),
    })  # fmt: skip
    table = table.mask(rng.random(table.shape) < 0.05)
    return table.assign(is_business=table["is_business"].fillna(0))


@pytest.fixture(scope="module", params=["together", "grouped", "categories", "both", "sized",
                                        "sized categories"])  # fmt: skip
def any_card(request) -> Scorecard:
    table = customers(1_500)
    by = {}
    if request.param in ("grouped", "both"):
        by = {"by": "is_business", "n_clusters": {0: 3, 1: 2}}
    if request.param == "both":  # one level is on one side only, a missing value is at the mean
        rng, firm = np.random.default_rng(1), table["is_business"] > 0
        level = np.where(firm, rng.choice(["O'Neil", "r"], 1_500), rng.choice(["农民", "r"], 1_500))
        table["job"] = pd.Series(level, dtype=object).mask(rng.random(1_500) < 0.05)
        table["size"] = rng.choice(["low", "mid", "high"], 1_500)
        by |= {"categories": {"job": (), "size": ("low", "mid", "high")}}
    if "categories" in request.param:
        table["job"] = np.random.default_rng(1).choice(["农民", "O'Neil", "clerk", "r"], 1_500,
                                                       p=[0.4, 0.3, 0.295, 0.005])  # fmt: skip
        table.loc[:80, "job"] = None
        by = {"categories": {"job": ()}, "missing_levels": ["job"]}
    if "sized" in request.param:  # some segments had to grow
        by["min_size"] = 250
    how = {"n_clusters": 5, "n_starts": 3, "random_state": 0, "log_columns": ["aum_cny"], **by}
    card = Scorecard.from_pipeline(fit_segments(table, **how), table, as_of="2024-12-31")
    if request.param in ("grouped", "categories", "sized categories"):
        return stamped(card, {s.cluster: f"S{s.cluster + 3:04d}" for s in card.segments}, "r-1")
    return card


@pytest.fixture(scope="module")
def golden(any_card):
    return golden_rows(any_card)


@pytest.fixture
def agree(any_card, golden):
    """Whether a copy's labels are right in every column that the scorecard's labels have."""

    def check(labels: pd.DataFrame) -> bool:
        named = ["cluster", "segment_id"] + ["permanent_id"] * (any_card.run_id is not None)
        if any_card.run_id is not None:
            assert set(labels["run_id"].dropna()) == {any_card.run_id}
        return all(disagreements(golden, labels, column).empty for column in named)

    return check
