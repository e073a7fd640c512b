"""Leaving out one variable: a column that alone decides is found, noise moves nobody."""

import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.validation.influence import column_influence


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 3
    return pd.DataFrame({
        "customer_id": [f"{i:04d}" for i in range(n)],
        "visits": 10.0 * (kind == 1) + rng.random(n),
        "age": 20.0 * (kind == 2) + rng.random(n),
        "noise": rng.random(n),
        "job": np.array(["clerk", "farmer", "clerk"])[kind],
    })  # fmt: skip


def test_what_decides_comes_first_and_a_category_leaves_as_one():
    result = kq.segment(table(), k=3, categories=["job"], stability=0, quiet=True)
    found = result.column_influence().set_index("variable")
    assert set(found.index) == {"visits", "age", "noise", "job"}
    assert found.index[0] == "age" and found.loc["age", "lost"] > 0
    assert (found.loc[["noise", "job"], "moved"] == 0).all()  # visits say what job says
    assert 0 < found.loc["visits", "moved"] < found.loc["age", "moved"]  # job counts for less
    assert (found.loc[["noise", "job"], "ari"] == 1).all()


def test_numbers_by_hand():
    model = pd.DataFrame({"a": [0.0, 0, 9, 9], "b": [0.0, 1, 0, 1]})
    found = column_influence(model, [0, 0, 1, 1]).set_index("variable")
    assert found.loc["b", ["moved", "ari", "lost"]].tolist() == [0, 1.0, 0]
    # without a, b alone splits 2 and 2 across both segments: 1 of 3 in common each way
    assert found.loc["a", ["moved", "moved_share", "lost"]].tolist() == [2, 0.5, 2]


def test_what_cannot_be_asked_is_said(tmp_path):
    with pytest.raises(ValueError, match="a is the only variable"):
        column_influence(pd.DataFrame({"a": [0.0, 1]}), [0, 1])
    with pytest.raises(ValueError, match="labels are of 1 customers"):
        column_influence(pd.DataFrame({"a": [0.0, 1], "b": 0.0}), [0])
    kq.segment(table(), k=3, stability=0, quiet=True).save(tmp_path / "o", quiet=True)
    with pytest.raises(ValueError, match="holds no customer table"):
        kq.read_result(tmp_path / "o").column_influence()


def test_a_column_that_alone_decides_a_copy_and_a_block_are_named():
    rng = np.random.default_rng(1)
    code = 30.0 * (np.arange(240) % 3)
    model = pd.DataFrame({
        "code": code + rng.random(240), "a": rng.normal(size=240), "b": rng.normal(size=240),
    })  # fmt: skip
    model["copy"] = -2 * model["code"]
    labels = np.array(["x", "y", "z"])[np.arange(240) % 3]
    blocks = {"a": "noise", "b": "noise", "code": "codes", "copy": "codes"}
    found = column_influence(model, labels, blocks=blocks).set_index("variable")
    assert found.index[0] == "codes:*" and found.loc["codes:*", "kind"] == "block"
    assert found.loc["codes:*", "lost_segments"] == "x, y, z"
    assert found.loc[["code", "copy"], "moved"].tolist() == [0, 0]  # the other one says the same
    assert found.loc[["code", "copy"], "same_as"].tolist() == ["copy", "code"]
    assert found["decides"].to_dict() == {
        "codes:*": True, "code": True, "copy": True, "a": False, "b": False, "noise:*": False,
    }  # fmt: skip


@pytest.mark.parametrize(("language", "said"), [("en", "decides alone"), ("zh", "单独决定")])
def test_the_picture_ranks_and_says_what_decides_alone(language, said):
    data = table().assign(copy=lambda t: 50 * t["age"]).drop(columns=["visits", "job"])
    result = kq.segment(data, k=2, stability=0, quiet=True)
    ax = result.plot("influence", language=language)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == sorted(widths, reverse=True) and len(widths) == 3
    assert sum(said in t.get_text() for t in ax.texts) == 2  # age and its copy
