"""A fitted pipeline on the disk and back, without running what a stranger wrote.

skops stores a pipeline as plain data (a zip of JSON and arrays); only the types of a fixed list
are built when it is read. A pickle runs any code that it holds, so none is written or read.
"""

from __future__ import annotations

import copy
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sklearn
from sklearn.pipeline import Pipeline

from kequn_lab._files import replacing, sha256, versions, write_json
from kequn_lab._json import as_kind, read_json

__all__ = ["TRUSTED", "load_model", "save_model"]

SCHEMA = "kequn_lab.model/1"


@dataclass(frozen=True)
class _Record:
    """What :func:`load_model` needs of a record."""

    schema: Literal["kequn_lab.model/1"]
    sha256: str
    versions: dict[str, str] = field(default_factory=dict)


#: The only types that a stored model may contain beside those that skops itself trusts.
TRUSTED = (
    "kequn_lab.segments.grouped.GroupedKMeans",
    "kequn_lab.segments.kmeans.KMeansSearch",
    "kequn_lab.segments.seeded.SeededKMeans",
    "kequn_lab.features.preprocessing.QuantileClipper",
    "kequn_lab.features.preprocessing.SignedLog1p",
    "kequn_lab.features.weights.ColumnWeights",
    "kequn_lab.features.categories.CategoryEncoder",
    "kequn_lab.features.categories.LevelCoding",
    "numpy.dtype",
)

# What the fit leaves behind about single customers; predicting needs none of it.
_TRAINING = ("labels_",)


def save_model(
    pipeline: Pipeline, path: str | Path, *, meta: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Store a fitted pipeline, without the training's labels, and a record beside it.

    Parameters
    ----------
    pipeline : fitted Pipeline
        Left as it is.
    path : path
        ``model.skops``; the record becomes ``model.meta.json``.
    meta : mapping, optional
        More for the record, such as ``model_id``.

    Returns
    -------
    dict
        The record: schema, file, SHA-256, versions, and ``meta``.

    Raises
    ------
    ValueError
        Another ending than ``.skops``.
    TypeError
        No pipeline, or one that holds a type that :func:`load_model` would not build.
    """
    import skops.io

    path = Path(path)
    if not isinstance(pipeline, Pipeline):
        raise TypeError(f"give a fitted Pipeline (fit_segments), not {type(pipeline).__name__}")
    if path.suffix != ".skops":
        raise ValueError(f"{path.name}: a model is stored as ….skops, not {path.suffix or 'so'}")
    slim = _without_training(pipeline)
    data = skops.io.dumps(slim, compression=zipfile.ZIP_DEFLATED)
    foreign = _foreign(skops.io.get_untrusted_types(data=data))
    if foreign:
        raise TypeError(f"{', '.join(foreign)} would not be read back; only {', '.join(TRUSTED)}")
    with replacing(path) as file:
        file.write(data)
    record = {"schema": SCHEMA, "file": path.name, "sha256": sha256(path), "versions": versions()}
    record |= dict(meta or {})
    write_json(record, path.with_suffix(".meta.json"))
    return record


def load_model(path: str | Path) -> Pipeline:
    """Read what :func:`save_model` stored.

    Parameters
    ----------
    path : path
        ``model.skops`` with ``model.meta.json`` beside it.

    Raises
    ------
    FileNotFoundError
        No model, or no record beside it.
    ValueError
        A pickle or joblib file, a file changed since, a type that is not on the fixed list,
        no pipeline, or one that this scikit-learn cannot read.

    Warns
    -----
    UserWarning
        Another version of scikit-learn stored it.
    """
    import skops.io

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; name a ….skops file")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path.name} is no skops file. A pickle or joblib file runs any code that its author "
            "put in, so none is read: fit again and store with save_model, or use scorecard.json"
        )
    side = path.with_suffix(".meta.json")
    if not side.is_file():
        raise FileNotFoundError(f"{side} does not exist; it was stored beside {path.name}")
    record = as_kind(_Record, read_json(side), what=side.name, extra="ignore")
    if record.sha256 != sha256(path):
        raise ValueError(
            f"{path.name} is not the file that {side.name} describes (SHA-256 differs): "
            "it was changed or exchanged; take it from where it was stored"
        )
    try:
        foreign = _foreign(skops.io.get_untrusted_types(file=path))
    except Exception as error:
        raise ValueError(f"{path.name} holds no model of skops ({error!r})") from error
    if foreign:
        raise ValueError(f"{path.name} holds {', '.join(foreign)}, which is not on the fixed list")
    then = record.versions.get("scikit-learn")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline = skops.io.load(path, trusted=list(TRUSTED))
    except Exception as error:
        raise ValueError(
            f"{path.name} was stored with scikit-learn {then}, and {sklearn.__version__} cannot "
            f"read it ({error}); install that version, fit again, or use scorecard.json, which "
            "any version reads"
        ) from error
    if not isinstance(pipeline, Pipeline):
        raise ValueError(
            f"{path.name} holds a {type(pipeline).__name__}, no pipeline; store one with save_model"
        )
    if then != sklearn.__version__:
        warnings.warn(
            f"{path.name} was stored with scikit-learn {then}, this is {sklearn.__version__}: "
            "compare its labels with scorecard.json before you rely on it",
            stacklevel=2,
        )
    return pipeline


def _without_training(pipeline: Pipeline) -> Pipeline:
    slim = copy.deepcopy(pipeline)
    for step in slim.named_steps.values():
        for name in _TRAINING:
            if hasattr(step, name):
                delattr(step, name)
    return slim


def _foreign(types: list[str]) -> list[str]:
    return sorted(set(types) - set(TRUSTED))
