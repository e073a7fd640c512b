"""What the controls of the chapters ask: small tables, quickly computed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.metrics import pairwise_distances

from kequn_lab import catalogue
from kequn_lab.compare import Criteria, attractiveness_matrix, segment_values
from kequn_lab.features import model_columns, preprocessor
from kequn_lab.workshop.shipped import evidence

__all__: list[str] = []

#: Steps after which k-means is stopped, should it not have come to rest.
_MOST_STEPS = 60


class Distances:
    """Who is near whom, depending on what is done to the columns before."""

    def __init__(self, features: pd.DataFrame):
        self.features = features
        self.money = features.columns[features.columns.str.contains("_cny")]
        self.seen = lru_cache(maxsize=4)(self._seen)

    def _seen(self, log: bool, scale: bool) -> pd.DataFrame:
        """The customers as a distance sees them: filled, with or without logarithm and scaling."""
        steps = preprocessor(self.features.columns)
        left_out = [name for name, keep in (("log", log), ("scale", scale)) if not keep]
        steps.set_params(**dict.fromkeys(left_out, "passthrough"))
        return steps.fit_transform(self.features)

    def near(self, *, customer: int, log: bool, scale: bool, n: int = 5) -> pd.DataFrame:
        """The customers nearest to one, and what decides distances.

        Returns
        -------
        DataFrame
            The customer first, then the n nearest: ``customer_id``, ``age_years``, ``aum_cny``,
            ``distance``; ``money_share``: share of the columns in yuan of all variance (0 to 1),
            ``largest`` and ``largest_share``: the column of the largest variance.
        """
        seen = self.seen(log, scale)
        distance = pairwise_distances(seen.iloc[[customer]], seen)[0]
        nearest = [customer, *(i for i in np.argsort(distance, kind="stable") if i != customer)]
        rows, variance = nearest[: n + 1], seen.var(ddof=0)
        out = self.features.iloc[rows][["age_years", "aum_cny"]].rename_axis("customer_id")
        out = out.reset_index().assign(distance=distance[rows])
        out["money_share"] = variance[self.money].sum() / variance.sum()
        return out.assign(largest=variance.idxmax(), largest_share=variance.max() / variance.sum())


def k_means_steps(z: np.ndarray, *, seed: int, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Centres and labels of k-means step by step, from k customers drawn at random to the end.

    A centre that loses all its customers stays where it is.
    """
    centres = z[np.random.default_rng(seed).choice(len(z), k, replace=False)]
    path = [(centres, _nearest(z, centres))]
    for _ in range(_MOST_STEPS):
        centres, labels = path[-1]
        full = np.unique(labels)
        moved = centres.copy()
        moved[full] = [z[labels == cluster].mean(axis=0) for cluster in full]
        path.append((moved, _nearest(z, moved)))
        if np.array_equal(path[-1][1], labels):
            break
    return path


def _nearest(z: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return ((centres**2).sum(axis=1) - 2 * z @ centres.T).argmin(axis=1)


class Steps:
    """k-means on the customers of a result, seen in the plane of two principal components."""

    def __init__(self, features: pd.DataFrame):
        columns = model_columns(features).columns
        self.z = preprocessor(columns).fit_transform(features[columns]).to_numpy()
        self.plane = np.linalg.svd(self.z, full_matrices=False)[2][:2].T
        self.points = self.z @ self.plane
        self.path = lru_cache(maxsize=8)(lambda seed, k: k_means_steps(self.z, seed=seed, k=k))

    def at(self, *, seed: int, k: int, step: int) -> pd.DataFrame:
        """Every centre at every step so far: ``step``, ``cluster``, ``x``, ``y``, ``customers``,
        ``inertia`` of the step, ``changed`` (customers that changed cluster), ``end`` (at rest).
        """
        path = self.path(seed, k)
        rows = []
        for number, (centres, labels) in enumerate(path[: step + 1]):
            x, y = (centres @ self.plane).T
            before = path[number - 1][1] if number else labels
            table = pd.DataFrame({"step": number, "cluster": range(k), "x": x, "y": y})
            table["customers"] = np.bincount(labels, minlength=k)
            table["inertia"] = ((self.z - centres[labels]) ** 2).sum()
            table["changed"] = (labels != before).sum()
            rows.append(table.assign(end=number == len(path) - 1))
        return pd.concat(rows, ignore_index=True)

    def labels(self, *, seed: int, k: int, step: int) -> np.ndarray:
        """The cluster of every customer at a step."""
        path = self.path(seed, k)
        return path[min(step, len(path) - 1)][1]


def recovered(*, apart: bool, k: int) -> pd.DataFrame:
    """The true segments of the small bank in k clusters (``notebooks/evidence/04b_sides.py``).

    Returns
    -------
    DataFrame
        One row per true segment: ``segment_id``, ``customers``, ``of_segment`` (share of it in
        the cluster that holds most of it), ``of_cluster`` (its share of that cluster), ``ari``.
    """
    table = evidence("04b_sides_by_k")
    return table[(table["apart"] == apart) & (table["k"] == k)].reset_index(drop=True)


def by_k() -> pd.DataFrame:
    """What speaks for each k on the small bank, beside data without segments.

    Returns
    -------
    DataFrame
        One row per k: ``silhouette``, ``stability`` (median adjusted Rand index of the draws);
        ``null_silhouette`` (largest) and ``null_stability`` (median) of data without segments,
        missing where they were not counted (``notebooks/evidence/05.py``).
    """
    scores, stable = evidence("05_scores").groupby("k"), evidence("05_stability").groupby("k")
    null, null_stable = (evidence(f"05_null_{n}").groupby("k") for n in ("scores", "stability"))
    columns = {
        "silhouette": scores["silhouette"].first(),
        "stability": stable["ari_data"].median(),
        "null_silhouette": null["silhouette"].max(),
        "null_stability": null_stable["ari_data"].median(),
    }
    return pd.DataFrame(columns).rename_axis("k").reset_index()


class Weighing:
    """The decision of a result under other weights."""

    def __init__(self, result):
        named = result.labels.set_index("customer_id")["segment_id"].astype(str)
        self.criteria = result.criteria
        self.weights = catalogue.read("weights")
        scored = self.criteria.loc[self.criteria["role"] == "score", "criterion_id"]
        self.scored = self.weights[self.weights["criterion_id"].isin(scored)]
        features = result.features
        self.values = segment_values(features, named.reindex(features.index), self.criteria)
        self.declared = lru_cache(maxsize=4)(self._declared)

    def decided(self, *, bank: str, criterion: str, weight: float) -> pd.DataFrame:
        """Score and rank of every segment when one criterion weighs so much.

        The other criteria of its axis share the rest as before.

        Returns
        -------
        DataFrame
            ``segment_id``, ``score``, ``target``, ``rank``, ``knocked_out_by``, best first;
            ``declared_score``, ``declared_target``: the same under the declared weights.
        """
        columns = ["segment_id", "score", "rank", "target", "knocked_out_by"]
        now = self._matrix(self._weights(bank, criterion, weight))[columns]
        return now.join(self.declared(bank), on="segment_id")

    def _declared(self, bank: str) -> pd.DataFrame:
        before = self._matrix(self.weights[self.weights["bank_kind"] == bank])
        return before.set_index("segment_id")[["score", "target"]].add_prefix("declared_")

    def _matrix(self, weights: pd.DataFrame) -> pd.DataFrame:
        criteria = Criteria(self.criteria, weights.reset_index(drop=True))
        return attractiveness_matrix(self.values, criteria)

    def _weights(self, bank: str, criterion: str, weight: float) -> pd.DataFrame:
        own = self.weights[self.weights["bank_kind"] == bank].copy()
        axis = self.criteria.set_index("criterion_id")["axis"]
        same = own["criterion_id"].map(axis).eq(axis[criterion]) & own["weight"].notna()
        this = own["criterion_id"].eq(criterion)
        rest = own.loc[same & ~this, "weight"]
        own.loc[same & ~this, "weight"] = rest / rest.sum() * (1 - weight)
        own.loc[this, "weight"] = weight
        return own

    def criteria_of(self, bank: str) -> list[str]:
        """Criteria whose weight may change: those that are not alone on their axis."""
        own = self.scored[self.scored["bank_kind"] == bank]
        axis = own["criterion_id"].map(self.criteria.set_index("criterion_id")["axis"])
        return own.loc[axis.map(axis.value_counts()) > 1, "criterion_id"].tolist()
