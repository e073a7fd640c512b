"""segment_pca: the plane of the separation plot."""

import json

import numpy as np
import pandas as pd
import pytest

from kequn_lab.profiles import plane
from kequn_lab.profiles.plane import segment_pca

REFERENCE = [("iris", "k3"), ("mcdonalds", "k4"), ("vacmot", "ng6")]


@pytest.mark.parametrize(("folder", "name"), REFERENCE)
def test_axes_agree_with_r(reference, reference_data, folder, name):
    home = reference(folder)
    labels = pd.read_csv(home / f"{name}_partition.csv")["cluster"]
    found = segment_pca(reference_data(folder), labels)
    expected = pd.read_csv(home / f"{name}_pca_rotation.csv", index_col=0)
    sign = np.sign((found.axes.to_numpy() * expected.to_numpy()).sum(axis=0))
    assert np.allclose(found.axes * sign, expected, rtol=0, atol=1e-9)
    summary = json.loads((home / f"{name}_summary.json").read_text())
    assert np.allclose(found.explained["std"], summary["pca_sdev"], rtol=0, atol=1e-9)
    if name != "ng6":  # neural gas: a centre is not the mean of its segment
        centres = pd.read_csv(home / f"{name}_pca_centers.csv")
        found_centres = found.centres.sort_index().to_numpy() * sign
        assert np.allclose(found_centres, centres, rtol=0, atol=1e-9)


def test_hulls_agree_with_flexclust(reference, reference_data):
    """On iris; on survey data many customers have the same values and share its distance."""
    home = reference("iris")
    labels = pd.read_csv(home / "k3_partition.csv")["cluster"]
    found = segment_pca(reference_data("iris"), labels)
    for s, hull in enumerate(json.loads((home / "k3_summary.json").read_text())["hulls"], start=1):
        for name in ("inner", "outer"):
            rows = found.hulls[(found.hulls["segment_id"] == s) & (found.hulls["hull"] == name)]
            corners = {tuple(c) for c in rows[["PC1", "PC2"]].round(9).to_numpy()}
            at = found.scores.loc[np.array(hull[f"{name}_hull_rows1"]) - 1, ["PC1", "PC2"]]
            assert corners == {tuple(c) for c in at.round(9).to_numpy()}


def test_a_sample_is_drawn_but_axes_and_centres_use_all(monkeypatch):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(500, 3)), columns=list("abc"))
    labels = pd.Series(rng.choice(["x", "y"], 500))
    all_ = segment_pca(X, labels)
    monkeypatch.setattr(plane, "SAMPLE", 60)
    few = segment_pca(X, labels)
    assert (len(few.scores), len(all_.scores)) == (60, 500)
    pd.testing.assert_frame_equal(few.centres, all_.centres)
    pd.testing.assert_frame_equal(few.scores, all_.scores.loc[few.scores.index])
    assert few.hulls.index.isin(few.scores.index).all()
    centred = (X - X.mean()) @ all_.axes
    assert np.allclose(centred.groupby(labels).mean().loc[few.centres.index], few.centres)


def test_customers_on_a_line_or_a_point_have_its_ends_as_hull():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3, 9], "b": [0.0, 1, 0, 2, 9]})
    found = segment_pca(X, pd.Series(["x", "x", "x", "x", "alone"])).hulls
    assert found[found["segment_id"] == "alone"].index.tolist() == [4, 4]  # inner and outer
    line = segment_pca(X.assign(b=X["a"]), pd.Series(["x"] * 5)).hulls
    assert sorted(line.index[line["hull"] == "outer"]) == [0, 3]  # 4 lies beyond 2.5 medians
    spot = segment_pca(X.assign(a=1.0, b=2.0), pd.Series(["x"] * 5)).hulls
    assert spot["hull"].tolist() == ["inner", "outer"]


def test_bad_tables_are_refused():
    X = pd.DataFrame({"a": [0.0, 1], "b": [1.0, np.nan]})
    labels = pd.Series(["x", "y"])
    with pytest.raises(ValueError, match="b has missing or infinite"):
        segment_pca(X, labels)
    with pytest.raises(ValueError, match="at least two variables"):
        segment_pca(X[["a"]], labels)
    with pytest.raises(ValueError, match="lack 1 of the 2"):
        segment_pca(X, labels.iloc[:1])
