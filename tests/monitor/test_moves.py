"""Two versions of the labels: who moved, why, and ids that stay text."""

import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export import write_labels
from kequn_lab.monitor.moves import count_moves, label_moves, read_version

pytestmark = pytest.mark.usefixtures("few_pictures")


def labels(segments: str, first: int = 100000000000000018) -> pd.DataFrame:
    ids = [str(first + i) for i in range(len(segments))]
    return pd.DataFrame({"customer_id": ids, "segment_id": list(segments)})


def test_moves_by_hand_with_their_reason():
    before, after = labels("aabbc"), labels("abbb.")
    after = pd.concat([after.iloc[:4], pd.DataFrame({"customer_id": ["9"], "segment_id": ["c"]})])
    for same, why in ((True, "behaviour"), (None, "unknown")):
        found = label_moves(before, after, same_model=same)
        ids = before["customer_id"]
        assert found.to_numpy().tolist() == [
            [ids[1], "a", "b", why], [ids[4], "c", "(left)", "left"], ["9", "(new)", "c", "new"],
        ]  # fmt: skip
    assert count_moves(found)["customers"].tolist() == [1, 1, 1]


def test_two_models_are_compared_by_customers_or_by_permanent_ids():
    before, after = labels("aaaabbbb"), labels("xxxxyyyx")
    found = label_moves(before, after, same_model=False)
    row = found.iloc[0].tolist()
    assert row[1:] == ["b", "a", "model or behaviour"] and len(found) == 1
    ids = {"a": "S0001", "b": "S0002", "x": "S0001", "y": "S0002"}
    old, new = (t.assign(permanent_id=t["segment_id"].map(ids)) for t in (before, after))
    found = label_moves(old, new, same_model=False)
    assert found.iloc[0, 1:3].tolist() == ["S0002", "S0001"] and len(found) == 1


@pytest.mark.parametrize("bad", ["1.0", "1e+17", "1.00000000000000018E17", "nan"])
def test_ids_that_were_numbers_once_are_refused(tmp_path, bad):
    path = tmp_path / "labels.csv"
    path.write_text(f"customer_id,segment_id\n007,a\n{bad},b\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"labels.csv, line 3: customer_id .* as text"):
        read_version(path)
    with pytest.raises(ValueError, match="before, line 2: customer_id '1.0' was a number"):
        label_moves(pd.DataFrame({"customer_id": [1.0], "segment_id": ["a"]}), labels("a"))


def test_long_ids_keep_every_digit(tmp_path):
    for name, segments in (("old", "ab"), ("new", "bb")):
        (tmp_path / f"{name}.csv").write_text(
            labels(segments).to_csv(index=False), encoding="utf-8"
        )
    old, new = (read_version(tmp_path / f"{n}.csv") for n in ("old", "new"))
    assert label_moves(old, new)["customer_id"].tolist() == ["100000000000000018"]
    (tmp_path / "none.csv").write_text("customer_id,who\n1,a\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no column segment_id; it has customer_id, who"):
        read_version(tmp_path / "none.csv")
    (tmp_path / "twice.csv").write_text("customer_id,segment_id\n1,a\n1,b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="customer '1' comes twice"):
        read_version(tmp_path / "twice.csv")


def test_the_command_says_counts_and_writes_who_moved(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, segments, model in (
        ("old", "aab", "m1"),
        ("new", "abb", "m1"),
        ("third", "abb", "m2"),
    ):
        write_labels(labels(segments), tmp_path / f"{name}.csv", meta={"model_id": model})
    assert main(["compare", "old.csv", "new.csv", "--out", "moved.csv"]) == 0
    said = capsys.readouterr().out
    assert "One model made both" in said and "behaviour" in said and "1 customers who moved" in said
    moved = pd.read_csv("moved.csv", dtype=str)
    assert moved.to_numpy().tolist() == [["100000000000000019", "a", "b", "behaviour"]]
    assert pd.read_csv("moved_pairs.csv")["customers"].tolist() == [1]
    assert main(["compare", "old.csv", "third.csv", "--language", "zh"]) == 0
    assert "不同的模型" in capsys.readouterr().out


def test_results_are_compared_and_features_are_written(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"age": [20.0, 21, 22, 60, 61, 62], "visits": [1, 2, 1, 9, 8, 9.0]})
    table.index = pd.Index([f"00{i}" for i in range(6)], name="customer_id")
    table.to_csv("t.csv")
    run = ["run", "t.csv", "--id", "customer_id", "--k", "2", "--stability", "0", "--quiet"]
    assert main([*run, "--write-features", "--out", "may"]) == 0
    features = pd.read_parquet("may/features.parquet")
    assert (
        features["customer_id"].tolist()
        == pd.read_csv("may/labels.csv", dtype=str)["customer_id"].tolist()
    )
    pd.testing.assert_frame_equal(features.set_index("customer_id").astype(float), table,
                                  check_names=False, check_index_type=False)  # fmt: skip
    described = pd.read_csv("may/columns.csv").fillna("")
    own = described[described["table"] == "features"]
    assert own["column"].tolist() == ["customer_id", "age", "visits"]
    assert (own[["meaning_zh", "meaning_en"]] != "").all(axis=None)
    with pytest.raises(ValueError, match="holds no customer table to write"):
        kq.read_result("may").save("june", features=True)
    assert main([*run, "--out", "june"]) == 0
    assert main(["compare", "may", "june", "--out", "moved.csv"]) == 0
    assert pd.read_csv("moved.csv").empty
