"""lifecycle: the funnel of six customers by hand, the branch with and without migration."""

import numpy as np
import pandas as pd
import pytest

from kequn_lab.products.lifecycle import branch_load, funnel

OPENED = pd.Timestamp("2024-02-01")
#: Days after the opening, and product, per customer.
STORY = {
    "all_four": [(0, "current"), (45, "current"), (200, "money_fund")],
    "sleeps_in_between": [(3, "current"), (200, "money_fund")],
    "never_comes": [],
    "comes_late": [(40, "current"), (50, "money_fund"), (210, "current")],
    "one_product": [(10, "current"), (30, "current"), (239, None)],
    "day_240": [(29, "current"), (59, "current"), (240, "money_fund")],
}
EVENTS = pd.DataFrame(
    [("before", pd.Timestamp("2024-01-01"), "current")]
    + [(who, OPENED + pd.Timedelta(days=d), p) for who, story in STORY.items() for d, p in story],
    columns=["customer_id", "timestamp", "product"],
)
OPENINGS = pd.Series(OPENED, index=list(STORY))


def stages(table):
    return table.set_index("stage")["customers"].to_dict()


def test_six_customers_by_hand():
    table = funnel(EVENTS, as_of="2024-12-31", opened_on=OPENINGS)
    assert stages(table) == {"acquire": 4, "activate": 3, "retain": 2, "convert": 1}
    assert (table["of"] == 6).all()
    assert table["share"].tolist() == pytest.approx([4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert (table["low"] < table["share"]).all() and (table["share"] < table["high"]).all()


def test_only_those_known_for_eight_months_count():
    later = OPENINGS.copy()
    later["one_product"] = pd.Timestamp("2024-09-01")
    old = pd.Series(pd.Timestamp("2010-01-01"), index=["before"])
    table = funnel(EVENTS, as_of="2024-12-31", opened_on=pd.concat([later, old]))
    assert (table["of"] == 5).all()


def test_by_segment_and_without_opening_dates():
    labels = pd.Series({"all_four": "young_adult", "day_240": "elderly", "one_product": None})
    table = funnel(EVENTS, labels, as_of="2024-12-31", opened_on=OPENINGS)
    assert table.groupby("group")["of"].first().to_dict() == {"elderly": 1, "young_adult": 1}
    # Without opening dates: new is whose first event comes after three quiet months.
    early = EVENTS.head(1).assign(timestamp=pd.Timestamp("2023-10-01"))
    table = funnel(pd.concat([early, EVENTS]), as_of="2024-12-31")
    assert (table["of"] == 5).all()  # "never_comes" cannot be known


def test_events_after_as_of_are_not_known():
    with pytest.raises(ValueError, match="nobody is new between 2024-01-01 and"):
        funnel(EVENTS, as_of="2024-08-01", opened_on=OPENINGS)
    with pytest.raises(ValueError, match="events lacks timestamp"):
        funnel(EVENTS.drop(columns="timestamp"), as_of="2024-12-31")


COUNTER = pd.DataFrame(
    {
        "customer_id": ["a", "a", "a", "b", "c", "c"],
        "timestamp": pd.to_datetime(["2024-01-02"] * 2 + ["2024-01-03"] * 4),
        "channel": ["counter"] * 5 + ["mobile"],
        "counter_minutes": [10.0, 20, 15, 40, np.nan, np.nan],
    }
)
SEGMENTS = pd.Series({"a": "elderly", "b": "elderly", "c": "young_adult"})


def test_branch_load_by_hand():
    half = {"elderly": 0.5}
    table = branch_load(COUNTER[:-2], SEGMENTS, migrated=half, after_sales_minutes=2)
    elderly = table.set_index("segment_id").loc["elderly"]
    # Three visits: 30, 15 and 40 minutes.
    assert elderly[["visits", "minutes", "visits_after"]].tolist() == [3, 85, 1.5]
    assert elderly["minutes_after"] == pytest.approx(42.5 + 1.5 * 2)
    assert elderly["staff_days"] == pytest.approx(85 / 60 / 9.9)
    # c is at the counter once, without minutes, and his segment has no other visit.
    table = branch_load(COUNTER, SEGMENTS, migrated={"elderly": 0.2, "young_adult": 1})
    assert table["segment_id"].tolist() == ["elderly", "young_adult", "all"]
    assert table.set_index("segment_id").loc["young_adult", "visits"] == 1


def test_nothing_moves_nothing_changes():
    table = branch_load(COUNTER[:-2], SEGMENTS, migrated={"elderly": 0})
    assert table["visits_after"].tolist() == table["visits"].tolist()
    assert table["staff_days_after"].tolist() == table["staff_days"].tolist()


def test_bad_branches():
    with pytest.raises(ValueError, match="share from 0 to 1 for every segment"):
        branch_load(COUNTER, SEGMENTS, migrated={"elderly": 30, "young_adult": 0})
    with pytest.raises(ValueError, match="found {'young_adult': nan}"):
        branch_load(COUNTER, SEGMENTS, migrated={"elderly": 0.1})
    with pytest.raises(ValueError, match="no event on the channel 'counter'"):
        branch_load(COUNTER[COUNTER["channel"] == "mobile"], SEGMENTS, migrated={})
