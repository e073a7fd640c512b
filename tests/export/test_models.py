"""A stored pipeline labels as before, holds no customer, and strangers' files are refused."""

import json
import pickle
import zipfile

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from kequn_lab.export.labels import sha256
from kequn_lab.export.models import load_model, save_model
from kequn_lab.segments.pipeline import fit_segments


class Stranger(BaseEstimator):
    """A type of somebody else's."""


def describe(path, **more):
    """Write the record that belongs to a file."""
    record = {"schema": "kequn_lab.model/1", "sha256": sha256(path)} | more
    path.with_suffix(".meta.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age_years": rng.normal(40, 9, 300), "aum_cny": rng.lognormal(9, 1, 300)})


@pytest.fixture(scope="module")
def pipeline(table):
    return fit_segments(table, n_clusters=3, n_starts=3, random_state=0)


def test_there_and_back(tmp_path, pipeline, table):
    record = save_model(pipeline, tmp_path / "model.skops", meta={"model_id": "abc"})
    again = load_model(tmp_path / "model.skops")
    assert (again.predict(table) == pipeline.predict(table)).all()
    np.testing.assert_array_equal(again.transform(table), pipeline.transform(table))
    assert record["model_id"] == "abc"
    assert not hasattr(again["kmeans"], "labels_")
    assert hasattr(pipeline["kmeans"], "labels_")  # the caller's own is left as it was


def test_its_size_does_not_grow_with_customers(tmp_path, table):
    few, many = table.head(50), pd.concat([table] * 10, ignore_index=True)
    for name, rows in (("few", few), ("many", many)):
        fitted = fit_segments(rows, n_clusters=3, n_starts=3, random_state=0)
        save_model(fitted, tmp_path / f"{name}.skops")
    sizes = [(tmp_path / f"{name}.skops").stat().st_size for name in ("few", "many")]
    assert abs(sizes[1] - sizes[0]) < 500


@pytest.mark.parametrize("dump", [pickle.dump, joblib.dump])
def test_a_pickle_is_refused_with_the_reason(tmp_path, pipeline, dump):
    with (tmp_path / "model.skops").open("wb") as file:
        dump(pipeline, file)
    with pytest.raises(ValueError, match="runs any code that its author put in"):
        load_model(tmp_path / "model.skops")


def test_a_changed_file_is_refused(tmp_path, pipeline):
    path = tmp_path / "model.skops"
    save_model(pipeline, path)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ValueError, match="changed or exchanged"):
        load_model(path)
    path.with_suffix(".meta.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"model.meta.json does not exist"):
        load_model(path)
    with pytest.raises(FileNotFoundError, match="is not a file"):
        load_model(tmp_path / "other.skops")


def test_a_strangers_type_is_refused_both_ways(tmp_path, table, pipeline):
    import skops.io

    mixed = Pipeline([("stranger", Stranger()), *pipeline.steps])
    with pytest.raises(TypeError, match="Stranger would not be read back"):
        save_model(mixed, tmp_path / "model.skops")
    with pytest.raises(ValueError, match=r"stored as ….skops, not .pkl"):
        save_model(pipeline, tmp_path / "model.pkl")
    path = tmp_path / "model.skops"
    skops.io.dump(mixed, path)  # as an attacker would, record and all
    describe(path)
    with pytest.raises(ValueError, match="Stranger, which is not on the fixed list"):
        load_model(path)


def test_another_version_warns(tmp_path, pipeline):
    path = tmp_path / "model.skops"
    save_model(pipeline, path)
    side = path.with_suffix(".meta.json")
    record = json.loads(side.read_text())
    record["versions"]["scikit-learn"] = "0.1.0"
    side.write_text(json.dumps(record))
    with pytest.warns(UserWarning, match=r"stored with scikit-learn 0.1.0, this is"):
        load_model(path)


def test_what_is_no_pipeline_is_refused_both_ways(tmp_path, pipeline):
    import skops.io

    path = tmp_path / "model.skops"
    with pytest.raises(TypeError, match=r"give a fitted Pipeline .*, not KMeansSearch"):
        save_model(pipeline["kmeans"], path)
    skops.io.dump(pipeline["kmeans"], path)
    describe(path)
    with pytest.raises(ValueError, match=r"model.skops holds a KMeansSearch, no pipeline"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "nothing")
    describe(path)
    with pytest.raises(ValueError, match=r"model.skops holds no model of skops"):
        load_model(path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("[", "model.meta.json: not JSON"),
        ("{}", r"model.meta.json: it lacks schema \(and 1 more"),
        ('{"schema": "other", "sha256": "0"}', "schema must be 'kequn_lab.model/1', found 'other'"),
    ],
)
def test_a_record_that_is_none_is_named(tmp_path, pipeline, record, message):
    save_model(pipeline, tmp_path / "model.skops")
    (tmp_path / "model.meta.json").write_text(record)
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "model.skops")
