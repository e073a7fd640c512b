"""Business and personal customers clustered separately, from the table to next month."""

import json

import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab import catalogue
from kequn_lab.__main__ import main
from kequn_lab.run import from_synthetic_bank
from kequn_lab.run.analysis import analyse
from kequn_lab.run.grouping import group_clusters, group_stability
from kequn_lab.run.inputs import Inputs
from kequn_lab.run.options import Options
from kequn_lab.segments.refits import refit
from kequn_lab.validation import segment_stability

pytestmark = pytest.mark.usefixtures("few_pictures")

QUICK = {"n_boot": 20, "n_starts": 5, "n_stability": 2, "quiet": True}


@pytest.fixture(scope="module")
def bank() -> Inputs:
    return from_synthetic_bank(1_200, random_state=440)


@pytest.fixture(scope="module")
def result(bank):
    return analyse(bank, Options(by="is_business", **QUICK))


@pytest.fixture(scope="module")
def table(bank) -> pd.DataFrame:
    """A ready customer table, small."""
    columns = ["is_business", "age_years", "aum_cny", "tx_per_month", "merchant_in_share"]
    return bank.features[columns].head(600)


def test_the_catalogue_says_how_many_segments_each_side_has(bank):
    book = catalogue.book()
    assert group_clusters(bank.features, "is_business", None, book) == {0.0: 6, 1.0: 3}
    assert group_clusters(bank.features, "is_business", 2, book) == {0.0: 2, 1.0: 2}
    half = bank.features.assign(half=np.arange(len(bank.features)) % 2)
    assert group_clusters(half, "half", None, book) == {0.0: 8, 1.0: 8}


def test_no_segment_holds_customers_of_a_side_where_it_has_no_centre(result, bank):
    firm = bank.features["is_business"].to_numpy() > 0.5
    seen = {
        (value, segment) for value, segment in zip(firm.astype(float), result.labels["segment_id"])
    }
    table = result.by_group
    assert seen == set(zip(table["group_value"], table["segment_id"]))
    assert table["customers"].sum() == len(firm) == len(result.labels)
    assert table.groupby("group_value")["share"].sum().tolist() == pytest.approx([1, 1])
    assert table.groupby("group_value").size().tolist() == [6, 3]
    assert result.names["segment_id"].is_unique
    assert set(result.names["segment_id"]) == set(result.labels["segment_id"])


def test_more_is_found_than_without_groups(result, bank):
    """All eight segments by a search alone, which without groups finds seven."""
    truth = bank.truth.set_index("customer_id")["segment_id"]
    found = result.labels.set_index("customer_id")["segment_id"]
    plain = analyse(bank, Options(start="search", n_boot=0, n_stability=0, quiet=True))
    without = plain.labels.set_index("customer_id")["segment_id"]
    assert set(found) == set(truth)
    assert (found == truth).mean() > (without == truth).mean() + 0.03
    both = result.by_group["segment_id"].value_counts()
    assert both[both > 1].index.tolist() == ["sole_proprietor"]


def test_its_scorecard_labels_as_the_run_did(result, bank):
    assert result.card.by == "is_business"
    again = result.card.predict(bank.features)
    assert (again.to_numpy() == result.labels["cluster"].to_numpy()).all()
    names = {s.cluster: s.segment_id for s in result.card.segments}
    assert (again.map(names).to_numpy() == result.labels["segment_id"].to_numpy()).all()
    renamed = result.rename({"elderly": "老客户"})
    assert (renamed.card.predict(bank.features) == again).all()


def test_it_says_what_was_done(result):
    record = result.record
    assert record["parameters"]["by"] == "is_business"
    assert record["parameters"]["n_clusters"] == {"0": 6, "1": 3}
    assert "6 clusters of" in result.summary("en") and "Sole proprietors" in result.summary("en")
    assert "各组单独标准化、单独聚类" in result.summary("zh")
    assert -1 < record["fit"]["silhouette"] < 1


def test_stability_of_a_segment_in_two_groups_is_that_of_the_weaker(result, bank):
    table = result.segment_stability.set_index("segment_id")
    assert list(table.index) == result.names["segment_id"].tolist()
    sizes = result.sizes.set_index("segment_id")["customers"]
    assert (table["rows"] == sizes.loc[table.index]).all()
    assert set(result.slsw.groupby("segment_id").size()) == {QUICK["n_stability"]}
    kmeans = result.pipeline["kmeans"]
    model = result.pipeline["preprocess"].transform(bank.features)
    ids = result.names.set_index("cluster")["segment_id"]
    side = {0: "person", 1: "firm"}
    apart = {}
    for g, (rows, x, *_) in enumerate(kmeans.parts(model)):
        labels = ids.loc[kmeans.labels_[rows]].to_numpy()
        run = {"n_boot": QUICK["n_stability"], "random_state": 0, "progress": False}
        found = segment_stability(x, labels=labels, **run)
        apart[side[g]] = found.groupby("segment_id")["slsw"].median()
    both = [apart[s]["sole_proprietor"] for s in ("person", "firm")]
    assert table.loc["sole_proprietor", "slsw_median"] in [pytest.approx(v) for v in both]
    assert table.loc["elderly", "slsw_median"] == pytest.approx(apart["person"]["elderly"])
    run = {"random_state": 0, "progress": False}
    again = group_stability(kmeans, model, ids, n_boot=2, **run)["segment_stability"]
    pd.testing.assert_frame_equal(again, result.segment_stability)


def test_customers_drawn_again_stay_in_their_group(result, bank):
    kmeans = result.pipeline["kmeans"]
    model = result.pipeline["preprocess"].transform(bank.features)
    refits = refit(kmeans, model, bank.features.index, n_draws=5, random_state=1)
    firm = bank.features[["is_business"]].to_numpy()
    sums, sizes = refits.sums(firm), refits.sums(np.ones_like(firm))
    of_one_side = [c for c in range(len(kmeans.cluster_centers_))
                   if (kmeans.centre_clusters_ == c).sum() == 1]  # fmt: skip
    share = (sums / sizes)[:, of_one_side, 0]
    assert np.isin(share, [0, 1]).all()
    assert (sizes.sum(axis=1) == len(firm)).all()
    found = np.bincount(kmeans.labels_)
    assert (sizes[0].ravel() == found).all()
    assert np.abs(sizes[1:].mean(axis=0).ravel() / found - 1).max() < 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "region"}, "no column 'region' to group customers by; it takes a column"),
        ({"by": "is_business", "start": "signatures"}, "leave out start at the signatures"),
        ({"by": "is_business", "pull": 0.3}, "leave out start at the signatures and pull"),
        ({"by": "is_business", "k": range(2, 4)}, "give k for each group"),
        ({"by": "is_business", "weights": {"aum_cny": 2}}, "weights do not go with groups"),
        ({"by": "aum_cny"}, "so 10 are the limit"),
        ({"k": {0: 2, 1: 2}}, "k by group needs the column"),
        ({"by": "is_business", "k": {0: 2, 2: 2}}, "the table has 0, 1"),
    ],
)
def test_what_cannot_be_grouped_is_refused(table, options, message):
    with pytest.raises(ValueError, match=message):
        kq.segment(table, stability=0, quiet=True, **options)


def test_groups_are_told_by_numbers_not_by_a_category(table):
    words = table.assign(job=np.resize(["clerk", "farmer", "smith"], len(table)))
    with pytest.raises(ValueError, match="job holds words; groups"):
        kq.segment(words, by="job", categories=["job"], stability=0, quiet=True)


def test_a_customer_without_a_group_is_refused(table):
    lacking = table.assign(is_business=table["is_business"].where(table["age_years"] > 20))
    with pytest.raises(ValueError, match="customers have no is_business, so they belong to no"):
        kq.segment(lacking, by="is_business", stability=0, quiet=True)


def test_the_command_line_goes_the_whole_way(table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table.to_csv("customers.csv")
    how = ["--by", "is_business", "--k", "0=3,1=2", "--stability", "2", "--starts", "2"]
    assert main(["run", "customers.csv", *how, "--quiet", "--out", "may"]) == 0
    said = capsys.readouterr().out
    assert "0: 3 clusters of" in said and "1: 2 clusters of" in said
    page = (tmp_path / "may/report.html").read_text(encoding="utf-8")
    assert "Groups clustered separately" in page and "3 (Registered as a business = 0)" in page
    described = pd.read_csv("may/columns.csv")
    assert described[described["table"] == "by_group"]["meaning_en"].notna().all()
    before = pd.read_csv("may/labels.csv", dtype={"customer_id": "str"})

    june = table.copy()
    june.iloc[0, 0], june.iloc[1, 0] = np.nan, 7
    june.to_csv("june.csv")
    assert main(["score", "june.csv", "--scorecard", "may/scorecard.json", "--out", "june"]) == 0
    told = capsys.readouterr()
    assert "2 customers have no value of “Registered as a business”" in told.out + told.err
    after = pd.read_csv("june/labels.csv", dtype={"customer_id": "str"})
    assert len(after) == len(before) == len(table)
    assert after["segment_id"].isna().sum() == 2
    assert after["segment_id"].dropna().tolist() == before["segment_id"].tolist()[2:]
    record = json.loads((tmp_path / "june/labels.meta.json").read_text(encoding="utf-8"))
    assert record["unlabelled"] == 2 and sum(record["segments"].values()) == len(table) - 2

    again = ["--previous", "may", "--quiet", "--out", "july"]
    assert main(["run", "customers.csv", *how, *again]) == 0
    july = pd.read_csv("july/labels.csv", dtype={"customer_id": "str"})
    assert july["segment_id"].tolist() == before["segment_id"].tolist()
    capsys.readouterr()
    assert main(["compare", "may", "july"]) == 0
    assert "5 of 5 segments are there again" in capsys.readouterr().out
    assert main(["compare", "may", "june"]) == 0
    assert main(["report", "may", "--language", "zh"]) == 0
    assert "各组单独聚类" in (tmp_path / "may/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("k", "says"),
    [("0=6,0=3", "two numbers"), ("0=six", "a number for each group"), ("0=0", "a number for")],
)
def test_k_by_group_is_read_strictly(table, tmp_path, capsys, monkeypatch, k, says):
    monkeypatch.chdir(tmp_path)
    table.to_csv("customers.csv")
    with pytest.raises(SystemExit):
        main(["run", "customers.csv", "--by", "is_business", "--k", k, "--out", "out"])
    assert says in capsys.readouterr().err


def test_k_by_group_goes_with_by(table, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table.to_csv("customers.csv")
    with pytest.raises(SystemExit):
        main(["run", "customers.csv", "--k", "0=6,1=3", "--out", "out"])
    assert "--k by group goes with --by" in capsys.readouterr().err
