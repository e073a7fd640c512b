"""A scorecard labels as its pipeline does, tells nothing of customers, and is read strictly."""

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
from kequn_lab.export.sql import DIALECTS
from kequn_lab.segments.naming import name_clusters
from kequn_lab.segments.pipeline import fit_segments, label_table


def customers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    table = pd.DataFrame(
        {
            "age_years": rng.normal(30 + 10 * kind, 4),
            "aum_cny": np.exp(rng.normal(8 + kind, 1)),
            "balance_min_cny": rng.normal(0, 5_000, n),
            "web_share": np.where(kind == 1, rng.random(n), 0.0),
        },
        index=pd.Index([f"cust-{i:012d}" for i in range(n)], name="customer_id"),
    )
    return table.mask(rng.random(table.shape) < 0.05)


@pytest.fixture(scope="module")
def train():
    return customers(2_000, 0)


@pytest.fixture(scope="module")
def pipeline(train):
    return fit_segments(train, n_clusters=4, n_starts=5, random_state=0)


@pytest.fixture(scope="module")
def card(pipeline, train):
    return Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31", synthetic=True)


@pytest.fixture(scope="module")
def grouped_train(train):
    rng = np.random.default_rng(1)
    return train.assign(is_business=(rng.random(len(train)) < 0.3).astype(float))


@pytest.fixture(scope="module")
def grouped_pipeline(grouped_train):
    options = {"by": "is_business", "n_clusters": {0: 3, 1: 2}, "n_starts": 5, "random_state": 0}
    pipeline = fit_segments(grouped_train, **options, log_columns=["aum_cny"])
    pipeline["kmeans"].join(["a", "b", "c", "b", "d"])
    return pipeline


@pytest.fixture(scope="module")
def grouped(grouped_pipeline, grouped_train):
    return Scorecard.from_pipeline(grouped_pipeline, grouped_train, as_of="2024-12-31")


def five() -> tuple[Scorecard, pd.DataFrame]:
    """Answers that can be checked in the head: age 40 ± 10 and whether a business."""
    features = (
        ScorecardFeature("age_years", "years", 40, 20, 60, False, 40, 10, 0.0, (), (1,)),
        ScorecardFeature("is_business", "0 or 1", None, None, None, False, 0, 1, 0.0, (), (1,)),
    )
    segments = (
        ScorecardSegment(0, "young_adult", "年轻人客群", "Young", "internet", 0.5, 0.5, (-1, 0)),
        ScorecardSegment(1, "elderly", "老年客群", "Elderly", "", None, 0.5, (1, 0)),
    )
    table = pd.DataFrame(
        {"age_years": [20.0, 90, np.nan, 40, 31], "is_business": [0.0, 0, 0, np.nan, 1]},
        index=pd.Index(list("abcde"), name="customer_id"),
    )
    return Scorecard(features, segments, trained_on="2024-12-31", customers=100), table


def test_what_single_precision_cannot_tell_is_looked_at_in_double():
    """Customers a millionth of a standard deviation off the border, far from zero."""
    n, rng = 6, np.random.default_rng(0)
    centres = rng.normal(0, 2, (4, n))
    features = [
        ScorecardFeature(f"f{j}", "", None, -1e5, 1e5, False, 1_000, 2, 0.0, (), (1,))
        for j in range(n)
    ]
    segments = [
        ScorecardSegment(k, f"s{k}", "", "", "", None, 0.25, tuple(c))
        for k, c in enumerate(centres)
    ]
    card = Scorecard(tuple(features), tuple(segments), trained_on="2024-12-31", customers=100)
    a, b = centres[0], centres[1]
    side = rng.choice([-1e-6, 1e-6], 500)
    spread = rng.normal(0, 0.05, (500, n))
    spread -= np.outer(spread @ (b - a), (b - a)) / ((b - a) @ (b - a))  # along the border
    z = (a + b) / 2 + spread + np.outer(side, b - a)
    x = pd.DataFrame(1_000 + 2 * z, columns=card.feature_names)
    expected = ((z[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert {0, 1} <= set(expected)
    assert card.predict(x).tolist() == expected.tolist()


def test_five_customers():
    card, table = five()
    # b is clipped to 60; c is filled with 40, as far from both: the lower number; d has no label.
    assert card.predict(table).tolist()[:3] == [0, 1, 0]
    assert card.predict(table).isna().tolist() == [False, False, False, True, False]
    label = card.label(table).set_index("customer_id")
    assert label.loc["a", ["segment_id", "name_zh", "target_group"]].tolist() == [
        "young_adult", "年轻人客群", "internet"]  # fmt: skip
    assert label["distance"].tolist()[:3] == [1.0, 1.0, 1.0]  # 20 -> -2, 60 -> +2, 40 -> 0
    assert label["margin"].tolist()[:3] == [0.5, 0.5, 0.0]  # (3 - 1) / (3 + 1), and the border
    assert label.loc["d"].isna().all()
    assert label.loc["e", "distance"] == pytest.approx(np.hypot(0.1, 1))


@pytest.mark.parametrize("seed", range(3))
def test_labels_equal_the_pipelines_on_every_row(card, pipeline, seed):
    new = customers(20_000, 10 + seed)
    expected = pipeline.predict(new)
    assert (card.predict(new).to_numpy() == expected).all()
    again = Scorecard.from_json(card.to_json())
    assert (again.predict(new).to_numpy() == expected).all()
    assert (again.label(new)["cluster"].to_numpy() == expected).all()


def test_label_equals_label_table(card, pipeline, train):
    names = pd.DataFrame({"cluster": range(4), "segment_id": [f"cluster_{i}" for i in range(4)]})
    names = names.assign(name_zh="", name_en="")
    new = customers(500, 3)
    expected = label_table(pipeline, new, names)
    own = ["customer_id", "cluster", "segment_id", "distance", "margin"]
    pd.testing.assert_frame_equal(card.label(new)[own], expected[own], check_dtype=False)


def test_groups_are_labelled_by_their_own_scale_and_centres(
    grouped, grouped_pipeline, grouped_train
):
    """Against the pipeline, and against one k-means a group, computed plainly here."""
    assert [len(g.centres) for g in grouped.groups] == [3, 2]
    assert len(grouped.segments) == 4  # cluster b is in both groups
    found, kmeans = grouped.predict(grouped_train), grouped_pipeline["kmeans"]
    assert (found.to_numpy() == grouped_pipeline.predict(grouped_train)).all()
    assert (found.to_numpy() == kmeans.labels_).all()
    model = grouped_pipeline["preprocess"].transform(grouped_train)
    for g, value in enumerate((0.0, 1.0)):
        rows = (grouped_train["is_business"] == value).to_numpy()
        own = model[rows].drop(columns="is_business")
        z = ((own - own.mean()) / own.std(ddof=0)).to_numpy()
        inside = found[rows].to_numpy()
        centres = {c: z[inside == c].mean(axis=0) for c in np.unique(inside)}
        gaps = np.stack([((z - centre) ** 2).sum(axis=1) for centre in centres.values()])
        assert (np.array(list(centres))[gaps.argmin(axis=0)] == inside).mean() > 0.999
        shares = {c.cluster: c.share for c in grouped.groups[g].centres}
        assert shares == pytest.approx({c: (inside == c).mean() for c in centres})
    names = pd.DataFrame({"cluster": range(4), "segment_id": list("abcd")})
    expected = label_table(grouped_pipeline, grouped_train, names.assign(name_zh="", name_en=""))
    own = ["customer_id", "cluster", "distance", "margin"]
    answer = grouped.label(grouped_train)
    pd.testing.assert_frame_equal(answer[own], expected[own], check_dtype=False)


def test_a_scorecard_of_groups_is_read_strictly(grouped, card):
    assert Scorecard.from_json(grouped.to_json()) == grouped
    record = json.loads(grouped.to_json())
    assert record["schema"] == "kequn_lab.scorecard/3" and record["by"] == "is_business"
    broken = {
        "lacks aum_cny": lambda r: r["groups"][1]["scale"].pop("aum_cny"),
        r"groups\[0\].centres\[1\].centre lacks": lambda r: r["groups"][0]["centres"][1]["centre"]
        .pop("aum_cny"),
        "scale must be above 0": lambda r: r["groups"][0]["scale"].update(aum_cny=0.0),
        "no feature of the scorecard": lambda r: r.update(by="region"),
        "a group comes twice": lambda r: r["groups"][0].update(value=1.0),
        "must be different ones": lambda r: r["groups"][0]["centres"][0].update(cluster=9),
        "schema 'kequn_lab.scorecard/2'": lambda r: r.update(schema="kequn_lab.scorecard/2"),
        "changed by hand": lambda r: r["groups"][0].update(value=7.0),
        "go together": lambda r: r.update(groups=[]),
    }  # fmt: skip
    for message, change in broken.items():
        with pytest.raises(ValueError, match=message):
            Scorecard.from_json(edit(grouped, change))
    assert "groups" not in json.loads(card.to_json())


def test_arrow_and_pandas_are_the_same(card):
    new = customers(300, 4)
    arrow = pa.Table.from_pandas(new.reset_index(), preserve_index=False)
    pd.testing.assert_frame_equal(card.label(arrow), card.label(new))
    assert card.predict(new.iloc[:0]).empty


def test_single_precision_decides_nothing(pipeline, train):
    """Rows on the border, where single precision rounds to the wrong side, are counted again."""
    features = (ScorecardFeature("x", "", 0, -1e6, 1e6, False, 0, 1, 0.0, (), (1,)),)
    segments = tuple(
        ScorecardSegment(k, f"s{k}", "", "", "", None, 0.5, (c,)) for k, c in enumerate((0.0, 1e5))
    )
    card = Scorecard(features, segments, trained_on="2024-12-31", customers=2)
    x = 5e4 + np.array([-1e-6, -1e-9, 0, 1e-9, 1e-6])
    assert (x.astype("f4") == 5e4).all()
    assert card.predict(pd.DataFrame({"x": x})).tolist() == [0, 0, 0, 1, 1]


def test_names_come_from_labels_and_similarity_from_names(pipeline, train):
    centres = pd.DataFrame(pipeline["kmeans"].cluster_centers_, columns=train.columns)
    signature = pd.DataFrame(
        {"segment_id": "elderly", "feature": train.columns, "level_sd": centres.loc[2].to_numpy()}
    )
    words = pd.DataFrame({"segment_id": ["elderly"], "name_zh": ["老年客群"], "name_en": ["Elderly"]})  # fmt: skip  # noqa: E501
    names = name_clusters(centres.rename_axis("cluster"), signature, segments=words)
    labels = label_table(pipeline, train, names)
    card = Scorecard.from_pipeline(
        pipeline, train, labels, as_of="2024-12-31", names=names, unmatched_below=0.1
    )
    assert card.segments[2].segment_id == "elderly"
    assert card.segments[2].name_zh == "老年客群"
    assert card.segments[2].similarity == pytest.approx(1)
    assert card.segments[0].similarity is None
    assert card.segments[0].name_zh == names["name_zh"][0]
    assert [s.share for s in card.segments] == pytest.approx(
        labels["cluster"].value_counts(normalize=True).sort_index().tolist()
    )
    own = ["cluster", "segment_id", "name_zh", "name_en", "target_group"]
    pd.testing.assert_frame_equal(
        card.label(train)[own].astype(object), labels[own].astype(object), check_dtype=False
    )


def test_it_reads_a_plain_scikit_learn_pipeline(train):
    full = train.fillna(0.0)
    plain = Pipeline([("scale", StandardScaler()), ("k", KMeans(3, n_init=3, random_state=0))])
    plain.fit(full)
    card = Scorecard.from_pipeline(plain, full, as_of="2024-12-31")
    assert card.features[0].fill is None
    assert (card.predict(full) == plain.predict(full)).all()


def test_a_step_that_it_cannot_express_is_refused(train):
    full = train.fillna(0.0)
    turned = Pipeline([("turn", PCA()), ("k", KMeans(3, n_init=1, random_state=0))]).fit(full)
    with pytest.raises(TypeError, match="step PCA cannot be part of a scorecard"):
        Scorecard.from_pipeline(turned, full, as_of="2024-12-31")
    with pytest.raises(TypeError, match="without k-means"):
        only = Pipeline([("scale", StandardScaler())]).fit(full)
        only.predict = lambda x: np.zeros(len(x), int)
        Scorecard.from_pipeline(only, full, as_of="2024-12-31")


def test_no_customer_is_in_it(card, train):
    text = card.to_json()
    assert "cust-" not in text
    numbers = set(map(float, re.findall(r"-?\d+\.\d+(?:e[-+]?\d+)?", text)))
    for column in train:  # nobody's own extreme value
        assert not numbers & ({train[column].min(), train[column].max()} - {0.0})
    assert len(text) < 20_000


def test_frozen_means_replaced_never_changed(card):
    before = card.to_json()
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.trained_on = "2030-01-01"
    renamed = dataclasses.replace(card.segments[0], segment_id="elderly")
    other = dataclasses.replace(card, segments=(renamed, *card.segments[1:]))
    assert other.model_id != card.model_id
    assert card.to_json() == before


def test_json_keeps_every_digit_and_its_order(card):
    again = Scorecard.from_json(card.to_json())
    assert again == card
    assert again.to_json() == card.to_json()
    assert [*json.loads(card.to_json())] == [
        "schema", "about", "model_id", "trained_on", "customers", "months", "definitions",
        "currency", "timezone", "synthetic", "random_state", "unmatched_below", "inputs",
        "versions", "features", "segments"]  # fmt: skip


def edit(card, change) -> str:
    record = json.loads(card.to_json())
    change(record)
    return json.dumps(record)


BROKEN = {
    "unknown field": (lambda r: r.update(scael=1), r"unknown field 'scael'"),
    "near miss": (
        lambda r: r["features"][1].update(scal=1),
        r"features\[1\] has an unknown field 'scal'; did you mean 'scale'",
    ),
    "missing field": (lambda r: r["segments"][0].pop("share"), r"segments\[0\] lacks share"),
    "missing coordinate": (
        lambda r: r["segments"][2]["centre"].pop("aum_cny"),
        r"segments\[2\].centre lacks aum_cny",
    ),
    "extra coordinate": (
        lambda r: r["segments"][2]["centre"].update(height=1),
        r"segments\[2\].centre has height",
    ),
    "NaN centre": (lambda r: r["segments"][1]["centre"].update(aum_cny=float("nan")), "not finite"),
    "infinite": (lambda r: r["features"][0].update(mean=1e999), "not finite"),
    "text for number": (
        lambda r: r["features"][0].update(mean="40"),
        r"features\[0\].mean must be a valid number, found '40'",
    ),
    "true for number": (
        lambda r: r["features"][0].update(mean=True),
        r"mean must be a valid number",
    ),
    "scale 0": (lambda r: r["features"][0].update(scale=0), "scale must be above 0"),
    "crossed clips": (lambda r: r["features"][0].update(lower=1e9), "above upper"),
    "other schema": (lambda r: r.update(schema="kequn_lab.scorecard/9"), "schema .*/9"),
    "no segments": (lambda r: r.update(segments=[]), "at least one segment|and one segment"),
    "segment lost": (lambda r: r["segments"].pop(0), "write them in order"),
    "feature lost": (lambda r: r["features"].pop(), "centre has web_share"),
    "twice": (
        lambda r: r["segments"][0].update(segment_id=r["segments"][1]["segment_id"]),
        "segment_id comes twice",
    ),
    "window of years": (lambda r: r.update(months=600, definitions="1"), "months must be 1 to 60"),
    "window without definitions": (lambda r: r.update(months=12), "go with definitions"),
    "no list": (lambda r: r.update(segments=7), "segments must be a valid array, found 7"),
    "too large a count": (lambda r: r.update(customers=1e400), "customers must be a valid integer"),
    "a list": (lambda r: r.update(features=[1, 2]), r"features\[0\] must be an object, found 1"),
    "another currency": (lambda r: r.update(currency="CZK"), "changed by hand"),
    "quiet edit": (lambda r: r["features"][0].update(mean=1.0), "changed by hand"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_edited_scorecard_is_refused(card, what):
    change, message = BROKEN[what]
    with pytest.raises(ValueError, match=message):
        Scorecard.from_json(edit(card, change))


def test_an_edit_that_is_meant_is_taken(card):
    text = edit(card, lambda r: r["segments"][0].update(segment_id="elderly"))
    assert Scorecard.from_json(text, edited=True).segments[0].segment_id == "elderly"
    with pytest.raises(ValueError, match="not JSON"):
        Scorecard.from_json(card.to_json()[:-30])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "card.json: not JSON"),
        ("", "card.json: not JSON"),
        ("[]", "card.json: schema 'list'"),
        (b"\xff\xfe{", "card.json: not JSON"),
        ('{"schema": "kequn_lab.scorecard/2"}', r"card.json: it lacks features \(and 3 more"),
    ],
)
def test_a_file_that_is_no_scorecard_is_named(tmp_path, text, message):
    path = tmp_path / "card.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        Scorecard.load(path)


def test_scorecard_to_a_file_and_back(tmp_path, card):
    path = tmp_path / "card.json"
    card.save(path)
    assert Scorecard.load(path) == card
    path.write_text("\ufeff" + card.to_json(), encoding="utf-8")  # as Windows' editor stores it
    assert Scorecard.load(path) == card
    with pytest.raises(FileNotFoundError, match=r"other.json does not exist"):
        Scorecard.load(tmp_path / "other.json")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        Scorecard.load(tmp_path)


def test_a_table_that_lacks_a_feature_is_refused(card, train):
    with pytest.raises(ValueError, match="lacks 2 of 4 features: age_years, web_share"):
        card.predict(train.drop(columns=["age_years", "web_share"]))
    with pytest.raises(ValueError, match="'aum_cny' is .*not numbers"):
        card.predict(train.assign(aum_cny="rich"))


SQLGLOT = {"postgresql": "postgres", "gaussdb": "postgres", "mariadb": "mysql", "sqlserver": "tsql"}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("which", ["card", "grouped"])
def test_sql_parses_in_its_dialect(which, dialect, request):
    sqlglot = pytest.importorskip("sqlglot")
    card = request.getfixturevalue(which)
    sql = card.to_sql(dialect, table="dw.customers")
    tree = sqlglot.parse_one(sql, read=SQLGLOT.get(dialect, dialect))
    assert [c.alias_or_name.lower() for c in tree.selects] == [
        "customer_id", "cluster", "segment_id", "distance"]  # fmt: skip
    assert not any(isinstance(t, sqlglot.exp.Anonymous) for t in tree.walk())  # no unknown function
    literals = [n.name for n in tree.find_all(sqlglot.exp.Literal) if n.args.get("is_string") is False]  # fmt: skip  # noqa: E501
    assert all("E" in n or n.isdigit() for n in literals)


@pytest.mark.parametrize("name", ["cluster", "Segment_ID", "distance"])
def test_an_id_column_called_like_a_result_is_refused(card, name):
    with pytest.raises(ValueError, match=f"'{name}' would be twice in the result"):
        card.to_sql("duckdb", table="customers", id_column=name)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("evil", ['"; drop table customers; --', "a`b", "a]b", "x' or '1'='1"])
def test_names_are_quoted_in_every_dialect(card, dialect, evil):
    sqlglot = pytest.importorskip("sqlglot")
    sql = card.to_sql(dialect, table=(evil,), id_column=evil)
    trees = sqlglot.parse(sql, read=SQLGLOT.get(dialect, dialect))
    assert len(trees) == 1
    assert [t.name for t in trees[0].find_all(sqlglot.exp.Table) if t.name not in
            {"clipped", "standardised", "squared", "nearest"}] == [evil]  # fmt: skip


@pytest.mark.parametrize("bad", ["", "a\nb", "a\x00b", "x" * 64, "客" * 22])
def test_impossible_names_are_refused(card, bad):
    with pytest.raises(ValueError, match="cannot name a table or column"):
        card.to_sql("postgres", table=(bad,))
    with pytest.raises(ValueError, match="unknown dialect 'db2'; known: duckdb"):
        card.to_sql("db2", table="t")


def test_numbers_survive_their_17_digits():
    from kequn_lab.export.sql import _literal

    rng = np.random.default_rng(0)
    for value in [*rng.normal(size=300), *np.exp(rng.normal(scale=200, size=300)), 0.1, 5e-324]:
        text = _literal(value)
        assert float(text) == value
        assert "E" in text
    assert _literal(1.5) == "1.5E0"
