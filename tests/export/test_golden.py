"""Golden rows: right copies of a scorecard agree with all of them, wrong ones are found."""

import dataclasses
import sqlite3

import duckdb
import pandas as pd
import pytest

from kequn_lab.export.golden import disagreements, golden_rows


@pytest.fixture(scope="module")
def card(any_card):
    return any_card


def test_every_case_is_there_and_stays_the_same(card, golden):
    assert len(golden) == 200 and golden["customer_id"].is_unique
    cases = set(golden["golden_case"])
    of_levels = {"category"} if card.categories else set()
    assert cases == {"centre", "border", "clip", "missing", "extreme", "typical"} | of_levels
    pd.testing.assert_frame_equal(golden, golden_rows(card))
    border = golden[golden["golden_case"] == "border"]
    assert (border["expected_margin"] < 0.05).all() and (border["expected_margin"] < 1e-4).any()
    found = set(golden["expected_cluster"].dropna())
    assert found == {s.cluster for s in card.segments}


def test_a_copy_in_sql_agrees_after_a_way_through_csv(card, golden, agree, tmp_path):
    golden.to_csv(tmp_path / "golden_rows.csv", index=False)
    sql = card.to_sql("duckdb", table="golden_rows")
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE golden_rows AS FROM read_csv('{tmp_path}/golden_rows.csv')")
        assert agree(con.sql(sql).df())
    with sqlite3.connect(":memory:") as con:
        pd.read_csv(tmp_path / "golden_rows.csv").to_sql("golden_rows", con)
        theirs = pd.read_sql(card.to_sql("sqlite", table="golden_rows"), con)
    assert agree(theirs)
    assert disagreements(golden, theirs.drop(columns="segment_id")).empty


def wrong(card, **change):
    features = [
        dataclasses.replace(f, **{k: v(f) for k, v in change.items()}) for f in card.features
    ]
    return dataclasses.replace(card, features=tuple(features))


@pytest.mark.parametrize(
    "damage",
    [
        {"fill": lambda f: 0.0},
        {"lower": lambda f: None, "upper": lambda f: None},
        {"log": lambda f: False},
        {"lower": lambda f: round(f.lower, -3), "upper": lambda f: round(f.upper, -3) + 1e3},
    ],
    ids=["missing is 0", "no clips", "no logarithm", "clips rounded"],
)
def test_a_wrong_copy_is_found(card, golden, damage):
    theirs = wrong(card, **damage).label(golden)
    assert not disagreements(golden, theirs).empty


def test_a_centre_with_few_digits_is_found_at_the_borders(card, golden):
    def short(s):
        return dataclasses.replace(s, centre=tuple(round(z, 2) for z in s.centre))

    copy = dataclasses.replace(card, segments=tuple(map(short, card.segments)))
    if card.groups:
        groups = [dataclasses.replace(g, centres=tuple(map(short, g.centres))) for g in card.groups]
        copy = dataclasses.replace(copy, groups=tuple(groups))
    found = disagreements(golden, copy.label(golden))
    assert set(found["golden_case"]) >= {"border"}


def test_a_level_that_is_lacking_is_found(card, golden):
    if card.categories:
        job = card.categories[0]
        copy = dataclasses.replace(job, levels=tuple(
            dataclasses.replace(x, spellings=()) if "农民" in x.spellings else x
            for x in job.levels))  # fmt: skip
        theirs = dataclasses.replace(card, categories=(copy, *card.categories[1:])).label(golden)
        assert "category" in set(disagreements(golden, theirs)["golden_case"])


def test_rows_that_are_lacking_unlabelled_or_twice(golden):
    theirs = golden.rename(columns={"expected_segment_id": "segment_id"})
    lacking = disagreements(golden, theirs.drop(index=3).assign(
        segment_id=theirs["segment_id"].where(theirs.index != 5)))  # fmt: skip
    assert lacking["found"].tolist() == ["(no row)", "(no label)"]
    with pytest.raises(ValueError, match="golden_001 comes twice"):
        disagreements(golden, pd.concat([theirs, theirs.head(1)]))
    with pytest.raises(ValueError, match="none of the golden rows"):
        disagreements(golden, theirs.assign(customer_id="x"))
    with pytest.raises(ValueError, match="need customer_id .or --id. and cluster"):
        disagreements(golden, theirs[["customer_id"]])


def test_a_card_of_many_centres_gets_more_rows(card):
    many = tuple(
        dataclasses.replace(
            card.segments[0],
            cluster=i,
            segment_id=f"s{i}",
            permanent_id=f"S{i:04d}" if card.run_id else "",
        )
        for i in range(150)
    )
    if not card.groups:
        assert len(golden_rows(dataclasses.replace(card, segments=many))) == 300
