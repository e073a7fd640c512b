"""rules: a few conditions that tell a segment, recounted by hand."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from kequn_lab.profiles import rules
from kequn_lab.profiles._by_segment import Rows
from kequn_lab.profiles.rules import segment_rules


@pytest.fixture(scope="module")
def bank():
    rng = np.random.default_rng(0)
    n = 5000
    labels = pd.Series(rng.choice(["old", "young", "few"], n, p=[0.3, 0.69, 0.01]))
    features = pd.DataFrame(
        {
            "age_years": np.where(labels == "old", rng.normal(70, 6, n), rng.normal(30, 8, n)),
            "aum_cny": np.exp(rng.normal(9, 1, n)) * np.where(labels == "few", 300, 1),
            "is_business": (rng.random(n) < np.where(labels == "young", 0.05, 0.5)).astype(float),
            "noise": rng.normal(size=n),
            "city": "tier1",
        }
    )
    features.loc[::50, "age_years"] = np.nan
    return features, labels


def test_rules_find_what_makes_the_segments(bank):
    table = segment_rules(*bank).set_index("segment_id")
    assert table.index.tolist() == ["young", "old", "few"]
    assert "age_years >" in table.loc["old", "rule"]
    assert "aum_cny >" in table.loc["few", "rule"]
    assert (table["f1"] > 0.9).all() and table["conditions"].between(1, 3).all()


def test_precision_and_recall_are_those_of_the_rule_as_sql(bank, monkeypatch):
    """The database counts again, from the text of the rule, on the half not learned from."""
    features, labels = bank
    monkeypatch.setattr(rules, "_SAMPLE", 1000)
    rows = Rows.of(features, labels)
    learned = np.empty(len(labels), bool)
    learned[rows.order] = rules._halves(rows, np.random.default_rng(0))
    shares = learned[labels == "old"].mean(), learned[labels == "few"].mean()
    assert shares == pytest.approx((0.5, 0.5), abs=0.02)
    database = duckdb.connect()
    database.register("customers", features.assign(segment=labels, learned=learned))
    for row in segment_rules(features, labels).itertuples():
        met, own = row.rule, f"segment = '{row.segment_id}'"
        everybody, met, hits, own = database.execute(
            f"SELECT count(*) FILTER ({met}), count(*) FILTER (NOT learned AND {met}), "
            f"count(*) FILTER (NOT learned AND {met} AND {own}), "
            f"count(*) FILTER (NOT learned AND {own}) FROM customers"
        ).fetchone()
        assert (row.customers, row.counted) == (everybody, met)
        assert row.precision == pytest.approx(hits / met)
        assert row.precision_low < row.precision <= row.precision_high + 1e-9
        assert row.recall == pytest.approx(hits / own)


def test_where_labels_mean_nothing_the_precision_says_so():
    """Counted where they were learned, rules of chance labels look right four times in ten."""
    precision, covered = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        features = pd.DataFrame(rng.normal(size=(400, 10))).add_prefix("x")
        labels = pd.Series(np.where(rng.random(400) < 0.1, "few", "others"))
        row = segment_rules(features, labels).set_index("segment_id").loc["few"]
        precision.append(row["precision"])
        covered.append(row["precision_low"] <= 0.1 <= row["precision_high"])
    assert np.nanmean(precision) == pytest.approx(0.1, abs=0.05)
    assert np.mean(covered) >= 0.85


def test_sentences_name_values_in_both_languages(bank, monkeypatch):
    monkeypatch.setattr(rules, "_CONDITIONS", 1)
    segments = pd.DataFrame({"segment_id": ["old"], "name_zh": ["老年"], "name_en": ["Elderly"]})
    variables = pd.DataFrame(
        {
            "feature": ["age_years", "aum_cny"],
            "meaning_zh": ["年龄", "资产"],
            "meaning_en": ["Age", "Assets"],
            "unit": ["years", "CNY"],
        }
    )
    table = segment_rules(*bank, segments=segments, variables=variables)
    table = table.set_index("segment_id")
    zh, en = table.loc["old", ["sentence_zh", "sentence_en"]]
    assert zh.startswith("老年：年龄高于 ") and "属于该客群" in zh
    assert en.startswith("Elderly: Age: more than ") and " years. 100" in en
    assert "of customers who fit are in this segment; it finds " in en
    assert "资产高于" in table.loc["few", "sentence_zh"] and "元" in table.loc["few", "sentence_zh"]
    krona = segment_rules(*bank, variables=variables, currency="CZK")
    assert "CZK" in krona["sentence_zh"].iloc[2] and "元" not in krona["sentence_zh"].iloc[2]


def test_missing_can_be_the_mark():
    """Firms have no risk class: that they have none is the rule."""
    labels = pd.Series(["firm"] * 40 + ["person"] * 60)
    risk = pd.Series(np.arange(100) % 5 + 1.0).where(labels == "person")
    table = segment_rules(risk.to_frame("risk_rank"), labels).set_index("segment_id")
    assert table.loc["firm", "rule"] == "risk_rank IS NULL"
    assert table.loc["person", "rule"] == "risk_rank IS NOT NULL"
    assert table.loc["firm", ["precision", "recall"]].tolist() == [1, 1]
    assert "risk_rank缺失" in table.loc["firm", "sentence_zh"]


def test_odd_names_are_quoted_and_one_customer_is_told():
    features = pd.DataFrame({'资产 "all"': [1.0, 2, 3, 50]})
    table = segment_rules(features, pd.Series(["a", "a", "a", "<b>"])).set_index("segment_id")
    assert table.loc["<b>", "rule"] == '"资产 ""all""" > 26.5'
    assert np.isnan(table.loc["<b>", "precision"])  # nobody is left to count
    assert "Too few customers" in table.loc["<b>", "sentence_en"]


def test_one_segment_has_no_rule(bank):
    features, labels = bank
    table = segment_rules(features, labels.where(labels == "x", "x"))
    assert table.empty
    assert table.columns.equals(segment_rules(features, labels).columns)


def test_rules_need_values(bank):
    features, labels = bank
    with pytest.raises(ValueError, match="no variable with values"):
        segment_rules(features[["noise"]].assign(noise=np.nan), labels)


def test_rules_may_name_a_level_and_sql_counts_the_same(bank):
    _, labels = bank
    job = np.where(labels == "old", "O'Neil", np.where(labels == "few", "农民", "clerk"))
    features = pd.DataFrame({"job": job, "noise": np.arange(len(job)) % 7.0})
    features.loc[::40, "job"] = None
    table = segment_rules(features, labels).set_index("segment_id")
    assert table.loc["few", "rule"] == "job = '农民'"
    assert table.loc["old", "sentence_en"].startswith("old: job: O'Neil.")
    assert table.loc["old", "sentence_zh"].startswith("old：job为“O'Neil”。")
    for row in table.itertuples():
        (counted,) = duckdb.sql(f"SELECT COUNT(*) FROM features WHERE {row.rule}").fetchall()[0]
        assert counted == row.customers


def test_a_segment_that_no_number_tells_has_no_rule():
    features = pd.DataFrame({"a": [1.0, 1.0, 1.0]})
    assert segment_rules(features, pd.Series(["x", "x", "y"])).empty
