"""The one call: any table in; a result that is looked at, renamed, drawn and handed over."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import kequn_lab as kq
from kequn_lab import _chunks
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features
from kequn_lab.features.preprocessing import model_columns
from kequn_lab.run import from_synthetic_bank
from kequn_lab.run.analysis import analyse, fitted_to
from kequn_lab.run.options import Options
from kequn_lab.run.registering import run_id
from kequn_lab.segments.pipeline import fit_segments, label_table
from kequn_lab.spark.tables import MOST_COLLECTED

QUICK = {"k": 3, "stability": 0, "starts": 2, "quiet": True}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    group = np.arange(120) % 3
    return pd.DataFrame(
        {
            "客户编号": np.arange(120) + 17,
            "age": 30 + 12 * group + rng.normal(0, 3, 120),
            "spend": np.exp(group + rng.normal(0, 0.3, 120)),
            "visits": rng.poisson(3 + 4 * group),
        }
    )


@pytest.fixture(scope="module")
def result(customers):
    return kq.segment(customers, id="客户编号", **QUICK | {"stability": 2})


def test_pandas_polars_pyarrow_and_an_index_give_the_same_labels_and_keep_ids(customers, result):
    before = customers.copy()
    for table in (pl.from_pandas(customers), pa.Table.from_pandas(customers)):
        found = kq.segment(table, id="客户编号", **QUICK).labels
        pd.testing.assert_frame_equal(found, result.labels)
    indexed = kq.segment(customers.set_index("客户编号"), **QUICK).labels
    pd.testing.assert_frame_equal(indexed, result.labels)
    assert indexed["customer_id"].dtype == customers["客户编号"].dtype
    assert (indexed["customer_id"] == customers["客户编号"]).all()
    plain = kq.segment(customers.drop(columns="客户编号"), **QUICK).labels
    assert plain["customer_id"].tolist() == list(range(120))
    pd.testing.assert_frame_equal(customers, before)


def test_a_file_gives_the_labels_of_its_frame(customers, result, tmp_path):
    customers.to_csv(tmp_path / "客户.csv", index=False, encoding="gb18030")
    labels = kq.segment(tmp_path / "客户.csv", id="客户编号", **QUICK).labels
    assert labels["customer_id"].tolist() == customers["客户编号"].astype("str").tolist()
    assert labels["cluster"].tolist() == result.labels["cluster"].tolist()


def test_transactions_are_seen_from_their_columns_and_the_last_day_is_noted():
    bank = kq.make_bank(120, random_state=1, months=3)
    events = bank.events[["customer_id", "timestamp", "amount_cny", "channel"]]
    found = kq.segment(events, **QUICK)
    codes = [note["warning"] for note in found.record["notes"]]
    assert found.record["as_of"] == "2024-12-31" and "last_day_assumed" in codes


def test_a_bank_goes_the_way_of_the_main_job():
    found = kq.segment(kq.make_bank(150, random_state=1, months=3), **QUICK)
    inputs = from_synthetic_bank(150, random_state=1, months=3)
    main = analyse(inputs, Options(n_clusters=3, n_starts=2, n_stability=0, quiet=True))
    pd.testing.assert_frame_equal(found.labels, main.labels)
    assert found.record["facts"] == {"n_customers": 150, "preset": "standard", "bank_seed": 1}
    assert len(found.truth_table) and found.card.synthetic


def test_it_is_short_to_look_at_and_prints_no_table(result):
    assert len(repr(result).splitlines()) <= 10
    assert "<table" in result._repr_html_() and len(result._repr_html_()) < 5_000
    assert "120 customers, 3 segments" in repr(result)


def test_what_is_written_is_escaped_in_the_card(customers):
    named = kq.segment(customers, id="客户编号", **QUICK).rename({0: "<b>x</b>"})
    assert "<b>x</b>" not in named._repr_html_()


def test_a_table_that_is_not_there_is_named(result):
    with pytest.raises(AttributeError, match="no 'decision'; its tables: .*sizes"):
        _ = result.decision
    assert {"profile", "sizes", "warnings", "labels"} <= set(dir(result))
    with pytest.raises(ValueError, match="no picture 'pie' of this result; there are sizes"):
        result.plot("pie")


def test_a_new_name_is_everywhere_and_nobody_moves(result, tmp_path):
    old = result.names.set_index("cluster").loc[1, "name_en"]
    new = result.rename({1: ("高净值客户", "Wealthy")})
    assert (result.names["name_en"] != "Wealthy").all(), "the first result stays as it is"
    pd.testing.assert_series_equal(new.labels["cluster"], result.labels["cluster"])
    assert new.names.set_index("cluster").loc[1, "segment_id"] == "own_1", "it has a name now"
    row = new.labels["cluster"] == 1
    assert set(new.labels.loc[row, "name_zh"]) == {"高净值客户"}
    assert new.card.segments[1].name_en == "Wealthy" and old not in new.summary()
    assert new.names.set_index("cluster").loc[1, "mark"] == ""
    new.report(tmp_path / "r.html", language="en")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Wealthy" in page and old not in page
    again = new.rename({"Wealthy": "老客户"})
    assert again.names.set_index("cluster").loc[1, "name_en"] == "老客户"


@pytest.mark.parametrize(
    "names, message",
    [
        ({9: "x"}, "no segment 9 to rename; there are 0 "),
        ({0: ""}, "a name, or a pair"),
        ({0: ("a", "b", "c")}, "a name, or a pair"),
        ({0: "x", 1: "x"}, "two segments would be called 'x'"),
    ],
)
def test_a_name_that_cannot_be_is_refused(result, names, message):
    with pytest.raises(ValueError, match=message):
        result.rename(names)


def test_a_result_comes_back_from_its_folder_table_by_table(result, tmp_path):
    result.save(tmp_path / "o", quiet=True)
    back = kq.read_result(tmp_path / "o")
    text = result.labels.assign(customer_id=result.labels["customer_id"].astype("str"))
    pd.testing.assert_frame_equal(back.labels, text, check_dtype=False)
    assert list(back.tables) == list(result.tables)
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(
            back.tables[name], table.reset_index(drop=True), check_dtype=False,
            check_categorical=False, obj=name,
        )  # fmt: skip
    assert back.card == result.card and back.summary("zh") == result.summary("zh")
    (tmp_path / "o/labels.csv").write_text("x")
    with pytest.raises(ValueError, match="not one whole result: labels.csv"):
        kq.read_result(tmp_path / "o")


def test_labels_are_written_with_ids_as_text(result, tmp_path):
    result.to_csv(tmp_path / "labels.csv")
    result.to_excel(tmp_path / "labels.xlsx")
    book = pd.read_excel(tmp_path / "labels.xlsx", dtype={"customer_id": "str"}, engine="calamine")
    csv = pd.read_csv(tmp_path / "labels.csv", dtype={"customer_id": "str"})
    ids = result.labels["customer_id"].astype("str").tolist()
    assert book["customer_id"].tolist() == csv["customer_id"].tolist() == ids


def test_what_an_analyst_needs_first_fits_in_one_look():
    assert len(dir(kq)) <= 14 and {"segment", "read_result", "make_bank", "plots"} <= set(dir(kq))


def test_of_very_many_customers_a_sample_is_fitted_all_are_labelled_and_it_is_said(monkeypatch):
    monkeypatch.setitem(MOST_COLLECTED, "sample", 200)
    inputs = from_synthetic_bank(600, random_state=1, months=2)
    some = Options(n_clusters=3, n_boot=0, n_stability=0, n_starts=2, quiet=True)
    found = analyse(inputs, some)
    (note,) = (n for n in found.record["notes"] if n["warning"] == "fitted_to_sample")
    assert note["value"] == 200 and "Of 600 customers a random sample of 200" in note["text_en"]
    assert len(found.pipeline["kmeans"].labels_) == 200
    assert found.labels["customer_id"].tolist() == inputs.features.index.tolist()
    assert found.labels["cluster"].tolist() == found.card.predict(inputs.features).tolist()
    assert found.sizes["customers"].sum() == 600
    assert found.profile.groupby("variable")["n"].sum().max() == 600
    at_home = replace(inputs, facts={"engine": "spark"})
    for asked in ((inputs, replace(some, min_size=50)), (at_home, some)):
        assert fitted_to(*asked) == (slice(None), [])


def test_parts_of_a_table_give_what_the_whole_gives(monkeypatch):
    events = kq.make_bank(150, random_state=2, months=2).events
    names = pd.DataFrame({"cluster": range(3), "segment_id": list("abc")})
    names = names.assign(name_zh=names["segment_id"], name_en=names["segment_id"])

    def made():
        table = model_columns(customer_features(events, as_of="2024-12-31", months=2))
        pipeline = fit_segments(table, n_clusters=3, n_starts=2, random_state=0)
        labels = label_table(pipeline, table, names)
        card = Scorecard.from_pipeline(pipeline, table, as_of="2024-12-31")
        return table, labels, card, run_id(labels, "2024-12-31")

    whole = made()
    monkeypatch.setattr(_chunks, "ROWS", 40)
    parts = made()
    for one, other in zip(parts[:2], whole):
        pd.testing.assert_frame_equal(one, other)
    assert parts[2:] == whole[2:]
    assert [len(part) for part in _chunks.chunks(whole[0])] == [40, 40, 40, 30]
