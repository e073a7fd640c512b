"""What a fitted pipeline learned, and how its customers spread, as plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

# What each step of the pipeline learned, in the order that a scorecard applies it:
# attribute of the fitted step to the scorecard's field.
_LEARNED = (
    {"statistics_": "fill"},
    {"lower_": "lower", "upper_": "upper"},
    {"mask_": "log"},
    {"mean_": "mean", "scale_": "scale"},
    {"factor_": "factor"},
    {"cluster_centers_": "centre"},
)


def learned(pipeline: Pipeline) -> dict[str, list]:
    """The learned numbers of each step, one list entry per feature (or centre)."""
    steps = _numbers_of(pipeline)
    n = steps[0][1].n_features_in_ if len(steps) > 1 else pipeline.n_features_in_
    out: dict[str, list] = {
        "fill": [None] * n, "lower": [None] * n, "upper": [None] * n, "log": [False] * n,
        "mean": [0.0] * n, "scale": [1.0] * n, "factor": [1.0] * n,
    }  # fmt: skip
    position = -1
    for part in (step for _, outer in steps for step in _flat(outer)):
        left = enumerate(_LEARNED[position + 1 :], start=position + 1)
        fits = [i for i, step in left if all(hasattr(part, a) for a in step)]
        if not fits:
            raise TypeError(
                f"step {type(part).__name__} cannot be part of a scorecard; the steps are "
                "impute, clip, log, scale, weigh, k-means (segments.segment_pipeline)"
            )
        position = fits[0]
        for attribute, name in _LEARNED[position].items():
            if getattr(part, attribute) is not None:
                out[name] = np.asarray(getattr(part, attribute)).tolist()
    if "centre" not in out:
        raise TypeError("the pipeline ends without k-means; a scorecard needs its centres")
    offsets = getattr(pipeline.steps[-1][1], "offsets_", None)
    out["offset"] = [0.0] * len(out["centre"]) if offsets is None else offsets.tolist()
    factor = out.pop("factor")[:n]  # after the numbers come the categories
    out["scale"] = [s / f for s, f in zip(out["scale"], factor)]
    out["weight"] = [round(f * f, 12) for f in factor]
    return out


def groups_of(
    pipeline: Pipeline, features: pd.DataFrame, steps: dict[str, list]
) -> tuple[str | None, list[dict]]:
    """The column whose groups were clustered separately (None: all together), and of each
    group its value, mean and scale of the features and of the axes of categories, and centres."""
    kmeans = pipeline.steps[-1][1]
    if not hasattr(kmeans, "group_scales_"):
        return None, []
    by = kmeans.by if isinstance(kmeans.by, str) else features.columns[kmeans.by]
    axes = len(kmeans.group_scales_[0]) - len(steps["mean"])  # of categories, on which 0 stays 0
    mean = np.append(steps["mean"], np.zeros(axes))
    scale = np.append(steps["scale"], np.ones(axes))
    out = []
    for g, value in enumerate(np.unique(features[by].to_numpy(float))):
        own_mean, own_scale = kmeans.group_means_[g], kmeans.group_scales_[g]
        own = np.flatnonzero(kmeans.centre_groups_ == g)
        own = own[np.argsort(kmeans.centre_clusters_[own])]  # ties go to the lowest cluster
        sizes = kmeans.centre_sizes_[own]
        centres = (kmeans.centres_[own] - own_mean) / own_scale
        numbers = kmeans.centre_clusters_[own].tolist()
        out.append({
            "value": float(value),
            "mean": tuple((mean + scale * own_mean).tolist()),
            "scale": tuple((scale * own_scale).tolist()),
            "centres": [
                {"cluster": cluster, "share": share, "centre": tuple(centre)}
                for cluster, share, centre in zip(
                    numbers, (sizes / sizes.sum()).tolist(), centres.tolist()
                )
            ],
        })  # fmt: skip
    return str(by), out


def _numbers_of(pipeline: Pipeline) -> list[tuple[str, Any]]:
    """The steps of the numbers; the categories beside them have their own place."""
    first = pipeline.steps[0][1]
    if not isinstance(first, ColumnTransformer):
        return list(pipeline.steps)
    numbers = first.named_transformers_.get("numbers")
    return [("numbers", numbers)] * (numbers is not None) + list(pipeline.steps[1:])


def _flat(step):
    return [s for _, s in step.steps] if isinstance(step, Pipeline) else [step]


def spread(values: np.ndarray) -> dict[str, Any]:
    """Deciles as cuts, the shares between them, and the share of missing values."""
    present = values[~np.isnan(values)]
    cuts = np.unique(np.quantile(present, np.arange(1, 10) / 10)) if len(present) else np.empty(0)
    counts = np.bincount(np.searchsorted(cuts, present, side="left"), minlength=len(cuts) + 1)
    return {
        "missing_share": 1 - len(present) / len(values),
        "cuts": tuple(cuts.tolist()),
        "shares": tuple((counts / max(len(present), 1)).tolist()),
    }


def names_of(cluster: int, labels, names) -> dict[str, Any]:
    columns = ["segment_id", "name_zh", "name_en", "target_group"]
    out = dict(zip(columns, (f"cluster_{cluster}", f"客群{cluster}", f"Cluster {cluster}", "")))
    for table in (names, labels):
        if table is not None:
            row = table[table["cluster"] == cluster].head(1)
            out |= {c: str(row[c].iloc[0]) for c in columns if c in row and len(row)}
    similarity = None
    if names is not None:
        value = names.loc[names["cluster"] == cluster, "similarity"].iloc[0]
        similarity = None if pd.isna(value) else float(value)
    return out | {"similarity": similarity}
