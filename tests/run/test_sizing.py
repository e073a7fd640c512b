"""A smallest size of the segments, from the command to every copy of the model."""

import dataclasses
import json
import sqlite3

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.base import clone

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export.golden import disagreements
from kequn_lab.export.models import load_model, save_model
from kequn_lab.export.reasons import SIZED, reasons
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.export.sql import DIALECTS
from kequn_lab.monitor import refit_like
from kequn_lab.segments import KMeansSearch
from kequn_lab.segments.pipeline import fit_segments, label_table
from kequn_lab.segments.refits import refit
from kequn_lab.validation.influence import column_influence
from kequn_lab.validation.segmentwise import segment_stability

pytestmark = pytest.mark.usefixtures("few_pictures")

N = 600
ASK = {"k": 4, "stability": 0, "quiet": True, "start": "search"}


def customers(n=N, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(4, n, p=[0.5, 0.38, 0.08, 0.04])
    table = pd.DataFrame({
        "age": 30 + 15.0 * kind + rng.normal(0, 4, n),
        "visits": 2 + 5.0 * (kind % 2) + rng.normal(0, 1, n),
        "aum": rng.lognormal(8 + kind, 0.5),
    })  # fmt: skip
    return table.set_index(pd.Index([f"c{i:04d}" for i in range(n)], name="customer_id"))


@pytest.fixture(scope="module")
def free():
    return kq.segment(customers(), log=["aum"], **ASK)


@pytest.fixture(scope="module")
def sized():
    return kq.segment(customers(), log=["aum"], min_size=90, **ASK)


def test_the_price_is_what_the_two_solutions_differ_by(free, sized):
    sizes = sized.labels["cluster"].value_counts()
    assert free.labels["cluster"].value_counts().min() < 90 <= sizes.min()
    fit, before = sized.record["fit"], free.record["fit"]["inertia"]
    assert fit["inertia_free"] == before
    assert fit["min_size_cost"] == pytest.approx(fit["inertia"] / before - 1) and before > 0
    both = pd.crosstab(free.labels["cluster"], sized.labels["cluster"]).to_numpy()
    stayed = both[linear_sum_assignment(both, maximize=True)].sum()
    assert fit["min_size_moved"] == N - stayed > 0
    table = sized.by_size.set_index("segment_id")
    assert table["came"].sum() == table["went"].sum() == fit["min_size_moved"]
    assert table["customers"].sum() == table["customers_free"].sum() == N
    assert (table["customers"] == table["customers_free"] + table["came"] - table["went"]).all()
    assert (table.loc[table["at_bound"], "customers"] == 90).all() and table["at_bound"].any()
    offsets = {s.segment_id: s.offset for s in sized.card.segments}
    assert table["offset"].to_dict() == offsets


def test_the_first_screen_and_the_report_say_the_price_once(sized, tmp_path):
    cost, moved = sized.record["fit"]["min_size_cost"], sized.record["fit"]["min_size_moved"]
    for language, said in (
        ("en", f"A smallest size of 90 costs {cost:.1%} of inertia and moves {moved} customers"),
        ("zh", f"最小规模 90 的代价：组内平方和增加 {cost:.1%}，移动 {moved} 名客户"),
    ):
        assert sized.summary(language).count(said) == 1
        sized.report(tmp_path / "r.html", language=language)
        page = (tmp_path / "r.html").read_text("utf-8")
        assert said in page
        assert {"en": "What the smallest size changed", "zh": "最小规模改变了什么"}[
            language
        ] in page


def test_a_size_that_costs_nothing_says_so_and_changes_no_label(free):
    small = kq.segment(customers(), log=["aum"], min_size=5, **ASK)
    pd.testing.assert_frame_equal(small.labels, free.labels)
    assert small.card.model_id == free.card.model_id and not small.card.offsets
    assert "A smallest size of 5 costs nothing" in small.summary("en")
    assert "最小规模 5 没有代价" in small.summary("zh")
    assert not small.by_size["at_bound"].any()


def test_without_a_size_the_scorecard_is_as_it_was(free):
    page = json.loads(free.card.to_json())
    assert page["schema"] == "kequn_lab.scorecard/2" and "offset" not in page["about"]
    assert not [s for s in page["segments"] if "offset" in s]
    assert "by_size" not in free.tables and "min_size" not in free.record["parameters"]


def test_the_scorecard_carries_the_offsets(sized):
    page = json.loads(sized.card.to_json())
    assert page["schema"] == "kequn_lab.scorecard/5" and "--min-size" in page["about"]["offset"]
    assert Scorecard.from_json(sized.card.to_json()) == sized.card
    page["segments"][0]["offset"] += 0.5
    with pytest.raises(ValueError, match="model_id"):
        Scorecard.from_json(json.dumps(page))
    page["segments"][0]["offset"] = -1.0
    with pytest.raises(ValueError, match="offset must be from 0 on, found -1.0"):
        Scorecard.from_json(json.dumps(page), edited=True)


def test_new_customers_get_the_same_label_everywhere(sized, tmp_path):
    new = customers(3_000, 7)
    expected = sized.pipeline.predict(new)
    card = sized.card
    np.testing.assert_array_equal(card.predict(new), expected)
    label = card.label(new).set_index("customer_id")
    np.testing.assert_array_equal(label["cluster"], expected)
    names = sized.names.assign(segment_id=sized.names["segment_id"])
    table = label_table(sized.pipeline, new, names).set_index("customer_id")
    for column in ("distance", "margin"):
        np.testing.assert_allclose(label[column], table[column], rtol=1e-9, atol=1e-12)
    gaps = sized.pipeline.transform(new)
    np.testing.assert_allclose(label["distance"], gaps[np.arange(len(gaps)), expected])
    nearest = gaps.argmin(axis=1)
    assert (nearest != expected).any() and (label["margin"] >= 0).all()
    t = new.reset_index()
    theirs = duckdb.sql(card.to_sql("duckdb", table="t")).df().set_index("customer_id")
    np.testing.assert_array_equal(theirs.loc[new.index, "cluster"], expected)
    np.testing.assert_allclose(theirs.loc[new.index, "distance"], label["distance"], rtol=1e-9)
    with sqlite3.connect(":memory:") as con:
        t.to_sql("t", con, index=False)
        theirs = pd.read_sql(card.to_sql("sqlite", table="t"), con).set_index("customer_id")
    np.testing.assert_array_equal(theirs.loc[new.index, "cluster"], expected)
    save_model(sized.pipeline, tmp_path / "m.skops")
    np.testing.assert_array_equal(load_model(tmp_path / "m.skops").predict(new), expected)


def test_every_dialect_adds_each_offset(sized):
    numbers = {f"{s.offset:.15e}".split("e")[0].rstrip("0")[:12] for s in sized.card.segments}
    numbers.discard("0.")
    for dialect in DIALECTS:
        sql = sized.card.to_sql(dialect, table="t")
        assert all(number in sql for number in numbers), dialect


def test_single_precision_does_not_decide(sized):
    """Customers a millionth off a moved border."""
    card = sized.card
    centres, offsets = np.array([s.centre for s in card.segments]), np.array(card.offsets)
    rng, rows = np.random.default_rng(0), []
    for a, b in [(0, 1), (0, 2), (1, 3), (2, 3)]:
        way = centres[b] - centres[a]
        z = (centres[a] + centres[b]) / 2 + rng.normal(0, 0.05, (100, 3))
        excess = ((z - centres[a]) ** 2).sum(1) + offsets[a]
        excess -= ((z - centres[b]) ** 2).sum(1) + offsets[b]
        z -= np.outer(excess / (2 * way @ way), way)
        rows.append(z + np.outer(rng.choice([-1e-7, 1e-7], 100), way))
    z = np.concatenate(rows)
    scale, mean = (np.array([getattr(f, w) for f in card.features]) for w in ("scale", "mean"))
    x = z * scale + mean
    logged = np.array([f.log for f in card.features])
    x = np.where(logged, np.sign(x) * np.expm1(np.abs(x)), x)
    table = pd.DataFrame(x, columns=card.feature_names)
    wide = {"lower": -1e9, "upper": 1e9}
    card = dataclasses.replace(
        card, features=tuple(dataclasses.replace(f, **wide) for f in card.features)
    )
    expected = (((z[:, None] - centres) ** 2).sum(axis=2) + offsets).argmin(axis=1)
    assert card.predict(table).tolist() == expected.tolist()


@pytest.mark.parametrize("damage", [0.0, 1.01, 0.999])
def test_a_copy_with_other_offsets_is_found(sized, damage, tmp_path, capsys):
    segments = [dataclasses.replace(s, offset=s.offset * damage) for s in sized.card.segments]
    copy = dataclasses.replace(sized.card, segments=tuple(segments))
    golden = sized.card.golden_rows()
    assert len(disagreements(golden, copy.label(golden)))
    assert disagreements(golden, sized.card.label(golden)).empty
    sized.save(tmp_path / "r", quiet=True)
    golden = pd.read_csv(tmp_path / "r" / "golden_rows.csv")
    for card, code in ((copy, 1), (sized.card, 0)):
        card.label(golden).to_csv(tmp_path / "theirs.csv", index=False)
        against = ["--against", str(tmp_path / "theirs.csv")]
        assert main(["verify", str(tmp_path / "r"), *against]) == code
    capsys.readouterr()


def test_reasons_say_the_size_and_still_add_up(sized):
    found = reasons(sized.card, sized.features)
    label = sized.card.label(sized.features).set_index("customer_id")
    lead = found.groupby("customer_id", sort=False)["contribution"].sum()
    np.testing.assert_allclose(found["lead"], lead.loc[found["customer_id"]], atol=1e-9)
    assert (found["lead"] > -1e-9).all()
    own = found[found["variable"] == SIZED].set_index("customer_id")
    assert len(own) == N
    gaps = sized.pipeline.transform(sized.features)
    elsewhere = label.index[gaps.argmin(axis=1) != label["cluster"].to_numpy()]
    assert len(elsewhere) and (own.loc[elsewhere, "contribution"] > 0).all()
    row = own.loc[elsewhere[0]]
    names = sized.names.set_index("segment_id")
    mine, other = (names.loc[row[c], "name_en"] for c in ("segment_id", "runner_up"))
    assert row["text_en"] == f"smallest size: the border of {mine} is moved towards {other}"
    assert "最小规模" in row["text_zh"]


def test_the_start_at_signatures_and_weights_go_with_a_size():
    bank = kq.synth.make_bank(800, random_state=1)
    result = kq.segment(
        bank, min_size=80, stability=0, quiet=True, weights={"age_years": 2}, start="signatures"
    )
    assert result.record["fit"]["start"] == "signatures"
    assert result.labels["cluster"].value_counts().min() >= 80
    np.testing.assert_array_equal(result.card.predict(result.features), result.labels["cluster"])
    assert [n["warning"] for n in result.record["notes"]].count("reading_min_size") == 1
    assert "The price of this reading" in result.summary("en")


def test_another_month_is_fitted_with_the_size():
    features = customers()
    pipeline = fit_segments(features, n_clusters=4, min_size=90, random_state=0)
    card = Scorecard.from_pipeline(pipeline, features, as_of="2024-12-31")
    found = refit_like(card, pipeline, features, customers(seed=5), as_of="2025-01-31")
    clusters = found.scorecard.predict(customers(seed=5))
    assert clusters.value_counts().min() >= 90 and found.scorecard.offsets


def test_the_command(tmp_path, capsys):
    customers().to_csv(tmp_path / "t.csv")
    run = ["run", str(tmp_path / "t.csv"), "--id", "customer_id", "--k", "4", "--log", "aum"]
    run += ["--stability", "0", "--quiet", "--start", "search", "--out", str(tmp_path / "r")]
    assert main([*run, "--min-size", "90"]) == 0
    assert "A smallest size of 90 costs" in capsys.readouterr().out
    back = kq.read_result(tmp_path / "r")
    assert back.labels["cluster"].value_counts().min() >= 90
    assert back.by_size["customers"].min() >= 90
    assert back.record["parameters"]["min_size"] == 90
    described = pd.read_csv(tmp_path / "r" / "columns.csv").fillna("")
    mine = described[described["table"] == "by_size"]
    assert len(mine) == 7 and (mine[["meaning_zh", "meaning_en"]] != "").all(axis=None)
    score = ["score", str(tmp_path / "t.csv"), "--id", "customer_id", "--out", str(tmp_path / "s")]
    assert main([*score, "--scorecard", str(tmp_path / "r" / "scorecard.json")]) == 0
    again = pd.read_csv(tmp_path / "s" / "labels.csv")
    np.testing.assert_array_equal(again["cluster"], back.labels["cluster"])
    capsys.readouterr()
    for size, language, says in (
        ("151", "en", "4 clusters of at least 151 customers need 604 customers, there are 600"),
        ("151", "zh", "4 个簇、每个至少 151 名客户，共需 604 名，现有 600 名"),
    ):
        assert main([*run, "--min-size", size, "--language", language]) == 1
        assert says in capsys.readouterr().err
    for language, says in (("en", "does not go with groups"), ("zh", "不能与分组")):
        asked = [*run, "--min-size", "20", "--by", "visits", "--language", language]
        assert main(asked) == 1
        assert says in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*run, "--min-size", "0"])


def test_stability_and_intervals_are_of_segments_of_that_size():
    features = customers()
    how = {"k": 4, "start": "search", "log": ["aum"], "quiet": True, "stability": 6}
    result = kq.segment(features, min_size=90, **how)
    firm = result.segment_stability.set_index("segment_id")
    sizes = result.sizes.set_index("segment_id")["customers"]
    assert (firm["rows"] == sizes.loc[firm.index]).all()  # by the moved borders
    margin = result.labels.groupby("segment_id")["margin"].mean()
    np.testing.assert_allclose(firm["separation"], margin.loc[firm.index], rtol=1e-6)
    kmeans, model = result.pipeline["kmeans"], result.pipeline[:-1].transform(features)
    draws = refit(kmeans, model, features.index, n_draws=20).sums(np.ones((N, 1)))[..., 0]
    np.testing.assert_array_equal(draws[0], np.bincount(kmeans.labels_))
    assert (draws.sum(axis=1) == N).all() and draws.min() > 80  # micro steps of drawn customers
    free = clone(kmeans).set_params(min_size=None).fit(model)
    assert refit(free, model, features.index, n_draws=5).sums(np.ones((N, 1))).min() < 60
    pairs = segment_stability(
        model, labels=kmeans.labels_, n_boot=4, min_share=0.15, random_state=0, progress=False
    )
    loose = segment_stability(
        model, labels=kmeans.labels_, n_boot=4, random_state=0, progress=False
    )
    assert pairs["slsw"].mean() > loose["slsw"].mean()


def test_a_size_that_costs_nothing_changes_no_evidence(free):
    again = kq.segment(customers(), log=["aum"], min_size=5, **ASK)
    pd.testing.assert_frame_equal(again.profile, free.profile)


def test_a_column_is_left_out_under_the_same_size():
    model = customers()[["age", "visits"]].apply(lambda c: (c - c.mean()) / c.std())
    model["noise"] = np.random.default_rng(1).normal(0, 1e-3, N)
    labels = KMeansSearch(4, min_size=90, random_state=0).fit(model).labels_
    moved = {}
    for least in (90, None):
        table = column_influence(model, labels, min_size=least, progress=False)
        moved[least] = table.set_index("variable").loc["noise", "moved"]
    assert moved[90] <= 5 and moved[None] > 60
