"""Chunk by chunk is as all at once; broken rows, strangers' units and double customers are seen."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kequn_lab._record import verify_folder
from kequn_lab.contract.mapping import Mapping, TableMapping
from kequn_lab.contract.tables import ContractError
from kequn_lab.export.labels import read_labels, write_table
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.features.customers import customer_features
from kequn_lab.monitor.drift import (
    Spread,
    critical_value,
    feature_drift,
    population_stability_index,
    unit_notes,
)
from kequn_lab.run.entrance import Given
from kequn_lab.run.scoring import score_files
from kequn_lab.segments.pipeline import fit_segments


def customers(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    table = pd.DataFrame(
        {
            "age_years": rng.normal(30 + 10 * kind, 4),
            "aum_cny": np.exp(rng.normal(8 + kind, 1)),
            "web_share": rng.random(n),
        },
        index=pd.Index([f"{i:018d}" for i in range(n)], name="customer_id"),
    )
    return table.mask(rng.random(table.shape) < 0.02)


@pytest.fixture(scope="module")
def card():
    train = customers(3_000, 0)
    pipeline = fit_segments(train, n_clusters=3, n_starts=3, random_state=0)
    return Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31", synthetic=True)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Every table here comes in several chunks."""
    monkeypatch.setattr("kequn_lab.contract.sources._CELLS", 2_000)
    monkeypatch.setattr("kequn_lab.run.scoring._ROWS", 64)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_in_chunks_is_labelled_as_the_table(tmp_path, card, ending):
    table = customers(5_000, 1)
    write_table(table, tmp_path / f"features.{ending}")
    record = score_files(card, tmp_path / "out", Given(features=tmp_path / f"features.{ending}"))
    pd.testing.assert_frame_equal(
        read_labels(tmp_path / "out" / "labels.csv"), card.label(table), check_dtype=False
    )
    assert record["rows"] == 5_000
    assert record["unlabelled"] == 0
    assert sum(record["segments"].values()) == 5_000
    assert record["model_id"] == card.model_id
    assert {d["level"] for d in record["drift"]} == {"none"}
    assert record["notes"] == []
    json.dumps(record, allow_nan=False)


def test_a_dry_run_writes_nothing(tmp_path, card):
    write_table(customers(50, 1), tmp_path / "features.csv")
    assert score_files(card, None, Given(features=tmp_path / "features.csv"))["rows"] == 50
    assert [p.name for p in tmp_path.iterdir()] == ["features.csv"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_are_labelled_as_files(card, kind):
    table = customers(200, 1)
    expected = card.label(table)["segment_id"].value_counts().to_dict()
    frame = table
    if kind == "polars":
        frame = pytest.importorskip("polars").from_pandas(table.reset_index())
    if kind == "pyarrow":
        frame = pa.Table.from_pandas(table.reset_index())
    assert score_files(card, None, Given(features=frame))["segments"] == expected


def broken_csv(path, n=1_000):
    """One row in a hundred is torn, one in a hundred holds a word for a number."""
    lines = ["customer_id,age_years,aum_cny,web_share,note"]
    for i in range(n):
        line = f"{i:018d},40,{i}.5,0.25,备注"
        if i % 100 == 7:
            line = f"{i:018d},40"
        if i % 100 == 50:
            line = f'{i:018d},forty,1,NA,"a,b"'
        lines.append(line)
    path.write_bytes("\r\n".join(lines).encode("gb18030"))


def test_one_per_cent_of_broken_rows(tmp_path, card):
    broken_csv(tmp_path / "features.csv")
    out = tmp_path / "out"
    with pytest.raises(ContractError, match="2 fields where the header has 5"):
        score_files(card, out, Given(features=tmp_path / "features.csv"))
    assert not out.exists()
    record = score_files(card, out, Given(features=tmp_path / "features.csv"), skip_bad_rows=True)
    assert {p.name for p in out.iterdir()} == {
        "labels.csv", "labels.meta.json", "drift.csv", "columns.csv", "refused_features.csv",
        "warnings.csv"}  # fmt: skip
    assert (record["rows"], record["refused"]) == (980, 20)
    assert record["inputs"][0]["rows"] == 980
    refused = pd.read_csv(out / "refused_features.csv", dtype=str, keep_default_na=False)
    assert refused["refused_line"].tolist()[:3] == ["9", "52", "109"]  # the header is line 1
    assert refused["refused_reason_en"].tolist()[:2] == [
        "2 fields where the header has 5", "age_years: not a finite number"]  # fmt: skip
    assert refused.iloc[1, 3:].tolist() == [f"{50:018d}", "forty", "1", "NA", "a,b"]
    assert refused.iloc[0, 3:].tolist() == [f"{7:018d}", "40", "", "", ""]
    note = pd.read_csv(out / "warnings.csv").iloc[0]
    assert note["warning"] == "rows_skipped"
    assert "20 of 1,000 rows (2.0 %) set aside" in note["text_en"]
    assert "mean of aum_cny would be" in note["text_en"]
    dry = score_files(card, None, Given(features=tmp_path / "features.csv"), skip_bad_rows=True)
    assert dry["segments"] == record["segments"]


def test_refused_rows_can_be_corrected_and_fed_back(tmp_path, card):
    broken_csv(tmp_path / "features.csv")
    out = tmp_path / "out"
    score_files(card, out, Given(features=tmp_path / "features.csv"), skip_bad_rows=True)
    refused = pd.read_csv(out / "refused_features.csv", dtype=str, keep_default_na=False)
    refused.replace("forty", "40").to_csv(tmp_path / "mended.csv", index=False)
    assert score_files(card, out, Given(features=tmp_path / "mended.csv"))["rows"] == 20
    assert not (out / "refused_features.csv").exists()  # of the call before


def test_what_an_earlier_call_set_aside_goes_and_edited_labels_stay(tmp_path, card):
    out = tmp_path / "out"
    broken_csv(tmp_path / "broken.csv")
    with pytest.raises(ValueError, match="10 rows, first line 9"):
        score_files(card, out, Given(features=tmp_path / "broken.csv"))
    assert not out.exists(), "a refused call leaves no folder"
    score_files(card, out, Given(features=tmp_path / "broken.csv"), skip_bad_rows=True)
    write_table(customers(300, 1), tmp_path / "good.csv")
    score_files(card, out, Given(features=tmp_path / "good.csv"))
    assert {p.name for p in out.iterdir()} == {
        "labels.csv", "labels.meta.json", "drift.csv", "columns.csv",
    }  # fmt: skip
    assert verify_folder(out).empty
    (out / "labels.csv").write_text("with notes of mine")
    with pytest.raises(FileExistsError, match="labels.csv, not as an earlier kequn score wrote"):
        score_files(card, out, Given(features=tmp_path / "good.csv"))


@pytest.mark.parametrize("skip", [False, True])
def test_a_customer_twice_in_two_chunks_is_refused_with_both_rows(tmp_path, card, skip):
    table = customers(700, 1)
    write_table(pd.concat([table, table.iloc[[3]]]), tmp_path / "features.parquet")
    ask = {"given": Given(features=tmp_path / "features.parquet"), "skip_bad_rows": skip}
    if skip:
        record = score_files(card, tmp_path / "out", **ask)
        assert (record["rows"], record["refused"]) == (699, 2)
        return
    with pytest.raises(ContractError, match=r"row 4, .*not unique(.|\n)*row 701, .*not unique"):
        score_files(card, tmp_path / "out", **ask)
    assert [p.name for p in tmp_path.iterdir()] == ["features.parquet"]


def test_other_bad_input(tmp_path, card):
    table = customers(20, 1)
    write_table(table.drop(columns="web_share"), tmp_path / "f.csv")
    with pytest.raises(ValueError, match=r"f.csv has no column web_share; its columns"):
        score_files(card, None, Given(features=tmp_path / "f.csv"))
    with pytest.raises(IsADirectoryError, match="is a folder"):
        score_files(card, None, Given(features=tmp_path))
    write_table(table.head(0), tmp_path / "f.csv")
    with pytest.raises(ContractError, match="no rows"):
        score_files(card, tmp_path / "out", Given(features=tmp_path / "f.csv"))
    assert not (tmp_path / "out").exists()
    table.index = [*table.index[:-1], ""]
    write_table(table.rename_axis("customer_id"), tmp_path / "f.csv")
    with pytest.raises(ContractError, match="line 21, column 'customer_id': missing id"):
        score_files(card, None, Given(features=tmp_path / "f.csv"))
    table.index = range(1, 21)
    table.assign(customer_id=np.arange(20) / 2).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(ContractError, match="a number with decimals cannot be an id"):
        score_files(card, None, Given(features=tmp_path / "f.parquet"))


def test_amounts_in_fen_are_recognised(card):
    table = customers(2_000, 2)
    assert (feature_drift(card, table)["level"] == "none").all()
    drift = feature_drift(card, table.assign(aum_cny=table["aum_cny"] * 100)).set_index("feature")
    assert drift.loc["aum_cny", "level"] == "large"
    assert drift.loc["aum_cny", "hint"] == "looks like fen (分): multiply aum_cny by 0.01"
    assert drift.loc["age_years", "level"] == "none"
    drift = feature_drift(card, table.assign(aum_cny=table["aum_cny"] / 10_000))
    assert "万元" in drift["hint"].iloc[1]
    drift = feature_drift(card, table.assign(age_years=np.nan)).set_index("feature")
    assert drift.loc["age_years", ["level", "missing_now"]].tolist() == ["large", 1.0]


def test_population_stability_index_by_hand():
    expected = [0.2, 0.3, 0.5]
    found = [0.1, 0.3, 0.6]
    by_hand = -0.1 * np.log(0.1 / 0.2) + 0.1 * np.log(0.6 / 0.5)
    counts = np.array(expected) * 1e4, np.array(found) * 1e4
    assert population_stability_index(*counts) == pytest.approx(by_hand)
    assert population_stability_index([100, 100, 0], [100, 100, 0]) == 0
    assert np.isfinite(population_stability_index([100, 0], [0, 100]))


def test_the_critical_value_holds_what_it_says():
    """Without any change, one index in a thousand lies above it."""
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    critical = critical_value(10, 3_000, 1_000)
    before, now = rng.multinomial(3_000, shares, 4_000), rng.multinomial(1_000, shares, 4_000)
    found = [population_stability_index(b, n) for b, n in zip(before, now)]
    assert 0 < np.mean(np.array(found) > critical) < 0.004


def test_drift_in_chunks_is_drift_of_the_whole(card):
    table = customers(4_000, 3).assign(web_share=0.5)
    spread = Spread(card)
    for i in range(0, 4_000, 900):
        spread.add(table.iloc[i : i + 900])
    pd.testing.assert_frame_equal(spread.table(), feature_drift(card, table))


@pytest.fixture
def database(tmp_path):
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    url = f"sqlite:///{tmp_path / 'bank.db'}"
    with sqlalchemy.create_engine(url).connect() as con:
        customers(300, 5).to_sql("customers", con)
        con.commit()
    return url


def test_straight_from_a_database(database, card, tmp_path, monkeypatch):
    monkeypatch.setenv("KEQUN_DB_PASSWORD", "hunter2")
    ask = {"features": database, "query": "SELECT * FROM customers"}
    record = score_files(card, tmp_path / "out", Given(**ask))
    pd.testing.assert_frame_equal(
        read_labels(tmp_path / "out" / "labels.csv"),
        card.label(customers(300, 5)),
        check_dtype=False,
    )
    assert "hunter2" not in (tmp_path / "out" / "labels.meta.json").read_text(encoding="utf-8")
    assert record["inputs"][0]["rows"] == 300
    before = (tmp_path / "out" / "labels.csv").read_bytes()
    ask["query"] = "SELECT * FROM customers WHERE 0"
    with pytest.raises(ContractError, match="no rows"):
        score_files(card, tmp_path / "out", Given(**ask))
    assert (tmp_path / "out" / "labels.csv").read_bytes() == before
    with pytest.raises(ValueError, match="no column age_years"):
        score_files(card, None, Given(features=database, query="SELECT 1 AS customer_id"))


def raw_tables(folder, n=3_000):
    rng = np.random.default_rng(1)
    ids = [f"{i:018d}" for i in range(200)]
    customers = pd.DataFrame({"customer_id": ids, "age_years": rng.integers(20, 80, 200)})
    events = pd.DataFrame(
        {
            "customer_id": rng.choice(ids, n),
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 365 * 24, n), unit="h"),
            "amount_cny": rng.lognormal(5, 1, n).round(2),
            "channel": rng.choice(["mobile", "web", "counter"], n),
        }
    )
    for name, table in (("customers", customers), ("events", events)):
        table.to_csv(folder / f"{name}.csv", index=False)
        table.to_parquet(folder / f"{name}.parquet")
    return customers, events


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_raw_tables_to_a_folder(tmp_path, ending):
    customers, events = raw_tables(tmp_path)
    table = customer_features(events, customers=customers, as_of="2024-12-31")
    names = ["age_years", "amount_mean_cny", "web_share"]
    pipeline = fit_segments(table[names], n_clusters=3, n_starts=3, random_state=0)
    card = Scorecard.from_pipeline(
        pipeline, table[names], as_of="2024-12-31", months=12, timezone="Asia/Shanghai"
    )
    files = {n: tmp_path / f"{n}.{ending}" for n in ("customers", "events")}
    record = score_files(card, tmp_path, Given(**files, as_of="2024-12-31"))
    assert record["as_of"] == "2024-12-31"
    labels = read_labels(tmp_path / "labels.csv").set_index("customer_id")["cluster"]
    assert (labels == card.predict(table)).all()
    with pytest.raises(ValueError, match="raw tables need as_of"):
        score_files(card, tmp_path, Given(**files))
    with pytest.raises(ValueError, match="trained with another window: 12 months, found 6 months"):
        score_files(card, tmp_path, Given(**files, as_of="2024-12-31", months=6))
    mapping = Mapping(events=TableMapping(timezone="UTC"))
    with pytest.raises(ValueError, match="another time zone: Asia/Shanghai, found UTC"):
        score_files(card, None, Given(**files, as_of="2024-12-31", mapping=mapping))
    with pytest.raises(ValueError, match="another currency: CNY, found CZK"):
        score_files(card, None, Given(**files, as_of="2024-12-31", mapping=Mapping(currency="CZK")))
    with pytest.raises(ValueError, match="another currency: CNY, found CZK"):
        score_files(
            card, None, Given(features=table.reset_index(), mapping=Mapping(currency="CZK"))
        )
    assert (
        score_files(card, None, Given(features=table.reset_index()))["segments"]
        == record["segments"]
    )
    with pytest.raises(ValueError, match="another definitions of the features"):
        score_files(replace(card, definitions="0"), None, Given(**files, as_of="2024-12-31"))
    with pytest.raises(ValueError, match="does not know how long a window"):
        score_files(
            replace(card, months=None, definitions=None), None, Given(**files, as_of="2024-12-31")
        )
    with pytest.raises(ValueError, match="no event between 2020-01-01 and 2020-12-31"):
        score_files(card, tmp_path, Given(**files, as_of="2020-12-31"))
    lacking = "make no balance_mean_cny, which the scorecard needs"
    other = replace(card, features=(replace(card.features[0], name="balance_mean_cny"),
                                    *card.features[1:]))  # fmt: skip
    with pytest.raises(ValueError, match=lacking):
        score_files(other, None, Given(**files, as_of="2024-12-31"))
    with pytest.raises(ValueError, match="either a ready customer table"):
        score_files(card, tmp_path, Given(features="f.csv", **files, as_of="2024-12-31"))


def test_money_in_another_unit_everywhere_is_refused_unless_it_is_meant(tmp_path, card):
    table = customers(2_000, 2)
    fen = table.assign(aum_cny=table["aum_cny"] * 100)
    says = r"look like fen \(分\); multiply by 0.01: aum_cny(.|\n)*--accept"
    with pytest.raises(ValueError, match=says):
        score_files(card, tmp_path / "out", Given(features=fen))
    assert list(tmp_path.iterdir()) == []
    record = score_files(card, None, Given(features=fen), accept_units=True)
    assert [note["warning"] for note in record["notes"]] == ["other_unit"]
    assert score_files(card, None, Given(features=table))["notes"] == []


def test_one_column_of_many_in_another_unit_is_a_warning():
    rng = np.random.default_rng(0)
    names = [f"{n}_cny" for n in "abcd"]
    table = pd.DataFrame(rng.lognormal(8, 1, (2_000, 4)), columns=names)
    pipeline = fit_segments(table, n_clusters=2, n_starts=2, random_state=0)
    card = Scorecard.from_pipeline(pipeline, table, as_of="2024-12-31")
    notes, all_off = unit_notes(feature_drift(card, table.assign(a_cny=table["a_cny"] / 1e4)))
    assert [n.text_en for n in notes] == [
        "Columns of money look like 10,000 yuan (万元); multiply by 10000: a_cny"
    ]
    assert not all_off
    assert unit_notes(feature_drift(card, table / 1e4))[1]
