"""Pipeline, names and labels on five customers and on hand-made centres."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import (
    centre_table,
    fit_segments,
    label_table,
    segment_pipeline,
)

FIVE = pd.DataFrame(
    {
        "age_years": [70.0, 72, 68, 25, 27],
        "counter_share": [0.9, 0.8, 0.7, 0.0, 0.1],
        "aum_cny": [2e5, 3e5, 1e5, 5e3, np.nan],
    },
    index=pd.Index(["a", "b", "c", "d", "e"], name="customer_id"),
)
SIGNATURES = pd.DataFrame(
    [
        ("elderly", "age_years", 1.0),
        ("elderly", "counter_share", 1.0),
        ("elderly", "aum_cny", 1.0),
        ("young_adult", "age_years", -1.5),
        ("young_adult", "counter_share", -1.0),
        ("young_adult", "aum_cny", -1.0),
        ("farm_household", "age_years", 0.1),
        ("farm_household", "counter_share", -3.0),
        ("farm_household", "aum_cny", 3.0),
        ("scitech_corporate", "web_share", 3.0),  # none of its features is in the table
    ],
    columns=["segment_id", "feature", "level_sd"],
)
SEGMENTS = pd.DataFrame(
    {"segment_id": ["elderly", "young_adult"], "name_zh": ["老年", "年轻人"],
     "name_en": ["Elderly", "Young adults"]}
)  # fmt: skip
GROUPS = pd.DataFrame(
    {"group_id": ["traditional_bank", "internet_bank", "traditional_bank"],
     "segment_id": ["elderly", "young_adult", "young_adult"]}
)  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return fit_segments(FIVE, n_clusters=2, random_state=0)


def test_old_and_young_fall_apart_and_the_larger_cluster_comes_first(fitted):
    assert fitted.predict(FIVE).tolist() == [0, 0, 0, 1, 1]


def test_same_seed_same_labels_other_row_order_same_customers(fitted):
    again = fit_segments(FIVE.iloc[::-1], n_clusters=2, random_state=0)
    assert again.predict(FIVE).tolist() == fitted.predict(FIVE).tolist()


def test_labels_have_names_groups_distance_and_margin(fitted):
    names = name_clusters(centre_table(fitted), SIGNATURES, segments=SEGMENTS)
    labels = label_table(fitted, FIVE, names, target_groups=GROUPS)
    assert labels["customer_id"].tolist() == list("abcde")
    assert labels["name_zh"].tolist() == ["老年"] * 3 + ["年轻人"] * 2
    assert labels["target_group"].iloc[[0, 4]].tolist() == [
        "traditional_bank",
        "internet_bank|traditional_bank",
    ]
    z = fitted["preprocess"].transform(FIVE).to_numpy()
    centres = fitted["kmeans"].cluster_centers_
    d = np.sort(np.sqrt(((z[:, None] - centres) ** 2).sum(-1)), axis=1)
    np.testing.assert_allclose(labels["distance"], d[:, 0], atol=1e-7)
    np.testing.assert_allclose(labels["margin"], (d[:, 1] - d[:, 0]) / d.sum(1), atol=1e-7)


@pytest.mark.parametrize(
    ("table", "options", "error", "says"),
    [
        (FIVE.head(3), {"n_clusters": 4}, ValueError, "3 customers cannot form 4 clusters"),
        (FIVE.assign(x=1.0), {"n_clusters": 2}, ValueError, "constant columns.*: x;.*--drop"),
        (FIVE.assign(x=list("abcde")), {"n_clusters": 2}, TypeError, "not numbers: x"),
        (FIVE.assign(x=[np.inf, 1, 2, 3, 4]), {"n_clusters": 2}, ValueError, "infinite.*: x"),
    ],
)
def test_what_cannot_be_clustered_is_named(table, options, error, says):
    with pytest.raises(error, match=says):
        fit_segments(table, random_state=0, **options)


def test_input_is_not_modified():
    before = FIVE.copy(deep=True)
    fit_segments(FIVE, n_clusters=2, random_state=0)
    pd.testing.assert_frame_equal(FIVE, before)


def test_cc_general_gives_the_published_scores(shared):
    """Median fill, standardise, k = 3: the scores of a paper, by scikit-learn's own KMeans."""
    from sklearn.cluster import KMeans
    from sklearn.impute import SimpleImputer
    from sklearn.metrics import (
        calinski_harabasz_score,
        davies_bouldin_score,
        silhouette_score,
    )
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from kequn_lab.contract.reading import read_table

    table = read_table(shared / "data" / "cc_general" / "CC GENERAL.csv").set_index("CUST_ID")
    table = table.apply(pd.to_numeric)
    prepare = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    pipeline = segment_pipeline(table.columns, n_clusters=3, random_state=42)
    pipeline.set_params(preprocess=prepare, kmeans=KMeans(n_clusters=3, random_state=42, n_init=10))
    labels = pipeline.fit_predict(table)
    scaled = prepare.transform(table)
    assert round(silhouette_score(scaled, labels), 4) == 0.2510
    assert round(davies_bouldin_score(scaled, labels), 3) == 1.592
    assert round(calinski_harabasz_score(scaled, labels), 2) == 1605.03
    assert sorted(np.bincount(labels), reverse=True) == [6114, 1561, 1275]
