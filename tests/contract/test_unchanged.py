"""A Parquet file is taken as it is only where the usual way would change and find nothing."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kequn_lab.contract.keys import Known
from kequn_lab.contract.reading import open_table
from kequn_lab.contract.tables import CUSTOMERS, EVENTS, HOLDINGS
from kequn_lab.contract.unchanged import unchanged
from kequn_lab.run import entrance
from kequn_lab.run.entrance import raw_tables, words_of
from kequn_lab.synth import make_bank, write_bank

GOOD = pd.DataFrame(
    {
        "customer_id": ["a1", "b2", "a1"],
        "timestamp": pd.to_datetime(["2024-01-01", "2024-03-02", "2024-05-06"]),
        "amount_cny": [1.5, 2.0, 0.0],
        "channel": ["mobile", None, "counter"],
        "product": ["Fund A", None, "bond"],
        "counterparty_id": ["x1", "y22", None],
        "counter_minutes": [1.0, np.nan, 3.0],
        "helped": [True, False, True],
    }
)


def held(tmp_path, frame, **types):
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, kind in types.items():
        table = table.set_column(table.column_names.index(name), name, table[name].cast(kind))
    pq.write_table(table, tmp_path / "e.parquet")
    return tmp_path / "e.parquet"


def test_a_table_in_order_is_taken_as_it_is(tmp_path):
    found = unchanged(held(tmp_path, GOOD), EVENTS)
    assert found.rows == 3
    assert len(found.customers) == 2
    assert set(found.columns) == set(GOOD)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("customer_id", None),
        ("customer_id", "total"),
        ("customer_id", " a1"),
        ("customer_id", "17850.0"),
        ("customer_id", "1" * 16),
        ("customer_id", "1.2E+17"),
        ("timestamp", None),
        ("amount_cny", -0.01),
        ("amount_cny", np.nan),
        ("amount_cny", np.inf),
        ("counter_minutes", -np.inf),
        ("channel", "Mobile"),
        ("channel", "nan"),
        ("product", " bond"),
        ("product", "FundA"),
        ("product", "NULL"),
        ("counterparty_id", "none"),
        ("counterparty_id", "４２"),
    ],
)
def test_what_is_changed_refused_or_noted_goes_the_usual_way(tmp_path, column, value):
    frame = GOOD.astype({"customer_id": "object"})
    frame.loc[1, column] = value
    path = held(tmp_path, frame)
    assert unchanged(path, EVENTS) is None
    opened = open_table(path, EVENTS)
    wrong = changed = bool(len(opened.notes))
    for raw, typed, violations in opened.checked():
        wrong = wrong or len(violations) > 0
        changed = changed or not entrance._same_cells(raw, typed)
    # Ids of 16 digits are let pass by the usual way, which counts them first.
    assert wrong or changed or value == "1" * 16


def test_types_that_are_not_ours_go_the_usual_way(tmp_path):
    assert unchanged(held(tmp_path, GOOD, timestamp=pa.timestamp("us", "UTC")), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD, timestamp=pa.string()), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD, amount_cny=pa.decimal128(12, 2)), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD.assign(amount_cny=2**60)), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD.assign(Amount_CNY=1.0)), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD.drop(columns="amount_cny")), EVENTS) is None
    assert unchanged(held(tmp_path, GOOD[:0]), EVENTS) is None
    (tmp_path / "f.parquet").write_text("no Parquet")
    assert unchanged(tmp_path / "f.parquet", EVENTS) is None


def test_customers_twice_and_strangers_go_the_usual_way(tmp_path):
    customers = pd.DataFrame({"customer_id": ["a1", "b2"], "age_years": [40.0, np.nan]})
    known = Known(unchanged(held(tmp_path, customers), CUSTOMERS).customers)
    assert unchanged(held(tmp_path, customers.iloc[[0, 1, 0]]), CUSTOMERS) is None
    assert unchanged(held(tmp_path, GOOD), EVENTS, known=known) is not None
    strange = GOOD.assign(customer_id=["a1", "b2", "c3"])
    assert unchanged(held(tmp_path, strange), EVENTS, known=known) is None
    holdings = pd.DataFrame({"customer_id": "a1", "product": ["bond", "fund"], "balance_cny": 1.0})
    assert unchanged(held(tmp_path, holdings), HOLDINGS) is not None
    assert unchanged(held(tmp_path, holdings.assign(product="bond")), HOLDINGS) is None


def test_both_ways_say_the_same_of_a_bank(tmp_path, monkeypatch):
    write_bank(tmp_path, n_customers=300, random_state=0, months=2, progress=False)
    given = {n: tmp_path / f"{n}.parquet" for n in ("customers", "events", "holdings")}
    with raw_tables(given, words_of(None)) as short:
        pass
    calls = []
    monkeypatch.setattr(entrance, "unchanged", lambda path, *_, **__: calls.append(path))
    with raw_tables(given, words_of(None)) as usual:
        pass
    assert len(calls) == 3
    assert short == usual
    assert [f["rows"] for f in short.files] == [
        300, len(make_bank(300, random_state=0, months=2).events), short.files[2]["rows"],
    ]  # fmt: skip


def test_a_bank_is_not_read_cell_by_cell(tmp_path, monkeypatch):
    write_bank(tmp_path, n_customers=300, random_state=0, months=2, progress=False)
    given = {n: tmp_path / f"{n}.parquet" for n in ("customers", "events", "holdings")}
    monkeypatch.setattr(entrance, "open_table", lambda *_, **__: pytest.fail("read by cells"))
    with raw_tables(given, words_of(None)) as entered:
        assert entered.tables == given
