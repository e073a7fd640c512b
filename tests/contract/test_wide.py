"""A ready customer table: what is left out by name, and what is doubtful by name."""

import time

import numpy as np
import pandas as pd
import pytest

from kequn_lab.contract.cells import survey
from kequn_lab.contract.tables import Column, Contract, convert
from kequn_lab.contract.wide import doubtful_columns, infer_contract

N = 400
RNG = np.random.default_rng(5)


def read(**columns):
    """Kept columns with their values, notes by code, violations."""
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({"id": [f"C{i}" for i in range(n)], **columns})
    features = [Column(c, "feature", nullable=True, required=True) for c in columns]
    every = Contract("features", (Column("id", "id", required=True), *features), key=("id",))
    contract, seen = infer_contract(every, survey([frame], every))
    assert (
        seen
        == infer_contract(every, survey([frame[i : i + 97] for i in range(0, n, 97)], every))[1]
    )
    typed, violations = convert(frame, contract, seen.formats)
    kept = {c.name: typed[c.name] for c in contract.columns[1:]}
    return kept, {n.warning: n for n in seen.notes}, violations


def money(n=N):
    return [f"¥{x:,.2f}" for x in RNG.lognormal(10, 1, n)]


def test_numbers_and_yes_no_are_kept_and_the_rest_is_left_out_by_name():
    kept, notes, violations = read(
        aum=money(),
        helped=["是", "否"] * 200,
        rate=["12.5%", "7%"] * 200,
        city=["上海", "苏州"] * 200,
        age_band=["65+", "45-54"] * 200,
        opened=["2024-03-05", "2024/3/6"] * 200,
        day=[20240305, 20231231] * 200,
        branch=["0012", "0450"] * 200,
        nothing=[""] * N,
        grade=["1", "2", "3", "X"] * 100,
        when=pd.date_range("2024-01-01", periods=N),
    )
    assert list(kept) == ["aum", "helped", "rate"]
    assert kept["helped"].tolist()[:2] == [1, 0]
    assert kept["rate"].tolist()[:2] == [0.125, 0.07]
    assert violations.empty
    assert notes["left_out_text"].text_en == (
        "Left out, as text: city ('上海'), age_band ('65+'), grade ('1'); to use one that "
        "holds categories, name it (--categories, or a mapping file)"
    )
    assert "city ('上海')、age_band" in notes["left_out_text"].text_zh
    assert "opened" in notes["left_out_date"].text_en
    assert "day" in notes["left_out_date"].text_en
    assert "when" in notes["left_out_date"].text_en
    assert "branch" in notes["left_out_code"].text_en
    assert "nothing" in notes["left_out_empty"].text_en
    assert {n.level for c, n in notes.items() if c.startswith("left_out")} == {"warning"}
    assert notes["yes_no"].level == "note"


@pytest.mark.parametrize(
    ("dirty", "share"), [("x", 0.1), ("暂无", 0.7), ("about 5,000", 0.3), ("1,5,0", 0.02)]
)
def test_money_with_dirty_cells_is_an_error_about_these_cells_not_text(dirty, share):
    cells = money()
    n = int(share * N)
    cells[:n] = [dirty] * n
    kept, _, violations = read(aum=cells, age=["30"] * N)
    assert list(kept) == ["aum", "age"]
    assert len(violations) == n
    assert set(violations["found"]) == {dirty}


def test_few_counts_with_a_dirty_cell_are_an_error_too():
    kept, _, violations = read(visits=["1", "2", "0", "3"] * 99 + ["many"])
    assert list(kept) == ["visits"]
    assert violations["found"].tolist() == ["many"]


# Doubtful columns: name, values, the code that is said (None: nothing).
AMOUNT = RNG.lognormal(9, 1.2, N).round(2)
AGE = RNG.integers(18, 90, N).astype(float)


def some(values, where, n=12):
    out = np.array(values, dtype=float)
    out[:n] = where
    return out


DOUBTS = [
    ("age", some(AGE, 999), "sentinel"),
    ("age", some(AGE, -1), "sentinel"),
    ("amount", some(AMOUNT, -999), "sentinel"),
    ("amount", some(AGE * 100, 99999999), "sentinel"),
    ("amount", np.where(RNG.random(N) < 0.8, 0, AMOUNT), None),
    ("age", some(AGE, 999, n=1), None),
    ("change", RNG.integers(-1, 2, N), None),
    ("change", RNG.integers(-5, 6, N), None),
    ("score", some(RNG.integers(800, 1000, N), 999), None),
    ("amount", some(AMOUNT, np.nan, n=260), "mostly_missing"),
    ("amount", some(AMOUNT, np.nan, n=150), None),
    ("row", np.arange(1, N + 1), "id_as_number"),
    ("phone", RNG.integers(13_000_000_000, 18_999_999_999, N), "id_as_number"),
    ("客户编号", RNG.integers(1000, 90_000, N), "id_as_number"),
    ("aum_cny", RNG.integers(1_000, 2_000_000, N), None),
    ("aum_cny", RNG.lognormal(11, 1, N).round(), None),
    ("branch", RNG.choice([101, 102, 201, 305], N), "code_as_number"),
    ("分行", RNG.choice([101, 102, 103], N), "code_as_number"),
    ("邮编", RNG.choice([200000, 210000, 310000], N), "code_as_number"),
    ("limit_cny", RNG.choice([1000, 2000, 5000], N), None),
    ("year", RNG.choice([2019, 2020, 2021, 2022], N), None),
    ("height_cm", RNG.integers(150, 190, N), None),
    ("tier", RNG.choice([1, 2, 3, 5], N), None),
    ("visits", RNG.poisson(3, N), None),
    ("share", RNG.random(N), None),
    ("helped", RNG.choice([0, 1], N), None),
    ("days", RNG.integers(0, 366, N), None),
]


@pytest.mark.parametrize(("name", "values", "code"), DOUBTS)
def test_doubtful_columns_are_named_and_others_are_not(name, values, code):
    notes = doubtful_columns(pd.DataFrame({name: values, "other": RNG.normal(size=N)}))
    assert [n.warning for n in notes] == ([code] if code else [])
    assert all(n.variable == name and n.level == "warning" for n in notes)
    assert all(n.text_zh.startswith(name) and n.text_en.startswith(name) for n in notes)


def test_near_copies_are_named_with_what_they_copy():
    rich = np.where(np.arange(N) == 7, 1e12, 0)
    frame = pd.DataFrame(
        {
            "aum": AMOUNT, "aum_fen": AMOUNT * 100, "less": -AMOUNT + RNG.normal(0, 0.1, N),
            "a_rich_one": AMOUNT + rich, "another": AGE + rich,
            "near": AMOUNT * RNG.normal(1, 0.1, N),
        }
    )  # fmt: skip
    found = {n.variable: n.text_en for n in doubtful_columns(frame)}
    assert set(found) == {"aum_fen", "less"}
    assert "nearly the same as aum" in found["aum_fen"]


def test_a_synthetic_bank_has_no_doubtful_columns():
    from kequn_lab.features.customers import customer_features
    from kequn_lab.synth import make_bank

    bank = make_bank(300, random_state=1)
    table = customer_features(
        bank.events, holdings=bank.holdings, customers=bank.customers, as_of="2024-12-31"
    )
    # Loan columns are missing for whoever has no loan.
    assert {n.warning for n in doubtful_columns(table)} <= {"mostly_missing"}


def test_two_thousand_columns_take_seconds():
    frame = pd.DataFrame(RNG.normal(size=(3000, 1000)))
    start = time.perf_counter()
    assert not doubtful_columns(frame.set_axis([f"c{i}" for i in frame], axis=1))
    assert time.perf_counter() - start < 15
