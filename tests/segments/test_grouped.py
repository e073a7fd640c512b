"""Groups of customers are clustered separately, and clusters of one name are one segment."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from kequn_lab.export.models import load_model, save_model
from kequn_lab.features import CategoryEncoder
from kequn_lab.segments.grouped import GroupedKMeans, clusters_by_group
from kequn_lab.segments.kmeans import KMeansSearch
from kequn_lab.segments.pipeline import fit_segments, label_table


def two_sides(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Firms move a hundred times the money of persons; both have two kinds."""
    rng = np.random.default_rng(seed)
    firm, kind = np.arange(n) % 4 == 0, rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "firm": firm.astype(float),
            "money": np.where(firm, 100, 1) * (5 + 3 * kind + rng.normal(0, 0.3, n)),
            "visits": rng.normal(0, 1, n),
        },
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )


def test_each_group_is_what_k_means_finds_in_it_alone():
    table = two_sides()
    X = ((table - table.mean()) / table.std(ddof=0)).to_numpy()
    model = GroupedKMeans(by=0, n_clusters=2, random_state=0).fit(X)
    for value in (0, 1):
        rows = (table["firm"] == value).to_numpy()
        own = X[rows][:, 1:]
        z = (own - own.mean(axis=0)) / own.std(axis=0)
        alone = KMeansSearch(2, random_state=0).fit(z)
        pairs = pd.crosstab(model.labels_[rows], alone.labels_)
        assert (pairs > 0).to_numpy().sum() == 2
    assert (model.predict(X) == model.labels_).all()
    assert model.inertia_ == pytest.approx(
        sum(
            ((z - c[label]) ** 2).sum()
            for rows, z, c, of in model.parts(X)
            for label in [np.searchsorted(of, model.labels_[rows])]
        )
    )


def test_a_group_does_not_depend_on_the_others():
    """Customers of the other group may change as they like."""
    table = two_sides()
    other = table.assign(money=table["money"].where(table["firm"] == 0, table["money"] ** 2 / 7))
    fits = [fit_segments(t, by="firm", n_clusters=2, random_state=0) for t in (table, other)]
    persons = (table["firm"] == 0).to_numpy()
    one, two = (fit["kmeans"].labels_[persons] for fit in fits)
    assert (one == two).all()


def test_joined_clusters_are_one_and_the_largest_is_first():
    table = two_sides()
    pipeline = fit_segments(table, by="firm", n_clusters=2, random_state=0)
    kmeans, model = pipeline["kmeans"], pipeline["preprocess"].transform(table)
    before = kmeans.labels_.copy()
    kmeans.join(["poor", "rich", "rich", "rare"])
    sizes = np.bincount(kmeans.labels_)
    assert len(sizes) == 3 and (np.diff(sizes) <= 0).all()
    joined = kmeans.labels_ == kmeans.centre_clusters_[1]
    assert (joined == np.isin(before, [1, 2])).all()
    means = model.groupby(kmeans.labels_).mean().to_numpy()
    np.testing.assert_allclose(kmeans.cluster_centers_, means, atol=1e-9)
    assert (pipeline.predict(table) == kmeans.labels_).all()
    names = pd.DataFrame({"cluster": range(3), "segment_id": list("abc")})
    labels = label_table(pipeline, table, names.assign(name_zh="", name_en=""))
    assert labels["margin"].between(0, 1).all() and np.isfinite(labels["distance"]).all()
    with pytest.raises(ValueError, match="joined already"):
        kmeans.join(list("abcd"))
    assert len(clone(pipeline).fit(table)["kmeans"].cluster_centers_) == 4
    with pytest.raises(ValueError, match="same name"):
        clone(pipeline).fit(table)["kmeans"].join(["a", "a", "b", "c"])
    with pytest.raises(ValueError, match="4 centres need a name each, got 2"):
        clone(pipeline).fit(table)["kmeans"].join(["a", "b"])


@pytest.mark.parametrize(
    ("column", "k", "message"),
    [
        ([0.0, 1.0, np.nan], 2, "1 customers have no side"),
        (["firm", "person"] * 40, 2, "side holds words; groups .* write each group as a number"),
        ([1.0] * 40, 2, "one value only"),
        (list(map(float, range(11))) * 9, 2, "11 values"),
        ([0.0, 1.0] * 40, {0: 2}, "k is given for side = 0, the table has 0, 1; give k for each"),
        ([0.0, 1.0] * 40, {0: 2, 1: 1}, "side = 1: 1 clusters; clustering starts from 2"),
        ([0.0] * 60 + [1.0] * 19, 2, "side = 1 has 19 customers, too few for 2 clusters"),
        ([0.0] * 29_999 + [1.0] * 40, 2, "at least 61"),
    ],
)
def test_groups_that_cannot_be_clustered_are_refused(column, k, message):
    with pytest.raises(ValueError, match=message):
        clusters_by_group(pd.Series(column, name="side"), k)


def test_what_belongs_to_no_group_is_refused():
    table = two_sides()
    with pytest.raises(ValueError, match="no column 'side' to group by; there are firm, money"):
        fit_segments(table, by="side", n_clusters=2)
    with pytest.raises(ValueError, match="clustered by a search"):
        fit_segments(table, by="firm", n_clusters=2, levels=pd.DataFrame())
    X = table.to_numpy()
    model = GroupedKMeans(by=0, n_clusters=2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="1 rows belong to no group"):
        model.predict(np.vstack([X[:5], [[7.0, 1.0, 1.0]]]))


def test_it_is_stored_and_read_back(tmp_path):
    table = two_sides()
    pipeline = fit_segments(table, by="firm", n_clusters=2, random_state=0)
    pipeline["kmeans"].join(["a", "b", "a", "c"])
    save_model(pipeline, tmp_path / "m.skops")
    assert (load_model(tmp_path / "m.skops").predict(table) == pipeline.predict(table)).all()


def test_a_category_weighs_in_each_group_as_in_all():
    rng = np.random.default_rng(0)
    firm = np.repeat([0.0, 1.0], [300, 200])
    job = np.where(
        firm > 0, rng.choice(["a", "b"], 500, p=[0.9, 0.1]), rng.choice(["a", "b", "c"], 500)
    )
    coded = (
        CategoryEncoder().set_output(transform="pandas").fit_transform(pd.DataFrame({"job": job}))
    )
    X = coded.assign(firm=firm, age=rng.normal(40, 5 + 10 * firm), constant=1.0)
    model = GroupedKMeans("firm", 2, n_starts=2, random_state=0, blocks=["job"]).fit(X)
    jobs, age = [0, 1, 2], 4
    for _, scaled, *_ in model.parts(X):
        assert scaled[:, jobs].var(axis=0).sum() == pytest.approx((3 - 1) / 2)
        assert scaled[:, age].std() == pytest.approx(1)
    assert (model.group_means_[:, jobs] == 0).all()  # a missing value stays where it is
    by_position = GroupedKMeans("firm", 2, n_starts=2, random_state=0, blocks=[jobs]).fit(X)
    np.testing.assert_array_equal(by_position.labels_, model.labels_)
    assert model.quick().blocks == [jobs]
