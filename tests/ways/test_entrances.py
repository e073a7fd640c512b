"""The same table gets the same verdict in run, check and score, whatever holds it."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.mapping import Mapping, TableMapping
from kequn_lab.contract.reading import read_table
from kequn_lab.contract.tables import EVENTS, ContractError
from kequn_lab.export.labels import read_labels
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.run.checking import check_tables
from kequn_lab.run.entrance import Given, kind_of_table, raw_tables
from kequn_lab.run.inputs import from_customer_table, from_tables
from kequn_lab.run.scoring import score_files
from kequn_lab.segments.pipeline import fit_segments

DAY = {"as_of": "2024-12-31"}
IDS = [f"{i:018d}" for i in range(60)]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Every table here comes in several chunks."""
    monkeypatch.setattr("kequn_lab.contract.sources._CELLS", 1_200)


@pytest.fixture(scope="module")
def raw() -> dict[str, pd.DataFrame]:
    rng, n = np.random.default_rng(0), 900
    events = pd.DataFrame(
        {
            "customer_id": rng.choice(IDS, n),
            "timestamp": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 8760, n), "h"),
            "amount_cny": rng.lognormal(5, 1, n).round(2),
            "channel": rng.choice(["mobile", "web", "counter"], n),
        }
    )
    customers = pd.DataFrame({"customer_id": IDS, "age_years": rng.integers(20, 80, 60) * 1.0})
    holdings = pd.DataFrame({"customer_id": IDS, "product": "current"})
    holdings["balance_cny"] = rng.lognormal(8, 1, 60).round(2)
    return {"events": events, "customers": customers, "holdings": holdings}


@pytest.fixture(scope="module")
def ready() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    columns = {n: rng.normal(40, 9, 300).round(2) for n in ("age_years", "visits")}
    return pd.DataFrame({"customer_id": [f"{i:018d}" for i in range(300)], **columns})


def card_of(inputs) -> Scorecard:
    pipeline = fit_segments(inputs.features, n_clusters=2, n_starts=2, random_state=0)
    facts = {"months": inputs.months, "timezone": inputs.timezone}
    return Scorecard.from_pipeline(pipeline, inputs.features, as_of="2024-12-31", **facts)


@pytest.fixture(scope="module")
def raw_card(raw):
    return card_of(from_tables(**raw, **DAY))


@pytest.fixture(scope="module")
def ready_card(ready):
    return card_of(from_customer_table(ready))


def held(table: pd.DataFrame, kind: str, folder, name: str):
    """The table in a CSV, a Parquet file or a frame."""
    if kind == "frame":
        return table
    path = folder / f"{name}.{kind}"
    table.to_csv(path, index=False) if kind == "csv" else table.to_parquet(path, index=False)
    return path


def verdict(work):
    """Accepted, or what was found where."""
    try:
        work()
    except ContractError as error:
        return sorted(map(str, error.violations.itertuples(index=False)))
    except ValueError as error:
        return str(error)
    return "accepted"


def check_verdict(**tables):
    def work():
        for found in check_tables(Given(**tables)):
            if found.error is not None:
                raise found.error

    return verdict(work)


def cell(table: pd.DataFrame, column: str, value, row: int = 250) -> pd.DataFrame:
    """A copy with another value in one cell, far enough down to lie in a later chunk."""
    out = table.copy()
    if isinstance(value, str):
        out[column] = out[column].astype("str").astype(object)
    out.loc[min(row, len(out) - 1), column] = value
    return out


RAW = {
    "as it should be": ("events", lambda t: t, "accepted"),
    "blanks in ids": ("events", lambda t: t.assign(customer_id=" " + t.customer_id), "accepted"),
    "negative amount": ("events", lambda t: cell(t, "amount_cny", -5.0), "must be >= 0"),
    "infinite amount": ("events", lambda t: cell(t, "amount_cny", np.inf), "not a finite"),
    "Mobile": ("events", lambda t: cell(t, "channel", "Mobile"), "not one of mobile, web"),
    "no id": ("events", lambda t: cell(t, "customer_id", None), "missing id"),
    "nan as id": ("events", lambda t: cell(t, "customer_id", "nan"), "missing id"),
    "ruined id": ("events", lambda t: cell(t, "customer_id", "1.23E+17"), "ruined"),
    "unknown customer": ("events", lambda t: cell(t, "customer_id", "77"), "not in the customer"),
    "now": ("events", lambda t: cell(t, "timestamp", "now"), "not a date"),
    "customer twice": ("customers", lambda t: pd.concat([t, t.head(1)]), "not unique"),
    "old as the hills": ("customers", lambda t: cell(t, "age_years", 200.0), "must be <= 120"),
    "holding twice": ("holdings", lambda t: pd.concat([t, t]), "not unique"),
    "holding of nobody": ("holdings", lambda t: cell(t, "customer_id", "77"), "not in the cust"),
    "no amounts": ("events", lambda t: t.drop(columns="amount_cny"), "missing column"),
    "no rows": ("events", lambda t: t.head(0), "no rows"),
}


def in_turn(faults):
    """Every fault in one kind of table, and the sound table in all of them."""
    kinds = ("csv", "parquet", "frame")
    sound = next(iter(faults))
    return [(sound, kind) for kind in kinds] + [
        (fault, kinds[i % 3]) for i, fault in enumerate(faults) if fault != sound
    ]


@pytest.mark.parametrize(("fault", "kind"), in_turn(RAW))
def test_raw_tables_get_one_verdict(raw, raw_card, tmp_path, fault, kind):
    table, change, says = RAW[fault]
    given = {**raw, table: change(raw[table])}
    given = {name: held(t, kind, tmp_path, name) for name, t in given.items()}
    run = verdict(lambda: from_tables(**given, **DAY))
    score = verdict(lambda: score_files(raw_card, None, Given(**given, **DAY)))
    assert run == score == check_verdict(**given)
    assert says in str(run)


READY = {
    "as it should be": (lambda t: t, "accepted"),
    "no id": (lambda t: cell(t, "customer_id", "", 299), "missing id"),
    "ruined id": (lambda t: cell(t, "customer_id", "1.23E+17"), "ruined"),
    "the same but for a blank": (
        lambda t: cell(t, "customer_id", f" {7:018d}"), "not unique"),
    "twice, in two chunks": (lambda t: pd.concat([t, t.head(1)]), "not unique"),
    "infinite": (lambda t: cell(t, "visits", np.inf), "not a finite number"),
    "beyond any figure": (lambda t: cell(t, "visits", 1e19), "must be <= 1e+18"),
    "a word": (lambda t: cell(t, "visits", "many"), "not a finite number"),
    "a total row": (lambda t: cell(t, "customer_id", "合计", 299), "total row"),
    "no rows": (lambda t: t.head(0), "no rows"),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "kind"), in_turn(READY))
def test_ready_tables_get_one_verdict(ready, ready_card, tmp_path, fault, kind):
    change, says = READY[fault]
    features = held(change(ready), kind, tmp_path, "features")
    run = verdict(lambda: from_customer_table(features))
    score = verdict(lambda: score_files(ready_card, None, Given(features=features)))
    assert run == score == check_verdict(features=features)
    assert says in str(run)


@pytest.mark.parametrize("cells", [{"x": 5, "y": 7}, {"x": ["a", "b"] * 30}, {"x": None}, {}])
def test_a_table_in_which_no_column_differs_is_refused_with_the_reasons(cells):
    table = pd.DataFrame({"id": [f"c{i:03d}" for i in range(60)]}).assign(**cells)
    run = verdict(lambda: from_customer_table(table))
    assert run == check_verdict(features=table)
    reasons = "x: constant; y: constant" if "y" in cells else "no column of numbers"
    assert "no column in which customers differ" in run[0] and reasons in run[0]


def test_a_column_twice_gets_one_verdict(ready_card, tmp_path):
    path = tmp_path / "f.csv"
    path.write_text("customer_id,age_years,visits,visits\n1,30,2,3\n")
    run = verdict(lambda: from_customer_table(path))
    score = verdict(lambda: score_files(ready_card, None, Given(features=path)))
    assert run == score == check_verdict(features=path)
    assert "named twice: visits" in run


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_skipped_rows_are_the_same_in_run_and_score_and_can_be_fed_back(
    raw, raw_card, tmp_path, kind
):
    events = cell(cell(raw["events"], "amount_cny", -5.0, 10), "channel", "fax", 250)
    events = cell(events, "customer_id", "77", 251)
    given = {n: held(t, kind, tmp_path, n) for n, t in {**raw, "events": events}.items()}
    inputs = from_tables(**given, **DAY, skip_bad_rows=True)
    out = tmp_path / "out"
    record = score_files(raw_card, out, Given(**given, **DAY), skip_bad_rows=True)
    assert [f["refused"] for f in inputs.files] == [0, 3, 0]
    assert [f["rows"] for f in inputs.files] == [60, 897, 60]
    assert record["inputs"] == list(inputs.files)
    labels = read_labels(out / "labels.csv").set_index("customer_id")["cluster"]
    assert (labels == raw_card.predict(inputs.features)).all()
    refused = inputs.refused["events"]
    assert refused["refused_reason_en"].tolist() == [
        "amount_cny: must be >= 0",
        "channel: not one of mobile, web, counter, atm, agent, third_party",
        "customer_id: not in the customer table",
    ]
    written = pd.read_csv(out / "refused_events.csv", dtype=str)
    assert written["channel"][1] == "fax"
    mended = written.replace({"fax": "web", "'-5.0": "5", "-5": "5", "77": IDS[0]})
    mended["balance_cny"] = "'-7"  # as it is written for a spreadsheet
    mended.to_csv(tmp_path / "mended.csv", index=False)
    again = from_tables(tmp_path / "mended.csv", customers=given["customers"], **DAY)
    assert again.files[1]["rows"] == 3
    assert read_table(tmp_path / "mended.csv", EVENTS)["balance_cny"].tolist() == [-7] * 3


def test_a_file_without_one_good_row_is_an_error_also_when_rows_are_skipped(raw, tmp_path):
    bad = raw["events"].assign(amount_cny=-1)
    with pytest.raises(ContractError, match="900 of 900 rows, .*must be >= 0"):
        from_tables(bad, **DAY, skip_bad_rows=True)


def test_reading_stops_after_many_findings_but_not_where_rows_are_skipped(raw, monkeypatch):
    for module in ("kequn_lab.contract.reading", "kequn_lab.run.checking"):
        monkeypatch.setattr(f"{module}.MOST_FINDINGS", 50)
    bad = raw["events"].assign(amount_cny=-1.0)
    bad.loc[850:, "amount_cny"] = 1.0
    says = "300 violations of the contract in 300 of 300 rows"
    with pytest.raises(ContractError, match=says):
        from_tables(bad, **DAY)
    (found,) = check_tables(Given(events=bad))
    assert (found.rows, found.valid) == (300, 0) and says in str(found.error)
    inputs = from_tables(bad, **DAY, skip_bad_rows=True)
    assert (inputs.files[0]["rows"], inputs.files[0]["refused"]) == (50, 850)


def test_a_parquet_file_that_needs_no_conversion_is_read_where_it_lies(raw, tmp_path):
    plain = {n: held(t, "parquet", tmp_path, n) for n, t in raw.items()}
    with raw_tables(plain, Mapping()) as entered:
        assert entered.tables == plain
    numbers = raw["events"].assign(customer_id=raw["events"]["customer_id"].astype(int))
    numbers.to_parquet(tmp_path / "n.parquet")
    with raw_tables({"events": tmp_path / "n.parquet"}, Mapping()) as entered:
        assert entered.tables["events"] != tmp_path / "n.parquet"
        assert pd.read_parquet(entered.tables["events"])["customer_id"].iloc[0].isdigit()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_frames_keep_the_ids_that_they_came_with(ready, library):
    frame = ready.assign(customer_id=range(1_000, 1_300))
    if library == "polars":
        frame = pytest.importorskip("polars").from_pandas(frame)
    if library == "pyarrow":
        frame = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    inputs = from_customer_table(frame)
    assert inputs.features.index[:2].tolist() == ["1000", "1001"]
    assert inputs.ids.loc[inputs.features.index].tolist() == list(range(1_000, 1_300))


def test_an_index_without_a_name_is_the_customers(ready):
    frame = ready.drop(columns="customer_id").set_axis(range(5, 305))
    inputs = from_customer_table(frame)
    assert inputs.ids.loc[inputs.features.index].tolist() == list(range(5, 305))
    assert frame.index.name is None


def test_what_a_table_holds_is_told_from_its_columns():
    assert kind_of_table(["customer_id", "timestamp", "amount_cny", "x"]) == "events"
    assert kind_of_table(["customer_id", "product", "balance_cny"]) == "holdings"
    assert kind_of_table(["customer_id", "age_years", "visits"]) == "features"
    words = {"customer_id": "客户号", "timestamp": ["日期", "时间"], "amount_cny": "金额"}
    mapping = Mapping(events=TableMapping(columns=words))
    assert kind_of_table(["客户号", "日期", "时间", "金额"], mapping) == "events"
    assert kind_of_table(["客户号", "日期", "余额"], mapping) == "features"
