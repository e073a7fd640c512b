"""What a run starts from: everything is counted, what is thin or doubtful is said."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from kequn_lab.features.customers import DIALECTS
from kequn_lab.features.definitions import DEFINITIONS, FEATURES
from kequn_lab.run.inputs import from_tables


def events(n=3_000, customers=150, seed=0, first="2022-07-01", days=730) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, n).astype("str"),
            "timestamp": pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, days, n), "D"),
            "amount_cny": rng.lognormal(5, 1, n).round(2),
            "channel": rng.choice(["mobile", "web", "counter"], n),
        }
    )


def notes_of(inputs) -> dict:
    return {note.warning: note for note in inputs.notes}


def test_events_before_inside_and_after_add_up_to_those_in_the_file(tmp_path):
    table = events(600, customers=250)
    table.to_csv(tmp_path / "e.csv", index=False)
    inputs = from_tables(tmp_path / "e.csv", as_of="2024-03-31", months=12)
    window = inputs.window
    when = table["timestamp"]
    inside = (when >= "2023-04-01") & (when < "2024-04-01")
    assert window["events"] == len(table) == inputs.files[0]["rows"]
    assert window["events_before"] == (when < "2023-04-01").sum()
    assert window["events_inside"] == inside.sum()
    assert window["events_after"] == (when >= "2024-04-01").sum()
    who = table["customer_id"]
    assert window["customers"] == who.nunique()
    assert window["customers_inside"] == who[inside].nunique() == len(inputs.features)
    assert window["customers_lost"] == who.nunique() - who[inside].nunique() > 0
    assert window["median_events"] == table[inside].groupby("customer_id").size().median()
    note = notes_of(inputs)["window_drops_customers"]
    assert note.level == "warning"
    assert f"{window['customers_lost']} have none in the window" in note.text_en
    assert f"{window['events_before']} lie before it" in note.text_en


def test_a_window_that_takes_all_says_nothing(tmp_path):
    events(first="2024-01-01", days=366).to_csv(tmp_path / "e.csv", index=False)
    inputs = from_tables(tmp_path / "e.csv", as_of="2024-12-31")
    assert set(notes_of(inputs)) == {"features_left_out"}
    assert inputs.window["customers_lost"] == inputs.window["events_after"] == 0


def test_customers_of_the_customer_table_without_events_are_counted(tmp_path):
    events(400, 50, first="2024-01-01", days=366).to_csv(tmp_path / "e.csv", index=False)
    people = pd.DataFrame({"customer_id": map(str, range(80)), "age_years": range(20, 100)})
    people.to_csv(tmp_path / "c.csv", index=False)
    inputs = from_tables(tmp_path / "e.csv", customers=tmp_path / "c.csv", as_of="2024-12-31")
    assert len(inputs.features) == 80
    assert inputs.window["customers_without_events"] == 30
    note = notes_of(inputs)["customers_without_events"]
    assert (note.level, note.value) == ("warning", 30 / 80)


def test_features_of_one_or_two_events_are_left_out_by_name_with_the_reason(tmp_path):
    table = events(260, customers=200, first="2024-01-01", days=366)
    table.loc[: len(table) * 0.8, "channel"] = None
    table.to_csv(tmp_path / "e.csv", index=False)
    inputs = from_tables(tmp_path / "e.csv", as_of="2024-12-31")
    left_out = inputs.features.attrs["left_out"]
    assert left_out["weekend_share"] == "fewer than 5 events behind it for 99 % of customers"
    assert left_out["amount_std_cny"].startswith("missing for 5")
    assert left_out["web_share"].startswith("missing for ")
    assert "Weekend share (fewer than 5" in notes_of(inputs)["features_left_out"].text_en
    assert {"tx_per_month", "recency_days", "amount_mean_cny"} <= set(inputs.features)
    assert "1 events or fewer" in notes_of(inputs)["few_events"].text_en


def test_shares_of_many_events_stay(tmp_path):
    events(first="2024-01-01", days=366).to_csv(tmp_path / "e.csv", index=False)
    inputs = from_tables(tmp_path / "e.csv", as_of="2024-12-31")
    assert {"weekend_share", "web_share", "amount_std_cny"} <= set(inputs.features)


@pytest.mark.parametrize(("n", "said"), [(1_200, True), (150, False)])
def test_an_id_with_an_outsized_share_of_events_is_named(tmp_path, n, said):
    table = events(first="2024-01-01", days=366)
    table.loc[: n - 1, "customer_id"] = "UNKNOWN"
    table.to_csv(tmp_path / "e.csv", index=False)
    notes = notes_of(from_tables(tmp_path / "e.csv", as_of="2024-12-31"))
    assert ("outsized_customer" in notes) is said
    if said:
        assert (
            "Customer UNKNOWN alone has 1,200 events, 40.0%" in notes["outsized_customer"].text_en
        )


def test_definitions_are_numbered_anew_when_a_feature_changes():
    """A scorecard of other definitions is refused, so SQL that gives other values needs a number;
    the same values in other words get a new hash only."""
    text = repr([(f.name, f.needs, f.sql, f.empty) for f in FEATURES]) + repr(DIALECTS["duckdb"])
    found = DEFINITIONS, hashlib.sha256(text.encode()).hexdigest()[:12]
    assert found == ("1", "da974b4fa939"), (
        "other values? then raise DEFINITIONS; write the new pair here"
    )
