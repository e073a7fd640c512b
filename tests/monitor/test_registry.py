"""The registry of segments: ids that last, events that are counted, files that are not lost."""

import re
import time
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export.scorecard import Scorecard
from kequn_lab.monitor import Registry, read_registry
from kequn_lab.monitor.matching import match_centres, match_labels, match_segments
from kequn_lab.monitor.registry import open_registry

pytestmark = pytest.mark.usefixtures("few_pictures")

DAY = "2024-01-01"
PLACES = {"a": (0, 0), "b": (30, 0), "c": (0, 30), "d": (30, 30), "e": (60, 60)}


def table(sizes: dict[str, int], *, seed=0, prefix="") -> pd.DataFrame:
    """Customers around places; the letter of the place begins the customer's id."""
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            rng.normal(PLACES[p], 1, (n, 2)), [f"{prefix}{p}{i:03d}" for i in range(n)], ["x", "y"]
        )
        for p, n in sizes.items()
    ]
    return pd.concat(parts).rename_axis("customer_id")


def run(features, folder, k, month, **options):
    return kq.segment(
        features, k=k, registry=folder, as_of=f"2024-{month:02d}-28", stability=0, quiet=True,
        start="search", **options,
    )  # fmt: skip


def entered(folder, places="ab", n=80):
    """A registry with one run, without a fit."""
    labels = pd.DataFrame({
        "customer_id": [f"{p}{i:03d}" for p in places for i in range(n)],
        "cluster": np.repeat(range(len(places)), n),
        "segment_id": np.repeat(list(places), n),
    })  # fmt: skip
    labels = labels.assign(name_zh=labels["segment_id"] + "群", name_en=labels["segment_id"])
    with open_registry(folder) as opened:
        opened.registry = opened.registry.with_run(labels, run_id="r1", date="2024-05-28")


def owners(result) -> dict[str, str]:
    """The permanent id that the customers of each place have."""
    place = result.labels["customer_id"].str.extract("([a-e])")[0]
    ids = result.labels.groupby(place)["permanent_id"].unique()
    assert (ids.map(len) == 1).all()
    return {p: i[0] for p, i in ids.items()}


def events(folder, run_id) -> dict:
    found = read_registry(folder).events
    found = found[found["run_id"] == run_id]
    return {(e.kind, e.before, e.after): e for e in found.itertuples()}


def test_new_carried_gone_split_and_merged_are_events_with_their_customers(tmp_path):
    folder = tmp_path / "registry"
    may = run(table({"a": 90, "b": 70, "c": 60}), folder, 3, 5)
    a, b, c = (owners(may)[p] for p in "abc")
    assert {a, b, c} == {"S0001", "S0002", "S0003"}
    first = events(folder, may.record["run_id"])
    assert sorted(e.customers for e in first.values()) == [60, 70, 90]
    assert {(e.kind, e.rule) for e in first.values()} == {("new", "first run")}

    june = run(table({"a": 85, "b": 70, "d": 65}, seed=1), folder, 3, 6)  # c left, d came
    assert owners(june) == {"a": a, "b": b, "d": "S0004"}
    found = events(folder, june.record["run_id"])
    assert set(found) == {("carried", a, a), ("carried", b, b), ("gone", c, ""),
                          ("new", "", "S0004")}  # fmt: skip
    assert found["gone", c, ""].customers == 60 and found["gone", c, ""].common == 0
    assert found["new", "", "S0004"].customers == 65
    kept = found["carried", a, a]
    assert (kept.common, kept.jaccard, kept.rule) == (85, 1, "customers")
    assert kept.jaccard_low < 1 == kept.jaccard_high

    july = run(table({"a": 85, "b": 70, "d": 65}, seed=1), folder, 2, 7)
    found = events(folder, july.record["run_id"])
    assert {kind for kind, *_ in found} == {"carried", "merged"}
    ((_, lost, into),) = (key for key in found if key[0] == "merged")
    ids = july.labels.set_index("customer_id")["permanent_id"]
    assert set(ids) == {i for k, _, i in found if k == "carried"} and lost not in set(ids)
    merged = found["merged", lost, into]
    assert merged.customers == merged.common == (june.labels["permanent_id"] == lost).sum()

    august = run(table({"a": 85, "b": 70, "d": 65}, seed=1), folder, 3, 8)
    found = events(folder, august.record["run_id"])
    assert ("split", into, "S0005") in found  # the ended id does not come back
    segments = read_registry(folder).segments.set_index("permanent_id")
    assert segments.loc[c, "ended"] == "2024-06-28" and segments.loc[lost, "ended"] == "2024-07-28"
    assert segments.loc["S0005", ["born", "ended"]].tolist() == ["2024-08-28", ""]


def test_ids_stay_with_their_customers_when_numbers_of_clusters_change(tmp_path):
    may = run(table({"a": 90, "b": 70, "c": 60}), tmp_path, 3, 5)
    june = run(table({"a": 50, "b": 70, "c": 60}), tmp_path, 3, 6)
    assert owners(may) == owners(june)
    assert may.labels["cluster"].iloc[0] != june.labels["cluster"].iloc[0]
    for name in ("labels", "names", "sizes", "cards"):
        assert "permanent_id" in getattr(june, name)
    assert set(june.labels["run_id"]) == {june.record["run_id"]}
    assert "S0001" in june.summary("en") and "S0001" in june.summary("zh")


def test_few_customers_in_common_are_matched_by_centres_and_the_rule_says_so(tmp_path):
    may = run(table({"a": 90, "b": 70, "c": 60}), tmp_path, 3, 5)
    others = table({"b": 90, "c": 65, "e": 60, "a": 55}, seed=2, prefix="n")
    june = run(others, tmp_path, 4, 6)
    assert owners(june) == {**owners(may), "e": "S0004"}
    found = events(tmp_path, june.record["run_id"])
    assert {e.rule for e in found.values()} == {"centres"}
    assert np.isnan(found["carried", "S0001", "S0001"].jaccard)
    assert found["new", "", "S0004"].customers == 60


def test_centres_are_compared_in_the_units_of_the_earlier_model():
    from kequn_lab.segments.pipeline import fit_segments

    one = table({"a": 90, "b": 70, "c": 60})
    two = table({"c": 80, "b": 70, "a": 60, "d": 50}, seed=3)
    cards = [
        Scorecard.from_pipeline(fit_segments(t, n_clusters=k, random_state=1), t, as_of=DAY)
        for t, k in ((one, 3), (two, 4))
    ]  # fmt: skip
    assert abs(cards[0].features[0].scale - cards[1].features[0].scale) > 0.1
    found = match_centres(*cards).set_index("event")
    # Clusters are numbered by size: a b c there, c b a d here.
    kept = found.loc["kept"]
    assert dict(zip(kept["before"], kept["after"])) == {"cluster_0": 2, "cluster_1": 1,
                                                        "cluster_2": 0}  # fmt: skip
    assert found.loc["born", "after"] == 3 and (kept["distance"] < 0.1).all()
    renamed = two.rename(columns={"x": "u", "y": "v"})
    pipeline = fit_segments(renamed, n_clusters=3, random_state=0)
    other = Scorecard.from_pipeline(pipeline, renamed, as_of=DAY)
    with pytest.raises(ValueError, match="no feature in common"):
        match_centres(cards[0], other)


def test_interval_of_the_overlap_is_wilsons_by_hand():
    before = pd.Series(["x"] * 50 + ["y"] * 50, [f"c{i}" for i in range(100)])
    after = before.replace({"x": "0", "y": "1"})
    after.iloc[:10] = "1"
    row = match_labels(before, after).set_index("before").loc["x"]
    z, n, p = 1.959964, 50, 40 / 50
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert row["jaccard"] == pytest.approx(p)
    assert row["jaccard_low"] == pytest.approx((middle - half) / (1 + z**2 / n), abs=1e-6)
    assert row["jaccard_high"] == pytest.approx((middle + half) / (1 + z**2 / n), abs=1e-6)
    assert (match_segments(before, after)["rule"] == "customers").all()


def test_a_run_that_is_in_the_registry_changes_nothing(tmp_path):
    features = table({"a": 90, "b": 70})
    once = run(features, tmp_path, 2, 5)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("*.csv")}
    again = run(features, tmp_path, 2, 5)
    assert before == {p.name: p.read_bytes() for p in tmp_path.glob("*.csv")}
    assert again.labels["permanent_id"].equals(once.labels["permanent_id"])
    with pytest.raises(ValueError, match="months are run in their order"):
        run(features, tmp_path, 2, 4)
    with pytest.raises(ValueError, match="give one"):
        run(features, tmp_path, 2, 6, previous=tmp_path)


def test_names_by_a_person_are_kept_and_recorded(tmp_path, capsys):
    features = table({"a": 90, "b": 70, "c": 60})
    run(features, tmp_path / "r", 3, 5)
    command = ["registry", "rename", str(tmp_path / "r"), "S0002=常客/Regulars"]
    with pytest.raises(SystemExit):
        main(command)
    assert "--reason" in capsys.readouterr().err
    assert main([*command, "--reason", "new brand", "--date", "2024-06-01"]) == 0
    assert "S0002 is called Regulars" in capsys.readouterr().out
    june = run(features.iloc[5:], tmp_path / "r", 3, 6)
    name = june.names.set_index("permanent_id").loc["S0002"]
    assert (name["name_zh"], name["name_en"]) == ("常客", "Regulars")
    july = run(features.iloc[6:], tmp_path / "r", 3, 7, names={0: ("大户", "Big")})
    found = read_registry(tmp_path / "r").events.query("kind == 'renamed'")
    assert found["rule"].tolist() == ["person", "person"]
    assert found["reason"].iloc[0].startswith("new brand: ")
    assert found["reason"].iloc[1].endswith("-> 大户/Big")
    assert july.names["permanent_id"].is_unique
    assert main(["registry", "show", str(tmp_path / "r"), "--history", "--language", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "常客" in shown and "改名" in shown and "new brand" in shown


def test_a_retired_id_does_not_come_back_and_a_merged_one_lives_on(tmp_path, capsys):
    features, folder = table({"a": 90, "b": 70, "c": 60}), str(tmp_path)
    may = run(features, folder, 3, 5)
    a, b, c = (owners(may)[p] for p in "abc")
    assert (
        main(["registry", "retire", folder, c, "--reason", "closed", "--date", "2024-06-01"]) == 0
    )
    assert main(["registry", "retire", folder, c, "--reason", "closed"]) == 1
    assert f"{c} has ended" in capsys.readouterr().err
    retire = ["registry", "retire", folder, c, "--reason", "关闭", "--language", "zh"]
    assert main(retire) == 1
    assert f"客群 {c} 已终止" in capsys.readouterr().err
    june = run(features.iloc[1:], folder, 3, 6)
    assert owners(june) == {"a": a, "b": b, "c": "S0004"}
    merge = ["registry", "merge", folder, b, a, "--reason", "same offers", "--date", "2024-07-01"]
    assert main(merge) == 0
    found = read_registry(folder)
    last = found.events.iloc[-1]
    assert (last["kind"], last["before"], last["after"], last["customers"]) == ("merged", b, a, 70)
    assert (found.members["permanent_id"] == a).sum() == 89 + 70
    july = run(features.iloc[2:].loc[lambda t: t["x"] > -100], folder, 3, 7)
    kinds = events(folder, july.record["run_id"])
    assert ("carried", a, a) in kinds and ("split", a, "S0005") in kinds


@pytest.mark.parametrize(
    ("file", "column", "wrong", "says"),
    [
        ("segments.csv", "born", "2024-13-01", "'2024-13-01', expected YYYY-MM-DD"),
        ("segments.csv", "permanent_id", "S1", "'S1', expected a permanent id"),
        ("runs.csv", "customers", "many", "'many', expected a whole number"),
        ("events.csv", "kind", "lost", "'lost', expected one of carried, new"),
        ("members.csv", "permanent_id", "S0009", "'S0009', expected an id of segments.csv"),
    ],
)
def test_a_damaged_registry_says_file_line_and_column(tmp_path, file, column, wrong, says):
    entered(tmp_path)
    path = tmp_path / file
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.loc[1, column] = wrong
    rows.to_csv(path, index=False, encoding="utf-8-sig")
    told = f"{file}, line 3, column {column}: found {says}"
    with pytest.raises(ValueError, match=re.escape(told)):
        read_registry(tmp_path)
    with pytest.raises(ValueError, match=re.escape(told)), open_registry(tmp_path):
        pass


def test_a_registry_that_was_edited_or_torn_is_refused(tmp_path):
    entered(tmp_path)
    path = tmp_path / "members.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(ValueError, match=r"members\.csv"):
        read_registry(tmp_path)
    path.write_bytes(whole.replace(b"a001", b"a999"))
    with pytest.raises(ValueError, match="members.csv differ from the record"):
        read_registry(tmp_path)
    path.write_bytes(whole)
    assert len(read_registry(tmp_path).members) == 160
    with pytest.raises(FileNotFoundError, match="holds no registry"):
        read_registry(tmp_path / "none")


def _retire(folder, segment, gate):
    gate.wait()
    for _ in range(400):
        try:
            with open_registry(folder) as opened:
                opened.registry = opened.registry.retired(segment, date="2024-06-01", reason="x")
            return
        except BlockingIOError:
            time.sleep(0.05)
    raise AssertionError("the registry was never free")


def test_two_processes_lose_no_event(tmp_path):
    entered(tmp_path, "abc")
    busy = pytest.raises(BlockingIOError, match="another kequn writes")
    with open_registry(tmp_path), busy, open_registry(tmp_path):
        pass
    context = get_context("spawn")
    gate = context.Barrier(2)
    both = [context.Process(target=_retire, args=(tmp_path, s, gate)) for s in ("S0001", "S0003")]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    found = read_registry(tmp_path)
    assert set(found.events.query("kind == 'retired'")["before"]) == {"S0001", "S0003"}
    assert found.living["permanent_id"].tolist() == ["S0002"]


def test_nothing_is_entered_where_the_run_fails(tmp_path):
    with pytest.raises(ValueError):
        run(table({"a": 3}), tmp_path / "r", 8, 5)
    assert not (tmp_path / "r").exists()


def test_the_command_writes_ids_into_every_file(tmp_path, capsys):
    table({"a": 90, "b": 70}).to_csv(tmp_path / "t.csv")
    command = ["run", str(tmp_path / "t.csv"), "--id", "customer_id", "--k", "2",
               "--stability", "0",
               "--quiet", "--registry", str(tmp_path / "r"), "--as-of", "2024-05-31"]  # fmt: skip
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert "new 2" in capsys.readouterr().out
    labels = pd.read_csv(tmp_path / "out/labels.csv", dtype=str)
    assert labels["permanent_id"].isin(["S0001", "S0002"]).all()
    assert labels["run_id"].str.startswith("20240531-").all()
    assert "S0002" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    described = pd.read_csv(tmp_path / "out/columns.csv").fillna("")
    assert (described["meaning_zh"] != "").all() and (described["meaning_en"] != "").all()
    back = kq.read_result(tmp_path / "out")
    assert back.record["run_id"] == labels["run_id"].iloc[0]
    assert len(back.registry_events) == 2


def test_one_permanent_id_in_every_file_and_copy(tmp_path):
    """Labels, scorecard, golden rows, workbook, SQL and the labels of a score say the same."""
    table({"a": 90, "b": 70}).to_csv(tmp_path / "t.csv")
    entered(tmp_path / "r", "cab")  # so that ids are not the numbers of clusters
    out = tmp_path / "out"
    assert main(["run", str(tmp_path / "t.csv"), "--id", "customer_id", "--k", "2", "--quiet",
                 "--stability", "0", "--registry", str(tmp_path / "r"), "--as-of", "2024-05-31",
                 "--out", str(out)]) == 0  # fmt: skip
    labels = pd.read_csv(out / "labels.csv", dtype=str)
    own = labels.drop_duplicates("cluster").set_index("cluster")["permanent_id"]
    assert set(own) == {"S0002", "S0003"}
    assert set(labels["run_id"]) == {labels["run_id"].iloc[0]}
    result = kq.read_result(out)
    assert {str(s.cluster): s.permanent_id for s in result.card.segments} == own.to_dict()
    assert result.card.run_id == result.record["run_id"] == labels["run_id"].iloc[0]
    assert result.card == read_registry(tmp_path / "r").card
    golden = pd.read_csv(out / "golden_rows.csv", dtype=str)
    expected = golden["expected_cluster"].map(own)
    assert golden["expected_permanent_id"].equals(expected) and expected.notna().any()
    features = pd.read_csv(tmp_path / "t.csv", dtype={"customer_id": str})
    with duckdb.connect() as con:
        con.register("customers", features)
        found = con.sql(result.card.to_sql("duckdb", table="customers")).df().astype(str)
    assert found["permanent_id"].equals(found["cluster"].map(own))
    segments = pd.read_excel(out / "labels.xlsx", "segments", dtype=str, engine="calamine")
    assert set(segments["permanent_id"]) == set(own)
    assert main(["score", str(tmp_path / "t.csv"), "--scorecard", str(out / "scorecard.json"),
                 "--id", "customer_id", "--out", str(tmp_path / "june")]) == 0  # fmt: skip
    scored = pd.read_csv(tmp_path / "june/labels.csv", dtype=str)
    assert list(scored) == list(labels)
    assert scored["permanent_id"].equals(labels["permanent_id"])
    assert scored["run_id"].equals(labels["run_id"])
    renamed = result.rename({0: ("常客", "Regulars")})
    assert {s.permanent_id for s in renamed.card.segments} == set(own)


def test_odd_words_to_the_registry_are_answered_in_both_languages(tmp_path, capsys):
    entered(tmp_path, "abc")
    before = (tmp_path / "events.csv").read_bytes()
    why = ["--reason", "x", "--date", "2024-06-01"]
    for words, told, said in (
        (["rename", "S0001="], "write 5=高净值客户", "'S0001='"),
        (["rename", "S0001"], "write 5=高净值客户", "'S0001'"),
        (["rename", "S0001=/"], "write a name, or both", "'/'"),
        (["rename", "S0001=富/"], "write a name, or both", "'富/'"),
        (["rename", "2=x"], "segment 2 is unknown", "没有客群 2"),
        (["rename", "S0001=b"], "b is the name of S0002", "b 是 S0002 的名称"),
        (["rename", "S0001=a\tb"], "is no name", "不能作名称"),
        (["merge", "S0001", "S0001"], "merged with itself", "不能与自己合并"),
    ):
        action, *rest = words
        for language, expected in (("en", told), ("zh", said)):
            command = ["registry", action, str(tmp_path), *rest, *why, "--language", language]
            try:
                assert main(command) == 1
            except SystemExit as stopped:
                assert stopped.code == 2
            error = capsys.readouterr().err
            assert expected in error and "fault of kequn" not in error
    assert (tmp_path / "events.csv").read_bytes() == before
    assert main(["registry", "retire", str(tmp_path), "S0001", *why, "--date", "2099-01-01"]) == 1
    assert "lies in the future" in capsys.readouterr().err
    assert main(["registry", "rename", str(tmp_path), "S0001=甲/A one", *why]) == 0
    capsys.readouterr()
    assert main(["registry", "show", str(tmp_path), "--history", "--language", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "首次运行" in shown and "人工" in shown
    assert "run" not in shown and "person" not in shown


def test_a_registry_is_a_fact_that_stays_as_it_is():
    empty = Registry.empty()
    labels = pd.DataFrame({"customer_id": ["1"], "cluster": 0, "segment_id": "a", "name_zh": "甲",
                           "name_en": "A"})  # fmt: skip
    one = empty.with_run(labels, run_id="r", date="2024-01-01")
    assert empty.runs.empty and empty.last == "" and one.last == "2024-01-01"
    with pytest.raises(ValueError, match="S0002 is unknown; those that live: S0001"):
        one.retired("S0002", date="2024-01-02", reason="x")
    with pytest.raises(ValueError, match="lies before the last run"):
        one.retired("S0001", date="2023-01-02", reason="x")
    with pytest.raises(ValueError, match="needs a reason"):
        one.retired("S0001", date="2024-01-02", reason=" ")
    with pytest.raises(ValueError, match="with itself"):
        one.merged("S0001", "S0001", date="2024-01-02", reason="x")


def test_a_synthetic_bank_without_drift_keeps_its_ids_and_what_is_planted_is_called_so():
    """One small bank of ``benchmarks/registry.py``, which counts twenty."""
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "registry.py"
    spec = spec_from_file_location("registry_benchmark", file)
    benchmark = module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    found = benchmark.main(banks=1, customers=800, months=3, seed=1)
    assert found["case"].tolist() == list(benchmark.CASES)
    assert found["found"].all()
    assert found.set_index("case").loc["still", "others"] == 0
